"""A pipeline starts something and is gated on it: told what happens, released once, and never robbed of its token."""

import json
import logging
import socket
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from shared.adapters.azure_devops.client import DevOpsRest
from shared.domain.devops.tasks import TOKEN_LIFE_S
from shared.domain.failures import Refused
from tests.devops.ado import PROJECT, Ado
from tests.devops.conftest import DevOpsApp
from tests.fakes.ports import OPERATOR_KEY

PROMOTE = '{"start": "promotion", "model": "churn:${{ parameters.version }}", "to": "central"}'
GUID = "67be341f-5310-552f-e0cd-7c580e77b98b"


def gated(app: DevOpsApp, name: str, body: str = PROMOTE, version: str = "1", **more: Any) -> dict[str, Any]:
    """A run whose only stage waits for the product."""
    stage = {"name": "promote", "gates": [app.gate(body, **more)]}
    pipeline = app.ado.define(name, stage, parameters={"signalbox": "", "version": "1"})
    return app.ado.run(pipeline, version=version)


async def call(app: DevOpsApp, body: Any, **headers: str) -> tuple[int, Any]:
    """As a pipeline's task calls, key in the query and all."""
    url = f"{app.host.url}/api/v1/devops/checks"
    sent = {
        "Content-Type": "application/json",
        "PlanUrl": f"{app.ado.base}/contoso/",
        "ProjectId": PROJECT.id,
        "HubName": "checks",
        **dict.fromkeys(("PlanId", "JobId", "TimelineId", "TaskInstanceId"), GUID),
        "AuthToken": "forged",
        **headers,
    }
    text = body if isinstance(body, str) else json.dumps(body)
    async with (
        aiohttp.ClientSession() as session,
        session.post(url, params={"code": OPERATOR_KEY}, data=text.encode(), headers=sent) as answer,
    ):
        return answer.status, await answer.json(content_type=None)


