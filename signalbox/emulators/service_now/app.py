"""The doors: tokens for an OAuth client, the Table API, and what people and the instance do, for tests and scenes."""

import hmac
import secrets
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from signalbox.emulators.service_now.tables import LABELS, REFERENCES, Refused, Row, Tables
from signalbox.emulators.unserved import unserved

_LIFE_S = 1800
_CLIENT = "signalbox.client"
_TABLE = "/api/now/table/{table}"
_CHANGE_WAY = ("-4", "-3", "-2", "-1")  # To Implement, which is where a change lets work be done.
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceNowOptions:
    """*client* and *secret* are those of the one OAuth client; *door* and *key* let its flow call the app."""

    state: Path
    base: str
    client: str
    secret: str
    door: str
    key: str


def create_app(options: ServiceNowOptions) -> web.Application:
    doors = _Doors(options)
    app = web.Application(client_max_size=4 * 1024**2, middlewares=[doors.disturbed, unserved("ServiceNow"), _refusals])
    app.router.add_post("/oauth_token.do", doors.token)
    app.router.add_get(_TABLE, doors.list_rows)
    app.router.add_post(_TABLE, doors.create_row)
    app.router.add_get(f"{_TABLE}/{{sys_id}}", doors.show_row)
    app.router.add_patch(f"{_TABLE}/{{sys_id}}", doors.change_row)
    app.router.add_post("/_control/order", doors.order)
    app.router.add_post("/_control/decide", doors.decide)
    app.router.add_post("/_control/disturb", doors.disturb)
    app.router.add_get("/_control/state", doors.state)
    return app


