"""Remove a condition of a rollout or a rollback, and a named test must fail; a new condition without a case fails too.

The conditions are listed from the code: those of a step's judgement, of its receipt, and of what is known to be good.
"""

import ast
import inspect
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from shared.application.rollout import known_good as candidates_of
from shared.application.rollout import looks
from shared.domain.rollout import known_good as conditions_of
from shared.domain.rollout import steps
from shared.domain.rollout.policy import RolloutPolicy
from tests.amounts import sample
from tests.mutation.removal import Guard, Lock, expect_failure, remove
from tests.mutation.test_judgements import _failures
from tests.rollout import (
    test_alerts,
    test_comparisons,
    test_races,
    test_receipts,
    test_rollback,
    test_rollback_races,
    test_rollout,
    test_shadow,
)
from tests.rollout.conftest import POLICY, RolloutApp, RolloutStep, release_first, release_second, running
from tests.unit.rollout.test_frozen_counts import test_few_requests_show_no_sickness as few
from tests.unit.rollout.test_frozen_counts import test_what_is_no_count_is_refused as counted
from tests.unit.rollout.test_known_good import test_an_alert_on_it_while_it_served_counts_against_it as alerted
from tests.unit.rollout.test_known_good import test_it_has_served_long_enough as long_enough
from tests.unit.rollout.test_known_good import test_its_last_time_ended_well as well
from tests.unit.rollout.test_known_good import test_traffic_is_ours_where_this_rollout_has_set_it as ours
from tests.unit.rollout.test_known_good import test_what_keeps_a_version_from_being_gone_back_to as kept
from tests.unit.rollout.test_phases import test_a_soak_is_judged_beside_the_week_before as soaked
from tests.unit.rollout.test_steps import test_a_step_is_decided as decided
from tests.unit.rollout.test_steps import (
    test_a_step_that_has_lasted_as_long_as_it_may_waits_for_a_person as overdue,
)
from tests.unit.rollout.test_steps import test_the_time_of_a_pause_lies_within_the_step as paused


def gates(function: str, guard: Guard, *conditions: tuple[str, str]) -> list[Lock]:
    """Of an `if` each, and what takes its place."""
    return [Lock(symbol=function, condition=f"if {test}", without=without, guard=guard) for test, without in conditions]