async def test_a_pipeline_is_gated_on_a_promotion_and_released_by_approvals_given_here(
    app: DevOpsApp, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    app.register("1", error=1.0)
    issued = list[str]()
    run = gated(app, "gated")
    promotion = await app.asking()
    (task,) = app.tasks()
    issued.append(app.clients.secrets.recall(task, app.clients.clock.now()))
    await app.until(lambda: any("waiting for approval" in line for line in app.ado.seen(run["id"])["log"]))

    await app.approve(promotion)
    seen = await app.ended(run["id"])

    assert seen["result"] == "succeeded"
    assert app.record(promotion)["fate"] == "promoted"
    assert app.record(promotion)["promotion"]["requester"] == "3"  # Who asked for the run cannot approve.
    gate = seen["stages"][0]["gates"][0]["id"]
    effects = app.ado.state()["effects"]
    assert effects["completed"][gate] == 1
    assert gate not in effects.get("completed again", {})
    lines = seen["log"]
    assert [any(step in line for line in lines) for step in ("assessed", "deploy", "pack")] == [True] * 3
    assert lines[-1].startswith("succeeded: promoted")
    assert next(log for log in app.ado.state()["log"] if gate in log["path"])["lines"] == lines
    answer = next(each for each in app.ado.state()["call"] if each["task"] == gate)
    assert (answer["status"], answer["took_s"] < 3) == (200, True)
    assert issued[0]
    await app.host.advance_until_finished(task, timeout=30)
    assert app.clients.secrets.recall(task, app.clients.clock.now()) == ""
    assert_nowhere(issued[0], app, tmp_path, caplog)


def assert_nowhere(token: str, app: DevOpsApp, folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Neither in history, nor in the hub, nor in a log."""
    secret = token.encode()
    assert not [path for path in folder.rglob("*") if path.is_file() and secret in path.read_bytes()]
    assert not [path for (_, path), (_, data) in app.hub.blobs.items() if secret in data]
    assert token not in caplog.text


async def test_a_held_promotion_fails_the_gate_with_its_reason(app: DevOpsApp) -> None:
    app.register("1", error=50.0)

    seen = await app.ended(gated(app, "held")["id"])

    assert seen["result"] == "failed"
    assert seen["log"][-1].startswith("failed: held: preprod (exit): better_than_champion")


async def test_a_wrong_order_fails_the_gate_and_says_why(app: DevOpsApp) -> None:
    seen = await app.ended(gated(app, "inexact", version="latest")["id"])

    assert seen["result"] == "failed"
    assert "churn:latest" in seen["log"][-1]
    assert app.promotions() == []


async def test_a_gate_can_follow_what_somebody_else_started(app: DevOpsApp) -> None:
    app.register("1", error=1.0)
    promotion = await app.promote("churn:1")
    await app.approve(promotion)
    run = gated(app, "following", body=json.dumps({"follow": promotion}))

    assert (await app.ended(run["id"]))["result"] == "succeeded"


@pytest.mark.parametrize("answer", [401, 203, 302])
async def test_once_the_token_has_expired_the_apps_own_identity_releases_the_task(app: DevOpsApp, answer: int) -> None:
    """Azure DevOps may say so, show the page to sign in, or send the caller there."""
    app.register("1", error=1.0)
    run = gated(app, f"slow {answer}")
    promotion = await app.asking()
    app.ado.control("expire", {"plan": run["plan"], "answer": answer})

    await app.approve(promotion)

    assert (await app.ended(run["id"]))["result"] == "succeeded"


def spoken(app: DevOpsApp, who: str, plan: str) -> int:
    return int(app.ado.state()["effects"].get(f"spoken by the {who}", {}).get(plan, 0))


async def test_after_its_48_hours_the_token_is_not_used_any_more_whatever_azure_devops_thinks_of_it(
    app: DevOpsApp,
) -> None:
    """By our clock: the host was away for two days, and the organisation would still take the token."""
    app.register("1", error=1.0)
    run = gated(app, "two days")
    promotion = await app.asking()
    (task,) = app.tasks()
    clock = app.host._virtual_clock()
    by_task, by_app = spoken(app, "task", run["plan"]), spoken(app, "app", "app")

    clock.advance_to(clock.now() + timedelta(seconds=TOKEN_LIFE_S))
    await app.host.settle()
    await app.approve(promotion)
    seen = await app.ended(run["id"])
    await app.host.advance_until_finished(task, timeout=30)

    assert (seen["result"], app.sealed()) == ("succeeded", [])
    assert spoken(app, "task", run["plan"]) == by_task > 0
    assert spoken(app, "app", "app") > by_app


@pytest.mark.parametrize(("person", "more"), [("Signalbox", {}), ("linus@example.org", {"plan_owner": "a-guid"})])
async def test_nobody_unknown_starts_what_people_must_approve(
    app: DevOpsApp, person: str, more: dict[str, str]
) -> None:
    """An app's run has no person for a requester, and not every plan says its run."""
    app.register("1", error=1.0)
    stage = {"name": "promote", "gates": [app.gate(PROMOTE)]}
    pipeline = app.ado.define(f"by {person}", stage, parameters={"signalbox": "", "version": "1"}, **more)

    seen = await app.ended(app.ado.run(pipeline, person)["id"])
    refused = app.promotions()
    object.__setattr__(app.clients.configuration.devops, "unknown_requesters", True)
    app.ado.run(pipeline, person)
    promotion = await app.asking()

    assert (seen["result"], refused) == ("failed", [])
    assert "requester unknown" in seen["log"][-1]
    assert "devops.unknown_requesters" in seen["log"][-1]
    assert "requester unknown" in app.record(promotion)["promotion"]["requested_by"]


async def test_a_pipeline_that_was_cancelled_is_told_nothing(app: DevOpsApp) -> None:
    app.register("1", error=1.0)
    run = gated(app, "cancelled")
    promotion = await app.asking()
    (task,) = app.tasks()
    gate = app.ado.seen(run["id"])["stages"][0]["gates"][0]["id"]
    plan = f"distributedtask/hubs/checks/plans/{run['plan']}/events"
    body = {"name": "TaskCompleted", "taskId": gate, "jobId": app.ado.seen(run["id"])["stages"][0]["gates"][0]["job"]}
    app.ado.ask("POST", plan, {**body, "result": "failed"})

    outcome = await app.host.advance_until_finished(task, timeout=30)

    assert outcome.output["because"] == "the pipeline does not wait any more"
    assert gate not in app.ado.state()["effects"].get("completed again", {})
    assert app.sealed() == []
    assert not app.record(promotion).get("fate")  # What was started goes on.


async def test_a_gate_that_polls_reads_where_it_stands(app: DevOpsApp) -> None:
    """Asked by hand, and by a polling check of a pipeline, which goes on once it is told so."""
    app.register("1", error=1.0)
    promotion = await app.promote("churn:1")
    await app.evidence(promotion)
    url = f"{app.host.url}/api/v1/devops/gates/{promotion}"
    check = {"kind": "poll", "url": url, "key": OPERATOR_KEY, "interval": 0.05}
    run = app.ado.run(app.ado.define("polling", {"name": "promote", "gates": [check]}))
    status, pending = await app.ask("GET", f"devops/gates/{promotion}")
    assert app.ado.seen(run["id"])["state"] == "inProgress"
    await app.approve(promotion)
    await app.finish(promotion)
    assert (await app.ended(run["id"]))["result"] == "succeeded"
    _, done = await app.ask("GET", f"devops/gates/{promotion}")

    assert (status, pending["status"], done["status"]) == (200, "pending", "succeeded")
    assert (await app.ask("GET", "devops/gates/nothing"))[0] == 404


ADDRESSES = (
    "https://evil.example/contoso/",
    "https://127.0.0.1/contoso/",
    "https://localhost/contoso/",
    "{base}/fabrikam/",
    "{base}/contoso-evil/",
    "{base}/contoso/../fabrikam/",
    "{base}/contoso%2f..%2ffabrikam/",
    "{base}.evil.example/contoso/",
    "{base}@evil.example/contoso/",
    "https://user@{host}/contoso/",
    "https://user:pass@{host}/contoso/",
    "{base}:1/contoso/",
    "http://{host}/contoso/",
    "{base}/contoso/?next=https://evil.example",
    "{base}/contoso/#@evil.example",
    "{base}\\contoso",
    "//{host}/contoso/",
    "{trap}/contoso/",
    "http{trap_s}/contoso/",
    "https://dev.azure.com.evil.example/contoso/",
    "https://dev.azure.com/contoso/",
    "https://contoso.visualstudio.com.evil.example/",
    "https://dev.\u0430zure.com/contoso/",
    "https://dev.azure.com\u3002evil.example/contoso/",
    "https://xn--dev-5cd.azure.com/contoso/",
    "",
)


async def test_another_planurl_is_refused_with_nothing_sent_and_nothing_started(app: DevOpsApp) -> None:
    with socket.create_server(("127.0.0.1", 0)) as trap:
        trap.setblocking(False)
        where = f"://127.0.0.1:{trap.getsockname()[1]}"
        base = app.ado.base
        fields = {"base": base, "host": base.removeprefix("https://"), "trap": f"https{where}", "trap_s": where}
        before = app.ado.requests_counted()

        order = {"start": "retraining", "model": "churn"}
        answers = {address: await call(app, order, PlanUrl=address.format(**fields)) for address in ADDRESSES}
        await app.pass_time(minutes=2)

        with pytest.raises(BlockingIOError):
            trap.accept()
    refusals = {address: (status, problem["title"]) for address, (status, problem) in answers.items()}
    assert refusals == dict.fromkeys(ADDRESSES, (403, "pipeline not accepted"))
    assert [word for word in ("forged", "user:pass") if word in json.dumps([*answers.values()])] == []
    assert app.ado.requests_counted() == before
    assert (app.tasks(), app.sealed()) == ([], [])


async def test_a_redirect_is_not_followed(ado: Ado) -> None:
    """A server that the configuration trusts may be taken over; the token still goes nowhere else."""
    from tests.devops.redirecting import redirecting

    with socket.create_server(("127.0.0.1", 0)) as trap:
        trap.setblocking(False)
        with redirecting(f"http://127.0.0.1:{trap.getsockname()[1]}/") as base:
            for method in ("GET", "POST"):
                for token, why in (("secret", "302, the task's token is not accepted"), ("", "wants a sign-in")):
                    with pytest.raises(Refused, match=why):
                        DevOpsRest(ado, base, base).send(method, f"{base}/contoso/x", "look", token=token)
        with pytest.raises(BlockingIOError):
            trap.accept()


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        ({"PlanId": "not-a-guid"}, {"follow": "x"}, 403),
        ({"TaskInstanceId": f"{GUID}/../x"}, {"follow": "x"}, 403),
        ({"HubName": "evil"}, {"follow": "x"}, 403),
        ({"HubName": "checks/../build"}, {"follow": "x"}, 403),
        ({"AuthToken": ""}, {"follow": "x"}, 400),
        ({}, {"start": "anything"}, 400),
        ({}, {"start": "promotion", "model": "churn:1"}, 422),
        ({}, {"start": "pipeline"}, 422),
        ({}, {"follow": "x", "extra": 1}, 400),
        ({}, {"follow": ["x"]}, 400),
        ({}, [], 400),
        ({}, json.dumps({"follow": "x" * 2100}), 400),
        ({}, json.dumps({"follow": "x"}) + " " * 2100, 413),
        ({"Content-Type": "text/plain"}, {"follow": "x"}, 415),
    ],
)
async def test_what_does_not_fit_is_refused(app: DevOpsApp, headers: dict[str, str], body: Any, status: int) -> None:
    before = app.ado.requests_counted()

    answered, _ = await call(app, body, **headers)

    assert (answered, app.tasks(), app.ado.requests_counted()) == (status, [], before)


