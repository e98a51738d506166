"""Of a run's approvals only those count that stand in the stage where the promotion's own task waits."""

import json
import uuid
from dataclasses import replace
from typing import Any

import pytest

from shared.domain.configuration import Configuration
from shared.domain.devops.configuration import DevOps, StageApprovals
from shared.domain.promotion.approvals import ApprovalPolicy
from tests.devops.conftest import DevOpsApp
from tests.promotion.conftest import CONFIGURATION, SCIENTIST, STAGES

SCIENTISTS, OWNERS, APP = "[mlops]\\Data Scientists", "[mlops]\\Product Owners", "Signalbox"
PROMOTE = '{"start": "promotion", "model": "churn:1", "to": "central"}'


@pytest.fixture
def rules() -> DevOps:
    where = {"organisation": "contoso", "project": "mlops"}
    both = {"data-scientist": SCIENTISTS, "product-owner": OWNERS}
    return DevOps(
        organisations=("contoso",),
        projects=("mlops",),
        approvals=(
            StageApprovals(stage="preprod", **where, approvers={"data-scientist": SCIENTISTS}),
            StageApprovals(stage="central", **where, approvers=both),
        ),
    )


@pytest.fixture
def base() -> Configuration:
    """Preprod asks the data scientists, whom central asks too."""
    dev, preprod, central = STAGES
    stages = (dev, replace(preprod, approvals=ApprovalPolicy(roles=(SCIENTIST,))), central)
    return replace(CONFIGURATION, ladder=replace(CONFIGURATION.ladder, stages=stages))


def configured(app: DevOpsApp, **changed: str) -> None:
    """As if every stage's approvals were configured so."""
    devops = app.clients.configuration.devops
    approvals = tuple(replace(each, **changed) for each in devops.approvals)
    object.__setattr__(devops, "approvals", approvals)


def approval(*approvers: str, needed: int = 1) -> dict[str, Any]:
    return {"kind": "approval", "approvers": list(approvers), "min": needed}


def started(app: DevOpsApp, name: str, *gates: dict[str, Any], **task: Any) -> dict[str, Any]:
    """A run whose first stage starts the promotion, and whose second one waits for people meanwhile."""
    app.register("1", error=1.0)
    first = {"name": "promote", "parallel": True, "gates": [app.gate(PROMOTE, **task), *gates]}
    second = {"name": "deploy", "gates": [approval(SCIENTISTS, OWNERS, APP)]}
    return app.ado.run(app.ado.define(name, first, second))


async def asked(app: DevOpsApp, stage: str) -> tuple[str, str]:
    """The promotion that waits for the people of *stage*, and the evidence they are shown."""

    def pack() -> tuple[str, str] | None:
        for each in app.promotions():
            raw = app.hub.read("signalbox", f"promotions/{each}/effects/{stage}/entry/pack.json")
            if raw is not None:
                return each, str(json.loads(raw)["digest"])
        return None

    promotion, digest = await app.until(pack)
    await app.pass_time(seconds=3)
    return promotion, digest


async def decide(app: DevOpsApp, stage: str, who: str, role: str, what: str = "approve") -> str:
    promotion, digest = await asked(app, stage)
    status, answer = await app.decide(promotion, who, role, what, evidence=digest)
    assert status == 200, answer
    return promotion


def statuses(app: DevOpsApp, run: dict[str, Any]) -> dict[str, str]:
    return {each["stage"]: each["status"] for each in app.ado.approvals(run["id"])}


def decided_by(app: DevOpsApp, run: dict[str, Any]) -> list[str]:
    names = {each["id"] for each in app.ado.approvals(run["id"])}
    decisions = app.ado.state()["effects"].get("decisions", {})
    return [each.partition("/")[2] for each in decisions if each.partition("/")[0] in names]


async def test_an_approval_that_two_stages_share_is_released_by_the_last_of_them(app: DevOpsApp) -> None:
    run = started(app, "two stages of the ladder", approval(SCIENTISTS, OWNERS, APP))

    await decide(app, "preprod", "ada", "data-scientist")
    promotion, _ = await asked(app, "central")
    assert statuses(app, run) == {"promote": "pending", "deploy": "pending"}
    await decide(app, "central", "ada", "data-scientist")
    await decide(app, "central", "grace", "product-owner")
    await app.finish(promotion)
    await app.until(lambda: statuses(app, run)["promote"] == "approved")
    await app.pass_time(seconds=10)

    assert statuses(app, run) == {"promote": "approved", "deploy": "pending"}
    assert len(decided_by(app, run)) == 1  # The app, once.


async def test_a_decision_there_counts_for_the_stage_that_asks_and_for_no_other(app: DevOpsApp) -> None:
    run = started(app, "decided once", approval(SCIENTISTS, OWNERS, needed=2))
    await asked(app, "preprod")
    (shared,) = [each for each in app.ado.approvals(run["id"]) if each["stage"] == "promote"]

    app.ado.decide(shared["id"], "ada@example.org")
    promotion, _ = await asked(app, "central")
    await app.pass_time(seconds=10)

    entries = [each.facts for each in app.clients.audit.entries() if each.kind == "decision approved"]
    assert [(each["role"], each["oid"]) for each in entries] == [("data-scientist", "1")]
    assert not app.record(promotion).get("fate")


async def test_another_stages_approval_is_no_decision_on_the_promotion(app: DevOpsApp) -> None:
    run = started(app, "elsewhere in the run", approval(SCIENTISTS, OWNERS, APP))
    promotion, _ = await asked(app, "preprod")
    (other,) = [each for each in app.ado.approvals(run["id"]) if each["stage"] == "deploy"]

    assert app.ado.decide(other["id"], "ada@example.org", "rejected").status_code == 200
    await app.pass_time(seconds=10)

    assert not [kind for kind in app.chain() if kind.startswith("decision")]
    assert not app.record(promotion).get("fate")


