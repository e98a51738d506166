"""Remove one lock of the interlocking, and a named test must fail: the locks are not decoration.

Each case takes one line out of the running product and lets the test that stands guard over it run.
"""

from collections.abc import Callable
from typing import Any

import pytest

from shared.domain.promotion.models import ModelVersion
from shared.domain.promotion.plans import Move
from tests.devops import test_rules
from tests.mutation.removal import expect_failure, named, remove
from tests.promotion import (
    test_flags,
    test_four_eyes,
    test_glass,
    test_hostile,
    test_late_moves,
    test_receipts,
    test_registry,
    test_stages,
    test_story,
    test_training_edge,
    test_turns,
)
from tests.promotion.conftest import Railway, railway  # noqa: F401 (a fixture)

Guard = Callable[..., Any]
RECEIPTS, HOSTILE, DECISIONS = "activities/promotion/receipts.py", test_hostile, "triggers/http/promotion/decisions.py"
MIRROR, PROOFS = "activities/devops/approvals.py", "shared/application/promotion/stage_entry.py"
APPROVALS = "shared/domain/promotion/approvals.py"
OTHER_STAGE = {"stage": "central", "what": Move.PUBLISH_ENTRY}
LOCKS: list[tuple[str, str, str, Guard, dict[str, Any]]] = [
    # file, what stands there, what the careless would leave, the guard and what it is given
    (
        "activities/promotion/moves.py",
        "    require_receipt(clients, order)\n",
        "",
        test_receipts.test_nothing_moves_without_a_receipt,
        {},
    ),
    (
        "activities/promotion/moves.py",
        "    clients.ledger.record(_undoing(order), {",
        "    dict({",
        test_late_moves.test_a_move_that_comes_after_its_undo_is_not_made,
        {},
    ),
    (
        "activities/promotion/moves.py",
        "        mover.undo(clients, about, before)",
        "        pass",
        test_late_moves.test_a_move_that_is_undone_while_it_is_made_is_put_back,
        {},
    ),
    (
        RECEIPTS,
        "if receipt is None or not clients.signer.verifies(signed_content(receipt), receipt.signature):",
        "if receipt is None:",
        test_receipts.test_a_forged_receipt_opens_nothing,
        {},
    ),
    (
        RECEIPTS,
        "    if wrong:\n",
        "    if False:\n",
        test_receipts.test_a_receipt_opens_no_other_stage_or_phase,
        OTHER_STAGE,
    ),
    (
        "shared/domain/promotion/receipts.py",
        '        "digest": (receipt.digest, digest),\n',
        "",
        test_receipts.test_a_receipt_for_other_bytes_opens_nothing,
        {},
    ),
    (
        "shared/domain/promotion/receipts.py",
        "    if now >= datetime.fromisoformat(receipt.expires):\n",
        "    if False:\n",
        test_receipts.test_a_receipt_ends,
        {},
    ),
    (
        RECEIPTS,
        "    if failed and not override:\n",
        "    if False:\n",
        test_receipts.test_no_receipt_for_evidence_that_fails,
        {},
    ),
    (
        RECEIPTS,
        ", at=clients.clock.now())\n    return judge(",
        ")\n    return judge(",
        test_receipts.test_no_receipt_within_a_freeze_that_began_after_the_evidence,
        {},
    ),
    (
        RECEIPTS,
        "    if found.standing is not Standing.APPROVED:\n",
        "    if False:\n",
        test_receipts.test_no_receipt_without_approvals,
        {},
    ),
    (
        RECEIPTS,
        "    refuse_changed_source(clients, order)\n",
        "",
        test_receipts.test_no_receipt_for_a_version_that_was_changed,
        {},
    ),
    (
        RECEIPTS,
        "carried(clients, order) if phase is Phase.EXIT else order",
        "order",
        test_training_edge.test_the_receipt_of_the_way_out_is_for_what_was_trained,
        {},
    ),
    (
        "activities/promotion/assessments.py",
        "    verdicts = judge(gates, evidence)\n",
        "    verdicts = ()\n",
        test_glass.test_broken_glass_that_one_person_leaves_alone_changes_nothing,
        {},
    ),
    (
        "activities/promotion/assessments.py",
        "    if approved not in (None, now):\n",
        "    if False:\n",
        HOSTILE.test_a_champion_that_serves_since_the_plan_is_the_one_to_beat,
        {"approved": True},
    ),
    (
        "activities/promotion/assessments.py",
        "replace(order, plan=order.plan.against(order.stage, serving))",
        "order",
        HOSTILE.test_a_champion_that_serves_since_the_plan_is_the_one_to_beat,
        {"approved": False},
    ),
    (
        "activities/promotion/evidence.py",
        '        require_every(found, f"predictions of {deployment}")\n',
        "",
        HOSTILE.test_an_answer_that_is_no_number_is_counted_and_passes_nothing,
        {"rows": 200, "said": ("1 of 200 rows have none",)},
    ),
    (
        "activities/promotion/evidence.py",
        "    if numbers and math.isfinite(apart := abs(float(wanted) - float(found))):\n        return apart\n",
        "    if numbers:\n        return abs(float(wanted) - float(found))\n",
        HOSTILE.test_an_answer_that_is_no_number_is_counted_and_passes_nothing,
        {"rows": 1, "said": ("golden_requests_match: fail",)},
    ),
    (
        "orchestrators/promotion.py",
        "    if not assessed.passed:\n",
        "    if False:\n",
        test_glass.test_broken_glass_that_one_person_leaves_alone_changes_nothing,
        {},
    ),
    (
        "orchestrators/promotion.py",
        "            yield from _await_approvals(ctx, journey, at, pack)\n",
        "            pass\n",
        test_story.test_a_first_model_climbs_to_the_registry_after_two_approvals,
        {},
    ),
    (
        "shared/application/promotion/standing.py",
        "    if found.standing is not Standing.APPROVED:\n",
        "    if False:\n",
        test_glass.test_glass_that_one_person_breaks_alone_stays_whole,
        {},
    ),
    (
        "shared/application/promotion/standing.py",
        "    if made.clock.now() >= first + timedelta(seconds=glass.longest_s):\n",
        "    if False:\n",
        test_glass.test_broken_glass_is_whole_again_after_its_time,
        {},
    ),
    (
        DECISIONS,
        "plan.digest)\n    wrong = refuse_approval("
        "policy, body.role, person, askers, body.evidence, pack.digest, given)\n    if wrong:\n"
        '        raise Problem(403, "not accepted", wrong)\n    return _record(clients, request, at.stage.name',
        "plan.digest)\n    return _record(clients, request, at.stage.name",
        HOSTILE.test_who_does_not_hold_the_role_cannot_approve,
        {},
    ),
    (
        DECISIONS,
        "    wrong = refuse_approval("
        "policy, body.role, person, askers, body.evidence, pack.digest, given)\n"
        '    if wrong:\n        raise Problem(403, "not accepted", wrong)\n    return _record(clients, request, kept',
        "    return _record(clients, request, kept",
        test_glass.test_break_glass_needs_two_roles_and_is_loud,
        {},
    ),
    (
        DECISIONS,
        " if not (each.said.used or has_receipt(clients, promotion, each.stage, each.phase))]",
        "]",
        HOSTILE.test_an_approval_that_was_used_cannot_be_withdrawn,
        {},
    ),
    (
        "activities/promotion/promotions.py",
        "    if request.flagged and request.flagged != plan.digest:\n",
        "    if False:\n",
        test_flags.test_a_version_that_was_swapped_since_it_was_flagged_is_refused,
        {},
    ),
    (
        "activities/promotion/movers/model.py",
        "        require_same(clients, plan, shelves)\n",
        "",
        HOSTILE.test_a_file_corrupted_on_its_way_is_found,
        {"before": "copy preprod:", "place": "preprod"},
    ),
    (
        "activities/promotion/movers/entry.py",
        "        refuse_conflict(there, order.plan.digest, registry.name)\n",
        "",
        HOSTILE.test_a_version_that_the_registry_has_with_another_content_is_a_conflict,
        {},
    ),
    (
        "activities/promotion/movers/training.py",
        "    require_same_data(clients.hub, training)\n    output, model",
        "    output, model",
        test_training_edge.test_data_that_change_are_not_trained_on,
        {"when": "while it trains"},
    ),
    (
        "activities/promotion/movers/training.py",
        "    refuse_incomplete(model, order.plan.kind, bundle, ",
        "    str(",
        test_training_edge.test_a_failed_run_and_an_incomplete_bundle_go_no_further,
        {},
    ),
    (
        "shared/domain/promotion/receipts.py",
        '        "stage": (receipt.stage, stage),\n',
        "",
        test_receipts.test_a_receipt_opens_no_other_stage_or_phase,
        OTHER_STAGE,
    ),
    (
        "shared/domain/promotion/receipts.py",
        '        "phase": (receipt.phase.value, phase.value),\n',
        "",
        test_receipts.test_a_receipt_opens_no_other_stage_or_phase,
        {"stage": "preprod", "what": Move.SWITCH_TRAFFIC},
    ),
    (
        "shared/domain/promotion/receipts.py",
        '        "promotion": (receipt.promotion, promotion),\n',
        "",
        test_receipts.test_a_receipt_of_another_promotion_or_model_opens_nothing,
        {"other": {"promotion": "p-2"}},
    ),
    (
        "shared/domain/promotion/receipts.py",
        '        "model": (str(receipt.model), str(model)),\n',
        "",
        test_receipts.test_a_receipt_of_another_promotion_or_model_opens_nothing,
        {"other": {"model": ModelVersion(name="churn", version="2")}},
    ),
    (
        RECEIPTS,
        "    verdicts = _verdicts(clients, order)\n",
        "    verdicts = ()\n",
        test_receipts.test_no_receipt_for_evidence_that_fails,
        {},
    ),
    (
        RECEIPTS,
        "    approvals = _approvals(clients, order)\n",
        "    approvals = ()\n",
        test_receipts.test_no_receipt_without_approvals,
        {},
    ),
    (
        RECEIPTS,
        '        raise Refused(f"no evidence is recorded',
        '        return ()\n        raise Refused(f"no evidence is recorded',
        test_receipts.test_no_receipt_without_evidence,
        {},
    ),
    (
        RECEIPTS,
        "    if canonical_digest(shown) != order.evidence:\n",
        "    if False:\n",
        test_receipts.test_no_receipt_for_evidence_that_nobody_was_shown,
        {},
    ),
    (
        RECEIPTS,
        "        if value != planned[name]:\n",
        "        if False:\n",
        test_receipts.test_no_receipt_for_a_version_that_was_changed,
        {},
    ),
    (
        "activities/promotion/moves.py",
        "    if _is_undoing(clients, order):\n        mover",
        "    if False:\n        mover",
        test_late_moves.test_a_move_that_is_undone_while_it_is_made_is_put_back,
        {},
    ),
    (
        "orchestrators/promotion.py",
        "            raise held\n        yield",
        "            return pack\n        yield",
        test_story.test_a_better_one_replaces_the_champion_and_a_worse_one_is_held,
        {},
    ),
    (
        "orchestrators/promotion.py",
        '            raise Held([f"{at.stage.name}: {each}" for each in seen.unmet]',
        '            return\n            raise Held([f"{at.stage.name}: {each}" for each in seen.unmet]',
        HOSTILE.test_a_rejection_puts_everything_back,
        {},
    ),
    (
        "shared/application/promotion/standing.py",
        "order.evidence, askers, first",
        "given[0].evidence, askers, first",
        test_glass.test_broken_glass_is_whole_again_after_its_time,
        {},
    ),
    (
        "shared/application/promotion/standing.py",
        "order.evidence, askers, first",
        "order.evidence, Askers(automatic=True), first",
        test_glass.test_broken_glass_is_whole_again_after_its_time,
        {},
    ),
    (
        DECISIONS,
        "    if pack is None or not request.break_glass:\n",
        "    if pack is None:\n",
        test_glass.test_only_a_promotion_that_asked_for_it_can_be_overridden,
        {},
    ),
    (
        DECISIONS,
        "(found.oid, found.role, found.withdrawn) == (person.oid, body.role, False)",
        "(found.role, found.withdrawn) == (body.role, False)",
        HOSTILE.test_a_withdrawn_approval_does_not_count,
        {},
    ),
    (
        "activities/promotion/promotions.py",
        "    if not request.plan or request.plan == digest:\n",
        "    if True:\n",
        HOSTILE.test_a_plan_that_was_approved_for_another_world_is_not_opened,
        {},
    ),
    (
        "activities/promotion/movers/model.py",
        "        refuse_conflict(clients.models.find(place, order.plan.model), order.plan.digest, place.name)\n",
        "",
        HOSTILE.test_the_same_version_with_another_content_is_never_overwritten,
        {},
    ),
    (
        "activities/promotion/movers/entry.py",
        "            require_same(clients, plan, shelves)\n",
        "",
        HOSTILE.test_a_file_corrupted_on_its_way_is_found,
        {"before": "register preprod/", "place": "central"},
    ),
    (
        "activities/promotion/movers/entry.py",
        "        if entry is None or entry.tags.get(DIGEST) != order.plan.digest:\n",
        "        if False:\n",
        HOSTILE.test_an_entry_that_was_exchanged_is_not_approved,
        {},
    ),
    (
        "activities/promotion/movers/training.py",
        "            require_same_data(clients.hub, training)\n",
        "            pass\n",
        test_training_edge.test_data_that_change_are_not_trained_on,
        {"when": "before it starts"},
    ),
    (
        "activities/promotion/registry.py",
        "        if copied != digest:\n",
        "        if False:\n",
        test_registry.test_what_is_corrupted_on_its_way_back_is_not_registered,
        {},
    ),
    (
        MIRROR,
        "    wrong = refuse_approval(policy, role, person, askers, shown, order.evidence, given)\n",
        '    wrong = ""\n',
        test_rules.test_a_decision_counts_by_the_rules_of_here,
        {"more": test_rules.REQUESTER},
    ),
    (
        MIRROR,
        "evidence_of(step, order.evidence, asked_at(clients, order))",
        "order.evidence",
        test_rules.test_a_decision_counts_by_the_rules_of_here,
        {"more": test_rules.OTHER_EVIDENCE},
    ),
    (
        MIRROR,
        "wrong or _used(clients, order, approved, person.oid)",
        "wrong",
        test_rules.test_a_decision_counts_by_the_rules_of_here,
        {"more": test_rules.USED},
    ),
    (
        RECEIPTS,
        "    refuse_unproven(clients, order)\n",
        "",
        test_stages.test_no_receipt_for_a_stage_whose_predecessor_has_none,
        {},
    ),
    (
        "activities/promotion/promotions.py",
        "        if because := unproven(clients, plan, plan.stages[0]):\n            raise Refused(because)\n",
        "",
        test_stages.test_a_version_that_was_registered_straight_into_a_stage_climbs_no_further,
        {},
    ),
    (
        PROOFS,
        " and made.signer.verifies(signed_content(receipt), receipt.signature)",
        "",
        test_stages.test_a_receipt_counts_only_if_it_is_ours_for_this_stage_and_stands,
        {"change": "forged"},
    ),
    (
        PROOFS,
        'same and fate_of(made, f"{prefix}{name}") == c.Fate.PROMOTED.value',
        "same",
        test_stages.test_a_receipt_counts_only_if_it_is_ours_for_this_stage_and_stands,
        {"change": "taken back"},
    ),
    (
        PROOFS,
        "(receipt.promotion, receipt.model, receipt.digest, receipt.stage, receipt.phase)",
        "(receipt.promotion, receipt.model, plan.digest, receipt.stage, receipt.phase)",
        test_stages.test_other_bytes_than_those_that_were_measured_climb_no_further,
        {},
    ),
    (
        "activities/promotion/promotions.py",
        "        if holder or ahead or not _take(clients, lock):\n",
        "        if holder or not _take(clients, lock):\n",
        test_turns.test_a_lock_is_taken_once_by_whoever_is_first,
        {},
    ),
    (
        APPROVALS,
        "if self.roles and askers.unverified else self.roles",
        "if False else self.roles",
        test_four_eyes.test_a_flag_verifies_nobody_so_one_more_person_must_approve,
        {},
    ),
    (
        APPROVALS,
        "next((each for each in decided if same_person(each, person)), None)",
        "next((each for each in decided if each.oid == person.oid), None)",
        test_four_eyes.test_two_accounts_of_one_person_count_once,
        {},
    ),
    (
        "triggers/http/promotion/promotions.py",
        "        nameless=person is None,\n",
        "        automatic=person is None,\n",
        test_four_eyes.test_a_machine_that_names_nobody_needs_one_more_person,
        {},
    ),
    (
        "shared/domain/promotion/people.py",
        " or not known.isdisjoint(\n            {person.oid.casefold(), name.casefold(), *person.mails}\n        )",
        "",
        test_four_eyes.test_whom_azure_names_as_a_writer_of_the_version_approves_nothing,
        {},
    ),
    (
        MIRROR,
        "    wrong = wrong or _elsewhere(clients, order, person)\n",
        "",
        test_rules.test_a_decision_counts_by_the_rules_of_here,
        {"more": test_rules.ELSEWHERE},
    ),
    (
        MIRROR,
        "self.knows(run) and here and any(",
        "self.knows(run) and any(",
        test_rules.test_a_decision_counts_by_the_rules_of_here,
        {"more": test_rules.OTHER_STAGE},
    ),
]


@pytest.mark.parametrize(("file", "lock", "without", "guard", "given"), LOCKS, ids=named(LOCKS))
async def test_a_removed_lock_is_noticed(
    railway: Railway,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
    file: str,
    lock: str,
    without: str,
    guard: Guard,
    given: dict[str, Any],
) -> None:
    remove(monkeypatch, file, lock, without)

    await expect_failure(guard, railway=railway, order=test_receipts.ordered(railway), **given)
