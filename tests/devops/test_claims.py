"""Other calls for a task that waits: none takes its place, and one that Azure DevOps confirms is refused aloud."""

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from aiohttp import web

from activities.devops.claims import claim_task
from shared.domain.devops.orders import read_order
from shared.domain.devops.tasks import TaskRef
from shared.domain.failures import Refused
from tests.devops.conftest import DevOpsApp
from tests.devops.test_tasks import call
from tests.fakes.ports import FakeClients
from tests.promotion.conftest import CONFIGURATION

PROMOTE = {"start": "promotion", "model": "churn:1", "to": "central"}
SENT = ("PlanId", "TimelineId", "JobId", "TaskInstanceId", "AuthToken")


@asynccontextmanager
async def waiting(app: DevOpsApp, name: str) -> AsyncIterator[tuple[int, dict[str, str]]]:
    """A run whose gate waits, and what it sent: to somebody who takes it and tells us nothing."""
    heard = list[dict[str, str]]()

    async def take(request: web.Request) -> web.Response:
        heard.append({header: request.headers[header] for header in SENT})
        return web.json_response({})

    server = web.Application()
    server.router.add_post("/", take)
    runner = web.AppRunner(server, access_log=None, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        url = f"http://127.0.0.1:{runner.addresses[0][1]}/"
        stage = {"name": "promote", "gates": [{**app.gate(json.dumps(PROMOTE)), "url": url}]}
        run = app.ado.run(app.ado.define(name, stage))
        yield run["id"], await app.until(lambda: heard[0] if heard else None)
    finally:
        await runner.cleanup()


async def finished(app: DevOpsApp, task: str) -> Any:
    return (await app.host.advance_until_finished(task, timeout=30)).output


async def test_whoever_comes_first_with_a_forged_token_does_not_take_the_tasks_place(app: DevOpsApp) -> None:
    async with waiting(app, "overtaken") as (run, sent):
        _, forged = await call(app, {"follow": "promotion-x-1"}, **{**sent, "AuthToken": "forged"})
        refused = await finished(app, forged["task"])
        _, real = await call(app, {**PROMOTE, "model": "churn:latest"}, **sent)
        seen = await app.ended(run)

    assert (refused["succeeded"], "task's token is not accepted" in refused["because"]) == (False, True)
    assert real["accepted"] == "started"
    assert "churn:latest" in seen["log"][-1]  # The task's own call is the one that is answered.


async def test_a_confirmed_call_that_asks_for_something_else_is_refused_recorded_and_told(app: DevOpsApp) -> None:
    app.register("1", error=1.0)
    app.register("2", error=1.0)
    async with waiting(app, "contested") as (run, sent):
        await call(app, PROMOTE, **sent)
        (promotion,) = await app.until(app.promotions)
        _, other = await call(app, {**PROMOTE, "model": "churn:2"}, **sent)
        await app.until(lambda: app.host.get(other["task"]).output)

    assert "it is refused, the first stands" in app.host.get(other["task"]).output["because"]
    assert app.promotions() == [promotion]
    assert [line for line in app.ado.seen(run)["log"] if "asked for something else" in line]
    assert [blob.path for blob in app.hub.list("signalbox", "devops/claims/") if "/refused-" in blob.path]
    assert not [path for path in app.sealed() if other["task"] in path]


def test_a_task_is_claimed_once_by_whatever_order_comes_first_and_retries_are_no_conflict() -> None:
    clients, told = FakeClients(CONFIGURATION, lambda: datetime.now(UTC)), list[Sequence[str]]()
    say = SimpleNamespace(say=lambda task, token, lines: told.append(lines))
    vars(clients)["server_tasks"] = say
    first = TaskRef(organisation="o", project="p", hub="h", plan="p", job="j", timeline="t", task="i", call="1")
    order, other = (read_order({"follow": run}) for run in ("a", "b"))

    for _ in range(2):  # As after a crash.
        claim_task(clients, first, order, "token")
    with pytest.raises(Refused, match="asked for the same"):
        claim_task(clients, replace(first, call="2"), order, "newer token")
    for _ in range(2):
        with pytest.raises(Refused, match="asked for something else"):
            claim_task(clients, replace(first, call="3"), other, "token")
    claim_task(clients, replace(first, task="another task", call="3"), other, "token")

    assert len(told) == 1