async def test_a_forged_token_starts_nothing_and_is_told_nothing(app: DevOpsApp) -> None:
    app.register("1", error=1.0)
    status, answer = await call(app, {"start": "promotion", "model": "churn:1", "to": "central"})

    outcome = await app.host.advance_until_finished(answer["task"], timeout=30)

    assert (status, outcome.output["succeeded"]) == (200, False)
    assert app.promotions() == []
    assert app.sealed() == []


async def test_a_replayed_call_joins_the_first_and_one_for_another_task_is_refused(app: DevOpsApp) -> None:
    app.register("1", error=1.0)
    run = gated(app, "replayed")
    promotion = await app.asking()
    (task,) = app.tasks()
    gate = app.ado.seen(run["id"])["stages"][0]["gates"][0]
    token = app.clients.secrets.recall(task, app.clients.clock.now())
    same = {"PlanId": run["plan"], "TimelineId": run["plan"], "JobId": gate["job"], "AuthToken": token}
    body = {"start": "promotion", "model": "churn:1", "to": "central"}

    _, joined = await call(app, body, **same, TaskInstanceId=gate["id"])
    _, other = await call(app, body, **same, TaskInstanceId=GUID)
    refused = await app.host.advance_until_finished(other["task"], timeout=30)
    await app.approve(promotion)
    await app.ended(run["id"])
    await app.host.advance_until_finished(task, timeout=30)
    _, late = await call(app, body, **same, TaskInstanceId=gate["id"])

    assert (joined["task"], joined["accepted"]) == (task, "already running")
    assert "does not wait in plan" in refused.output["because"]
    assert late["accepted"] == "already finished"
    assert app.sealed() == []
    assert app.promotions() == [promotion]
    assert app.ado.state()["effects"]["completed"][gate["id"]] == 1
