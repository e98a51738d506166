"""The Durable HTTP API: the same handlers behind the public webhook (with a key) and the SDK's local RPC path.

Source: HttpApiHandler of the Durable extension 2.13; see `docs/host.md` for what is left out.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiohttp import web

from signalbox.host.durable.client import (
    BadRequestError,
    ConflictError,
    Filter,
    GoneError,
    HubClient,
    NotFoundError,
)
from signalbox.host.durable.entities import EntityName
from signalbox.host.durable.model import FINISHED, InstanceRow, Kind, Status
from signalbox.host.durable.orchestrations.scheduling import UnknownFunctionError
from signalbox.host.durable.payloads import history_payload, management_urls, status_payload
from signalbox.host.moments import from_text

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """How this API is reached from outside: what its own links are made of."""

    hub: str
    key: str
    webhook: str = "/runtime/webhooks/durabletask"


class DurableApi:
    """Handlers of `/orchestrators`, `/instances` and `/entities` under one base path."""

    def __init__(self, client: HubClient, address: Address) -> None:
        self._client = client
        self._address = address

    def routes(self, base: str, guard: Callable[[Handler], Handler]) -> list[web.RouteDef]:
        """The routes under *base*; *guard* wraps each handler with the caller's check."""
        instance, entity = f"{base}/instances/{{id}}", f"{base}/entities/{{name}}/{{key}}"
        table: list[tuple[str, str, Handler]] = [
            ("POST", f"{base}/orchestrators/{{name}}", self._start),
            ("POST", f"{base}/orchestrators/{{name}}/{{id}}", self._start),
            ("GET", f"{base}/instances", self._query),
            ("GET", f"{base}/instances/", self._query),
            ("DELETE", f"{base}/instances", self._purge_by),
            ("DELETE", f"{base}/instances/", self._purge_by),
            ("GET", instance, self._status),
            ("DELETE", instance, self._purge),
            ("POST", f"{instance}/{{verb:(?i:raiseevent)}}/{{event}}", self._raise),
            ("POST", f"{instance}/{{verb:(?i:terminate|suspend|resume)}}", self._control),
            ("POST", f"{instance}/restart", self._restart),
            ("POST", f"{instance}/rewind", self._rewind),
            ("GET", entity, self._entity_state),
            ("POST", entity, self._signal),
        ]
        return [web.route(method, path, guard(_with_errors(handler))) for method, path, handler in table]

    async def _start(self, request: web.Request) -> web.StreamResponse:
        body = await _json_text(request)
        name, instance_id_ = request.match_info["name"], request.match_info.get("id")
        instance_id = await self._client.start(name, instance_id_, body, request.query.get("version"))
        links = self._links(request, instance_id)
        headers = {"Location": links["statusQueryGetUri"], "Retry-After": "10"}
        return web.json_response(links, status=202, headers=headers)

    def _links(self, request: web.Request, instance_id: str) -> dict[str, str]:
        base = f"{request.url.origin()}{self._address.webhook}"
        return management_urls(base, self._address.hub, self._address.key, instance_id)

    async def _status(self, request: web.Request) -> web.StreamResponse:
        row = self._client.get(request.match_info["id"])
        payload = status_payload(row, show_input=_flag(request, "showInput", default=True))
        if _flag(request, "showHistory"):
            show_output, show_input = _flag(request, "showHistoryOutput"), _flag(request, "showHistoryInput")
            history = self._client.history(row.instance_id)
            payload["historyEvents"] = history_payload(history, show_output=show_output, show_input=show_input)
            payload["history"] = payload["historyEvents"]
        if row.status not in FINISHED:
            location = self._links(request, row.instance_id)["statusQueryGetUri"]
            return web.json_response(payload, status=202, headers={"Location": location, "Retry-After": "5"})
        is_failure = row.status is Status.FAILED and _flag(request, "returnInternalServerErrorOnFailure")
        return web.json_response(payload, status=500 if is_failure else 200)

    async def _query(self, request: web.Request) -> web.StreamResponse:
        """A page per `top`; the continuation token travels in `x-ms-continuation-token` both ways."""
        top = int(request.query["top"]) if "top" in request.query else None
        token = request.headers.get("x-ms-continuation-token")
        after = tuple(json.loads(token)) if token else None
        rows = self._client.query(_filter(request), top, after)
        show_input = _flag(request, "showInput", default=True)
        headers = _next_page(rows, top)
        return web.json_response([status_payload(row, show_input=show_input) for row in rows], headers=headers)

    async def _purge(self, request: web.Request) -> web.StreamResponse:
        deletions = await self._client.purge(request.match_info["id"])
        return web.json_response({"instancesDeleted": deletions}, status=200 if deletions else 404)

    async def _purge_by(self, request: web.Request) -> web.StreamResponse:
        if "createdTimeFrom" not in request.query:
            raise BadRequestError("Please provide value for 'createdTimeFrom' parameter.")
        deletions = await self._client.purge_by(_filter(request))
        return web.json_response({"instancesDeleted": deletions}, status=200 if deletions else 404)

    async def _raise(self, request: web.Request) -> web.StreamResponse:
        if request.content_type != "application/json":
            raise BadRequestError("Only application/json request content is supported")
        body = await _json_text(request)
        await self._client.raise_event(request.match_info["id"], request.match_info["event"], body)
        return web.Response(status=202)

    async def _control(self, request: web.Request) -> web.StreamResponse:
        kind = Kind(request.match_info["verb"].lower())
        await self._client.control(request.match_info["id"], kind, request.query.get("reason", ""))
        return web.Response(status=202)

    async def _restart(self, request: web.Request) -> web.StreamResponse:
        instance_id = request.match_info["id"]
        new_id = _flag(request, "restartWithNewInstanceId", default=True)
        restarted_id = await self._client.restart(instance_id, new_id)
        links = self._links(request, restarted_id)
        return web.json_response(links, status=202, headers={"Location": links["statusQueryGetUri"]})

    async def _rewind(self, _request: web.Request) -> web.StreamResponse:
        return web.json_response("rewind is not served by this host: restart the instance", status=501)

    async def _entity_state(self, request: web.Request) -> web.StreamResponse:
        state = self._client.entity_state(_entity(request))
        return web.Response(text=state, content_type="application/json")

    async def _signal(self, request: web.Request) -> web.StreamResponse:
        body = await _json_text(request)
        await self._client.signal(_entity(request), request.query.get("op", ""), body)
        return web.Response(status=202)


