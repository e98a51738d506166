"""Taking a decision back: what is withdrawn counts no more, for nobody, and the first to replace it stands."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from shared import contracts as c
from shared.application.promotion.decisions import record_decision
from shared.application.promotion.standing import decided
from shared.domain.failures import Refused
from shared.domain.promotion.approvals import Approval, ApprovalPolicy
from shared.domain.promotion.models import ModelVersion
from tests.promotion.conftest import CONFIGURATION, PEOPLE, SCIENTIST, STAGES, Railway, running
from tests.promotion.test_glass import broken_glass
from triggers.http.problems import Problem
from triggers.http.promotion.decisions import _withdraw
from triggers.http.requests import Withdrawal

REQUEST = c.Promotion(id="p-1", model=ModelVersion(name="churn", version="1"), source="dev", target="central")


def said(railway: Railway, who: str, withdrawn: bool = False, approved: bool = True) -> Approval:
    return Approval(
        role="owner",
        oid=who,
        name=who,
        approved=approved,
        reason="seen",
        evidence="sha256:seen",
        at=railway.clients.clock.now() + timedelta(minutes=len(who)),
        withdrawn=withdrawn,
    )


def test_of_two_who_replace_a_withdrawn_decision_the_first_stands(
    railway: Railway, monkeypatch: pytest.MonkeyPatch
) -> None:
    record_decision(railway.clients, REQUEST, "central", said(railway, "ada", withdrawn=True))
    overwrite, racing = railway.hub.replace, ["grace"]

    def late(*given: Any) -> bool:
        while racing:
            record_decision(railway.clients, REQUEST, "central", said(railway, racing.pop()))
        return overwrite(*given)

    monkeypatch.setattr(railway.hub, "replace", late)
    with pytest.raises(Refused, match="grace has approved as owner"):
        record_decision(railway.clients, REQUEST, "central", said(railway, "linus", approved=False))

    counted = [each.name for each in decided(railway.clients, "p-1", "central") if not each.withdrawn]
    assert counted == ["grace"]
    assert [entry.who for entry in railway.clients.audit.entries()] == ["ada", "grace"]


def test_a_withdrawn_decision_that_was_replaced_is_still_known(railway: Railway) -> None:
    record_decision(railway.clients, REQUEST, "central", said(railway, "ada", withdrawn=True))

    record_decision(railway.clients, REQUEST, "central", said(railway, "grace"))

    known = {each.name: each.withdrawn for each in decided(railway.clients, "p-1", "central")}
    assert known == {"ada": True, "grace": False}


def test_a_decision_that_is_repeated_is_one(railway: Railway) -> None:
    first = said(railway, "ada")
    record_decision(railway.clients, REQUEST, "central", first)

    again = replace(first, reason="seen again", at=first.at + timedelta(minutes=1))
    record_decision(railway.clients, REQUEST, "central", again)

    assert decided(railway.clients, "p-1", "central") == [first]
    assert railway.chain() == ["decision approved"]


async def withdrawn(railway: Railway, promotion: str, who: str, role: str, **more: str) -> tuple[int, str]:
    body = {"role": role, **more}
    status, answer = await railway.ask("POST", f"promotions/{promotion}/withdraw", body, who)
    return status, answer.get("detail") or answer["stage"]


@pytest.fixture
async def twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Railway]:
    """Data scientists decide on the way into pre-production, and again before the registry."""
    asks = ApprovalPolicy(roles=(SCIENTIST,))
    stages = tuple(replace(each, approvals=asks) if each.name == "preprod" else each for each in STAGES)
    ladder = replace(CONFIGURATION.ladder, stages=stages)
    async with running(replace(CONFIGURATION, ladder=ladder), tmp_path, monkeypatch) as made:
        yield made


async def test_of_two_decisions_the_one_that_is_not_used_is_withdrawn(twice: Railway) -> None:
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


async def test_a_consent_to_break_the_glass_can_be_withdrawn(railway: Railway) -> None:
    promotion, said = await broken_glass(railway)
    agree = f"promotions/{promotion}/break-glass"
    await railway.ask("POST", agree, said | {"role": "engineer"}, "linus")

    other, _ = await withdrawn(railway, promotion, "linus", "engineer", phase="entry")
    status, stage = await withdrawn(railway, promotion, "linus", "engineer", stage="preprod", phase="exit")
    await railway.ask("POST", agree, said | {"role": "product-owner"}, "grace")
    _, waits = await railway.ask("GET", f"promotions/{promotion}/explain")
    result = await railway.finish(promotion)

    assert (other, status, stage) == (404, 200, "preprod")
    assert [each.partition(";")[0] for each in waits["unmet"][1:]] == [
        "break the glass as engineer: it can be met by app role PlatformEngineer"
    ]
    assert (result.fate, railway.chain().count("decision withdrawn")) == (c.Fate.HELD, 1)


async def test_nobody_decides_on_a_promotion_that_has_ended(railway: Railway) -> None:
    railway.register("1", error=1.0)
    promotion = await railway.promote("churn:1")
    await railway.decide(promotion, "grace", "product-owner", "reject")
    evidence = await railway.evidence(promotion)
    await railway.finish(promotion)

    late, why = await railway.decide(promotion, "ada", "data-scientist", evidence=evidence)
    taken, _ = await withdrawn(railway, promotion, "grace", "product-owner")

    assert (late, "has ended as held" in why["detail"], taken) == (409, True, 409)


async def test_a_decision_is_used_or_withdrawn_and_never_both(
    railway: Railway, monkeypatch: pytest.MonkeyPatch
) -> None:
    railway.register("1", error=1.0)
    promotion = await railway.promote("churn:1")
    await railway.decide(promotion, "ada", "data-scientist")
    sign, said = railway.clients.signer.sign, list[str]()

    def late(content: bytes) -> str:
        try:
            _withdraw(railway.clients, promotion, PEOPLE["ada"], Withdrawal(role="data-scientist"))
            said.append("withdrawn")
        except Problem as refused:
            said.append(refused.title)
        return sign(content)

    monkeypatch.setattr(railway.clients.signer, "sign", late)
    await railway.decide(promotion, "grace", "product-owner")
    result = await railway.finish(promotion)

    assert (result.fate, set(said)) == (c.Fate.PROMOTED, {"too late"})
    assert "decision withdrawn" not in railway.chain()
