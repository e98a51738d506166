"""Remove a condition of provisioning, and a named test must fail: nothing is made or ended that nobody wanted."""

from typing import Any

import pytest

from tests.amounts import sample
from tests.mutation.removal import Guard, Lock, expect_failure, remove
from tests.promotion import test_changes as changes
from tests.promotion.test_changes import GatedApp
from tests.promotion.test_changes import gated as gated  # A fixture.
from tests.provisioning import test_drift_and_teardown as ends
from tests.provisioning import test_story as story
from tests.provisioning.conftest import ProvisioningApp
from tests.provisioning.conftest import app as app  # A fixture.
from tests.unit import test_provisioning as pure
from tests.unit.doctor import test_verification as verification


def lock(symbol: str, condition: str, without: str, guard: Guard, **arguments: Any) -> Lock:
    return Lock(symbol=symbol, condition=condition, without=without, guard=guard, arguments=arguments)


APPROVED_BOTH = pure.test_only_both_an_approval_and_a_state_of_work_approve
PLANS = pure.test_a_plan_without_its_digest_or_with_a_part_that_waits_is_none
PURE = [
    lock("verdict_on", "change.approval == 'rejected'", "False", APPROVED_BOTH),
    lock("verdict_on", "change.state in rules.stopped_states", "False", APPROVED_BOTH),
    lock("verdict_on", "change.state in rules.approved_states", "True", APPROVED_BOTH),
    lock("verdict_on", "change.approval == 'approved'", "True", APPROVED_BOTH),
    lock("plan_of", "if not _DIGEST.fullmatch(digest)", "False", PLANS),
    lock("plan_of", "if missing", "False", PLANS),
    lock("order_problems", "if not _VALUE.fullmatch(value)", "False", pure.test_every_problem_of_an_order_is_named),
    lock("order_problems", "region not in rules.regions", "False", pure.test_every_problem_of_an_order_is_named),
    lock(
        "may_follow",
        "state is None",
        "True",
        pure.test_nothing_is_applied_but_after_an_approval_and_nothing_follows_an_end,
    ),
]
LACKING = verification.test_what_the_app_may_not_do_in_an_environment_keeps_it_from_being_ready
HIDDEN = verification.test_what_cannot_be_seen_is_not_verified_and_more_than_is_needed_is
VERIFIED = "verification.verify"
PURE += [
    lock(VERIFIED, "(Grade.BROKEN, Grade.UNKNOWN)", "(Grade.BROKEN,)", HIDDEN),
    lock(VERIFIED, "(Grade.BROKEN, Grade.UNKNOWN)", "(Grade.BROKEN, Grade.UNKNOWN, Grade.WARNING)", HIDDEN),
    lock(VERIFIED, "assignment.target in targets", "True", LACKING, name="dev"),
    lock(
        VERIFIED,
        "assignment.target in targets",
        "True",
        verification.test_what_is_lacking_outside_of_the_environments_is_the_doctors_to_say,
    ),
]
STORIES = [
    lock(
        "orchestrators.provisioning.orders._carry",
        "if said.verdict is not ChangeVerdict.APPROVED",
        "False",
        story.test_a_rejected_or_cancelled_change_stops_and_nothing_is_applied,
        state="-5",
        approval="rejected",
    ),
    lock(
        "orchestrators.provisioning.orders._carry",
        "if opened.objection",
        "False",
        story.test_only_what_service_now_has_approved_is_carried_out,
    ),
    lock(
        "orchestrators.provisioning.orders._verified",
        "if look.differences",
        "False",
        story.test_what_somebody_opens_after_the_set_up_is_not_ready,
    ),
    lock(
        "orchestrators.provisioning.orders._verified",
        "if look.findings",
        "False",
        story.test_a_persona_that_could_do_more_than_the_matrix_says_is_not_verified,
    ),
    lock(
        "doctor.personas._judge",
        "if excess",
        "False",
        story.test_a_persona_that_could_do_more_than_the_matrix_says_is_not_verified,
    ),
    lock(
        "doctor.personas._judge",
        "if lacking",
        "False",
        story.test_a_step_is_not_verified_before_each_persona_may_do_what_it_should,
    ),
    lock(
        "verification.verify",
        "if not groups",
        "False",
        story.test_without_groups_nobody_is_proven,
    ),
    lock(
        "activities.provisioning.orders._refusal",
        "if approval != 'approved'",
        "False",
        story.test_only_what_service_now_has_approved_is_carried_out,
    ),
    lock(
        "activities.provisioning.orders._claimed",
        "if standing.working and standing.order != request.id",
        "False",
        story.test_one_order_at_a_time_works_on_a_step,
    ),
    lock(
        "standing.stands",
        "if audit.find(provisioning_paths.verified(team, step, standing.ready)) is None",
        "False",
        story.test_the_second_step_waits_for_a_verified_first_one_and_a_planted_record_is_none,
    ),
    lock(
        "refusal_of_step",
        "stands(store, audit, order.team, first)",
        "True",
        story.test_the_second_step_waits_for_a_verified_first_one_and_a_planted_record_is_none,
    ),
    lock(
        "application.provisioning.orders.next_attempt",
        "if instance is not None and instance.running",
        "False",
        story.test_an_order_that_was_ended_from_outside_is_resumed_and_its_change_still_counts,
    ),
    lock(
        "teardowns._with_voice",
        "if voice.oid == asked.oid",
        "False",
        ends.test_one_person_in_two_roles_is_one_person,
    ),
    lock(
        "teardowns._with_voice",
        "if voice.role == asked.role",
        "False",
        ends.test_the_end_takes_two_people_in_two_roles_and_the_retention,
    ),
    lock(
        "tear_down_step",
        "if body.role not in personas",
        "False",
        ends.test_the_end_takes_two_people_in_two_roles_and_the_retention,
    ),
    lock(
        "look_at_teardown",
        "if first is None or second is None or not _are_two(first, second, teardown.after)",
        "False",
        ends.test_a_confirmation_that_only_a_record_knows_removes_nothing,
    ),
    lock(
        "ask_for_teardown",
        "if step is ProvisioningStep.EXPERIMENTATION and stands(store, audit, team, later)",
        "False",
        ends.test_experimentation_does_not_end_under_what_stands_on_it,
    ),
]

