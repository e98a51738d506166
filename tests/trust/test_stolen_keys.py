"""One key was stolen, and its thief may write every blob: how far each key reaches alone. docs/trust.md has the table.

What the key of the log reaches alone is in tests/unit/trust, and what a proof makes of each key in test_verifier.py.
"""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from shared import contracts as c
from shared.application.promotion.planning import plan_digest
from shared.application.promotion.stored_plans import sign_plan, unverified_opening
from shared.codec import encode
from shared.domain.gates import GateOutcome, Verdict
from shared.domain.gates.evidence import DataTest, Evidence
from shared.domain.promotion.approvals import ApprovalPolicy
from shared.domain.promotion.plans import Champion, Phase
from shared.domain.promotion.receipts import Receipt
from shared.domain.trust.envelopes import STATEMENT_TYPE, TREE_HEAD_TYPE
from shared.domain.trust.keys import Purpose
from shared.domain.trust.statements import PredicateKind, Statement
from shared.domain.trust.verified_logs import VERIFIED_LOG_TYPE
from shared.records import paths
from shared.records.predicates import StageEvidence
from shared.records.promotion import decision_statement, sign_evidence
from shared.records.statements import ForgedError, Statements, signed_receipt
from shared.records.store import RecordStore
from tests.fakes.ports import MemoryHub
from tests.promotion.conftest import PromotionApp
from tests.signing import signing
from tests.trust.attacks import approval, asked, blobs, plant
from tests.trust.test_verifier import keys, written
from tests.trust.verifier import verdict

NOW = datetime(2026, 1, 1, tzinfo=UTC)
FAILED = {"outcome": "failed", "rows": 1, "summary": []}
KINDS = [(thief, kind) for thief in Purpose for kind in PredicateKind if kind.purpose is not thief]


@pytest.mark.parametrize(("thief", "kind"), KINDS)
def test_a_key_counts_for_the_statements_of_its_own_purpose_alone(thief: Purpose, kind: PredicateKind) -> None:
    path, says = "promotions/p/x.dsse.json", {"path": "promotions/p/x.dsse.json"}
    content = Statement(kind=kind, subjects={}, at=NOW, predicate=says).payload()
    statements = Statements(RecordStore(MemoryHub(lambda: NOW), "signalbox"), signing())
    statements.store.create(path, signing().sign(thief, STATEMENT_TYPE, content))

    with pytest.raises(ForgedError, match=f"is for {thief.value}, not for {kind.purpose.value}"):
        statements.read(path, kind)


@pytest.mark.parametrize("thief", [Purpose.DOOR, Purpose.MEASURING, Purpose.DECIDING])
@pytest.mark.parametrize("form", [TREE_HEAD_TYPE, VERIFIED_LOG_TYPE])
def test_no_other_key_signs_for_the_audit_log(thief: Purpose, form: str) -> None:
    envelope = signing().sign(thief, form, b"{}")

    assert f"is for {thief.value}, not for log" in signing().objection(Purpose.LOG, envelope, NOW)


def invent_decisions(app: PromotionApp, promotion: str, evidence: str) -> None:
    """With the key of the door: both persons approve, whom nobody has asked."""
    for who, role in (("ada", "data-scientist"), ("grace", "product-owner")):
        decision = approval(app, who, role, evidence)
        path = f"{paths.decisions(promotion, 'central')}{role}-{evidence[7:23]}.json"
        app.clients.statements.create(path, decision_statement(promotion, "central", decision, decision.at))


async def test_the_door_key_invents_decisions_and_a_proof_shows_that_nobody_has_made_them(
    waiting: PromotionApp, tmp_path: Path
) -> None:
    promotion, evidence = await asked(waiting)
    invent_decisions(waiting, promotion, evidence)

    result = await waiting.finish(promotion)
    proof = await written(waiting, promotion, tmp_path)

    assert result.fate is c.Fate.PROMOTED  # The gates have passed: that is as far as this key reaches.
    assert "the audit log does not have the decision" in verdict(proof.read_bytes(), keys(proof))


