"""The calls of the SDK's client inside one process: to the right host, and without the caller's context."""

from contextvars import ContextVar
from typing import Any

import pytest
from aiohttp import web

from signalbox.host.durable.sdk import LocalSession

RECEIVED = ContextVar("received", default="nothing")
ONE, TWO = "http://127.0.0.1:1/durabletask/", "http://127.0.0.1:2/durabletask/"


def answering(name: str) -> list[web.RouteDef]:
    async def show(request: web.Request) -> web.Response:
        seen = {"host": name, "id": request.match_info["id"], "top": request.query.get("top"), "sees": RECEIVED.get()}
        return web.json_response(seen)

    async def take(request: web.Request) -> web.Response:
        return web.json_response({"took": await request.text(), "as": request.content_type}, status=202)

    return [web.get("/durabletask/instances/{id}", show), web.post("/durabletask/instances/{id}", take)]


@pytest.fixture
def session() -> LocalSession:
    made = LocalSession()
    made.serve(ONE, answering("one"))
    made.serve(TWO, answering("two"))
    return made


async def test_each_host_answers_below_its_own_address(session: LocalSession):
    for base, name in ((ONE, "one"), (TWO, "two")):
        async with session.get(f"{base}instances/a%20b?top=3", headers={}) as response:
            found = await response.json(content_type=None)

        assert (response.status, found["host"], found["id"], found["top"]) == (200, name, "a b", "3")


async def test_what_is_asked_for_does_not_see_whose_turn_it_is(session: LocalSession):
    RECEIVED.set("an event")

    async with session.get(f"{ONE}instances/i") as response:
        assert (await response.json())["sees"] == "nothing"


@pytest.mark.parametrize(
    ("body", "text", "kind"),
    [({"a": 1}, '{"a": 1}', "application/json"), (None, "", "application/octet-stream")],
)
async def test_a_body_is_sent_as_json(session: LocalSession, body: Any, text: str, kind: str):
    async with session.post(f"{ONE}instances/i", json=body) as response:
        assert (response.status, await response.json()) == (202, {"took": text, "as": kind})


async def test_a_host_that_has_stopped_is_not_asked(session: LocalSession):
    session.forget(ONE)

    with pytest.raises(ConnectionError, match=r"127\.0\.0\.1:1"):
        session.get(f"{ONE}instances/i")
