"""The regional services of Azure ML's workspaces: found through Resource Manager, checked, and only then sent a token.

`discoveryUrl` answers anonymously with the services' addresses; `mlFlowTrackingUri` is the tracking service.
"""

from typing import Any

from azure.core import PipelineClient
from azure.core.credentials import TokenCredential
from azure.core.pipeline.policies import ContentDecodePolicy, RetryPolicy, UserAgentPolicy
from azure.core.rest import HttpRequest, HttpResponse

from shared.adapters.allowed_hosts import require_allowed_host
from shared.adapters.azure_ml.arm import Arm, Pipeline, pipeline, place_path, send
from shared.domain.failures import Refused
from shared.domain.inference.routes import Workspace

_SETTING = "AZURE_ML_API_HOSTS"


class Regions:
    """*hosts* are the only ones that are called; the token is Resource Manager's, as the services want it."""

    def __init__(self, arm: Arm, credential: TokenCredential, resource_manager: str, hosts: tuple[str, ...]) -> None:
        self._arm, self._hosts = arm, hosts
        self._pipeline = pipeline(resource_manager, credential, f"{resource_manager}/.default")
        policies = [UserAgentPolicy("signalbox"), RetryPolicy(), ContentDecodePolicy()]
        self._anonymous: Pipeline = PipelineClient(resource_manager, policies=policies)
        self._pipelines: dict[Workspace, str] = {}
        self._tracking: dict[Workspace, str] = {}

    def pipelines(self, workspace: Workspace) -> str:
        """Where the workspace's published pipelines answer."""
        if workspace not in self._pipelines:
            url = require_allowed_host(self._named(workspace, "discoveryUrl"), self._hosts, "discoveryUrl", _SETTING)
            action = f"discover the services of {workspace.name}"
            services = send(self._anonymous, HttpRequest("GET", url), action).json()
            host = require_allowed_host(str(services.get("api")), self._hosts, "the discovered api", _SETTING)
            self._pipelines[workspace] = f"{host.rstrip('/')}/pipelines/v1.0{place_path(workspace)}"
        return self._pipelines[workspace]

    def tracking(self, workspace: Workspace) -> str:
        """Where the workspace's MLflow tracking service answers."""
        if workspace not in self._tracking:
            uri = self._named(workspace, "mlFlowTrackingUri").replace("azureml://", "https://", 1)
            host = require_allowed_host(uri, self._hosts, "mlFlowTrackingUri", _SETTING)
            self._tracking[workspace] = f"{host.split('?')[0].rstrip('/')}/api/2.0/mlflow"
        return self._tracking[workspace]

    def ask(
        self, method: str, url: str, action: str, body: dict[str, Any] | None = None, accept: tuple[int, ...] = (200,)
    ) -> HttpResponse:
        """The answer of an address that was found here."""
        return send(self._pipeline, HttpRequest(method, url, json=body), action, accept)

    def _named(self, workspace: Workspace, field: str) -> str:
        raw = self._arm.get(place_path(workspace), f"look at workspace {workspace.name}")
        if raw is None:
            raise Refused(f"workspace {workspace.workspace} is not in {workspace.resource_group}; see environments")
        return str(raw["properties"].get(field) or "")
