"""Azure Resource Manager for machine learning workspaces: resources are put, got, listed and deleted as documents.

Shapes: Microsoft.MachineLearningServices REST API; long-running operations answer as already done.
"""

from typing import TYPE_CHECKING, Any

from aiohttp import web

from signalbox.emulators.azure_ml.jobs import JobQueue
from signalbox.emulators.azure_ml.names import DATASTORES
from signalbox.emulators.azure_ml.resources import Resources

if TYPE_CHECKING:
    from signalbox.emulators.azure_ml.app import AzureMlOptions

_ROOT = "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.MachineLearningServices/workspaces"
_PROVIDER = "Microsoft.MachineLearningServices/workspaces"


class ArmDoors:
    def __init__(self, options: "AzureMlOptions", resources: Resources, jobs: JobQueue) -> None:
        self._options, self._resources, self._jobs = options, resources, jobs
        self._audiences = ("https://management.azure.com", options.base_url)

    def add_to(self, app: web.Application) -> None:
        workspace = f"{_ROOT}/{{workspace}}"
        app.router.add_get(workspace, self._show_workspace)
        app.router.add_get(f"{workspace}/datastores", self._list_datastores)
        app.router.add_get(f"{workspace}/datastores/{{datastore}}", self._show_datastore)
        app.router.add_get(f"{workspace}/jobs", self._list_jobs)
        app.router.add_get(f"{workspace}/jobs/{{job}}", self._show_job)
        app.router.add_post(f"{workspace}/jobs/{{job}}/cancel", self._cancel_job)
        app.router.add_get(f"{workspace}/batchEndpoints/{{endpoint}}/jobs", self._list_endpoint_jobs)
        for method, door in (("PUT", self._put), ("PATCH", self._patch), ("GET", self._get), ("DELETE", self._delete)):
            app.router.add_route(method, f"{workspace}/{{kind}}/{{rest:.+}}", door)
        app.router.add_get(f"{workspace}/{{kind}}", self._get)

    async def _show_workspace(self, request: web.Request) -> web.Response:
        self._options.check(request, self._audiences)
        name = request.match_info["workspace"]
        properties = {
            "friendlyName": name,
            "provisioningState": "Succeeded",
            "workspaceId": "00000000-0000-0000-0000-0000000000ff",
            "discoveryUrl": f"{self._options.base_url}/discovery",
            "mlFlowTrackingUri": f"azureml://localhost{request.path}",
            "storageAccount": f"/storageAccounts/{self._options.account}",
            "keyVault": "",
            "applicationInsights": "",
        }
        return web.json_response(
            {
                "id": request.path,
                "name": name,
                "type": _PROVIDER,
                "location": "westeurope",
                "identity": {"type": "SystemAssigned"},
                "properties": properties,
            }
        )

    async def _list_datastores(self, request: web.Request) -> web.Response:
        self._options.check(request, self._audiences)
        return web.json_response({"value": [self._datastore(f"{request.path}/{name}", name) for name in DATASTORES]})

    async def _show_datastore(self, request: web.Request) -> web.Response:
        self._options.check(request, self._audiences)
        name = request.match_info["datastore"]
        return web.json_response(self._datastore(request.path, name)) if name in DATASTORES else _missing(request)

    def _datastore(self, path: str, name: str) -> dict[str, Any]:
        properties = {
            "datastoreType": "AzureBlob",
            "accountName": self._options.account,
            "containerName": DATASTORES[name],
            "endpoint": "core.windows.net",
            "protocol": "https",
            "isDefault": name == "workspaceblobstore",
            "credentials": {"credentialsType": "None"},
            "serviceDataAccessAuthIdentity": "WorkspaceSystemAssignedIdentity",
        }
        return {"id": path, "name": name, "type": f"{_PROVIDER}/datastores", "properties": properties}

    async def _list_jobs(self, request: web.Request) -> web.Response:
        self._options.check(request, self._audiences)
        return web.json_response({"value": [_job(job) for job in self._resources.children("/jobs-by-guid")]})

    async def _list_endpoint_jobs(self, request: web.Request) -> web.Response:
        self._options.check(request, self._audiences)
        return web.json_response(
            {"value": [_job(job) for job in self._jobs.of_endpoint(request.match_info["endpoint"])]}
        )

    async def _show_job(self, request: web.Request) -> web.Response:
        self._options.check(request, self._audiences)
        job = self._jobs.find(request.match_info["job"])
        return _missing(request) if job is None else web.json_response(_job(job))

    async def _cancel_job(self, request: web.Request) -> web.Response:
        self._options.check(request, self._audiences)
        return web.Response(status=202) if self._jobs.cancel(request.match_info["job"]) else _missing(request)

    async def _put(self, request: web.Request) -> web.Response:
        self._options.check(request, self._audiences)
        before = self._resources.get(request.path)
        body = await request.json()
        self._resources.put(request.path, self._complete(request.path, body))
        return web.json_response(self._resources.get(request.path), status=200 if before else 201)

    async def _patch(self, request: web.Request) -> web.Response:
        self._options.check(request, self._audiences)
        there = self._resources.get(request.path)
        if there is None:
            return _missing(request)
        change = await request.json()
        there["properties"] |= change.get("properties") or {}
        there["tags"] = change.get("tags", there.get("tags", {}))
        self._resources.put(request.path, there)
        return web.json_response(there)

    async def _get(self, request: web.Request) -> web.Response:
        self._options.check(request, self._audiences)
        there = self._resources.get(request.path)
        if there is not None:
            return web.json_response(there)
        parts = request.path.split("/providers/Microsoft.MachineLearningServices/workspaces/")[1].split("/")
        collection = len(parts) % 2 == 0
        return web.json_response({"value": self._resources.children(request.path)}) if collection else _missing(request)

    async def _delete(self, request: web.Request) -> web.Response:
        self._options.check(request, self._audiences)
        return web.Response(status=200 if self._resources.delete(request.path) else 204)

    def _complete(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """What the service adds to a resource that was put."""
        name, kind = path.rpartition("/")[2], path.rsplit("/", 2)[1]
        made = {**body, "id": path, "name": name, "type": f"{_PROVIDER}/{kind}"}
        made["properties"] = {**(body.get("properties") or {}), "provisioningState": "Succeeded"}
        if kind.lower() == "versions":
            made["properties"] = {"properties": {}, "tags": {}, "flavors": {}, **made["properties"]}
        if kind.lower() == "batchendpoints":
            made["properties"] |= {
                "scoringUri": f"{self._options.base_url}/batch/{name}/jobs",
                "swaggerUri": f"{self._options.base_url}/batch/{name}/swagger.json",
            }
            made["properties"].setdefault("defaults", {"deploymentName": None})
            made.setdefault("identity", {"type": "SystemAssigned"})
            self._resources.put(f"/endpoints-by-name/{name}", made)
        return made


def _job(job: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in job.items() if name != "spec"} | {"type": f"{_PROVIDER}/jobs"}


def _missing(request: web.Request) -> web.Response:
    error = {"code": "ResourceNotFound", "message": f"{request.path} does not exist"}
    return web.json_response({"error": error}, status=404)
