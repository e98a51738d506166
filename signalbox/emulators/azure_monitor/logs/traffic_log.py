"""The rows of AmlOnlineEndpointTrafficLog, one for each request.

Columns: https://learn.microsoft.com/azure/azure-monitor/reference/tables/amlonlineendpointtrafficlog. Durations that
nobody measures here are 0, and who called is not known.
"""

from http import HTTPStatus
from typing import Any

from signalbox.emulators.azure_ml.online.traffic import ScoredRequest

TABLE = "AmlOnlineEndpointTrafficLog"
COLUMNS = {
    "TimeGenerated": "datetime",
    "OperationName": "string",
    "EndpointName": "string",
    "DeploymentName": "string",
    "Method": "string",
    "Path": "string",
    "Protocol": "string",
    "ResponseCode": "int",
    "ResponseCodeReason": "string",
    "ModelStatusCode": "int",
    "ModelStatusReason": "string",
    "RequestPayloadSize": "int",
    "ResponsePayloadSize": "int",
    "UserAgent": "string",
    "XRequestId": "string",
    "XMSClientRequestId": "string",
    "TotalDurationMs": "int",
    "RequestDurationMs": "int",
    "ResponseDurationMs": "int",
    "RequestThrottlingDelayMs": "int",
    "ResponseThrottlingDelayMs": "int",
    "AuthType": "string",
    "IdentityData": "string",
    "AzureMLWorkspaceId": "string",
    "AzureMLWorkspaceName": "string",
    "SubscriptionId": "string",
    "Location": "string",
    "_ResourceId": "string",
    "_SubscriptionId": "string",
}


def row_of(request: ScoredRequest) -> dict[str, Any]:
    """*TimeGenerated* is in epoch seconds."""
    _, _, subscription, *_ = request.workspace.split("/")
    values = {
        "TimeGenerated": request.at,
        "OperationName": "Microsoft.MachineLearningServices/workspaces/onlineEndpoints/score/action",
        "EndpointName": request.endpoint,
        "DeploymentName": request.deployment,
        "Method": request.method,
        "Path": request.path,
        "Protocol": "HTTP/1.1",
        "ResponseCode": request.status,
        "ResponseCodeReason": _reason(request.status),
        "ModelStatusCode": request.model_status,
        "ModelStatusReason": _reason(request.model_status),
        "RequestPayloadSize": request.request_bytes,
        "ResponsePayloadSize": request.response_bytes,
        "UserAgent": request.user_agent,
        "XRequestId": request.request_id,
        "XMSClientRequestId": request.client_request_id,
        "TotalDurationMs": round(request.duration_ms),
        "AuthType": "AADToken",
        "AzureMLWorkspaceId": request.workspace,
        "AzureMLWorkspaceName": request.workspace.rpartition("/")[2],
        "SubscriptionId": subscription,
        "_SubscriptionId": subscription,
        "Location": "westeurope",
        "_ResourceId": f"{request.workspace}/onlineEndpoints/{request.endpoint}".lower(),
    }
    blank = {name: 0 if kind == "int" else "" for name, kind in COLUMNS.items()}
    return blank | values


def _reason(status: int | None) -> str:
    try:
        return "" if status is None else HTTPStatus(status).phrase
    except ValueError:
        return ""
