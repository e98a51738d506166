"""The limits of permissions hold for decisions too: what somebody may do in dev, they may do in dev alone."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from shared.domain.access.permissions import Action, Permissions, Persona
from shared.domain.promotion.approvals import ApprovalPolicy
from shared.domain.promotion.ladder import BreakGlass
from tests.messaging.test_decisions import send
from tests.promotion.conftest import CONFIGURATION, ENGINEER, OWNER, SCIENTIST, PromotionApp, running

EVERYTHING = {action: ("all",) for action in Action if action is not Action.ANYONE}
LIMITED = {**EVERYTHING, Action.DECIDE: ("dev", "preprod"), Action.BREAK_GLASS: ("dev", "registry")}
PERMISSIONS = Permissions(
    personas=(
        Persona(role=SCIENTIST, allows=LIMITED),
        Persona(role=OWNER, allows={Action.READ: ("all",), Action.DECIDE: ("registry",)}),
        Persona(role=ENGINEER, allows=EVERYTHING),
    )
)


@pytest.fixture
async def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[PromotionApp]:
    """Ada may decide in dev and preprod, and break the glass in dev and the registry; Grace decides in the registry."""
    glass = BreakGlass(policy=ApprovalPolicy(roles=(SCIENTIST, OWNER)), longest_s=3600)
    ladder = replace(CONFIGURATION.ladder, break_glass=glass)
    configuration = replace(CONFIGURATION, ladder=ladder, permissions=PERMISSIONS)
    async with running(configuration, tmp_path, monkeypatch) as made:
        yield made


@pytest.mark.parametrize("what", ["approve", "reject"])
async def test_who_decides_in_other_environments_decides_nothing_here(app: PromotionApp, what: str) -> None:
    app.register("1", error=1.0)
    promotion = await app.promote("churn:1")

    refused, answer = await app.decide(promotion, "ada", "data-scientist", what)
    accepted, _ = await app.decide(promotion, "grace", "product-owner", what)

    assert (refused, answer["title"], accepted) == (403, "not allowed", 200)
    assert "ada may not decide in registry; these may: product-owner" in answer["detail"]


async def test_a_decision_is_withdrawn_where_it_was_made(app: PromotionApp) -> None:
    app.register("1", error=1.0)
    promotion = await app.promote("churn:1")
    await app.decide(promotion, "grace", "product-owner")
    withdrawal = {"role": "product-owner"}

    refused, answer = await app.ask("POST", f"promotions/{promotion}/withdraw", withdrawal, "ada")
    accepted, _ = await app.ask("POST", f"promotions/{promotion}/withdraw", withdrawal, "grace")

    assert (refused, answer["title"], accepted) == (403, "not allowed", 200)


async def test_glass_is_broken_where_the_gates_fail(app: PromotionApp) -> None:
    app.register("1", error=90.0)
    promotion = await app.promote("churn:1", break_glass=True)
    await app.host.settle()
    body = {"role": "data-scientist", "stage": "preprod", "evidence": "sha256:0", "reason": "urgent"}

    refused, answer = await app.ask("POST", f"promotions/{promotion}/break-glass", body, "ada")

    assert (refused, answer["title"]) == (403, "not allowed")
    assert "ada may not break_glass in preprod" in answer["detail"]


async def test_where_the_place_cannot_be_told_a_limited_permission_is_none(app: PromotionApp) -> None:
    decision = {"role": "data-scientist", "evidence": "sha256:0", "reason": "r"}
    for what, more in (("approve", {}), ("reject", {}), ("withdraw", {}), ("break-glass", {"stage": "moon"})):
        body = {"role": "data-scientist"} if what == "withdraw" else {**decision, **more}
        limited, answer = await app.ask("POST", f"promotions/promotion-none-1/{what}", body, "ada")
        whole, _ = await app.ask("POST", f"promotions/promotion-none-1/{what}", body, "linus")

        assert (what, limited, answer["title"], whole) == (what, 403, "not allowed", 404)
        assert "its place is the whole app or cannot be told" in answer["detail"]


async def test_a_decision_by_message_has_the_same_limits(app: PromotionApp) -> None:
    app.register("1", error=1.0)
    promotion = await app.promote("churn:1")
    evidence = await app.evidence(promotion)
    decision = {"promotion": promotion, "approved": True, "evidence": evidence, "reason": "seen"}

    said = await send(app, {**decision, "role": "data-scientist", "token": "ada"})

    assert said.startswith("ada may not decide in registry")
    assert "decision approved" not in app.chain()