@web.middleware
async def _refusals(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except Refused as refusal:
        error = {"message": refusal.message, "detail": refusal.detail}
        return web.json_response({"error": error, "status": "failure"}, status=refusal.status)


class _Doors:
    def __init__(self, options: ServiceNowOptions) -> None:
        self._options = options
        self._tables = Tables(options.state / "emulators" / "service_now.db")
        self._tokens: dict[str, float] = {}
        self._disturbance: dict[str, Any] = {}

    @property
    def disturbed(self) -> Any:
        """An outage or a throttle for the next requests, as a test has asked for it."""

        @web.middleware
        async def disturbed(request: web.Request, handler: Handler) -> web.StreamResponse:
            if self._disturbance.get("times", 0) > 0 and not request.path.startswith("/_control/"):
                self._disturbance["times"] -= 1
                headers = {"Retry-After": str(self._disturbance.get("after", ""))}
                return web.json_response(
                    {"error": {"message": "Rate limit exceeded", "detail": ""}, "status": "failure"},
                    status=self._disturbance["status"],
                    headers=headers if self._disturbance.get("after") else {},
                )
            return await handler(request)

        return disturbed

    async def token(self, request: web.Request) -> web.Response:
        form = {name: str(value) for name, value in (await request.post()).items()}
        is_client = hmac.compare_digest(form.get("client_id", ""), self._options.client)
        is_secret = hmac.compare_digest(form.get("client_secret", "").encode(), self._options.secret.encode())
        if form.get("grant_type") != "client_credentials":
            return web.json_response({"error": "unsupported_grant_type", "error_description": "grant"}, status=400)
        if not (is_client and is_secret):
            return web.json_response({"error": "access_denied", "error_description": "access_denied"}, status=401)
        token = secrets.token_urlsafe(48)
        self._tokens[token] = time.monotonic() + _LIFE_S
        return web.json_response(
            {"access_token": token, "scope": "useraccount", "token_type": "Bearer", "expires_in": _LIFE_S - 1}
        )

    async def list_rows(self, request: web.Request) -> web.Response:
        self._admit(request)
        table, query = request.match_info["table"], request.query
        rows = self._tables.rows(table, query.get("sysparm_query", ""))
        first, most = int(query.get("sysparm_offset", 0)), int(query.get("sysparm_limit", 10000))
        shown = [self._shown(table, row, request) for row in rows[first : first + most]]
        return web.json_response({"result": shown}, headers={"X-Total-Count": str(len(rows))})

    async def show_row(self, request: web.Request) -> web.Response:
        self._admit(request)
        table = request.match_info["table"]
        row = self._tables.row(table, request.match_info["sys_id"])
        return web.json_response({"result": self._shown(table, row, request)})

    async def create_row(self, request: web.Request) -> web.Response:
        self._admit(request)
        table = request.match_info["table"]
        row = self._tables.create(table, _texts(await request.json()), _CLIENT)
        return web.json_response({"result": self._shown(table, row, request)}, status=201)

    async def change_row(self, request: web.Request) -> web.Response:
        self._admit(request)
        table, sys_id = request.match_info["table"], request.match_info["sys_id"]
        row = self._tables.update(table, sys_id, _texts(await request.json()), _CLIENT)
        return web.json_response({"result": self._shown(table, row, request)})

    async def order(self, request: web.Request) -> web.Response:
        """`{variables, person, approved, times}`: somebody orders, it is approved, and the flow calls the app."""
        body = await request.json()
        parent = self._tables.insert("sc_request", {"requested_for": body["person"]}, body["person"])
        fields = {"request": parent["sys_id"], "requested_for": body["person"], "short_description": "MLOps framework"}
        item = self._tables.insert("sc_req_item", fields, body["person"])
        if body.get("approved", True):
            item = self._tables.update("sc_req_item", item["sys_id"], {"approval": "approved"}, "manager", acts=True)
        answers = [await self._call(item, parent, body["variables"]) for _ in range(body.get("times", 1))]
        return web.json_response({"item": item, "answers": answers})

    async def decide(self, request: web.Request) -> web.Response:
        """`{number, decision}`: approve (and bring to Implement), reject or cancel a change request, as people do."""
        body = await request.json()
        (row,) = self._tables.rows("change_request", f"number={body['number']}")
        name = row["sys_id"]
        if body["decision"] == "approve":
            self._tables.update("change_request", name, {"approval": "approved"}, "cab", acts=True)
            for state in _CHANGE_WAY:
                row = self._tables.update("change_request", name, {"state": state}, "cab", acts=True)
        elif body["decision"] == "reject":
            row = self._tables.update("change_request", name, {"approval": "rejected"}, "cab", acts=True)
        else:
            row = self._tables.update("change_request", name, {"state": "4"}, "cab", acts=True)
        return web.json_response(row)

    async def disturb(self, request: web.Request) -> web.Response:
        """`{status, times, after}`: the next requests are answered so; *after* is the header Retry-After."""
        self._disturbance = await request.json()
        return web.json_response({})

    async def state(self, request: web.Request) -> web.Response:
        del request
        return web.json_response(self._tables.state())

    def _admit(self, request: web.Request) -> None:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme != "Bearer" or self._tokens.get(token, 0.0) < time.monotonic():
            raise Refused(401, "User Not Authenticated", "Required to provide Auth information")

    async def _call(self, item: Row, parent: Row, variables: dict[str, str]) -> dict[str, Any]:
        """The step "REST" of the flow."""
        body = {
            "schema": "signalbox.request/1",
            "number": item["number"],
            "sys_id": item["sys_id"],
            "table": "sc_req_item",
            "request": parent["number"],
            "item": "mlops-framework",
            "requested_for": {"user_name": item["requested_for"]},
            "approval": item["approval"],
            "variables": variables,
        }
        headers = {"x-functions-key": self._options.key}
        async with (
            aiohttp.ClientSession() as session,
            session.post(self._options.door, json=body, headers=headers) as answer,
        ):
            return {"status": answer.status, "body": await answer.json(content_type=None)}

    def _shown(self, table: str, row: Row, request: web.Request) -> dict[str, Any]:
        query = request.query
        fields = [name for name in query.get("sysparm_fields", "").split(",") if name] or list(row)
        shows, links = (
            query.get("sysparm_display_value", "false"),
            query.get("sysparm_exclude_reference_link") != "true",
        )
        return {name: self._value(table, name, row.get(name, ""), shows, links) for name in fields if name in row}

    def _value(self, table: str, name: str, value: str, shows: str, links: bool) -> Any:
        label = LABELS.get((table, name), {}).get(value, value)
        if shows == "all":
            return {"display_value": label, "value": value}
        if shows == "true":
            return label
        if (table, name) in REFERENCES and value and links:
            return {"link": f"{self._options.base}/api/now/table/{name}/{value}", "value": value}
        return value


def _texts(body: dict[str, Any]) -> Row:
    """ServiceNow keeps texts, whatever it is sent."""
    return {name: str(value) for name, value in body.items()}
