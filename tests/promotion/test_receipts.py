"""Receipts: issued from records alone, and asked for by everything that moves."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from activities.promotion.assessments import assess_stage
from activities.promotion.moves import make_move
from activities.promotion.packs import write_evidence_pack
from activities.promotion.receipts import issue_receipt
from shared import contracts as c
from shared.adapters.project_functions.functions import ProjectFunctionProcesses
from shared.application.promotion.planning import plan_digest, plan_promotion
from shared.application.promotion.stored_plans import sign_plan
from shared.codec import encode
from shared.domain.failures import Refused, Transient
from shared.domain.gates import GateSpec
from shared.domain.gates.evidence import DataTest, Evidence
from shared.domain.project_functions import digest_of
from shared.domain.promotion.audit import canonical_digest
from shared.domain.promotion.models import ModelVersion
from shared.domain.promotion.plans import Move, Phase, Plan
from shared.domain.promotion.receipts import Receipt
from shared.domain.trust.statements import PredicateKind, Statement
from shared.records import paths as records
from shared.records.promotion import sign_pack
from shared.records.registry import REVOKED, revocation_key
from shared.records.statements import signed_receipt
from tests.promotion.conftest import PromotionApp


@pytest.fixture
def order(app: PromotionApp) -> c.StageOrder:
    return ordered(app)


def ordered(app: PromotionApp) -> c.StageOrder:
    """Entry of pre-production, with evidence that passes."""
    model = app.register("1", error=1.0)
    plan = plan_promotion(app.clients, model, "dev", "central")
    promotion = c.Promotion(id="p-1", model=model, source="dev", target="central")
    made = c.StageOrder(
        key="promotions/p-1/effects/receipt",
        promotion=promotion,
        plan=plan,
        plan_digest=plan_digest(plan),
        stage="preprod",
        phase=Phase.ENTRY,
    )
    return shown(app, replanned(app, made, plan), Evidence(data_test=DataTest(outcome="passed", rows=200)))


def keep_plan(app: PromotionApp, plan: Plan) -> str:
    """The digest of *plan*, which the opening of the promotion p-1 now records in the place of an earlier one."""
    opening = c.PromotionOpened(plan=plan, plan_digest=plan_digest(plan), fate=c.Fate.PROMOTED)
    app.hub.land("signalbox/promotions/p-1/effects/opened.json", json.dumps(encode(opening)).encode())
    promotion = c.Promotion(id="p-1", model=plan.model, source="dev", target="central")
    sign_plan(app.clients.statements, promotion, plan, opening.plan_digest, app.clients.clock.now())
    return opening.plan_digest


def replanned(app: PromotionApp, order: c.StageOrder, plan: Plan) -> c.StageOrder:
    """*order* by *plan*, which is recorded as its promotion's."""
    return replace(order, plan=plan, plan_digest=keep_plan(app, plan))


def shown(app: PromotionApp, order: c.StageOrder, evidence: Evidence) -> c.StageOrder:
    """*order* for this *evidence*, whose pack is written."""
    path = records.evidence(order.promotion.id, order.stage, order.phase.value, "pack.json")
    content = {"assessments": [{"evidence": encode(evidence)}]}
    app.clients.store.delete(records.statement_of(path))
    sign_pack(app.clients.statements, path, order, content, app.clients.clock.now())
    return replace(order, evidence=canonical_digest(content))


def in_vain(app: PromotionApp, act: Callable[[], object]) -> None:
    """The host dies before it has recorded that *act* was done."""

    def lost(*_: Any) -> Any:
        raise Transient("the host died")

    with pytest.MonkeyPatch.context() as dying:
        dying.setattr(app.clients.ledger, "record", lost)
        with pytest.raises(Transient):
            act()


def test_evidence_that_was_written_before_a_crash_is_what_is_judged(app: PromotionApp, order: c.StageOrder) -> None:
    order = replace(order, key="promotions/p-1/effects/assessed")
    in_vain(app, lambda: assess_stage(app.clients, order))
    app.clients.data_checks.check = lambda *_: {"outcome": "failed", "rows": 1, "summary": []}  # type: ignore[method-assign]

    assessed = assess_stage(app.clients, order)

    record = json.loads(app.hub.read("signalbox", assessed.record) or b"")
    assert (assessed.passed, [each["outcome"] for each in record["verdicts"]]) == (True, ["pass"])


