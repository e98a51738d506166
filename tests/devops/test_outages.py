"""Azure DevOps is away, throttles or refuses for a while: everything goes on afterwards, and happens once."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import azure.durable_functions as df
import pytest

from shared import contracts as c
from shared.application.devops.open_instances import start_kept
from shared.codec import encode
from shared.domain.configuration import Configuration
from shared.domain.devops.configuration import DevOps, MergeStart, StageApprovals
from shared.domain.devops.orders import OrderKind, TaskOrder
from shared.domain.devops.tasks import FAILURES
from shared.domain.inference.runs import failure_delay_s
from tests.devops.conftest import DevOpsApp
from tests.inference.conftest import a_route
from tests.promotion.conftest import CONFIGURATION

SCORE = '{"start": "inference", "path": "landing/each/paris/a.csv"}'
PROMOTE = '{"start": "promotion", "model": "churn:1", "to": "central"}'
APP = "Signalbox"
PEOPLE = {"data-scientist": "[mlops]\\Data Scientists", "product-owner": "[mlops]\\Product Owners"}
PLAN, FEED, EVENTS, PERSON, APPROVALS = r"/plans/[^/]+$", "/feed$", "/events$", "/graph/users/", "/timeline$|/approvals"


@pytest.fixture
def base() -> Configuration:
    return replace(CONFIGURATION, routes=(a_route("each"),))


@pytest.fixture
def rules() -> DevOps:
    shared = StageApprovals(stage="central", organisation="contoso", project="mlops", approvers=PEOPLE)
    merges = MergeStart(
        organisation="contoso",
        project="mlops",
        repository="models",
        branch="refs/heads/main",
        order=TaskOrder(kind=OrderKind.PROMOTION, model="churn", to="preprod"),
    )
    return DevOps(organisations=("contoso",), projects=("mlops",), approvals=(shared,), merges=(merges,))


@pytest.fixture
async def stormy(app: DevOpsApp) -> AsyncIterator[DevOpsApp]:
    yield app
    app.ado.control("outage", {})


def scored(app: DevOpsApp, name: str) -> dict[str, Any]:
    """A run that waits for a file to be scored."""
    app.hub.land("landing/each/paris/a.csv", b"id,x\n1,1\n2,2\n")
    return app.ado.run(app.ado.define(name, {"name": "score", "gates": [app.gate(SCORE)]}))


def turned_away(app: DevOpsApp) -> int:
    return sum(app.ado.state()["effects"].get("turned away", {}).values())


async def released(app: DevOpsApp, run: dict[str, Any]) -> None:
    seen = await app.ended(run["id"])
    gate = seen["stages"][0]["gates"][0]["id"]
    effects = app.ado.state()["effects"]
    assert (seen["result"], effects["completed"][gate]) == ("succeeded", 1), seen["log"]
    assert gate not in effects.get("completed again", {})
    assert len([line for line in seen["log"] if line.startswith("succeeded: ")]) == 1
    (task,) = app.tasks()
    await app.host.advance_until_finished(task, timeout=30)
    assert (app.sealed(), still_open(app)) == ([], [])


def still_open(app: DevOpsApp) -> list[str]:
    return [blob.path for blob in app.hub.list("signalbox", "devops/open/devops-task")]


@pytest.mark.parametrize(
    ("name", "outage"),
    [
        ("plan", {"status": 503, "path": PLAN}),
        ("callback", {"status": 503, "path": EVENTS}),
        ("everything", {"status": 503}),
        ("told to wait", {"status": 429, "path": EVENTS, "retry_after": 90}),
        ("not permitted yet", {"status": 403, "path": EVENTS}),
        ("not permitted to tell", {"status": 403, "path": FEED}),
    ],
)
async def test_a_task_is_released_once_after_two_minutes_without_azure_devops(
    stormy: DevOpsApp, name: str, outage: dict[str, Any]
) -> None:
    before = turned_away(stormy)
    stormy.ado.control("outage", outage)
    run = scored(stormy, f"outage {name}")
    await stormy.until(lambda: turned_away(stormy) > before)
    await stormy.pass_time(minutes=2)
    assert stormy.ado.seen(run["id"])["state"] != "completed"

    stormy.ado.control("outage", {})

    await released(stormy, run)


async def test_who_asks_to_be_left_alone_is_left_alone(stormy: DevOpsApp) -> None:
    stormy.ado.control("outage", {"status": 429, "path": EVENTS, "retry_after": 600})
    before = turned_away(stormy)
    run = scored(stormy, "left alone")
    await stormy.until(lambda: turned_away(stormy) > before)

    await stormy.pass_time(minutes=9)

    assert turned_away(stormy) == before + 1
    stormy.ado.control("outage", {})
    await stormy.pass_time(minutes=2)
    await released(stormy, run)


async def test_where_the_requester_cannot_be_looked_up_the_task_fails_and_says_why(stormy: DevOpsApp) -> None:
    stormy.ado.control("outage", {"status": 403, "path": PERSON})
    run = scored(stormy, "no directory")

    seen = await stormy.ended(run["id"])

    assert (seen["result"], "read who decided: 403" in seen["log"][-1]) == ("failed", True)
    assert not list(stormy.hub.list("signalbox", "runs/"))


async def asked(app: DevOpsApp, name: str) -> tuple[dict[str, Any], str]:
    """A run that waits for a promotion and for people, and the promotion once it asks them."""
    app.register("1", error=1.0)
    approval = {"kind": "approval", "approvers": [*PEOPLE.values(), APP], "min": 2}
    stage = {"name": "promote", "gates": [app.gate(PROMOTE), approval]}
    run = app.ado.run(app.ado.define(name, stage))
    promotion = await app.asking()
    await app.pass_time(seconds=3)
    return run, promotion


async def test_decisions_are_shared_after_two_minutes_without_azure_devops(stormy: DevOpsApp) -> None:
    run, promotion = await asked(stormy, "mirrored afterwards")
    (approval,) = stormy.ado.approvals(run["id"])
    stormy.ado.decide(approval["id"], "ada@example.org")
    stormy.ado.control("outage", {"status": 503, "path": APPROVALS})
    await stormy.pass_time(minutes=2)
    path = f"promotions/{promotion}/effects/central/entry/pack.json"
    evidence = json.loads(stormy.hub.read("signalbox", path) or b"")["digest"]

    stormy.ado.control("outage", {})
    await stormy.until(lambda: "decision approved" in stormy.chain())
    await stormy.decide(promotion, "grace", "product-owner", evidence=evidence)

    assert (await stormy.ended(run["id"]))["result"] == "succeeded"


@pytest.mark.parametrize("method", ["POST", "GET"])
async def test_a_run_of_a_pipeline_is_started_once_and_read_to_its_result(stormy: DevOpsApp, method: str) -> None:
    number = stormy.ado.define(f"provision {method}", {"name": "work", "steps": [{"kind": "log", "lines": ["done"]}]})
    wanted = c.RunOfPipeline(
        key=f"k/{method}", organisation="contoso", project="mlops", pipeline=number, correlation=f"c-{method}"
    )
    stormy.ado.control("outage", {"status": 503, "method": method, "path": "/runs"})
    await stormy.host.start("run_devops_pipeline", f"run-{method}", encode(wanted))
    await stormy.pass_time(minutes=2)

    stormy.ado.control("outage", {})
    outcome = await stormy.host.advance_until_finished(f"run-{method}", timeout=30)

    assert (outcome.status, outcome.output["result"]) == ("Completed", "succeeded")
    assert stormy.ado.state()["effects"]["runs"][f"provision {method}"] == 1


async def hinted(app: DevOpsApp, status: int) -> str:
    """The hint that a merge has happened, while what it is about is answered with *status*."""
    app.register("1", error=1.0)
    body = {"sourceRefName": "refs/heads/x", "targetRefName": "refs/heads/main", "description": "signalbox: churn:1"}
    pull = app.ado.ask("POST", "git/repositories/models/pullrequests", body, "ada@example.org").json()
    number = pull["pullRequestId"]
    app.ado.ask("PATCH", f"git/repositories/models/pullrequests/{number}", {"status": "completed"}, "ada@example.org")
    app.ado.control("outage", {"status": status, "path": "/pullrequests/"})
    resource = {"pullRequestId": number, "repository": {"name": "models"}}
    _, answer = await app.ask("POST", "devops/hooks", {"eventType": "git.pullrequest.merged", "resource": resource})
    return str(answer["hint"])


async def test_a_merge_that_was_hinted_at_meanwhile_starts_what_it_starts_once(stormy: DevOpsApp) -> None:
    hint = await hinted(stormy, 503)
    await stormy.pass_time(minutes=2)
    assert stormy.promotions() == []
    stormy.ado.control("outage", {})
    heeded = await stormy.host.advance_until_finished(hint, timeout=30)

    assert [heeded.output["did"]] == stormy.promotions()


async def sweep(app: DevOpsApp, name: str) -> None:
    await app.host.start("reconcile_promotions", name, {"key": name})
    assert (await app.host.advance_until_finished(name, timeout=30)).status == "Completed"


async def test_a_sweep_starts_followers_and_mirrors_again_that_were_ended(stormy: DevOpsApp) -> None:
    run, promotion = await asked(stormy, "ended from outside")
    (task,) = stormy.tasks()
    for name in (task, f"{promotion}-mirror"):
        await stormy.host.terminate(name, "by hand")
    await stormy.host.settle()

    await sweep(stormy, "first sweep")

    assert {stormy.host.get(name).status for name in (task, f"{promotion}-mirror")} == {"Running"}
    (approval,) = stormy.ado.approvals(run["id"])
    stormy.ado.decide(approval["id"], "ada@example.org")
    stormy.ado.decide(approval["id"], "grace@example.org")
    await released(stormy, run)
    await stormy.until(lambda: not list(stormy.hub.list("signalbox", "devops/open/")))
    await sweep(stormy, "second sweep")
    assert stormy.host.get(task).status == "Completed"


async def test_a_sweep_starts_hints_and_runs_again_that_were_ended_and_closes_what_has_ended(stormy: DevOpsApp) -> None:
    host, hint = stormy.host, await hinted(stormy, 503)
    stormy.ado.control("outage", {"status": 503})
    number = stormy.ado.define("provision again", {"name": "work", "steps": [{"kind": "log", "lines": ["done"]}]})
    where = {"organisation": "contoso", "project": "mlops", "pipeline": number}
    wanted = c.RunOfPipeline(key="k/again", correlation="c-again", **where)
    client = df.DurableOrchestrationClient(host.client_binding())
    await start_kept(client, stormy.clients.store, stormy.clients.clock.now(), c.RUN_DEVOPS_PIPELINE, "c-again", wanted)
    for name in (hint, "c-again"):
        await host.terminate(name, "by hand")
    await host.settle()

    await sweep(stormy, "first sweep")

    assert {host.get(name).status for name in (hint, "c-again")} == {"Running"}
    stormy.ado.control("outage", {})
    for name in (hint, "c-again"):
        assert (await host.advance_until_finished(name, timeout=30)).status == "Completed"
    await sweep(stormy, "second sweep")
    assert not list(stormy.hub.list("signalbox", "devops/open/"))
    assert (len(stormy.promotions()), stormy.ado.state()["effects"]["runs"]["provision again"]) == (1, 1)


async def test_a_sweep_leaves_a_hint_alone_that_was_refused(stormy: DevOpsApp) -> None:
    hint = await hinted(stormy, 403)
    assert (await stormy.host.advance_until_finished(hint, timeout=30)).status == "Failed"

    await sweep(stormy, "refused")

    assert stormy.host.get(hint).status == "Failed"
    assert not list(stormy.hub.list("signalbox", "devops/open/"))


async def test_a_sweep_drops_tokens_whose_time_is_over_and_no_others(stormy: DevOpsApp) -> None:
    secrets, now = stormy.clients.secrets, stormy.clients.clock.now()
    secrets.keep("over", "token", now)
    secrets.keep("alive", "token", now + timedelta(hours=1))

    await sweep(stormy, "tokens")

    assert stormy.sealed() == ["secrets/alive.json"]


async def test_what_has_waited_longer_than_azure_devops_lets_anything_wait_is_given_up(stormy: DevOpsApp) -> None:
    long_ago = (stormy.clients.clock.now() - timedelta(days=32)).isoformat()
    mirroring = encode(c.Mirroring(key="k", promotion="promotion-gone"))
    kept = {"orchestration": "mirror", "input": mirroring, "since": long_ago}
    stormy.hub.land("signalbox/devops/open/promotion-gone-mirror.json", json.dumps(kept).encode())

    await sweep(stormy, "given up")

    assert not list(stormy.hub.list("signalbox", "devops/open/"))


def test_pauses_grow_to_five_minutes_and_two_days_in_all_or_as_long_as_asked() -> None:
    pauses = [failure_delay_s(number) for number in range(1, FAILURES + 1)]

    assert pauses[:8] == [5, 10, 20, 40, 80, 160, 300, 300]
    assert 48 * 3600 <= sum(pauses) <= 49 * 3600
    assert failure_delay_s(1, asked_s=900.0) == 900.0