STEPS = [
    *gates(
        "judge_step",
        decided,
        ("against is not None", "False"),
        ("pause is not None and pause.kind is RolloutOrderKind.PAUSE", "False"),
        ("advance is not None", "False"),
        ("verdict is RolloutVerdict.BOTH_SICK", "False"),
    ),
    *gates(
        "steps._against",
        decided,
        ("abort is not None", "False"),
        ("facts.revoked", "False"),
        ("facts.foreign", "False"),
        ("verdict is RolloutVerdict.ABORT", "False"),
        ("facts.alerts", "False"),
        ("is_alone and is_sick(facts.errors, facts.requests, limit)", "False"),
    ),
    *gates(
        "steps._in_time",
        decided,
        ("not missing", "True"),
        ("late and policy.inconclusive is WhenInconclusive.ABORT", "False"),
    ),
    *gates("steps._missing", soaked, ("soaks", "False")),
    *gates(
        "steps._missing",
        decided,
        ("elapsed_s < limits.at_least_s", "False"),
        ("facts.requests + facts.replayed < limits.requests", "False"),
        ("facts.unmeasured", "False"),
        ("facts.errors > policy.compare.sick_above * facts.requests", "False"),
        ("judgement is None", "True"),
        ("must_clear and verdict is not RolloutVerdict.CLEARED", "False"),
        ("verdict in (RolloutVerdict.NO_DATA, RolloutVerdict.FOREIGN) or judgement.is_clustered", "False"),
    ),
]
JUDGEMENTS = [
    *STEPS,
    Lock(
        symbol="_missing_weeks_apart",
        condition="errors.champion < limits.requests",
        without="False",
        guard=soaked,
    ),
    Lock(
        symbol="judge_step",
        condition="paused_s(facts.orders, facts.since, facts.now)",
        without="0.0",
        guard=decided,
    ),
    Lock(symbol="judge_step", condition="elapsed_s >= limits.at_most_s", without="False", guard=overdue),
    Lock(symbol="steps._in_time", condition="_wait(because, overdue=late)", without="_wait(because)", guard=overdue),
    Lock(symbol="judge_step", condition="order.step == step", without="True", guard=decided),
    Lock(symbol="paused_s", condition="min(max(order.at, since), until)", without="order.at", guard=paused),
    Lock(
        symbol="is_sick",
        condition="float(log_e_values(terms.hits, terms.moments, odds)) >= _threshold(_SICK_ALPHA)",
        without="bad > limit * units",
        guard=few,
    ),
    Lock(
        symbol="_check_whole", condition='field.name != "minute" and value > MOST_UNITS', without="False", guard=counted
    ),
    Lock(symbol="_check_whole", condition="type(value) is not int or value < 0", without="False", guard=counted),
    Lock(symbol="known_good._counts", condition="interval.share >= rules.share", without="True", guard=long_enough),
    *gates(
        "known_good._fired_on",
        alerted,
        (
            "alert.fired_at < interval.since or (interval.until is not None and alert.fired_at >= interval.until)",
            "False",
        ),
        ("alert.deployment", "False"),
    ),
    Lock(symbol="known_good._fired_on", condition="interval.share >= rules.share", without="True", guard=alerted),
    Lock(symbol="alerts_on", condition="interval.model == model", without="True", guard=alerted),
    Lock(
        symbol="known_good._seconds_after",
        condition="max(interval.since, moment)",
        without="interval.since",
        guard=alerted,
    ),
    Lock(
        symbol="FiredAlert.ended_at",
        condition="self.resolved_at or self.fired_at",
        without="self.fired_at",
        guard=alerted,
    ),
    Lock(
        symbol="FiredAlert.ended_at",
        condition="self.seen_at or self.fired_at",
        without="self.fired_at",
        guard=alerted,
    ),
    Lock(symbol="GoodCandidate.unmet", condition="condition.firm or not override", without="not override", guard=kept),
    Lock(symbol="is_ours", condition="traffic == before", without="True", guard=ours),
    Lock(
        symbol="is_ours",
        condition="traffic == shares(deployment, weight, champion)",
        without="traffic.get(deployment) == weight",
        guard=ours,
    ),
]
PURE_CONDITIONS = {
    "served": Lock(
        symbol="served_long_enough", condition="longest >= rules.served_s", without="True", guard=long_enough
    ),
    "ended well": Lock(
        symbol="ended_well", condition="last is None or last.ended not in _BAD_ENDS", without="True", guard=well
    ),
}
KNOWN_GOOD = {
    "not revoked": Lock(
        symbol="_entry_conditions",
        condition="met=not revoked",
        without="met=True",
        guard=test_rollback_races.test_a_revoked_version_is_gone_back_to_by_nobody,
    ),
    "entry is signed": Lock(
        symbol="_entry_conditions",
        condition="met=entry is not None and bool(entry.state)",
        without="met=True",
        guard=test_receipts.test_a_version_whose_entry_nobody_signed_is_not_known_to_be_good,
    ),
    "not held back": Lock(
        symbol="_entry_conditions",
        condition="met=hold is None",
        without="met=True",
        guard=test_rollback.test_a_rolled_back_version_is_not_known_to_be_good,
    ),
    "fits its callers": Lock(
        symbol="_fits_callers",
        condition="met=not missing",
        without="met=True",
        guard=test_rollback.test_a_version_that_wants_what_callers_do_not_send_is_brought_back_by_override_alone,
    ),
    "can be started": Lock(
        symbol="known_good._startable",
        condition="met=now - started <= limit",
        without="met=True",
        guard=test_receipts.test_a_cold_version_that_ran_long_ago_is_not_known_to_start,
    ),
}
RECEIPT = [
    Lock(
        symbol="judge_recorded_step",
        condition="if record is None",
        without="False",
        guard=test_receipts.test_a_step_without_a_record_opens_nothing,
    ),
    Lock(
        symbol="judge_recorded_step",
        condition="if record.evidence != order.evidence",
        without="False",
        guard=test_receipts.test_a_step_is_opened_by_the_very_record_that_was_named,
    ),
    Lock(
        symbol="judge_recorded_step",
        condition="if outcome.decision is not StepDecision.ADVANCE",
        without="False",
        guard=test_receipts.test_a_record_that_says_more_than_its_counts_opens_nothing,
    ),
]
CLEARED = test_alerts.test_an_alert_that_starts_no_rollback_counts_against_the_version_until_it_is_cleared
STORIES = [
    *KNOWN_GOOD.values(),
    *RECEIPT,
    Lock(
        symbol="shared.application.rollout.alerts.act_on_alert",
        condition="source == SWEEP",
        without="False",
        guard=test_alerts.test_an_alert_that_stays_in_force_counts_as_long_as_it_does,
    ),
    Lock(symbol="fired_alerts", condition="cleared_at is None or fired_at > cleared_at", without="True", guard=CLEARED),
    Lock(
        symbol="rollbacks._release", condition="hold is not None or alerts", without="hold is not None", guard=CLEARED
    ),
    Lock(
        symbol="counting._due",
        condition="watched.policy.look.longest_s + lag_s",
        without="lag_s",
        guard=test_comparisons.test_requests_that_end_later_than_the_figures_are_late_are_in_the_counts,
    ),
    Lock(
        symbol="count_look",
        condition="_collected(clients, watched, (outputs.collection,), span, now, outputs.lag_s, _MINUTE_S)",
        without="due_output",
        guard=test_comparisons.test_outputs_that_are_collected_late_are_counted_once_they_have_come,
    ),
    Lock(
        symbol="receipts.objection",
        condition="(str(receipt.step), str(step))",
        without='("", "")',
        guard=test_receipts.test_a_receipt_opens_its_own_weight_and_no_other,
    ),
    Lock(
        symbol="refuse_other_image",
        condition="if first is not None and first.image and image and image != first.image",
        without="False",
        guard=test_receipts.test_receipts_name_the_image_and_one_that_was_built_again_gets_no_more_traffic,
    ),
    Lock(
        symbol="receipts._needed_step",
        condition="order.move is Move.MIRROR_TRAFFIC",
        without="False",
        guard=test_shadow.test_copies_come_before_the_first_weight_and_end_with_it,
    ),
    Lock(
        symbol="receipts._issue",
        condition="SHADOW if order.phase is Phase.EXIT and order.at.has_shadow else 0",
        without="0",
        guard=test_shadow.test_the_first_weight_is_opened_by_a_receipt_over_the_copies_alone,
    ),
    Lock(
        symbol="make_move",
        condition="if order.at.stage.rollout is not None",
        without="False",
        guard=test_races.test_an_abort_while_the_next_weight_cannot_be_set_keeps_it_from_being_set,
    ),
    Lock(
        symbol="receipts._issue",
        condition="refuse_aborted(clients.statements, order.promotion.id, order.stage)",
        without="None",
        guard=test_receipts.test_no_receipt_is_issued_after_an_abort,
    ),
    Lock(
        symbol="receipts.refuse_changed_source",
        condition="require_approved(clients.statements, clients.audit, plan.model, plan.digest)",
        without="None",
        guard=test_races.test_an_entry_that_is_revoked_while_it_rolls_out_goes_no_further,
    ),
    Lock(
        symbol="ShiftTraffic.before",
        condition="traffic != ({champion: 100} if champion else {})",
        without="False",
        guard=test_receipts.test_a_release_begins_only_with_the_traffic_that_was_planned,
    ),
    Lock(
        symbol="ShiftTraffic._shift",
        condition="not is_ours(traffic, deployment_of(order), champion, weights)",
        without="False",
        guard=test_races.test_a_foreign_change_between_two_steps_is_not_overwritten,
    ),
    Lock(
        symbol="RegisterModel.undo",
        condition="require_unserved(clients, order)",
        without="None",
        guard=test_races.test_a_foreign_change_between_two_steps_is_not_overwritten,
    ),
    Lock(
        symbol="CopyBundle.undo",
        condition="require_unserved(clients, order)",
        without="None",
        guard=test_races.test_a_foreign_change_between_two_steps_is_not_overwritten,
    ),
    Lock(
        symbol="_refuse_serving",
        condition="at.stage.rollout is not None and at.champion.deployment == deployment",
        without="False",
        guard=test_races.test_a_version_that_serves_is_not_released_beside_itself,
    ),
    Lock(
        symbol="activities.rollout.looks._alerts",
        condition="not alert.deployment and alert.since >= shifting_since",
        without="not alert.deployment",
        guard=test_races.test_an_alert_on_the_endpoint_from_before_the_rollout_is_not_about_the_new_version,
    ),
    Lock(
        symbol="activities.rollout.looks._foreign",
        condition="online.shares == wanted",
        without="True",
        guard=test_rollout.test_traffic_that_somebody_else_changed_stops_the_rollout_and_stays_theirs,
    ),
    Lock(
        symbol="triggers.http.promotion.rollouts._order",
        condition="person is None and kind is RolloutOrderKind.ADVANCE",
        without="False",
        guard=test_rollout.test_a_machine_cannot_advance,
    ),
    Lock(
        symbol="shared.application.rollout.orders._take",
        condition="seen not in (None, step)",
        without="False",
        guard=test_rollout.test_an_order_for_a_step_that_is_past_is_refused,
    ),
    Lock(
        symbol="stage_entry.refuse_held",
        condition="hold := hold_of(statements, model)",
        without="hold := None",
        guard=test_rollback.test_the_version_that_was_left_is_held_until_somebody_releases_it,
    ),
    Lock(
        symbol="rollbacks._decide",
        condition="if other",
        without="False",
        guard=test_rollback_races.test_two_rollbacks_at_once_go_back_by_one_version,
    ),
    Lock(
        symbol="try_target",
        condition="test.schema_problems or (test.golden and test.golden.deviating)",
        without="False",
        guard=test_rollback.test_a_target_that_does_not_answer_as_it_did_gets_no_traffic,
    ),
]