async def test_a_pack_that_was_written_before_a_crash_is_the_one_that_is_approved(
    app: PromotionApp, order: c.StageOrder
) -> None:
    order = replace(order, key="promotions/p-1/effects/pack", stage="central")
    in_vain(app, lambda: write_evidence_pack(app.clients, order))
    await app.pass_time(timedelta(seconds=5))

    pack = write_evidence_pack(app.clients, order)

    stored = json.loads(app.hub.read("signalbox", pack.record) or b"")
    assert pack.digest == canonical_digest(stored)


def move(
    order: c.StageOrder, receipt: Receipt | None, stage: str = "preprod", what: Move = Move.COPY_BUNDLE
) -> c.MoveOrder:
    key = f"promotions/p-1/effects/{stage}/{what.value}"
    return c.MoveOrder(
        key=key,
        promotion=order.promotion,
        plan=order.plan,
        plan_digest=order.plan_digest,
        stage=stage,
        move=what,
        receipt=receipt,
    )


def test_a_receipt_opens_its_own_stage(app: PromotionApp, order: c.StageOrder) -> None:
    receipt = issue_receipt(app.clients, order)

    assert make_move(app.clients, move(order, receipt)).waiting == ""
    assert receipt.verdicts == ("data_tests_passed: pass",)


def test_nothing_moves_without_a_receipt(app: PromotionApp, order: c.StageOrder) -> None:
    with pytest.raises(Refused, match="needs a receipt"):
        make_move(app.clients, move(order, None))
    assert not app.cloud.effects


def test_a_forged_receipt_opens_nothing(app: PromotionApp, order: c.StageOrder) -> None:
    receipt = issue_receipt(app.clients, order)

    with pytest.raises(Refused, match="needs a receipt that this app has signed"):
        make_move(app.clients, move(order, replace(receipt, expires="2999-01-01T00:00:00+00:00")))
    assert not app.cloud.effects


@pytest.mark.parametrize(("stage", "what"), [("central", Move.PUBLISH_ENTRY), ("preprod", Move.SWITCH_TRAFFIC)])
def test_a_receipt_opens_no_other_stage_or_phase(
    app: PromotionApp, order: c.StageOrder, stage: str, what: Move
) -> None:
    receipt = issue_receipt(app.clients, order)

    with pytest.raises(Refused, match="the receipt is for"):
        make_move(app.clients, move(order, receipt, stage, what))


def test_a_receipt_for_other_bytes_opens_nothing(app: PromotionApp, order: c.StageOrder) -> None:
    other = replace(issue_receipt(app.clients, order), digest="sha256:other")
    signed = signed_receipt(app.clients.signing, other)

    with pytest.raises(Refused, match="the receipt is for digest sha256:other"):
        make_move(app.clients, move(order, signed))


@pytest.mark.parametrize("other", [{"promotion": "p-2"}, {"model": ModelVersion(name="churn", version="2")}])
def test_a_receipt_of_another_promotion_or_model_opens_nothing(
    app: PromotionApp, order: c.StageOrder, other: dict[str, Any]
) -> None:
    changed = replace(issue_receipt(app.clients, order), **other)
    signed = signed_receipt(app.clients.signing, changed)

    with pytest.raises(Refused, match=f"the receipt is for {next(iter(other))}"):
        make_move(app.clients, move(order, signed))


@pytest.mark.parametrize("also", ["nothing", "the statement is removed"])
def test_a_receipt_opens_nothing_for_a_version_that_was_revoked_since(
    app: PromotionApp, order: c.StageOrder, also: str
) -> None:
    receipt, model = issue_receipt(app.clients, order), order.plan.model
    path = records.entry_revocation(model.name, model.version)
    says = {"model": str(model), "bundle": "", "by": "linus", "oid": "3", "tenant": "", "reason": "leaks"}
    statement = Statement(kind=PredicateKind.ENTRY_REVOCATION, subjects={}, at=app.clients.clock.now(), predicate=says)
    app.clients.statements.create(path, statement)
    if also != "nothing":
        app.clients.audit.append(revocation_key(model), REVOKED, str(model), "linus", {})
        app.clients.store.delete(path)

    with pytest.raises(Refused, match="is revoked"):
        make_move(app.clients, move(order, receipt))
    assert not app.cloud.effects


async def test_a_receipt_ends(app: PromotionApp, order: c.StageOrder) -> None:
    receipt = issue_receipt(app.clients, order)
    await app.pass_time(timedelta(days=2))

    with pytest.raises(Refused, match="the receipt expired"):
        make_move(app.clients, move(order, receipt))


def test_no_receipt_without_evidence(app: PromotionApp, order: c.StageOrder) -> None:
    with pytest.raises(Refused, match="nothing passes without it"):
        issue_receipt(app.clients, replace(order, phase=Phase.EXIT))


