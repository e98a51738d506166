"""Remove one lock of the interlocking, and a named test must fail: the locks are not decoration.

Each case takes one condition out of the running product and lets the test that stands guard over it run.
"""

from pathlib import Path

import pytest

from shared.domain.promotion.models import ModelVersion
from shared.domain.promotion.plans import Move
from tests.amounts import sample
from tests.devops import test_rules
from tests.mutation.removal import Lock, expect_failure, remove
from tests.promotion import (
    test_flags,
    test_four_eyes,
    test_glass,
    test_hostile,
    test_late_moves,
    test_receipts,
    test_registry,
    test_stages,
    test_stored_plans,
    test_story,
    test_training_edge,
    test_turns,
    test_unknown_versions,
)
from tests.promotion.conftest import PromotionApp, app  # noqa: F401 (a fixture)
from tests.trust import test_hidden_decisions

HOSTILE = test_hostile
OTHER_STAGE = {"stage": "central", "what": Move.PUBLISH_ENTRY}
LOCKS = [
    Lock(
        symbol="stored_plans._stored_plan",
        condition='digest not in ("", raw["plan_digest"])',
        without="False",
        guard=test_stored_plans.test_an_order_for_another_plan_is_refused_before_anything_is_touched,
    ),
    Lock(
        symbol="stored_plans._stored_plan",
        condition='content != raw["plan_digest"]',
        without="False",
        guard=test_stored_plans.test_a_plan_that_was_changed_in_its_record_is_refused,
    ),
    Lock(
        symbol="make_move",
        condition="require_receipt(clients, order)",
        without="None",
        guard=test_receipts.test_nothing_moves_without_a_receipt,
    ),
    Lock(
        symbol="make_move",
        condition="is_revoked(clients.statements, clients.audit, order.plan.model)",
        without="False",
        guard=test_receipts.test_a_receipt_opens_nothing_for_a_version_that_was_revoked_since,
        arguments={"also": "nothing"},
    ),
    Lock(
        symbol="is_revoked",
        condition="audit.find(revocation_key(model)) is not None",
        without="False",
        guard=test_receipts.test_a_receipt_opens_nothing_for_a_version_that_was_revoked_since,
        arguments={"also": "the statement is removed"},
    ),
    Lock(
        symbol="requested_promotions._refuse_unknown",
        condition="clients.configuration.ladder.promotable(model.name)",
        without="None",
        guard=test_unknown_versions.test_a_name_that_may_not_climb_is_refused_at_the_door_with_those_that_may,
    ),
    Lock(
        symbol="requested_promotions._refuse_unknown",
        condition="planning.require_registered(clients.models.find(origin, model), model, origin)",
        without="None",
        guard=test_unknown_versions.test_a_version_that_the_source_does_not_have_is_refused_at_the_door,
    ),
    Lock(
        symbol="_refuse_refused",
        condition='record["fate"] == "refused"',
        without="False",
        guard=test_unknown_versions.test_the_command_says_why_the_plan_of_its_promotion_was_refused,
    ),
    Lock(
        symbol="undo_move",
        condition='clients.ledger.record(_undoing(order), {"at": stamp(clients)})',
        without="None",
        guard=test_late_moves.test_a_move_that_comes_after_its_undo_is_not_made,
    ),
    Lock(
        symbol="make_move",
        condition="_take_back(clients, order, about, before)",
        without="None",
        guard=test_late_moves.test_a_move_that_is_undone_while_it_is_made_is_put_back,
    ),
    Lock(
        symbol="make_move",
        condition="_take_back(clients, order, carried(clients.statements, order), _signed_before(clients, order))",
        without="None",
        guard=test_late_moves.test_a_slow_switch_that_is_undone_while_it_is_made_is_put_back,
    ),
    Lock(
        symbol="require_receipt",
        condition="receipt_objection(clients.signing, receipt)",
        without="False",
        guard=test_receipts.test_a_forged_receipt_opens_nothing,
    ),
    Lock(
        symbol="require_receipt",
        condition="if wrong",
        without="False",
        guard=test_receipts.test_a_receipt_opens_no_other_stage_or_phase,
        arguments=OTHER_STAGE,
    ),
    Lock(
        symbol="receipts.objection",
        condition="(receipt.digest, digest)",
        without="(digest, digest)",
        guard=test_receipts.test_a_receipt_for_other_bytes_opens_nothing,
    ),
    Lock(
        symbol="receipts.objection",
        condition="now >= datetime.fromisoformat(receipt.expires)",
        without="False",
        guard=test_receipts.test_a_receipt_ends,
    ),
    Lock(
        symbol="_issue",
        condition="failures and (not override)",
        without="False",
        guard=test_receipts.test_no_receipt_for_evidence_that_fails,
    ),
    Lock(
        symbol="receipts._verdicts",
        condition='replace(decode(Evidence, shown["assessments"][-1]["evidence"]), at=clients.clock.now())',
        without='replace(decode(Evidence, shown["assessments"][-1]["evidence"]))',
        guard=test_receipts.test_no_receipt_within_a_freeze_that_began_after_the_evidence,
    ),
    Lock(
        symbol="receipts._approvals",
        condition="judgement_now.standing is not ApprovalStanding.APPROVED",
        without="False",
        guard=test_receipts.test_no_receipt_without_approvals,
    ),
    Lock(
        symbol="_issue",
        condition="refuse_changed_source(clients, order)",
        without="None",
        guard=test_receipts.test_no_receipt_for_a_version_that_was_changed,
    ),
    Lock(
        symbol="receipts._digest",
        condition="carried(clients.statements, order) if phase is Phase.EXIT else order",
        without="order",
        guard=test_training_edge.test_the_receipt_of_the_way_out_is_for_what_was_trained,
    ),
    Lock(
        symbol="assessments._measured",
        condition="judge_gates(gates, evidence, clients.project_functions.ask)",
        without="()",
        guard=test_glass.test_broken_glass_that_one_person_leaves_alone_changes_nothing,
    ),
    Lock(
        symbol="_champion",
        condition="approved not in (None, now)",
        without="False",
        guard=HOSTILE.test_a_champion_that_serves_since_the_plan_is_the_one_to_beat,
        arguments={"approved": True},
    ),
    Lock(
        symbol="assessments._measured",
        condition="replace(order, plan=order.plan.against(order.stage, serving))",
        without="order",
        guard=HOSTILE.test_a_champion_that_serves_since_the_plan_is_the_one_to_beat,
        arguments={"approved": False},
    ),
    Lock(
        symbol="HoldoutPredictions._column",
        condition='require_every(column, f"predictions of {deployment}")',
        without="None",
        guard=HOSTILE.test_an_answer_that_is_no_number_is_counted_and_passes_nothing,
        arguments={"rows": 200, "said": ("1 of 200 rows have none",)},
    ),
    Lock(
        symbol="_deviation",
        condition="math.isfinite(distance := abs(float(expected) - float(actual)))",
        without="[apart := abs(float(expected) - float(actual))]",
        guard=HOSTILE.test_an_answer_that_is_no_number_is_counted_and_passes_nothing,
        arguments={"rows": 1, "said": ("golden_requests_match: fail",)},
    ),
    Lock(
        symbol="promotions._assess",
        condition="not assessment.passed",
        without="False",
        guard=test_glass.test_broken_glass_that_one_person_leaves_alone_changes_nothing,
    ),
    Lock(
        symbol="promotions._carry",
        condition="yield from _await_approvals(ctx, journey, at, pack)",
        without="None",
        guard=test_story.test_a_first_model_climbs_to_the_registry_after_two_approvals,
    ),
    Lock(
        symbol="standing.break_glass",
        condition="judged.standing is not ApprovalStanding.APPROVED",
        without="False",
        guard=test_glass.test_glass_that_one_person_breaks_alone_stays_whole,
    ),
    Lock(
        symbol="standing.break_glass",
        condition="now >= first + timedelta(seconds=glass.longest_s)",
        without="False",
        guard=test_glass.test_broken_glass_is_whole_again_after_its_time,
    ),
    Lock(
        symbol="promotion.decisions._accept",
        condition="refuse_approval(policy, ballot.role, ballot.person, askers, ballot.evidence, order.evidence, "
        "approvals)",
        without='""',
        guard=HOSTILE.test_who_does_not_hold_the_role_cannot_approve,
    ),
    Lock(
        symbol="promotion.decisions._accept",
        condition="refuse_approval(policy, ballot.role, ballot.person, askers, ballot.evidence, order.evidence, "
        "approvals)",
        without='""',
        guard=test_glass.test_break_glass_needs_two_roles_and_is_loud,
    ),
    Lock(
        symbol="mark_withdrawn",
        condition="not _is_used(records, promotion, own)",
        without="True",
        guard=HOSTILE.test_an_approval_that_was_used_cannot_be_withdrawn,
    ),
    Lock(
        symbol="_refuse_changed",
        condition="request.flagged and request.flagged != plan.digest",
        without="False",
        guard=test_flags.test_a_version_that_was_swapped_since_it_was_flagged_is_refused,
    ),
    Lock(
        symbol="RegisterModel.advance",
        condition="require_same(clients, plan, shelves)",
        without="None",
        guard=HOSTILE.test_a_file_corrupted_on_its_way_is_found,
        arguments={"before": "copy preprod:", "place": "preprod"},
    ),
    Lock(
        symbol="PublishEntry.before",
        condition="refuse_conflict(registered_entry, order.plan.digest, registry.name)",
        without="None",
        guard=HOSTILE.test_a_version_that_the_registry_has_with_another_content_is_a_conflict,
    ),
    Lock(
        symbol="_collect",
        condition="require_same_data(clients.hub, training)",
        without="None",
        guard=test_training_edge.test_data_that_change_are_not_trained_on,
        arguments={"when": "while it trains"},
    ),
    Lock(
        symbol="_collect",
        condition='refuse_incomplete(model, order.plan.kind, bundle, f"let the pipeline write it to {run.output}")',
        without='str(f"let the pipeline write it to {run.output}")',
        guard=test_training_edge.test_a_failed_run_and_an_incomplete_bundle_go_no_further,
    ),
    Lock(
        symbol="receipts.objection",
        condition="(receipt.stage, stage)",
        without="(stage, stage)",
        guard=test_receipts.test_a_receipt_opens_no_other_stage_or_phase,
        arguments=OTHER_STAGE,
    ),
    Lock(
        symbol="receipts.objection",
        condition="(receipt.phase.value, phase.value)",
        without="(phase, phase)",
        guard=test_receipts.test_a_receipt_opens_no_other_stage_or_phase,
        arguments={"stage": "preprod", "what": Move.SWITCH_TRAFFIC},
    ),
    Lock(
        symbol="receipts.objection",
        condition="(receipt.promotion, promotion)",
        without="(promotion, promotion)",
        guard=test_receipts.test_a_receipt_of_another_promotion_or_model_opens_nothing,
        arguments={"other": {"promotion": "p-2"}},
    ),
    Lock(
        symbol="receipts.objection",
        condition="(str(receipt.model), str(model))",
        without="(model, model)",
        guard=test_receipts.test_a_receipt_of_another_promotion_or_model_opens_nothing,
        arguments={"other": {"model": ModelVersion(name="churn", version="2")}},
    ),
    Lock(
        symbol="_issue",
        condition="_verdicts(clients, order)",
        without="()",
        guard=test_receipts.test_no_receipt_for_evidence_that_fails,
    ),
    Lock(
        symbol="_issue",
        condition="_approvals(clients, order)",
        without="()",
        guard=test_receipts.test_no_receipt_without_approvals,
    ),
    Lock(
        symbol="receipts._verdicts",
        condition='raise Refused(f"no evidence is recorded for {place}: nothing passes without it")',
        without="return ()",
        guard=test_receipts.test_no_receipt_without_evidence,
    ),
    Lock(
        symbol="receipts._verdicts",
        condition="canonical_digest(shown) != order.evidence",
        without="False",
        guard=test_receipts.test_no_receipt_for_evidence_that_nobody_was_shown,
    ),
    Lock(
        symbol="refuse_changed_source",
        condition="value != planned[name]",
        without="False",
        guard=test_receipts.test_no_receipt_for_a_version_that_was_changed,
    ),
    Lock(
        symbol="make_move",
        condition=(
            "if _is_undoing(clients, order): _take_back(clients, order, about, before); raise _undone_already(order)"
        ),
        without="pass",
        guard=test_late_moves.test_a_move_that_is_undone_while_it_is_made_is_put_back,
    ),
    Lock(
        symbol="promotions._assess",
        condition="raise refusal",
        without="return pack",
        guard=test_story.test_a_better_one_replaces_the_champion_and_a_worse_one_is_held,
    ),
    Lock(
        symbol="_await_approvals",
        condition="approvals.standing is ApprovalStanding.APPROVED",
        without="approvals.standing is not ApprovalStanding.WAITING",
        guard=HOSTILE.test_a_rejection_puts_everything_back,
    ),
    Lock(
        symbol="standing.break_glass",
        condition="judge_approvals(policy, approvals, order.evidence, askers, first, now)",
        without="judge_approvals(policy, approvals, approvals[0].evidence, askers, first, now)",
        guard=test_glass.test_broken_glass_is_whole_again_after_its_time,
    ),
    Lock(
        symbol="standing.break_glass",
        condition="askers_of(statements.store, order.promotion, order.plan.digest)",
        without="Askers(automatic=True)",
        guard=test_glass.test_broken_glass_is_whole_again_after_its_time,
    ),
    Lock(
        symbol="decisions._agree",
        condition="not request.break_glass",
        without="False",
        guard=test_glass.test_only_a_promotion_that_asked_for_it_can_be_overridden,
    ),
    Lock(
        symbol="decisions._own",
        condition="(approval.oid, approval.role) == (choice.person.oid, choice.role)",
        without="approval.role == choice.role",
        guard=HOSTILE.test_a_withdrawn_approval_does_not_count,
    ),
    Lock(
        symbol="_refuse_changed",
        condition="not request.plan or request.plan == digest",
        without="True",
        guard=HOSTILE.test_a_plan_that_was_approved_for_another_world_is_not_opened,
    ),
    Lock(
        symbol="RegisterModel.before",
        condition="refuse_conflict(clients.models.find(place, order.plan.model), order.plan.digest, place.name)",
        without="None",
        guard=HOSTILE.test_the_same_version_with_another_content_is_never_overwritten,
    ),
    Lock(
        symbol="PublishEntry.advance",
        condition="require_same(clients, plan, shelves)",
        without="None",
        guard=HOSTILE.test_a_file_corrupted_on_its_way_is_found,
        arguments={"before": "register preprod/", "place": "central"},
    ),
    Lock(
        symbol="ApproveEntry.before",
        condition="entry is None or entry.tags.get(DIGEST) != order.plan.digest",
        without="False",
        guard=HOSTILE.test_an_entry_that_was_exchanged_is_not_approved,
    ),
    Lock(
        symbol="_require_same_storage",
        condition="tuple(map(str.lower, storage)) != tuple(map(str.lower, planned))",
        without="False",
        guard=test_training_edge.test_nothing_is_trained_where_a_datastore_leads_elsewhere,
        arguments={"storage": ("stlab", "signalbox-staging")},
    ),
    Lock(
        symbol="TrainModel.advance",
        condition="require_same_data(clients.hub, training)",
        without="None",
        guard=test_training_edge.test_data_that_change_are_not_trained_on,
        arguments={"when": "before it starts"},
    ),
    Lock(
        symbol="registry._recover",
        condition="copied != digest",
        without="False",
        guard=test_registry.test_what_is_corrupted_on_its_way_back_is_not_registered,
    ),
    Lock(
        symbol="_take_step",
        condition="refuse_approval(policy, role, person, askers, evidence, order.evidence, decisions)",
        without='""',
        guard=test_rules.test_a_decision_counts_by_the_rules_of_here,
        arguments={"more": test_rules.REQUESTER},
    ),
    Lock(
        symbol="_take_step",
        condition="evidence_of(step, order.evidence, since)",
        without="order.evidence",
        guard=test_rules.test_a_decision_counts_by_the_rules_of_here,
        arguments={"more": test_rules.OTHER_EVIDENCE},
    ),
    Lock(
        symbol="_take_step",
        condition="_used(clients, order, approval.id, person.oid)",
        without="False",
        guard=test_rules.test_a_decision_counts_by_the_rules_of_here,
        arguments={"more": test_rules.USED},
    ),
    Lock(
        symbol="_issue",
        condition="refuse_unproven(clients, order)",
        without="None",
        guard=test_stages.test_no_receipt_for_a_stage_whose_predecessor_has_none,
    ),
    Lock(
        symbol="receipts._issue",
        condition="refuse_changed_origins(clients.store, clients.audit, order.plan.model.name, order.plan.digest)",
        without="None",
        guard=test_hidden_decisions.test_who_asked_for_a_training_cannot_be_hidden,
        arguments={"attack": "removed"},
    ),
    Lock(
        symbol="promotions._plan",
        condition="(because := unproven(receipts, ladder, plan, plan.stages[0]))",
        without="False",
        guard=test_stages.test_a_version_that_was_registered_straight_into_a_stage_climbs_no_further,
    ),
    Lock(
        symbol="_proves",
        condition="(because := receipt_objection(receipts.signing, receipt))",
        without='(because := "")',
        guard=test_stages.test_a_receipt_counts_only_if_it_is_ours_for_this_stage_and_stands,
        arguments={"change": "forged"},
    ),
    Lock(
        symbol="_candidates",
        condition="fate_of(store, promotion) is c.Fate.PROMOTED",
        without="True",
        guard=test_stages.test_a_receipt_counts_only_if_it_is_ours_for_this_stage_and_stands,
        arguments={"change": "taken back"},
    ),
    Lock(
        symbol="stage_entry._candidates",
        condition="fates.get(promotion) == c.Fate.PROMOTED.value",
        without="True",
        guard=test_stages.test_a_promotion_that_was_taken_back_proves_nothing_whatever_its_record_says,
    ),
    Lock(
        symbol="_proves",
        condition="(receipt.promotion, receipt.model, receipt.digest, receipt.stage, receipt.phase)",
        without="(receipt.promotion, receipt.model, plan.digest, receipt.stage, receipt.phase)",
        guard=test_stages.test_other_bytes_than_those_that_were_measured_climb_no_further,
    ),
    Lock(
        symbol="lock_endpoint",
        condition="holder or ahead or not _take(clients, lock)",
        without="holder or not _take(clients, lock)",
        guard=test_turns.test_a_lock_is_taken_once_by_whoever_is_first,
    ),
    Lock(
        symbol="ApprovalPolicy.asked",
        condition="self.roles and askers.unverified",
        without="False",
        guard=test_four_eyes.test_a_flag_verifies_nobody_so_one_more_person_must_approve,
    ),
    Lock(
        symbol="refuse_approval",
        condition="same_person(approval, person)",
        without="approval.oid == person.oid",
        guard=test_four_eyes.test_two_accounts_of_one_person_count_once,
    ),
    Lock(
        symbol="requested_promotions._promotion",
        condition="nameless=person is None",
        without="automatic=person is None",
        guard=test_four_eyes.test_a_machine_that_names_nobody_needs_one_more_person,
    ),
    Lock(
        symbol="Askers.include",
        condition="not names.isdisjoint({person.oid.casefold(), name.casefold(), *person.mails})",
        without="False",
        guard=test_four_eyes.test_whom_azure_names_as_a_writer_of_the_version_approves_nothing,
    ),
    Lock(
        symbol="_take_step",
        condition="_elsewhere(clients, order, person)",
        without='""',
        guard=test_rules.test_a_decision_counts_by_the_rules_of_here,
        arguments={"more": test_rules.ELSEWHERE},
    ),
    Lock(
        symbol="Shared.counts",
        condition="in_stage",
        without="True",
        guard=test_rules.test_a_decision_counts_by_the_rules_of_here,
        arguments={"more": test_rules.OTHER_STAGE},
    ),
]


@pytest.mark.parametrize("lock", LOCKS, ids=str)
def test_every_lock_stands_where_it_is_named(lock: Lock) -> None:
    lock.changed()


@pytest.mark.long
@pytest.mark.parametrize("lock", sample(LOCKS, 16), ids=str)
async def test_a_removed_lock_is_noticed(
    app: PromotionApp,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    lock: Lock,
) -> None:
    remove(monkeypatch, lock)

    order = test_receipts.ordered(app)
    await expect_failure(lock.guard, app=app, order=order, tmp_path=tmp_path, **lock.arguments)
