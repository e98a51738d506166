"""The data plane of online endpoints: POST {scoringUri} is answered by one deployment, and mirrored to another.

Every request, mirrored copies too, is put into the log that monitoring reads, and into the deployment's collector.
"""

import asyncio
import re
import secrets
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from signalbox.emulators.azure_ml.doors import Check, Refusal
from signalbox.emulators.azure_ml.endpoint_names import EndpointNames
from signalbox.emulators.azure_ml.online.answers import SELECTED, Answer, Answers
from signalbox.emulators.azure_ml.online.collector import Collector, Exchange
from signalbox.emulators.azure_ml.online.fleet import Fleet
from signalbox.emulators.azure_ml.online.routing import Router
from signalbox.emulators.azure_ml.online.rules import on_kubernetes
from signalbox.emulators.azure_ml.online.throttle import Throttle, TooMany
from signalbox.emulators.azure_ml.online.traffic import RequestSink, ScoredRequest
from signalbox.emulators.azure_ml.resources import Resources
from signalbox.emulators.clock import EmulatorClock

_OWN_ID = re.compile(r"[A-Za-z0-9_-]+")
_LONGEST_OWN_ID = 40
_PATH = "/score"


@dataclass(frozen=True, slots=True, kw_only=True)
class OnlineService:
    """What answers requests, and what keeps them."""

    fleet: Fleet
    router: Router
    answers: Answers
    throttle: Throttle
    collector: Collector
    requests: RequestSink
    clock: EmulatorClock


@dataclass(slots=True, kw_only=True)
class _Call:
    """One request on its way. *deployment* and *instance* are empty until they are chosen."""

    endpoint: Mapping[str, Any]
    request_id: str
    client_request_id: str
    user_agent: str
    connection: str
    at: float
    data: str = ""
    size: int = 0
    named: bool = False
    mirrored: bool = False
    deployment: str = ""
    instance: str = ""