def _with_errors(handler: Handler) -> Handler:
    async def guarded(request: web.Request) -> web.StreamResponse:
        try:
            return await handler(request)
        except NotFoundError as error:
            return _problem(404, f"No instance with ID '{error}' found.", error)
        except GoneError as error:
            return _problem(410, f"Instance with ID '{error}' has finished.", error)
        except ConflictError as error:
            return _problem(409, str(error), error)
        except (BadRequestError, UnknownFunctionError, ValueError) as error:
            return _problem(400, str(error), error)

    return guarded


def _problem(status: int, message: str, error: Exception) -> web.Response:
    """The field names are those of the extension; the SDK reads `ExceptionMessage`."""
    body = {"Message": message, "ExceptionMessage": message, "ExceptionType": type(error).__name__}
    return web.json_response(body, status=status)


async def _json_text(request: web.Request) -> str | None:
    """The body as JSON text, None when empty. Raises BadRequestError when it is not JSON."""
    text = await request.text()
    if not text.strip():
        return None
    try:
        value = json.loads(text)
    except ValueError as error:
        raise BadRequestError(f"the body is not JSON: {error}") from None
    return None if value is None else json.dumps(value)


def _flag(request: web.Request, name: str, *, default: bool = False) -> bool:
    value = request.query.get(name)
    return default if value is None else value.lower() == "true"


def _filter(request: web.Request) -> Filter:
    query = request.query
    return Filter(
        created_from=from_text(query["createdTimeFrom"]) if "createdTimeFrom" in query else None,
        created_to=from_text(query["createdTimeTo"]) if "createdTimeTo" in query else None,
        statuses=[Status(name.strip()) for name in query.get("runtimeStatus", "").split(",") if name.strip()],
        prefix=query.get("instanceIdPrefix"),
    )


def _next_page(rows: list[InstanceRow], top: int | None) -> dict[str, str]:
    if top is None or len(rows) < top or not rows:
        return {}
    return {"x-ms-continuation-token": json.dumps([rows[-1].created_at, rows[-1].instance_id])}


def _entity(request: web.Request) -> EntityName:
    return EntityName(request.match_info["name"].lower(), request.match_info["key"])
