"""The Durable HTTP API: the same handlers behind the public webhook (with a key) and the SDK's local RPC path.

Source: HttpApiHandler of the Durable extension 2.13; see `docs/host.md` for what is left out.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from aiohttp import web

from signalbox.host.durable.client import (
    BadRequestError,
    ConflictError,
    GoneError,
    HubClient,
    NotFinishedError,
    NotFoundError,
    StandingError,
)
from signalbox.host.durable.entities import EntityName
from signalbox.host.durable.model import FINISHED, InstanceRow, Kind, Status
from signalbox.host.durable.orchestrations.scheduling import UnknownFunctionError
from signalbox.host.durable.payloads import entity_payload, history_payload, management_urls, status_payload
from signalbox.host.durable.storage.queries import EntityFilter, Filter, Key
from signalbox.host.log import LOGGER
from signalbox.host.moments import from_text

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """How this API is reached from outside: what its own links are made of."""

    hub: str
    key: str
    webhook: str = "/runtime/webhooks/durabletask"


_PAGE = 100  # Of `OrchestrationStatusQueryCondition` and `EntityQuery`, where the caller names no size.
_EMPTY_KEY = "$"  # No path can name an entity whose key is empty.


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
            *(("GET", f"{base}/entities{path}", self._list_entities) for path in ("", "/", "/{name}", "/{name}/")),
            ("GET", entity, self._entity_state),
            ("POST", entity, self._signal),
            ("DELETE", entity, self._signal),
        ]
        return [web.route(method, path, guard(_with_errors(handler))) for method, path, handler in table]

    async def _start(self, request: web.Request) -> web.StreamResponse:
        body = await _json_text(request)
        name, instance_id_ = request.match_info["name"], request.match_info.get("id")
        instance_id = await self._client.start(name, instance_id_, body, request.query.get("version"))
        return await self._started(request, instance_id)

    async def _started(self, request: web.Request, instance_id: str) -> web.StreamResponse:
        """The links of an instance, or its output if the caller waits and it finishes in this time."""
        timeout, interval = _seconds(request, "timeout"), _seconds(request, "pollingInterval")
        if timeout is not None and interval is not None:
            if interval > timeout:
                raise BadRequestError(f"Total timeout {timeout:g} should be bigger than retry timeout {interval:g}")
            with suppress(TimeoutError):
                # Its end is announced, so that no interval has to pass.
                row = await asyncio.wait_for(self._client.wait(instance_id), timeout)
                return self._shown(request, row) if row.status is not Status.COMPLETED else _output(row)
        links = self._links(request, instance_id)
        headers = {"Location": links["statusQueryGetUri"], "Retry-After": "10"}
        return web.json_response(links, status=202, headers=headers)

    def _links(self, request: web.Request, instance_id: str) -> dict[str, str]:
        base = f"{request.url.origin()}{self._address.webhook}"
        return management_urls(base, self._address.hub, self._address.key, instance_id)

    async def _status(self, request: web.Request) -> web.StreamResponse:
        return self._shown(request, self._client.get(request.match_info["id"]))

    def _shown(self, request: web.Request, row: InstanceRow) -> web.Response:
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
        top, after = _page(request)
        rows = self._client.query(_filter(request), top, after)
        show_input = _flag(request, "showInput", default=True)
        headers = _next_page(rows, top)
        return web.json_response([status_payload(row, show_input=show_input) for row in rows], headers=headers)

    async def _purge(self, request: web.Request) -> web.StreamResponse:
        deletions = await self._client.purge(request.match_info["id"])
        return web.json_response({"instancesDeleted": deletions}, status=200 if deletions else 404)

    async def _purge_by(self, request: web.Request) -> web.StreamResponse:
        if _moment(request, "createdTimeFrom") is None:
            raise BadRequestError("Please provide value for 'createdTimeFrom' parameter.")
        deletions = await self._client.purge_by(_filter(request))
        return web.json_response({"instancesDeleted": deletions}, status=200 if deletions else 404)

    async def _raise(self, request: web.Request) -> web.StreamResponse:
        self._client.require_unfinished(request.match_info["id"])
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
        try:
            restarted_id = await self._client.restart(instance_id, new_id)
        except NotFoundError:
            raise BadRequestError("InstanceId does not match a valid orchestration instance.") from None
        return await self._started(request, restarted_id)

    async def _rewind(self, request: web.Request) -> web.StreamResponse:
        await self._client.rewind(request.match_info["id"], request.query.get("reason", ""))
        return web.Response(status=202)

    async def _list_entities(self, request: web.Request) -> web.StreamResponse:
        top, after = _page(request)
        moments = _moment(request, "lastOperationTimeFrom"), _moment(request, "lastOperationTimeTo")
        filter_ = EntityFilter(name=request.match_info.get("name"), changed_from=moments[0], changed_to=moments[1])
        rows = self._client.entities(filter_, top, after)
        entities = [entity_payload(row, with_state=_flag(request, "fetchState")) for row in rows]
        last = [rows[-1].changed_at, str(rows[-1].entity)] if rows else []
        return web.json_response(entities, headers=_token(last if len(rows) == top else []))

    async def _entity_state(self, request: web.Request) -> web.StreamResponse:
        state = self._client.entity_state(_entity(request))
        return web.Response(text=state, content_type="application/json")

    async def _signal(self, request: web.Request) -> web.StreamResponse:
        """Text that is no JSON is the operation's input as it is; a DELETE asks for the operation `delete`."""
        operation = "delete" if request.method == "DELETE" else request.query.get("op", "")
        is_json = request.content_type == "application/json"
        text = await _json_text(request) if is_json else json.dumps(await request.text() or None)
        await self._client.signal(_entity(request), operation, None if text == "null" else text)
        return web.Response(status=202)


