"""Remove one lock of the watch for drift, and a named test must fail."""

import pytest

from tests.drift import test_watch
from tests.drift.conftest import DriftApp, app, given, retrained, watch  # noqa: F401 (fixtures)
from tests.mutation.removal import Lock, expect_failure, remove
from tests.unit.drift import test_detector, test_looks

ONCE = test_watch.test_a_lost_record_repeats_no_effect
LEARNED = test_detector.learned()
LOCKS = [
    Lock(
        symbol="windows.add_counts",
        condition="open_window.has(name)",
        without="False",
        guard=ONCE,
        arguments={"step": "drift-counted"},
    ),
    Lock(
        symbol="verdicts._judge",
        condition="outcome is not DriftOutcome.DRIFTED",
        without="True",
        guard=test_watch.test_a_finding_that_could_not_be_told_is_told_by_a_sweep,
        arguments={"how": "terminated"},
    ),
    Lock(
        symbol="verdicts._remember",
        condition="window[0].looks > look.look",
        without="False",
        guard=ONCE,
        arguments={"step": "told"},
    ),
    Lock(
        symbol="is_watched",
        condition="watch.watches(inference.route.name, inference.route.score.model)",
        without="True",
        guard=test_watch.test_other_routes_are_not_watched,
    ),
    Lock(
        symbol="windows.add_counts",
        condition="open_window.closed",
        without="False",
        guard=test_watch.test_a_window_that_showed_drift_is_closed_and_the_next_finding_is_another_cause,
    ),
]
CONDITIONS = [
    Lock(
        symbol="DriftWatch.rule_of_a_look",
        condition="self.rule.alpha / self.looks",
        without="self.rule.alpha",
        guard=test_looks.test_the_looks_of_a_window_share_its_alpha,
        arguments={"every": 0, "rows": 1000, "labels": None, "share": 6},
    ),
    Lock(
        symbol="DriftWindow.look_due",
        condition="self.rows <= self.looked_rows",
        without="False",
        guard=test_looks.test_by_the_clock_a_look_is_due_after_its_interval_where_rows_came,
    ),
    Lock(
        symbol="DriftWindow.looked_at",
        condition="outcome is DriftOutcome.DRIFTED",
        without="False",
        guard=test_looks.test_a_window_closes_when_it_is_full_old_or_has_shown_drift,
        arguments={"rows": 200, "outcome": test_looks.DriftOutcome.DRIFTED, "days": 0, "closed": True},
    ),
    Lock(
        symbol="DriftWindow.looked_at",
        condition="self.looks + 1 >= watch.looks",
        without="False",
        guard=test_looks.test_whatever_the_clock_does_every_row_is_in_one_window_and_no_look_is_of_the_same_rows,
    ),
    Lock(
        symbol="_has_passed",
        condition="abs((now - datetime.fromisoformat(since)).total_seconds())",
        without="(now - datetime.fromisoformat(since)).total_seconds()",
        guard=test_looks.test_rows_that_wait_for_the_clock_wait_at_most_twice_as_long_wherever_it_was,
        arguments={"opened": 20, "looked": 9600},
    ),
    Lock(
        symbol="detector._conclude",
        condition="not rule.score_must_move or score.movement is Movement.MOVED",
        without="True",
        guard=test_detector.test_an_irrelevant_column_alone_is_no_drift_where_the_score_must_move,
    ),
    Lock(
        symbol="shifts._judged",
        condition="effect >= rule.effect",
        without="True",
        guard=test_detector.test_a_change_too_small_to_matter_is_no_drift_however_many_rows_show_it,
    ),
    Lock(
        symbol="shifts._judged",
        condition="largest < rule.effect",
        without="True",
        guard=test_detector.test_too_few_rows_are_inconclusive_and_say_how_many_decide,
    ),
    Lock(
        symbol="shifts.shifts_of",
        condition="statistics.benjamini_hochberg(family)",
        without="family",
        guard=test_detector.test_false_alarms_are_as_rare_as_alpha_says,
        arguments={"world": "normal"},
    ),
]


@pytest.mark.parametrize("lock", LOCKS, ids=str)
async def test_a_removed_lock_is_noticed(
    app: DriftApp,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
    lock: Lock,
) -> None:
    remove(monkeypatch, lock)

    await expect_failure(lock.guard, app=app, **lock.arguments)


@pytest.mark.parametrize("lock", CONDITIONS, ids=str)
async def test_a_removed_condition_is_noticed(monkeypatch: pytest.MonkeyPatch, lock: Lock) -> None:
    remove(monkeypatch, lock)

    await expect_failure(lock.guard, reference=LEARNED, **lock.arguments)
