"""The data plane of online endpoints: POST {scoringUri} is answered by one deployment, and mirrored to others."""

import asyncio
import random
import secrets
from typing import Any

from aiohttp import web

from signalbox.emulators.azure_ml.doors import Check, Refusal
from signalbox.emulators.azure_ml.endpoint_names import EndpointNames
from signalbox.emulators.azure_ml.online.fleet import Fleet
from signalbox.emulators.azure_ml.process import Ended, NotStarted
from signalbox.emulators.azure_ml.resources import Resources

_SELECTED = "azureml-model-deployment"


class OnlineScoringDoors:
    def __init__(self, check: Check, resources: Resources, names: EndpointNames, fleet: Fleet) -> None:
        self._check, self._resources, self._names, self._fleet = check, resources, names, fleet
        self._mirror_tasks: set[asyncio.Task[Any]] = set()

    def add_to(self, app: web.Application) -> None:
        app.router.add_post("/online/{endpoint}/score", self._score)

    async def _score(self, request: web.Request) -> web.Response:
        endpoint = self._endpoint(request.match_info["endpoint"])
        self._admit(request, endpoint)
        name = request.headers.get(_SELECTED) or _draw(endpoint["properties"]["traffic"])
        path = f"{endpoint['id']}/deployments/{name}"
        if not name or not self._fleet.serves(path):
            raise Refusal(404, "NotFound", f"{endpoint['id']} has no deployment {name or 'with traffic'} that serves")
        data = await request.text()
        self._mirror(endpoint, data)
        return await self._answer(path, name, data)

    async def _answer(self, path: str, name: str, data: str) -> web.Response:
        headers = {_SELECTED: name}
        try:
            reply = await self._fleet.score(path, data)
        except TimeoutError:
            return web.Response(status=408, text="the model did not answer in time", headers=headers)
        except (Ended, NotStarted) as error:
            return _failure(502, str(error) or "the scoring process ended", headers)
        if not reply["ok"]:
            return _failure(500, reply["body"], headers)
        return web.Response(text=reply["body"], content_type="application/json", headers=headers)

    def _mirror(self, endpoint: dict[str, Any], data: str) -> None:
        """Send copies of a share of the requests to mirrors; their answers are dropped."""
        for name, share in endpoint["properties"]["mirrorTraffic"].items():
            path = f"{endpoint['id']}/deployments/{name}"
            if self._fleet.serves(path) and random.uniform(0, 100) < share:
                task = asyncio.create_task(self._answer(path, name, data))
                self._mirror_tasks.add(task)
                task.add_done_callback(self._mirror_tasks.discard)

    def _endpoint(self, name: str) -> dict[str, Any]:
        path = self._names.path_of(name)
        endpoint = self._resources.get(path) if "/onlineendpoints/" in path.lower() else None
        if endpoint is None:
            raise Refusal(404, "NotFound", f"online endpoint {name} does not exist")
        return endpoint

    def _admit(self, request: web.Request, endpoint: dict[str, Any]) -> None:
        mode = endpoint["properties"]["authMode"]
        if mode != "Key":
            audience = "https://ml.azure.com" if mode == "AADToken" else endpoint["properties"]["scoringUri"]
            self._check(request, (audience,))
            return
        keys = self._resources.get(f"/keys{endpoint['id']}") or {}
        scheme, _, credential = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not any(secrets.compare_digest(credential, key) for key in keys.values()):
            raise Refusal(401, "Unauthorized", f"a key of endpoint {endpoint['name']} is required as bearer token")


def _draw(traffic: dict[str, int]) -> str:
    """A deployment by the shares of the traffic; empty where none has any."""
    shares = {name: share for name, share in traffic.items() if share}
    return random.choices(list(shares), list(shares.values()))[0] if shares else ""


def _failure(status: int, reason: str, headers: dict[str, str]) -> web.Response:
    """424: the model's own status and the kind of failure are in headers."""
    model_headers = {"ms-azureml-model-error-statuscode": str(status), "ms-azureml-model-error-reason": "model_error"}
    return web.Response(status=424, text=reason, headers={**headers, **model_headers})