def _with_errors(handler: Handler) -> Handler:
    async def guarded(request: web.Request) -> web.StreamResponse:
        try:
            return await handler(request)
        except NotFoundError as error:
            return _problem(404, f"No instance with ID '{error}' found.", error)
        except GoneError as error:
            return _problem(410, f"Instance with ID '{error}' has finished.", error)
        except NotFinishedError as error:
            return _problem(412, str(error), error)
        except ConflictError as error:
            return _problem(409, str(error), error)
        except StandingError as error:
            LOGGER.warning("%s", error)
            return _problem(500, str(error), error)  # No better status, and the SDK's users see this one.
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
    """What cannot be read filters nothing: the extension tries to parse each value and passes over those that fail."""
    names = ",".join(request.query.getall("runtimeStatus", [])).split(",")
    return Filter(
        created_from=_moment(request, "createdTimeFrom"),
        created_to=_moment(request, "createdTimeTo"),
        statuses=[Status(name.strip()) for name in names if name.strip() in set(Status)],
        prefix=request.query.get("instanceIdPrefix"),
    )


def _moment(request: web.Request, name: str) -> datetime | None:
    try:
        return from_text(request.query.get(name, ""))
    except ValueError:
        return None


def _seconds(request: web.Request, name: str) -> float | None:
    try:
        return float(request.query.get(name, ""))
    except ValueError:
        return None


def _page(request: web.Request) -> tuple[int, Key | None]:
    """How many entries the caller wants, and the last one that it has seen."""
    size, token = request.query.get("top", ""), request.headers.get("x-ms-continuation-token")
    top = int(size) if size.isdecimal() and int(size) > 0 else _PAGE
    if not token:
        return top, None
    after = json.loads(token)
    if not isinstance(after, list) or len(after) != 2:
        raise BadRequestError("the continuation token is not one of this host")
    return top, (str(after[0]), str(after[1]))


def _next_page(rows: list[InstanceRow], top: int) -> dict[str, str]:
    if len(rows) < top:
        return {}
    return _token([rows[-1].created_at, rows[-1].instance_id])


def _token(last: list[str]) -> dict[str, str]:
    return {"x-ms-continuation-token": json.dumps(last)} if last else {}


def _output(row: InstanceRow) -> web.Response:
    return web.Response(text=row.output or "null", content_type="application/json")


def _entity(request: web.Request) -> EntityName:
    key = request.match_info["key"]
    return EntityName(request.match_info["name"].lower(), "" if key == _EMPTY_KEY else key)
