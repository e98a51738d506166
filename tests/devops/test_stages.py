"""Of a run's approvals only those count that stand in the stage where the promotion's own task waits."""

import json
import uuid
from dataclasses import replace
from typing import Any

import pytest

from shared.domain.configuration import Configuration
from shared.domain.devops.configuration import DevOps, StageApprovals
from shared.domain.promotion.approvals import ApprovalPolicy
from tests.devops.conftest import Yard
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


def configured(yard: Yard, **changed: str) -> None:
    """As if every stage's approvals were configured so."""
    devops = yard.clients.configuration.devops
    approvals = tuple(replace(each, **changed) for each in devops.approvals)
    object.__setattr__(devops, "approvals", approvals)


def approval(*approvers: str, needed: int = 1) -> dict[str, Any]:
    return {"kind": "approval", "approvers": list(approvers), "min": needed}


def started(yard: Yard, name: str, *gates: dict[str, Any], **task: Any) -> dict[str, Any]:
    """A run whose first stage starts the promotion, and whose second one waits for people meanwhile."""
    yard.register("1", error=1.0)
    first = {"name": "promote", "parallel": True, "gates": [yard.gate(PROMOTE, **task), *gates]}
    second = {"name": "deploy", "gates": [approval(SCIENTISTS, OWNERS, APP)]}
    return yard.ado.run(yard.ado.define(name, first, second))


async def asked(yard: Yard, stage: str) -> tuple[str, str]:
    """The promotion that waits for the people of *stage*, and the evidence they are shown."""

    def pack() -> tuple[str, str] | None:
        for each in yard.promotions():
            raw = yard.hub.read("signalbox", f"promotions/{each}/effects/{stage}/entry/pack.json")
            if raw is not None:
                return each, str(json.loads(raw)["digest"])
        return None

    promotion, digest = await yard.until(pack)
    await yard.pass_time(seconds=3)
    return promotion, digest


async def decide(yard: Yard, stage: str, who: str, role: str, what: str = "approve") -> str:
    promotion, digest = await asked(yard, stage)
    status, answer = await yard.decide(promotion, who, role, what, evidence=digest)
    assert status == 200, answer
    return promotion


def statuses(yard: Yard, run: dict[str, Any]) -> dict[str, str]:
    return {each["stage"]: each["status"] for each in yard.ado.approvals(run["id"])}


def decided_by(yard: Yard, run: dict[str, Any]) -> list[str]:
    names = {each["id"] for each in yard.ado.approvals(run["id"])}
    decisions = yard.ado.state()["effects"].get("decisions", {})
    return [each.partition("/")[2] for each in decisions if each.partition("/")[0] in names]


async def test_an_approval_that_two_stages_share_is_released_by_the_last_of_them(yard: Yard) -> None:
    run = started(yard, "two stages of the ladder", approval(SCIENTISTS, OWNERS, APP))

    await decide(yard, "preprod", "ada", "data-scientist")
    promotion, _ = await asked(yard, "central")
    assert statuses(yard, run) == {"promote": "pending", "deploy": "pending"}
    await decide(yard, "central", "ada", "data-scientist")
    await decide(yard, "central", "grace", "product-owner")
    await yard.finish(promotion)
    await yard.until(lambda: statuses(yard, run)["promote"] == "approved")
    await yard.pass_time(seconds=10)

    assert statuses(yard, run) == {"promote": "approved", "deploy": "pending"}
    assert len(decided_by(yard, run)) == 1  # The app, once.


async def test_a_decision_there_counts_for_the_stage_that_asks_and_for_no_other(yard: Yard) -> None:
    run = started(yard, "decided once", approval(SCIENTISTS, OWNERS, needed=2))
    await asked(yard, "preprod")
    (shared,) = [each for each in yard.ado.approvals(run["id"]) if each["stage"] == "promote"]

    yard.ado.decide(shared["id"], "ada@example.org")
    promotion, _ = await asked(yard, "central")
    await yard.pass_time(seconds=10)

    entries = [each.facts for each in yard.clients.audit.entries() if each.kind == "decision approved"]
    assert [(each["role"], each["oid"]) for each in entries] == [("data-scientist", "1")]
    assert not yard.record(promotion).get("fate")


async def test_another_stages_approval_is_no_decision_on_the_promotion(yard: Yard) -> None:
    run = started(yard, "elsewhere in the run", approval(SCIENTISTS, OWNERS, APP))
    promotion, _ = await asked(yard, "preprod")
    (other,) = [each for each in yard.ado.approvals(run["id"]) if each["stage"] == "deploy"]

    assert yard.ado.decide(other["id"], "ada@example.org", "rejected").status_code == 200
    await yard.pass_time(seconds=10)

    assert not [kind for kind in yard.chain() if kind.startswith("decision")]
    assert not yard.record(promotion).get("fate")


async def test_a_held_promotion_rejects_what_waits_beside_its_task_and_nothing_else(yard: Yard) -> None:
    run = started(yard, "held", approval(SCIENTISTS, OWNERS, APP))

    promotion = await decide(yard, "preprod", "ada", "data-scientist", "reject")
    await yard.finish(promotion)
    await yard.until(lambda: statuses(yard, run)["promote"] != "pending")
    await yard.pass_time(seconds=10)

    assert statuses(yard, run) == {"promote": "rejected", "deploy": "pending"}