async def test_a_held_promotion_rejects_what_waits_beside_its_task_and_nothing_else(app: DevOpsApp) -> None:
    run = started(app, "held", approval(SCIENTISTS, OWNERS, APP))

    promotion = await decide(app, "preprod", "ada", "data-scientist", "reject")
    await app.finish(promotion)
    await app.until(lambda: statuses(app, run)["promote"] != "pending")
    await app.pass_time(seconds=10)

    assert statuses(app, run) == {"promote": "rejected", "deploy": "pending"}


async def test_an_approval_that_nobody_was_asked_for_is_left_to_people(app: DevOpsApp) -> None:
    """Held by a gate of preprod, before anybody of central was shown anything."""
    app.register("1", error=50.0)
    first = {"name": "promote", "parallel": True, "gates": [app.gate(PROMOTE), approval(OWNERS, APP)]}
    run = app.ado.run(app.ado.define("never asked", first))

    promotion = await decide(app, "preprod", "ada", "data-scientist")
    assert (await app.finish(promotion)).fate.value == "held"
    await app.pass_time(seconds=10)

    assert statuses(app, run) == {"promote": "pending"}


async def test_the_approvals_of_another_project_do_not_count(app: DevOpsApp) -> None:
    configured(app, project="elsewhere")
    run = started(app, "another project", approval(SCIENTISTS, OWNERS, APP, needed=2))
    promotion, _ = await asked(app, "preprod")
    beside = next(each for each in app.ado.approvals(run["id"]) if each["stage"] == "promote")

    app.ado.decide(beside["id"], "ada@example.org")
    await app.pass_time(seconds=10)
    assert not [kind for kind in app.chain() if kind.startswith("decision")]
    assert await decide(app, "preprod", "ada", "data-scientist", "reject") == promotion
    await app.finish(promotion)
    await app.pass_time(seconds=10)

    assert statuses(app, run) == {"promote": "pending", "deploy": "pending"}


async def test_a_check_whose_record_has_another_id_is_found_as_the_only_one_that_waits(app: DevOpsApp) -> None:
    run = started(app, "another id", approval(SCIENTISTS, OWNERS, APP), record=str(uuid.uuid4()))

    promotion = await decide(app, "preprod", "ada", "data-scientist", "reject")
    await app.finish(promotion)

    await app.until(lambda: statuses(app, run) == {"promote": "rejected", "deploy": "pending"})


async def test_where_the_stage_of_the_task_is_not_known_nothing_counts_until_it_is_configured(app: DevOpsApp) -> None:
    app.register("1", error=1.0)
    beside = approval(SCIENTISTS, OWNERS, needed=2)
    gates = [app.gate(PROMOTE, record=str(uuid.uuid4())), beside]
    polling = {"kind": "poll", "url": f"{app.host.url}/nothing", "record": str(uuid.uuid4())}
    first, second = {"name": "other", "parallel": True, "gates": [polling]}, {"name": "promote", "gates": gates}
    run = app.ado.run(app.ado.define("two checks wait", first, second))
    promotion, _ = await asked(app, "preprod")
    (shared,) = app.ado.approvals(run["id"])

    app.ado.decide(shared["id"], "ada@example.org")
    await app.pass_time(seconds=10)
    said = json.dumps(app.host.get(f"{promotion}-mirror").custom_status)
    assert "devops.approvals.preprod.pipeline_stage" in said
    assert not [kind for kind in app.chain() if kind.startswith("decision")]
    configured(app, pipeline_stage="Promote")
    await app.until(lambda: "decision approved" in app.chain())

    assert not app.record(promotion).get("fate")  # Central still asks.


async def test_a_step_of_the_stage_finds_the_stages_approvals_too(app: DevOpsApp) -> None:
    """As the templates do: the task is a job of the stage, whose approvals come before it."""
    app.register("1", error=1.0)
    first = {"name": "promote", "parallel": True, "steps": [app.gate(PROMOTE, hub="build")]}
    second = {"name": "deploy", "gates": [approval(SCIENTISTS, OWNERS, APP)]}
    run = app.ado.run(app.ado.define("as a job", first, second))
    promotion, _ = await asked(app, "preprod")
    links = [json.loads(app.hub.read("signalbox", blob.path) or b"") for blob in app.hub.list("signalbox", "devops/")]

    assert run["stages"][0]["id"] in [link.get("stage") for link in links]
    assert await decide(app, "preprod", "ada", "data-scientist", "reject") == promotion
    await app.finish(promotion)
    await app.pass_time(seconds=10)
    assert statuses(app, run) == {"deploy": "pending"}


async def test_two_promotions_of_one_run_both_hear_its_hints(app: DevOpsApp) -> None:
    app.register("1", error=1.0)
    app.register("2", error=1.0)
    orders = [PROMOTE, PROMOTE.replace("churn:1", "churn:2")]
    stage = {"name": "promote", "gates": [app.gate(order) for order in orders]}
    run = app.ado.run(app.ado.define("two promotions", stage))
    await app.until(lambda: len(app.promotions()) == 2)
    await app.pass_time(seconds=5)

    hint = {"eventType": "ms.vss-pipelines.run-state-changed-event", "resource": {"run": {"id": run["id"]}}}
    _, answer = await app.ask("POST", "devops/hooks", hint)
    heeded = await app.host.advance_until_finished(answer["hint"], timeout=30)

    assert sorted(heeded.output["did"].split(", ")) == app.promotions()