async def test_the_door_key_passes_no_gate(app: PromotionApp) -> None:
    app.clients.data_checks.check = lambda *_: FAILED  # type: ignore[method-assign]
    app.register("1", error=1.0)
    promotion = await app.promote("churn:1")
    invent_decisions(app, promotion, f"sha256:{'0' * 64}")

    result = await app.finish(promotion)

    assert result.fate is c.Fate.HELD
    assert "central/models/churn:1" not in app.cloud.state["assets"]


async def test_the_measuring_key_invents_figures_and_approves_nothing(app: PromotionApp) -> None:
    """Figures are signed for a version at the moment at which it is measured."""
    app.register("1", error=1.0)
    invented = StageEvidence(
        stage="preprod",
        phase="entry",
        champion=Champion(),
        evidence=encode(Evidence(data_test=DataTest(outcome="passed", rows=200))),
        at=NOW.isoformat(),
        verdicts=(Verdict(gate="data_tests_passed", outcome=GateOutcome.PASS, because="passed"),),
    )

    def check(*_: object) -> dict[str, Any]:
        (promotion,) = (path.split("/")[1] for path in blobs(app, "/effects/opened.json"))
        opening = unverified_opening(app.clients.ledger, promotion)
        assert opening is not None
        assert opening.plan is not None
        order = c.StageOrder(
            key="",
            promotion=c.Promotion(id=promotion, model=opening.plan.model, source="dev", target="central"),
            plan=opening.plan,
            plan_digest=opening.plan_digest,
            stage="preprod",
            phase=Phase.ENTRY,
        )
        path = paths.evidence(promotion, "preprod", "entry", "evidence.json")
        sign_evidence(app.clients.statements, path, order, invented, NOW)
        return FAILED

    app.clients.data_checks.check = check  # type: ignore[method-assign]
    promotion = await app.promote("churn:1")
    await app.evidence(promotion)  # People are asked: the invented figures have passed the gate.
    result = await app.finish(promotion)

    assert result.fate is c.Fate.EXPIRED
    assert "central/models/churn:1" not in app.cloud.state["assets"]


async def test_the_deciding_key_orders_nothing(waiting: PromotionApp) -> None:
    """A plan without gates and roles, its opening and the receipts for it are signed, and nobody has asked for it."""
    promotion, _ = await asked(waiting)
    opening = unverified_opening(waiting.clients.ledger, promotion)
    assert opening is not None
    assert opening.plan is not None
    await waiting.decide(promotion, "grace", "product-owner", "reject")
    await waiting.finish(promotion)
    stages = tuple(
        replace(at, stage=replace(at.stage, entry_gates=(), exit_gates=(), approvals=ApprovalPolicy()))
        for at in opening.plan.stages
    )
    plan = replace(opening.plan, stages=stages)
    request = c.Promotion(id="promotion-evil-1", model=plan.model, source="dev", target="central")
    sign_plan(waiting.clients.statements, request, plan, plan_digest(plan), waiting.clients.clock.now())
    invented = c.PromotionOpened(plan=plan, plan_digest=plan_digest(plan), fate=c.Fate.PROMOTED)
    plant(waiting, "promotions/promotion-evil-1/effects/opened.json", encode(invented))
    plant(waiting, paths.open_promotion(request.id), encode(request))
    for at in plan.stages:
        for phase in Phase:
            receipt = Receipt(
                promotion=request.id,
                model=plan.model,
                digest=plan.digest,
                stage=at.stage.name,
                phase=phase,
                plan=plan_digest(plan),
                evidence="",
                verdicts=(),
                approvals=(),
                issued=waiting.clients.clock.now().isoformat(),
                expires="2999-01-01T00:00:00+00:00",
            )
            path = f"promotions/{request.id}/effects/{at.stage.name}/{phase.value}/receipt.json"
            plant(waiting, path, encode(signed_receipt(waiting.clients.signing, receipt)))

    await waiting.sweep()

    assert "central/models/churn:1" not in waiting.cloud.state["assets"]
    assert "preprod/models/churn:1" not in waiting.cloud.state["assets"]