def test_no_receipt_for_evidence_that_fails(app: PromotionApp, order: c.StageOrder) -> None:
    failing = shown(app, order, Evidence(data_test=DataTest(outcome="failed", rows=200)))

    with pytest.raises(Refused, match="data_tests_passed"):
        issue_receipt(app.clients, failing)


def test_no_receipt_for_evidence_that_nobody_was_shown(app: PromotionApp, order: c.StageOrder) -> None:
    shown(app, order, Evidence(data_test=DataTest(outcome="passed", rows=201)))

    with pytest.raises(Refused, match=r"pack\.json is not the evidence sha256:"):
        issue_receipt(app.clients, order)


def test_no_receipt_within_a_freeze_that_began_after_the_evidence(app: PromotionApp, order: c.StageOrder) -> None:
    now = app.clients.clock.now()
    began, ends = ((now + timedelta(hours=hours)).replace(tzinfo=None).isoformat() for hours in (-1, 1))
    freeze = GateSpec(gate="not_frozen", options={"windows": [{"from": began, "to": ends, "because": "payday"}]})
    stages = tuple(
        replace(at, stage=replace(at.stage, entry_gates=(freeze,))) if at.stage.name == order.stage else at
        for at in order.plan.stages
    )
    order = replanned(app, order, replace(order.plan, stages=stages))
    order = shown(app, order, Evidence(at=now - timedelta(days=3)))

    with pytest.raises(Refused, match=r"not_frozen: frozen until .*: payday"):
        issue_receipt(app.clients, order)


def test_no_receipt_without_approvals(app: PromotionApp, order: c.StageOrder) -> None:
    central = shown(app, replace(order, stage="central"), Evidence(at=app.clients.clock.now()))

    with pytest.raises(Refused, match="nobody has approved"):
        issue_receipt(app.clients, central)


def test_no_receipt_for_a_version_that_was_changed(app: PromotionApp, order: c.StageOrder) -> None:
    app.register("1", error=1.0, **{"signalbox.promote": "churn:1 -> central"})

    with pytest.raises(Refused, match="edited during the promotion"):
        issue_receipt(app.clients, order)


OWN_GATE = """\
def enough(evidence, options):
    rows = evidence["data_test"]["rows"]
    return {"outcome": "pass" if rows >= options["rows"] else "fail", "because": f"{rows} rows"}
"""


def with_own_gate(app: PromotionApp, order: c.StageOrder, home: Path, rows: int) -> c.StageOrder:
    """*order* at whose entry the project in *home* asks for *rows* rows by a gate of its own."""
    (home / "gates.py").write_text(OWN_GATE)
    vars(app.clients)["project_functions"] = ProjectFunctionProcesses(home)
    options = {"needs": ["data_test"], "options": {"rows": rows}}
    spec = GateSpec(gate="gates.py:enough", options=options, source=digest_of(OWN_GATE.encode()))
    plan = order.plan
    entry = replace(plan.at("preprod").stage, entry_gates=(*plan.at("preprod").stage.entry_gates, spec))
    stages = tuple(replace(at, stage=entry) if at.stage.name == "preprod" else at for at in plan.stages)
    order = replanned(app, order, replace(plan, stages=stages))
    return shown(app, order, Evidence(data_test=DataTest(outcome="passed", rows=200)))


def test_a_gate_of_the_project_is_judged_again_for_the_receipt(
    app: PromotionApp, order: c.StageOrder, tmp_path: Path
) -> None:
    lenient = with_own_gate(app, order, tmp_path, rows=200)
    assessed = assess_stage(app.clients, replace(lenient, key="promotions/p-1/effects/assessed"))
    record = json.loads(app.hub.read("signalbox", assessed.record) or b"")

    assert record["verdicts"][1]["source"] == digest_of(OWN_GATE.encode())
    assert issue_receipt(app.clients, lenient).verdicts[1] == "gates.py:enough: pass"


def test_no_receipt_where_the_gate_of_the_project_fails(app: PromotionApp, order: c.StageOrder, tmp_path: Path) -> None:
    with pytest.raises(Refused, match=r"gates\.py:enough: 200 rows"):
        issue_receipt(app.clients, with_own_gate(app, order, tmp_path, rows=201))


def test_no_receipt_by_a_gate_whose_file_has_changed_since_the_plan(
    app: PromotionApp, order: c.StageOrder, tmp_path: Path
) -> None:
    planned = with_own_gate(app, order, tmp_path, rows=200)
    (tmp_path / "gates.py").write_text(OWN_GATE + "# harmless\n")

    with pytest.raises(Refused, match=r"gates\.py was sha256:.* when this was planned and is sha256:"):
        issue_receipt(app.clients, planned)
