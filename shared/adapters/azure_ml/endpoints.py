"""Online and batch endpoints and their deployments. What takes long is begun here and looked at later.

Contracts: OnlineEndpoints, OnlineDeployments, BatchEndpoints and BatchDeployments of
https://learn.microsoft.com/rest/api/azureml.
"""

import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from azure.core import PipelineClient
from azure.core.credentials import TokenCredential
from azure.core.pipeline.policies import RetryPolicy, UserAgentPolicy
from azure.core.rest import HttpRequest, HttpResponse

from shared.adapters.azure_faults import translated
from shared.adapters.azure_ml.arm import Arm, Pipeline, is_settled, pipeline, place_path
from shared.adapters.azure_ml.invocations import allowed_uri
from shared.domain.failures import Refused
from shared.domain.inference.routes import Workspace
from shared.ports import DeploymentSeen, EndpointKind, EndpointResponse, EndpointSeen, OnlineRequest, WantedDeployment

_LOCATION = "location"
_EARLY_S = 300.0
_TAGS = {"created_by": "signalbox"}  # Cost reports are grouped by tags.


class AzureMlEndpoints:
    """Implements `shared.ports.Endpoints`. *hosts* are the only ones a scoring token is ever sent to."""

    def __init__(self, arm: Arm, credential: TokenCredential, audience: str, hosts: tuple[str, ...]) -> None:
        self._arm, self._hosts = arm, hosts
        self._scoring = pipeline("https://ml.azure.com", credential, f"{audience}/.default")
        self._plain: Pipeline = PipelineClient(
            "https://ml.azure.com", policies=[UserAgentPolicy("signalbox"), RetryPolicy()]
        )
        self._addresses: dict[tuple[Workspace, str], tuple[str, str]] = {}
        self._tokens: dict[tuple[Workspace, str], tuple[str, float]] = {}

    def find(self, workspace: Workspace, kind: EndpointKind, endpoint: str) -> EndpointSeen | None:
        raw = self._get(workspace, kind, endpoint)
        if raw is None:
            return None
        properties = raw["properties"]
        traffic = {name: int(share) for name, share in (properties.get("traffic") or {}).items()}
        mirror = {name: int(share) for name, share in (properties.get("mirrorTraffic") or {}).items() if share}
        default = (properties.get("defaults") or {}).get("deploymentName") or ""
        return EndpointSeen(name=endpoint, traffic=traffic, default=default, settled=is_settled(raw), mirror=mirror)

    def ensure(self, workspace: Workspace, kind: EndpointKind, endpoint: str, kubernetes: str = "") -> bool:
        raw = self._get(workspace, kind, endpoint)
        if raw is None:
            # Kubernetes endpoints know keys and workspace tokens only.
            properties = {"authMode": "AMLToken" if kubernetes else "AADToken"}
            if kubernetes:
                properties["compute"] = f"{place_path(workspace)}/computes/{quote(kubernetes)}"
            tags = {**_TAGS, "signalbox.endpoint": endpoint}
            body: dict[str, Any] = {"properties": properties, "identity": {"type": "SystemAssigned"}, "tags": tags}
            self._put(workspace, kind, endpoint, body)
            raw = self._get(workspace, kind, endpoint)
        return raw is not None and raw["properties"].get("provisioningState") == "Succeeded"

    def remove(self, workspace: Workspace, kind: EndpointKind, endpoint: str) -> None:
        self._arm.delete(_path(workspace, kind, endpoint), f"delete endpoint {endpoint}")

    def deployment(
        self, workspace: Workspace, kind: EndpointKind, endpoint: str, deployment: str
    ) -> DeploymentSeen | None:
        raw = self._arm.get(_path(workspace, kind, endpoint, deployment), f"look at {endpoint}/{deployment}")
        if raw is None:
            return None
        properties = raw["properties"]
        model = properties.get("model") or ""
        model_id = model.get("assetId", "") if isinstance(model, dict) else model
        return DeploymentSeen(
            name=deployment,
            state=str(properties.get("provisioningState") or ""),
            model=model_id,
            compute=str(properties.get("compute") or ""),
            instances=_instances(raw),
        )

    def deploy(self, workspace: Workspace, deployment: WantedDeployment) -> None:
        body = _online(deployment) if deployment.kind is EndpointKind.ONLINE else _batch(deployment)
        own = {"signalbox.endpoint": deployment.endpoint, "signalbox.deployment": deployment.name}
        body["tags"] = {**_TAGS, **own, **deployment.tags}
        self._put(workspace, deployment.kind, deployment.endpoint, body, deployment.name)

    def undeploy(self, workspace: Workspace, kind: EndpointKind, endpoint: str, deployment: str) -> None:
        self._arm.delete(_path(workspace, kind, endpoint, deployment), f"delete {endpoint}/{deployment}")

    def route(
        self, workspace: Workspace, endpoint: str, traffic: Mapping[str, int], mirror: Mapping[str, int] | None = None
    ) -> bool:
        copies = {} if mirror is None else {"mirrorTraffic": dict(mirror)}
        return self._change(workspace, EndpointKind.ONLINE, endpoint, {"traffic": dict(traffic), **copies})

    def choose(self, workspace: Workspace, endpoint: str, deployment: str) -> bool:
        return self._change(
            workspace, EndpointKind.BATCH, endpoint, {"defaults": {"deploymentName": deployment or None}}
        )

    def invoke(self, request: OnlineRequest) -> EndpointResponse:
        action = f"ask {request.endpoint}/{request.deployment}"
        uri, mode = self._address(request.workspace, request.endpoint)
        headers = {"azureml-model-deployment": request.deployment, "Content-Type": "application/json"}
        client = self._scoring
        if mode == "AMLToken":
            client = self._plain
            headers["Authorization"] = f"Bearer {self._token(request.workspace, request.endpoint)}"
        http_request = HttpRequest("POST", uri, content=request.body, headers=headers)
        start = time.perf_counter()
        with translated(action):
            # Sent once: what is measured is this one request. A retry of the SDK would hide a failure and add to the
            # time.
            answer: HttpResponse = client.send_request(http_request, retry_total=0)
        return EndpointResponse(
            status=answer.status_code, body=answer.content, took_ms=(time.perf_counter() - start) * 1000
        )

    def _address(self, workspace: Workspace, endpoint: str) -> tuple[str, str]:
        """Where the endpoint answers, and what it wants to see there."""
        key = (workspace, endpoint)
        if key not in self._addresses:
            raw = self._get(workspace, EndpointKind.ONLINE, endpoint)
            if raw is None:
                raise Refused(f"endpoint {endpoint} is not in {workspace.name}; deploy it there")
            properties = raw["properties"]
            uri = allowed_uri(str(properties.get("scoringUri")), self._hosts)
            self._addresses[key] = (uri, str(properties.get("authMode")))
        return self._addresses[key]

    def _token(self, workspace: Workspace, endpoint: str) -> str:
        """The endpoint's own token, asked for anew before it ends: endpoints on Kubernetes take no directory tokens."""
        key = (workspace, endpoint)
        token, until = self._tokens.get(key, ("", 0.0))
        if time.time() > until - _EARLY_S:
            path = f"{_path(workspace, EndpointKind.ONLINE, endpoint)}/token"
            raw = self._arm.post(path, {}, f"ask for a token of {endpoint}", accept=(200,))
            token, until = str(raw["accessToken"]), float(raw["expiryTimeUtc"])
            self._tokens[key] = (token, until)
        return token

    def _get(self, workspace: Workspace, kind: EndpointKind, endpoint: str) -> dict[str, Any] | None:
        return self._arm.get(_path(workspace, kind, endpoint), f"look at endpoint {endpoint}")

    def _put(
        self, workspace: Workspace, kind: EndpointKind, endpoint: str, body: dict[str, Any], name: str = ""
    ) -> None:
        """Endpoints and deployments live where their workspace does."""
        home = self._arm.get(place_path(workspace), f"look at workspace {workspace.workspace}")
        if home is None:
            raise Refused(f"workspace {workspace.workspace} is not there; check environment {workspace.name}")
        path = _path(workspace, kind, endpoint, name)
        self._arm.put(path, {_LOCATION: home[_LOCATION], **body}, f"deploy {endpoint}/{name}".rstrip("/"))

    def _change(self, workspace: Workspace, kind: EndpointKind, endpoint: str, change: dict[str, Any]) -> bool:
        raw = self._get(workspace, kind, endpoint)
        if raw is None:
            raise Refused(f"endpoint {endpoint} is not in {workspace.name}: its traffic cannot be set")
        return self._arm.advance_change(_path(workspace, kind, endpoint), raw, change, f"change {endpoint}")


