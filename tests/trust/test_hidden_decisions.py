"""Decisions: what is removed, put back or planted around them changes neither what counts nor who can withdraw."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from shared import contracts as c
from shared.adapters.audit_log.layout import entry_path, head_path, subject_path
from shared.application.promotion.standing import break_glass, question
from shared.application.promotion.stored_plans import unverified_opening
from shared.codec import decode, encode
from shared.domain.failures import Refused, Transient
from shared.domain.promotion.people import Askers, PersonId
from shared.domain.promotion.plans import Phase
from shared.domain.trust.statements import PredicateKind
from shared.records import paths
from shared.records.promotion import record_origin
from tests.promotion.conftest import PromotionApp
from tests.promotion.test_glass import broken_glass
from tests.promotion.test_withdrawals import withdrawn
from tests.trust.attacks import STATE_CONTAINER, approval, asked, asking, blobs, forged, plant, remove, stored


async def test_a_removed_rejection_counts_also_where_the_index_of_the_log_was_edited(waiting: PromotionApp) -> None:
    promotion, evidence = await asked(waiting)
    rejection = replace(approval(waiting, "grace", "product-owner", evidence), approved=False)
    entry = waiting.clients.audit.append(
        f"{paths.decisions(promotion, 'central')}product-owner-{evidence[7:23]}.json/rejected/x",
        "decision rejected",
        "churn:1",
        "grace",
        {"promotion": promotion, **encode(rejection)},
    )
    remove(waiting, subject_path("churn:1", entry.number))
    await waiting.decide(promotion, "ada", "data-scientist")
    await waiting.decide(promotion, "both", "product-owner")

    result = await waiting.finish(promotion)

    assert result.fate is not c.Fate.PROMOTED
    assert "grace's decision as product-owner was removed" in " ".join(result.because)
    assert paths.decisions(promotion, "central") in forged(waiting)


@pytest.mark.parametrize("part", ["audit/entries/", "audit/heads/"])
async def test_entries_that_were_cut_out_of_the_log_stop_the_promotion(waiting: PromotionApp, part: str) -> None:
    """An entry in the middle is gone, in both of its places or in one."""
    promotion, _ = await asked(waiting)
    await waiting.approve(promotion)
    number = next(e.number for e in waiting.clients.audit.entries() if e.kind == "decision approved")
    remove(waiting, entry_path(number))
    if part == "audit/heads/":
        remove(waiting, head_path(number))

    outcome = await waiting.host.advance_until_finished(promotion, timeout=60)

    assert "central/models/churn:1" not in waiting.cloud.state["assets"]
    assert f"entry {number} is missing from the audit log" in str(outcome.output)
    assert any(f"entry {number} is missing" in problem for problem in waiting.clients.audit.verify().problems)


async def test_a_withdrawal_that_died_before_its_log_entry_is_logged_by_the_next_look(
    waiting: PromotionApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the entry the approval could be put back, and would count."""
    promotion, _ = await asked(waiting)
    await waiting.decide(promotion, "ada", "data-scientist")
    (path,) = blobs(waiting, "/central/decisions/data-scientist")
    before = waiting.hub.read(STATE_CONTAINER, path)
    append = waiting.clients.audit.append

    def dying(key: str, *more: Any) -> Any:
        if "/withdrawn/" in key:
            raise Transient("the host died")
        return append(key, *more)

    with monkeypatch.context() as dead:
        dead.setattr(waiting.clients.audit, "append", dying)
        status, _ = await waiting.ask("POST", f"promotions/{promotion}/withdraw", {"role": "data-scientist"}, "ada")
    assert (status >= 500, "decision withdrawn" in waiting.chain()) == (True, False)

    await waiting.decide(promotion, "grace", "product-owner")
    await waiting.host.settle()
    logged = waiting.chain().count("decision withdrawn")
    plant(waiting, path, before)
    result = await waiting.finish(promotion)

    assert logged == 1
    assert (result.fate is c.Fate.PROMOTED, path in forged(waiting)) == (False, True)