OTHER = changes.test_a_change_that_was_approved_for_something_else_opens_nothing
CHANGES = [
    lock(
        "stage_changes._another",
        "if order.evidence not in change.description",
        "False",
        OTHER,
        field="description",
        text="Evidence sha256:0000",
        because="it was approved for something else",
    ),
    lock(
        "stage_changes._another",
        "if change.sys_id != opened.sys_id",
        "False",
        OTHER,
        field="sys_id",
        text="another",
        because="has the correlation of CHG0000001",
    ),
]

# Without them something waits for ever, and it takes the whole patience of `expect_failure` to see that.
WAITS_FOR_EVER = {
    "order": lock(
        "orchestrators.provisioning.orders._look_at_change",
        "if ctx.now.isoformat() >= waiting.deadline",
        "False",
        story.test_silence_is_no_approval,
    ),
    "gate": lock(
        "activities.provisioning.stage_changes.look_at_stage_change",
        "waited_s >= rules.give_up_after_s",
        "False",
        changes.test_silence_is_not_approval,
    ),
}


@pytest.mark.parametrize("case", PURE, ids=str)
async def test_without_the_condition_a_decision_changes(case: Lock, monkeypatch: pytest.MonkeyPatch) -> None:
    remove(monkeypatch, case)
    await expect_failure(case.guard, **case.arguments)


@pytest.mark.long
@pytest.mark.parametrize("case", sample(STORIES, 5), ids=str)
async def test_without_the_condition_a_story_ends_otherwise(
    case: Lock,
    app: ProvisioningApp,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    remove(monkeypatch, case)
    await expect_failure(case.guard, app=app, **case.arguments)


@pytest.mark.long
@pytest.mark.parametrize("case", sample(CHANGES, 2), ids=str)
async def test_without_the_condition_a_change_gates_nothing(
    case: Lock, gated: GatedApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    remove(monkeypatch, case)
    await expect_failure(case.guard, gated=gated, **case.arguments)


@pytest.mark.proof
async def test_without_the_deadline_an_order_waits_for_ever(
    app: ProvisioningApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    remove(monkeypatch, WAITS_FOR_EVER["order"])
    await expect_failure(WAITS_FOR_EVER["order"].guard, app=app)


@pytest.mark.proof
async def test_without_the_deadline_a_gate_waits_for_ever(gated: GatedApp, monkeypatch: pytest.MonkeyPatch) -> None:
    remove(monkeypatch, WAITS_FOR_EVER["gate"])
    await expect_failure(WAITS_FOR_EVER["gate"].guard, gated=gated)