async def test_an_approval_that_nobody_was_asked_for_is_left_to_people(yard: Yard) -> None:
    """Held by a gate of preprod, before anybody of central was shown anything."""
    yard.register("1", error=50.0)
    first = {"name": "promote", "parallel": True, "gates": [yard.gate(PROMOTE), approval(OWNERS, APP)]}
    run = yard.ado.run(yard.ado.define("never asked", first))

    promotion = await decide(yard, "preprod", "ada", "data-scientist")
    assert (await yard.finish(promotion)).fate.value == "held"
    await yard.pass_time(seconds=10)

    assert statuses(yard, run) == {"promote": "pending"}


async def test_the_approvals_of_another_project_do_not_count(yard: Yard) -> None:
    configured(yard, project="elsewhere")
    run = started(yard, "another project", approval(SCIENTISTS, OWNERS, APP, needed=2))
    promotion, _ = await asked(yard, "preprod")
    beside = next(each for each in yard.ado.approvals(run["id"]) if each["stage"] == "promote")

    yard.ado.decide(beside["id"], "ada@example.org")
    await yard.pass_time(seconds=10)
    assert not [kind for kind in yard.chain() if kind.startswith("decision")]
    assert await decide(yard, "preprod", "ada", "data-scientist", "reject") == promotion
    await yard.finish(promotion)
    await yard.pass_time(seconds=10)

    assert statuses(yard, run) == {"promote": "pending", "deploy": "pending"}


async def test_a_check_whose_record_has_another_id_is_found_as_the_only_one_that_waits(yard: Yard) -> None:
    run = started(yard, "another id", approval(SCIENTISTS, OWNERS, APP), record=str(uuid.uuid4()))

    promotion = await decide(yard, "preprod", "ada", "data-scientist", "reject")
    await yard.finish(promotion)

    await yard.until(lambda: statuses(yard, run) == {"promote": "rejected", "deploy": "pending"})


async def test_where_the_stage_of_the_task_is_not_known_nothing_counts_until_it_is_configured(yard: Yard) -> None:
    yard.register("1", error=1.0)
    beside = approval(SCIENTISTS, OWNERS, needed=2)
    gates = [yard.gate(PROMOTE, record=str(uuid.uuid4())), beside]
    polling = {"kind": "poll", "url": f"{yard.host.url}/nothing", "record": str(uuid.uuid4())}
    first, second = {"name": "other", "parallel": True, "gates": [polling]}, {"name": "promote", "gates": gates}
    run = yard.ado.run(yard.ado.define("two checks wait", first, second))
    promotion, _ = await asked(yard, "preprod")
    (shared,) = yard.ado.approvals(run["id"])

    yard.ado.decide(shared["id"], "ada@example.org")
    await yard.pass_time(seconds=10)
    said = json.dumps(yard.host.get(f"{promotion}-mirror").custom_status)
    assert "devops.approvals.preprod.pipeline_stage" in said
    assert not [kind for kind in yard.chain() if kind.startswith("decision")]
    configured(yard, pipeline_stage="Promote")
    await yard.until(lambda: "decision approved" in yard.chain())

    assert not yard.record(promotion).get("fate")  # Central still asks.


async def test_a_step_of_the_stage_finds_the_stages_approvals_too(yard: Yard) -> None:
    """As the templates do: the task is a job of the stage, whose approvals come before it."""
    yard.register("1", error=1.0)
    first = {"name": "promote", "parallel": True, "steps": [yard.gate(PROMOTE, hub="build")]}
    second = {"name": "deploy", "gates": [approval(SCIENTISTS, OWNERS, APP)]}
    run = yard.ado.run(yard.ado.define("as a job", first, second))
    promotion, _ = await asked(yard, "preprod")
    links = [json.loads(yard.hub.read("signalbox", blob.path) or b"") for blob in yard.hub.list("signalbox", "devops/")]

    assert run["stages"][0]["id"] in [link.get("stage") for link in links]
    assert await decide(yard, "preprod", "ada", "data-scientist", "reject") == promotion
    await yard.finish(promotion)
    await yard.pass_time(seconds=10)
    assert statuses(yard, run) == {"deploy": "pending"}


async def test_two_promotions_of_one_run_both_hear_its_hints(yard: Yard) -> None:
    yard.register("1", error=1.0)
    yard.register("2", error=1.0)
    orders = [PROMOTE, PROMOTE.replace("churn:1", "churn:2")]
    stage = {"name": "promote", "gates": [yard.gate(order) for order in orders]}
    run = yard.ado.run(yard.ado.define("two promotions", stage))
    await yard.until(lambda: len(yard.promotions()) == 2)
    await yard.pass_time(seconds=5)

    hint = {"eventType": "ms.vss-pipelines.run-state-changed-event", "resource": {"run": {"id": run["id"]}}}
    _, answer = await yard.ask("POST", "devops/hooks", hint)
    heeded = await yard.host.advance_until_finished(answer["hint"], timeout=30)

    assert sorted(heeded.output["did"].split(", ")) == yard.promotions()
