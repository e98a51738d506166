"""Taking a decision back: what is withdrawn counts no more, for nobody, and the first to replace it stands."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from shared import contracts as c
from shared.application.promotion.decisions import (
    DecisionChoice,
    DecisionRefused,
    mark_withdrawn,
    record_decision,
)
from shared.application.promotion.standing import decided
from shared.domain.failures import Refused
from shared.domain.promotion.approvals import Approval, ApprovalPolicy
from shared.domain.promotion.models import ModelVersion
from shared.domain.trust.envelopes import Envelope
from shared.domain.trust.keys import Purpose
from tests.promotion.conftest import CONFIGURATION, PEOPLE, SCIENTIST, STAGES, PromotionApp, running
from tests.promotion.test_glass import broken_glass
from triggers.http.promotion.decisions import decision_records

REQUEST = c.Promotion(id="p-1", model=ModelVersion(name="churn", version="1"), source="dev", target="central")


def said(app: PromotionApp, who: str, withdrawn: bool = False, approved: bool = True) -> Approval:
    return Approval(
        role="owner",
        oid=who,
        name=who,
        approved=approved,
        reason="seen",
        evidence="sha256:" + "5" * 64,
        at=app.clients.clock.now() + timedelta(minutes=len(who)),
        withdrawn=withdrawn,
    )


def record(app: PromotionApp, approval: Approval) -> str:
    return record_decision(app.clients.statements, app.clients.audit, REQUEST, "central", approval)


def test_of_two_who_replace_a_withdrawn_decision_the_first_stands(
    app: PromotionApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    record(app, said(app, "ada", withdrawn=True))
    overwrite, racing = app.hub.replace, ["grace"]

    def late(*given: Any) -> bool:
        while racing:
            record(app, said(app, racing.pop()))
        return overwrite(*given)

    monkeypatch.setattr(app.hub, "replace", late)
    with pytest.raises(Refused, match="grace has approved as owner"):
        record(app, said(app, "linus", approved=False))

    counted = [each.name for each in decided(app.clients.statements, "p-1", "central") if not each.withdrawn]
    assert counted == ["grace"]
    assert [entry.who for entry in app.clients.audit.entries()] == ["ada", "grace"]


def test_a_withdrawn_decision_that_was_replaced_is_still_known(app: PromotionApp) -> None:
    record(app, said(app, "ada", withdrawn=True))

    record(app, said(app, "grace"))

    known = {each.name: each.withdrawn for each in decided(app.clients.statements, "p-1", "central")}
    assert known == {"ada": True, "grace": False}


def test_a_decision_that_is_repeated_is_one(app: PromotionApp) -> None:
    first = said(app, "ada")
    record(app, first)

    again = replace(first, reason="seen again", at=first.at + timedelta(minutes=1))
    record(app, again)

    assert decided(app.clients.statements, "p-1", "central") == [first]
    assert app.chain() == ["decision approved"]


async def withdrawn(app: PromotionApp, promotion: str, who: str, role: str, **more: str) -> tuple[int, str]:
    body = {"role": role, **more}
    status, answer = await app.ask("POST", f"promotions/{promotion}/withdraw", body, who)
    return status, answer.get("detail") or answer["stage"]


@pytest.fixture
async def twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[PromotionApp]:
    """Data scientists decide on the way into pre-production, and again before the registry."""
    asks = ApprovalPolicy(roles=(SCIENTIST,))
    stages = tuple(replace(each, approvals=asks) if each.name == "preprod" else each for each in STAGES)
    ladder = replace(CONFIGURATION.ladder, stages=stages)
    async with running(replace(CONFIGURATION, ladder=ladder), tmp_path, monkeypatch) as made:
        yield made


async def test_of_two_decisions_the_one_that_is_not_used_is_withdrawn(twice: PromotionApp) -> None:
    twice.register("1", error=1.0)
    promotion = await twice.promote("churn:1")
    await twice.pass_time(timedelta(minutes=1))
    _, shown = await twice.ask("GET", f"promotions/{promotion}")
    await twice.decide(promotion, "ada", "data-scientist", evidence=shown["evidence"][0]["digest"])
    await twice.decide(promotion, "ada", "data-scientist")

    late, why = await withdrawn(twice, promotion, "ada", "data-scientist", stage="preprod")
    status, stage = await withdrawn(twice, promotion, "ada", "data-scientist")
    nothing, _ = await withdrawn(twice, promotion, "ada", "data-scientist", stage="central")

    assert (late, "the decision on preprod has been used" in why) == (409, True)
    assert (status, stage, nothing) == (200, "central", 404)


async def test_a_consent_to_break_the_glass_can_be_withdrawn(app: PromotionApp) -> None:
    promotion, said = await broken_glass(app)
    agree = f"promotions/{promotion}/break-glass"
    await app.ask("POST", agree, said | {"role": "engineer"}, "linus")

    other, _ = await withdrawn(app, promotion, "linus", "engineer", phase="entry")
    status, stage = await withdrawn(app, promotion, "linus", "engineer", stage="preprod", phase="exit")
    await app.ask("POST", agree, said | {"role": "product-owner"}, "grace")
    _, waits = await app.ask("GET", f"promotions/{promotion}/explain")
    result = await app.finish(promotion)

    assert (other, status, stage) == (404, 200, "preprod")
    assert [each.partition(";")[0] for each in waits["unmet"][1:]] == [
        "break the glass as engineer: it can be met by app role PlatformEngineer"
    ]
    assert (result.fate, app.chain().count("decision withdrawn")) == (c.Fate.HELD, 1)


async def test_nobody_decides_on_a_promotion_that_has_ended(app: PromotionApp) -> None:
    app.register("1", error=1.0)
    promotion = await app.promote("churn:1")
    await app.decide(promotion, "grace", "product-owner", "reject")
    evidence = await app.evidence(promotion)
    await app.finish(promotion)

    late, why = await app.decide(promotion, "ada", "data-scientist", evidence=evidence)
    taken, _ = await withdrawn(app, promotion, "grace", "product-owner")

    assert (late, "has ended as held" in why["detail"], taken) == (409, True, 409)


async def test_a_decision_is_used_or_withdrawn_and_never_both(
    app: PromotionApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    app.register("1", error=1.0)
    promotion = await app.promote("churn:1")
    await app.decide(promotion, "ada", "data-scientist")
    sign, said = app.clients.signing.sign, list[str]()

    def late(purpose: Purpose, payload_type: str, payload: bytes) -> Envelope:
        if b"/statements/receipt/" not in payload:
            return sign(purpose, payload_type, payload)
        try:
            choice = DecisionChoice(person=PEOPLE["ada"], role="data-scientist", at=app.clients.clock.now())
            mark_withdrawn(decision_records(app.clients), promotion, choice)
            said.append("withdrawn")
        except DecisionRefused as refusal:
            said.append(refusal.objection.value)
        return sign(purpose, payload_type, payload)

    monkeypatch.setattr(app.clients.signing, "sign", late)
    await app.decide(promotion, "grace", "product-owner")
    result = await app.finish(promotion)

    assert (result.fate, set(said)) == (c.Fate.PROMOTED, {"too late"})
    assert "decision withdrawn" not in app.chain()