async def test_a_withdrawal_that_is_repeated_after_a_crash_is_logged_once(
    waiting: PromotionApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    promotion, _ = await asked(waiting)
    await waiting.decide(promotion, "ada", "data-scientist")
    with monkeypatch.context() as dead:
        dead.setattr("shared.application.promotion.decisions.tell_decision", lambda *_: None)
        await withdrawn(waiting, promotion, "ada", "data-scientist")

    again = [await withdrawn(waiting, promotion, "ada", "data-scientist") for _ in range(2)]

    assert again == [(404, "ada has not decided as data-scientist here")] * 2
    assert waiting.chain().count("decision withdrawn") == 1


async def test_consents_count_only_where_the_promotion_was_to_wait_for_them(app: PromotionApp) -> None:
    promotion, body = await broken_glass(app)
    for who, role in (("linus", "engineer"), ("grace", "product-owner")):
        await app.ask("POST", f"promotions/{promotion}/break-glass", body | {"role": role}, who)
    opening = unverified_opening(app.clients.ledger, promotion)
    assert opening is not None
    assert opening.plan is not None
    request = decode(c.Promotion, app.record(promotion)["promotion"])
    order = question(request, opening.plan, opening.plan_digest, "preprod", body["evidence"])
    order = replace(order, phase=Phase.EXIT)
    glass, now = app.clients.configuration.ladder.break_glass, app.clients.clock.now()

    assert break_glass(app.clients.statements, glass, order, now)
    unasked = replace(order, promotion=replace(request, break_glass=False))
    assert break_glass(app.clients.statements, glass, unasked, now) == ""


async def test_a_planted_mark_of_use_keeps_nobody_from_withdrawing(waiting: PromotionApp) -> None:
    promotion, _ = await asked(waiting)
    await waiting.decide(promotion, "ada", "data-scientist")
    (path,) = blobs(waiting, "/central/decisions/data-scientist")
    blob = waiting.clients.store.find(path)
    assert blob is not None
    assert waiting.clients.store.set_metadata(blob, {"used": "true"})

    assert await withdrawn(waiting, promotion, "ada", "data-scientist") == (200, "central")


@pytest.mark.parametrize("content", ["of another stage", "invented"])
async def test_a_planted_receipt_keeps_nobody_from_deciding_or_withdrawing(waiting: PromotionApp, content: str) -> None:
    promotion, evidence = await asked(waiting)
    await waiting.decide(promotion, "ada", "data-scientist")
    receipt = stored(waiting, f"promotions/{promotion}/effects/preprod/entry/receipt.json")
    path = f"promotions/{promotion}/effects/central/entry/receipt.json"
    plant(waiting, path, receipt if content == "of another stage" else receipt | {"stage": "central"})

    _, explained = await waiting.ask("GET", f"promotions/{promotion}/explain")
    status, _ = await waiting.decide(promotion, "grace", "product-owner", "approve", evidence=evidence)

    assert any("product-owner" in condition for condition in explained["unmet"])
    assert (status, await withdrawn(waiting, promotion, "ada", "data-scientist")) == (200, (200, "central"))
    await waiting.finish(promotion)
    assert path in forged(waiting)


async def test_a_receipt_that_was_planted_is_told_of(waiting: PromotionApp) -> None:
    promotion, _ = await asked(waiting)
    receipt = stored(waiting, f"promotions/{promotion}/effects/preprod/entry/receipt.json")
    path = f"promotions/{promotion}/effects/central/entry/receipt.json"
    plant(waiting, path, receipt)
    await waiting.approve(promotion)

    result = await waiting.finish(promotion)

    assert (result.fate, forged(waiting)) == (c.Fate.FAILED, [path])
    assert "central/models/churn:1" not in waiting.cloud.state["assets"]


async def test_a_decision_that_is_used_stays_used_where_the_mark_is_removed(waiting: PromotionApp) -> None:
    """The statement says it, and the receipt does: the metadata of the file is not asked."""
    promotion, _ = await asked(waiting)
    await waiting.approve(promotion)
    result = await waiting.finish(promotion)
    (path,) = blobs(waiting, "/central/decisions/data-scientist")
    plant(waiting, path, waiting.hub.read(STATE_CONTAINER, path))
    receipt = f"promotions/{promotion}/effects/central/entry/receipt.json"
    remove(waiting, receipt)

    status, why = await withdrawn(waiting, promotion, "ada", "data-scientist")

    assert (result.fate, status, "has been used" in why) == (c.Fate.PROMOTED, 409, True)
    await waiting.pass_time(timedelta(days=1))
    assert forged(waiting) == [receipt]


async def test_a_withdrawal_has_a_statement_of_its_own_that_is_never_written_over(waiting: PromotionApp) -> None:
    promotion, _ = await asked(waiting)
    await waiting.decide(promotion, "ada", "data-scientist")
    await withdrawn(waiting, promotion, "ada", "data-scientist")
    await waiting.decide(promotion, "ada", "data-scientist")
    await withdrawn(waiting, promotion, "ada", "data-scientist")

    files = blobs(waiting, "/withdrawals/")
    predicates = [waiting.clients.statements.read(path, PredicateKind.WITHDRAWAL) or {} for path in files]

    assert len(files) == 2
    assert {(says["name"], says["role"], says["promotion"]) for says in predicates} == {
        ("ada", "data-scientist", promotion)
    }
    assert len({says["decided"] for says in predicates}) == 2


async def test_a_withdrawal_that_was_not_answered_is_asked_for_again_and_counts_then(
    waiting: PromotionApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The app dies before the log has it, and somebody puts the approval back: nobody was told that it is withdrawn."""
    promotion, _ = await asked(waiting)
    await waiting.decide(promotion, "ada", "data-scientist")
    (path,) = blobs(waiting, "/central/decisions/data-scientist")
    approval = waiting.hub.read(STATE_CONTAINER, path) or b""

    def dead(*given: object) -> None:
        raise Refused("the process has died")

    with monkeypatch.context() as dying:
        dying.setattr("shared.application.promotion.decisions.tell_decision", dead)
        status, _ = await waiting.ask("POST", f"promotions/{promotion}/withdraw", {"role": "data-scientist"}, "ada")
    plant(waiting, path, approval)

    again = await withdrawn(waiting, promotion, "ada", "data-scientist")

    assert status != 200
    assert again == (200, "central")
    assert waiting.chain().count("decision withdrawn") == 1


@pytest.mark.parametrize("attack", ["removed", "changed", "removed with its entry in the index"])
async def test_who_asked_for_a_training_cannot_be_hidden(app: PromotionApp, attack: str) -> None:
    """An approver has asked for the training that made the bundle, and may write every blob."""
    promotion, evidence = await asking(app)
    opening = unverified_opening(app.clients.ledger, promotion)
    assert opening is not None
    assert opening.plan is not None
    store, audit, bundle = app.clients.store, app.clients.audit, opening.plan.digest
    ada = Askers(persons=(PersonId(oid="1", name="ada"),))
    record_origin(store, audit, "churn:1", bundle, "retrain-1", ada)
    assert (await app.decide(promotion, "ada", "data-scientist", evidence=evidence))[0] == 403
    path = paths.origin(bundle, "retrain-1")
    remove(app, path)
    if attack == "changed":
        plant(app, path, encode(Askers(automatic=True)))
    elif attack != "removed":
        remove(app, *blobs(app, "audit/subjects/"))
    await app.approve(promotion)

    result = await app.finish(promotion)

    assert result.fate is not c.Fate.PROMOTED
    assert path in forged(app)