def gates_in(*functions: Callable[..., Any]) -> set[tuple[str, str]]:
    """Each `if` of *functions*, as syntax."""
    return {
        (function.__name__, ast.dump(node.test))
        for function in functions
        for node in ast.walk(ast.parse(inspect.getsource(function)))
        if isinstance(node, ast.If)
    }


def covered(locks: list[Lock]) -> set[tuple[str, str]]:
    return {
        (lock.symbol.rpartition(".")[2], ast.dump(ast.parse(lock.condition.removeprefix("if "), mode="eval").body))
        for lock in locks
    }


def test_every_gate_of_a_step_and_of_its_receipt_has_a_case() -> None:
    functions = (steps.judge_step, steps._against, steps._in_time, steps._missing, looks.judge_recorded_step)
    assert gates_in(*functions) == covered([*STEPS, *RECEIPT])


def test_every_condition_of_known_good_has_a_case() -> None:
    sources = inspect.getsource(candidates_of) + inspect.getsource(conditions_of)
    names = {
        keyword.value.value
        for node in ast.walk(ast.parse(sources))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "GoodCondition"
        for keyword in node.keywords
        if keyword.arg == "name" and isinstance(keyword.value, ast.Constant)
    }
    assert names == {*PURE_CONDITIONS, *KNOWN_GOOD}


