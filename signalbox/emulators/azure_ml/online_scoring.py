"""The data plane of online endpoints: POST {scoringUri}, by key or token, to a named deployment or by traffic.

Statuses and headers: "Troubleshoot online endpoints", HTTP status codes: 424 is the model's own failure.
"""

import json
import random
import secrets

from aiohttp import web

from signalbox.emulators.azure_ml.doors import Check
from signalbox.emulators.azure_ml.endpoint_names import EndpointNames
from signalbox.emulators.azure_ml.online_servers import OnlineServers, ServingError
from signalbox.emulators.azure_ml.resources import Resources

_AUDIENCES = ("https://ml.azure.com",)


class OnlineScoringDoors:
    def __init__(self, check: Check, resources: Resources, names: EndpointNames, servers: OnlineServers) -> None:
        self._check, self._resources, self._names, self._servers = check, resources, names, servers

    def add_to(self, app: web.Application) -> None:
        app.router.add_post("/online/{endpoint}/score", self._score)

    async def _score(self, request: web.Request) -> web.Response:
        path = self._names.path_of(request.match_info["endpoint"])
        endpoint = self._resources.get(path) if "/onlineendpoints/" in path.lower() else None
        if endpoint is None:
            return web.json_response({"error": "endpoint not found"}, status=404)
        self._admit(request, path)
        name = request.headers.get("azureml-model-deployment") or _choose(endpoint["properties"]["traffic"])
        deployment = self._resources.get(f"{path}/deployments/{name}")
        if deployment is None:
            return web.json_response({"error": f"no deployment {name or 'has traffic'}"}, status=404)
        if deployment["properties"]["provisioningState"] not in ("Succeeded", "Updating"):
            return _failed(503, "no healthy upstream", "not_ready")
        try:
            answer = await (await self._servers.of(deployment["id"])).ask((await request.read()).decode())
        except (ServingError, TimeoutError) as error:
            return _failed(502, str(error), "worker_lost")
        if not answer["ok"]:
            return _failed(424, str(answer["body"]), "model_error")
        headers = {"azureml-model-deployment": name, "ms-azureml-model-session": "local"}
        return web.json_response(text=json.dumps(answer["body"]), headers=headers)

    def _admit(self, request: web.Request, path: str) -> None:
        """A key of the endpoint, or a token for Azure ML."""
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        keys = (self._resources.get(f"/keys{path}") or {}).values()
        if scheme.lower() == "bearer" and any(secrets.compare_digest(given, key) for key in keys):
            return
        self._check(request, _AUDIENCES)


def _choose(traffic: dict[str, int]) -> str:
    """A deployment at random, by its share; empty where none has any."""
    shares = {name: share for name, share in traffic.items() if share > 0}
    return random.choices(list(shares), list(shares.values()))[0] if shares else ""


def _failed(status: int, message: str, reason: str) -> web.Response:
    headers = {"ms-azureml-model-error-reason": reason, "ms-azureml-model-error-statuscode": str(status)}
    return web.json_response({"error": message[:2000]}, status=status, headers=headers)