def _path(workspace: Workspace, kind: EndpointKind, endpoint: str, deployment: str = "") -> str:
    path = f"{place_path(workspace)}/{kind.value}/{quote(endpoint)}"
    return f"{path}/deployments/{quote(deployment)}" if deployment else path


def _instances(raw: dict[str, Any]) -> int:
    """An online deployment has its size in `sku`, a batch deployment in the resources of its jobs."""
    size = (raw.get("sku") or {}).get("capacity") or (raw["properties"].get("resources") or {}).get("instanceCount")
    return int(size or 0)


def _online(deployment: WantedDeployment) -> dict[str, Any]:
    properties: dict[str, Any] = {
        "endpointComputeType": "Kubernetes" if deployment.kubernetes else "Managed",
        "model": deployment.model,
        "instanceType": deployment.instance_type,
        "scaleSettings": {"scaleType": "Default"},
    }
    if deployment.collections:
        # All requests: what rollouts count and what is published as answers would be a sample otherwise.
        collection = {"dataCollectionMode": "Enabled", "samplingRate": 1.0}
        collections = dict.fromkeys(deployment.collections, collection)
        properties["dataCollector"] = {"collections": collections, "rollingRate": "Hour"}
    return {"properties": properties | _code(deployment), "sku": {"name": "Default", "capacity": deployment.instances}}


def _batch(deployment: WantedDeployment) -> dict[str, Any]:
    properties = {
        "model": {"referenceType": "Id", "assetId": deployment.model},
        "compute": deployment.compute,
        "outputAction": "AppendRow",
        "outputFileName": "predictions.csv",
        "resources": {"instanceCount": deployment.instances},
    }
    return {"properties": properties | _code(deployment)}


def _code(deployment: WantedDeployment) -> dict[str, Any]:
    """Nothing for an MLflow model: Azure ML makes its scoring script and environment."""
    if not deployment.code:
        return {}
    code = {"codeId": deployment.code, "scoringScript": deployment.script}
    return {"codeConfiguration": code, "environmentId": deployment.environment}