@pytest.mark.parametrize("lock", [*JUDGEMENTS, *PURE_CONDITIONS.values()], ids=str)
def test_a_removed_condition_is_noticed(monkeypatch: pytest.MonkeyPatch, lock: Lock) -> None:
    assert not list(_failures(lock.guard))

    remove(monkeypatch, lock)

    assert list(_failures(lock.guard))


@pytest.mark.parametrize("lock", STORIES, ids=str)
def test_every_lock_stands_where_it_is_named(lock: Lock) -> None:
    lock.changed()


# By the fixture that a guard asks for: its policy, and what has happened before.
BEGINNINGS: dict[str, tuple[RolloutPolicy, tuple[RolloutStep, ...]]] = {
    "app": (POLICY, ()),
    "serving": (POLICY, (release_first,)),
    "replaced": (POLICY, (release_first, release_second)),
    "shifting": (POLICY, (release_first, test_receipts.end_first_step)),
    "forgetting": (test_receipts.FORGETTING, ()),
    "shadowing": (test_shadow.SHADOW, (release_first,)),
    "won": (POLICY, (release_first, release_second, test_alerts.pass_an_hour)),
    "waiting": (test_comparisons.SLOWEST, (release_first,)),
    "comparing_outputs": (test_comparisons.OUTPUTS, (release_first,)),
}


@pytest.fixture
async def story(lock: Lock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[dict[str, RolloutApp]]:
    """What the guard of *lock* begins with. It is made before the lock is taken out: what it needs goes well."""
    (name,) = BEGINNINGS.keys() & inspect.signature(lock.guard).parameters.keys()
    policy, steps = BEGINNINGS[name]
    async for app in running(policy, tmp_path, monkeypatch, after=steps):
        yield {name: app}


@pytest.mark.long
@pytest.mark.parametrize("lock", sample(STORIES, 4), ids=str)
async def test_a_removed_lock_is_noticed(
    monkeypatch: pytest.MonkeyPatch, story: dict[str, RolloutApp], lock: Lock
) -> None:
    remove(monkeypatch, lock)

    await expect_failure(lock.guard, monkeypatch=monkeypatch, **story)