class OnlineScoringDoors:
    def __init__(self, check: Check, resources: Resources, names: EndpointNames, service: OnlineService) -> None:
        self._check, self._resources, self._names, self._service = check, resources, names, service
        self._mirror_tasks: set[asyncio.Task[None]] = set()

    def add_to(self, app: web.Application) -> None:
        app.router.add_post("/online/{endpoint}/score", self._score)

    async def _score(self, request: web.Request) -> web.Response:
        call, started = self._call(request), time.perf_counter()
        try:
            self._admit(request, call.endpoint)
            answer = await self._answer(request, call)
        except Refusal as refusal:
            answer = Answer(status=refusal.status, text=refusal.response().text or "", content_type="application/json")
        self._keep(call, answer, started)
        chosen = {SELECTED: call.deployment} if call.deployment else {}
        own_id = {"x-ms-client-request-id": call.client_request_id} if call.client_request_id else {}
        headers = {**answer.headers, **chosen, **own_id, "x-request-id": call.request_id}
        return web.Response(status=answer.status, text=answer.text, content_type=answer.content_type, headers=headers)

    async def _answer(self, request: web.Request, call: _Call) -> Answer:
        endpoint, service = call.endpoint, self._service
        connection = service.router.connection(request)
        call.data = await request.text()
        call.size = len(call.data.encode())
        selected_name = request.headers.get(SELECTED, "")
        call.named = bool(selected_name)
        name = selected_name or service.router.choose(endpoint, connection)
        if not name or not service.fleet.serves(f"{endpoint['id']}/deployments/{name}"):
            text = f"{endpoint['id']} has no deployment {name or 'with traffic'} that serves"
            raise Refusal(404, "NotFound", text)
        try:
            if not on_kubernetes(endpoint):
                service.throttle.count(endpoint["id"])
        except TooMany as error:
            return Answer(status=429, text=str(error))
        mirror = "" if call.named else service.router.mirror(endpoint)
        if mirror and service.fleet.serves(f"{endpoint['id']}/deployments/{mirror}"):
            self._mirror(call, mirror)
        return await self._ask(call, name)

    async def _ask(self, call: _Call, name: str) -> Answer:
        """The answer of the deployment *name*, as late as the bandwidth of the endpoint makes it."""
        service, path = self._service, f"{call.endpoint['id']}/deployments/{name}"
        resource = self._resources.get(path)
        if resource is None:
            raise Refusal(404, "NotFound", f"{path} was deleted")
        number = service.answers.instance(f"{call.endpoint['name']}/{name}", path)
        call.deployment, call.instance = resource["name"], f"{resource['name']}-{_instance_guid(path, number)}"
        request_delay_s = await self._wait(call, call.size)
        answer = await service.answers.of(call.endpoint, resource, number, call.data)
        response_delay_s = await self._wait(call, len(answer.text.encode()))
        exchange = Exchange(
            deployment=resource,
            instance=call.instance,
            request_id=call.request_id,
            at=call.at,
            path=_PATH,
            request=call.data,
            response=answer.text,
        )
        if answer.model_status is not None:
            service.collector.collect(exchange)
        if not request_delay_s + response_delay_s:
            return answer
        delays = {"request": request_delay_s, "response": response_delay_s}
        headers = {f"ms-azureml-bandwidth-{kind}-delay-ms": str(round(wait * 1000)) for kind, wait in delays.items()}
        return Answer(
            status=answer.status,
            text=answer.text,
            model_status=answer.model_status,
            content_type=answer.content_type,
            headers={**answer.headers, **headers},
        )

    async def _wait(self, call: _Call, size: int) -> float:
        if on_kubernetes(call.endpoint):
            return 0.0
        delay_s = self._service.throttle.delay_s(call.endpoint["id"], size)
        await asyncio.sleep(delay_s)
        return delay_s

    def _mirror(self, call: _Call, name: str) -> None:
        """Send a copy of *call* to the deployment *name*; its answer is dropped."""
        copied_call = _Call(
            endpoint=call.endpoint,
            request_id=call.request_id,
            client_request_id=call.client_request_id,
            user_agent=call.user_agent,
            connection=call.connection,
            at=self._service.clock.now(),
            data=call.data,
            size=call.size,
            mirrored=True,
        )
        task = asyncio.create_task(self._shadow(copied_call, name))
        self._mirror_tasks.add(task)
        task.add_done_callback(self._mirror_tasks.discard)

    async def _shadow(self, call: _Call, name: str) -> None:
        started = time.perf_counter()
        try:
            answer = await self._ask(call, name)
        except Refusal as refusal:
            answer = Answer(status=refusal.status, text=str(refusal))
        self._keep(call, answer, started)

    def _keep(self, call: _Call, answer: Answer, started: float) -> None:
        self._service.requests.add(
            ScoredRequest(
                at=call.at,
                workspace=call.endpoint["id"].rpartition("/")[0].rpartition("/")[0],
                endpoint=call.endpoint["name"],
                deployment=call.deployment,
                instance=call.instance,
                connection=call.connection,
                status=answer.status,
                model_status=answer.model_status,
                duration_ms=(time.perf_counter() - started) * 1000,
                request_bytes=call.size,
                response_bytes=len(answer.text.encode()),
                mirrored=call.mirrored,
                named=call.named,
                request_id=call.request_id,
                client_request_id=call.client_request_id,
                user_agent=call.user_agent,
                method="POST",
                path=_PATH,
            )
        )

    def _call(self, request: web.Request) -> _Call:
        """Raises Refusal where there is no such endpoint: such a request is nobody's to log."""
        name = request.match_info["endpoint"]
        path = self._names.path_of(name)
        endpoint = self._resources.get(path) if "/onlineendpoints/" in path.lower() else None
        if endpoint is None:
            raise Refusal(404, "NotFound", f"online endpoint {name} does not exist")
        own_id = request.headers.get("x-ms-client-request-id", "")[:_LONGEST_OWN_ID]
        return _Call(
            endpoint=endpoint,
            request_id=str(uuid.uuid4()),
            client_request_id=own_id if _OWN_ID.fullmatch(own_id) else "",
            user_agent=request.headers.get("User-Agent", ""),
            connection=self._service.router.connection(request).id,
            at=self._service.clock.now(),
        )

    def _admit(self, request: web.Request, endpoint: Mapping[str, Any]) -> None:
        mode = endpoint["properties"]["authMode"]
        if mode != "Key":
            audience = "https://ml.azure.com" if mode == "AADToken" else endpoint["properties"]["scoringUri"]
            self._check(request, (audience,))
            return
        keys = self._resources.get(f"/keys{endpoint['id']}") or {}
        scheme, _, credential = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not any(secrets.compare_digest(credential, key) for key in keys.values()):
            raise Refusal(401, "Unauthorized", f"a key of endpoint {endpoint['name']} is required as bearer token")


def _instance_guid(path: str, number: int) -> str:
    """The same for an instance of a deployment as long as it lives."""
    return uuid.uuid5(uuid.NAMESPACE_URL, f"{path.lower()}/{number}").hex[:12]
