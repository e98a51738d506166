"""Batch endpoints, their deployments and jobs in Resource Manager; operations on them answer as already done.

Shapes: Microsoft.MachineLearningServices REST API.
"""

from typing import Any

from aiohttp import web

from signalbox.emulators.azure_ml.assets.versions import visible
from signalbox.emulators.azure_ml.doors import DATA_PLANE, WORKSPACE, Entrance, arm_path, bad, not_found
from signalbox.emulators.azure_ml.endpoint_names import EndpointNames
from signalbox.emulators.azure_ml.estate import PROVIDER, Estate, Scope
from signalbox.emulators.azure_ml.jobs import JobQueue
from signalbox.emulators.azure_ml.pipelines.runs import job_document
from signalbox.emulators.azure_ml.resources import Effect, Resources

_KINDS = "batchEndpoints|batchendpoints"


class ArmDoors:
    def __init__(self, entrance: Entrance, resources: Resources, names: EndpointNames, jobs: JobQueue) -> None:
        self._entrance, self._resources, self._names, self._jobs = entrance, resources, names, jobs

    def add_to(self, app: web.Application) -> None:
        app.router.add_get(f"{WORKSPACE}/jobs", self._list_jobs)
        app.router.add_get(f"{WORKSPACE}/jobs/{{job}}", self._show_job)
        app.router.add_post(f"{WORKSPACE}/jobs/{{job}}/cancel", self._cancel_job)
        for prefix in ("", DATA_PLANE):
            app.router.add_get(f"{prefix}{WORKSPACE}/batchEndpoints/{{endpoint}}/jobs", self._list_jobs)
        endpoint = f"{WORKSPACE}/{{kind:{_KINDS}}}/{{endpoint}}"
        for address in (endpoint, f"{endpoint}/deployments/{{deployment}}"):
            for method, door in (("PUT", self._put), ("PATCH", self._patch), ("GET", self._get)):
                app.router.add_route(method, address, door)
            app.router.add_delete(address, self._delete)
        app.router.add_get(f"{WORKSPACE}/{{kind:{_KINDS}}}", self._list)
        app.router.add_get(f"{endpoint}/deployments", self._list)

    async def _list_jobs(self, request: web.Request) -> web.Response:
        workspace = self._entrance.admit(request)
        jobs = self._jobs.of_workspace(workspace, request.match_info.get("endpoint", ""))
        view = request.query.get("listViewType", "ActiveOnly")
        return web.json_response({"value": [job_document(job) for job in visible(jobs, view)]})

    async def _show_job(self, request: web.Request) -> web.Response:
        self._entrance.admit(request)
        job = self._jobs.find(request.match_info["job"])
        if job is not None:
            return web.json_response(job_document(job))
        path, name = arm_path(request), request.match_info["job"]
        if self._resources.get(f"/steps-by-id/{name}") is None:
            raise not_found(path)
        return web.json_response({"id": path, "name": name, "properties": None})  # Run history has what a step is.

    async def _cancel_job(self, request: web.Request) -> web.Response:
        self._entrance.admit(request)
        if not self._jobs.cancel(request.match_info["job"]):
            raise not_found(arm_path(request))
        return web.Response(status=202)

    async def _put(self, request: web.Request) -> web.Response:
        scope = self._entrance.admit(request)
        path, body = arm_path(request), await request.json()
        before = self._resources.get(path)
        resource = (
            self._deployment(scope, path, body) if "deployment" in request.match_info else self._endpoint(path, body)
        )
        self._resources.put(path, resource, _effect(self._entrance.estate, path, before, resource))
        return web.json_response(resource, status=200 if before else 201)

    async def _patch(self, request: web.Request) -> web.Response:
        self._entrance.admit(request)
        path, change = arm_path(request), await request.json()
        resource = self._must(path)
        resource["properties"] |= change.get("properties") or {}
        resource["tags"] = change.get("tags", resource.get("tags", {}))
        self._resources.put(path, resource, _effect(self._entrance.estate, path, self._must(path), resource))
        return web.json_response(resource)

    async def _get(self, request: web.Request) -> web.Response:
        self._entrance.admit(request)
        return web.json_response(self._must(arm_path(request)))

    async def _list(self, request: web.Request) -> web.Response:
        self._entrance.admit(request)
        return web.json_response({"value": self._resources.children(arm_path(request))})

    async def _delete(self, request: web.Request) -> web.Response:
        self._entrance.admit(request)
        path = arm_path(request)
        if "deployment" not in request.match_info:
            self._names.release(path)
        existence = self._resources.delete(path, Effect(kind="deletions", name=self._entrance.estate.within(path)))
        return web.Response(status=200 if existence else 204)

    def _endpoint(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        self._names.claim(path)
        endpoint = _document(path, "batchEndpoints", body)
        scoring = f"{self._entrance.base_url}/batch/{endpoint['name']}"
        endpoint["properties"] |= {"scoringUri": f"{scoring}/jobs", "swaggerUri": f"{scoring}/swagger.json"}
        endpoint["properties"].setdefault("defaults", {"deploymentName": None})
        endpoint.setdefault("identity", {"type": "SystemAssigned"})
        return endpoint

    def _deployment(self, scope: Scope, path: str, body: dict[str, Any]) -> dict[str, Any]:
        self._must(path.rpartition("/deployments/")[0])
        self._refuse_without_script(scope, body.get("properties") or {})
        return _document(path, "batchEndpoints/deployments", body)

    def _refuse_without_script(self, scope: Scope, properties: dict[str, Any]) -> None:
        """Only for an MLflow model is a scoring script generated; without one every job of another would fail."""
        if not properties.get("model") or properties.get("codeConfiguration"):
            return
        model = self._resources.get(self._entrance.estate.asset_id(properties["model"], scope, "models"))
        if model is not None and model["properties"].get("modelType") != "mlflow_model":
            raise bad(
                f"{model['id']} is a {model['properties'].get('modelType')}: give the deployment a codeConfiguration "
                "with codeId and scoringScript; only for an mlflow_model it is generated"
            )

    def _must(self, path: str) -> dict[str, Any]:
        resource = self._resources.get(path)
        if resource is None:
            raise not_found(path)
        return resource


def _document(path: str, kind: str, body: dict[str, Any]) -> dict[str, Any]:
    """What the service adds to a resource that was put."""
    resource = {**body, "id": path, "name": path.rpartition("/")[2], "type": f"{PROVIDER}/workspaces/{kind}"}
    resource["properties"] = {**(body.get("properties") or {}), "provisioningState": "Succeeded"}
    return resource


def _effect(estate: Estate, path: str, before: dict[str, Any] | None, after: dict[str, Any]) -> Effect | None:
    """A batch endpoint's traffic is its default deployment."""
    if "/deployments/" in path:
        return Effect(kind="deployments", name=estate.within(path))
    has_new_default = _default(before) != _default(after)
    return Effect(kind="traffic", name=estate.within(path)) if has_new_default else None


def _default(endpoint: dict[str, Any] | None) -> str:
    return str(((endpoint or {}).get("properties", {}).get("defaults") or {}).get("deploymentName") or "")
