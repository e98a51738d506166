"""Remove one lock of the watch for drift, and a named test must fail."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.drift import test_watch
from tests.drift.conftest import WatchedProduct, given, product, retrained, watch  # noqa: F401 (fixtures)
from tests.mutation.removal import expect_failure, remove
from tests.unit.drift import test_detector, test_looks

ONCE = test_watch.test_a_lost_record_repeats_no_effect
LEARNED = test_detector.learned()
WATCH, DETECTOR, COLUMNS = (f"shared/domain/drift/{name}.py" for name in ("watch", "detector", "columns"))


@pytest.mark.parametrize(
    ("file", "lock", "without", "guard", "more"),
    [
        (
            "activities/drift/windows.py",
            "        if known.has(request.run):\n            return None\n",
            "",
            ONCE,
            {"step": "drift-counted"},
        ),
        (
            "activities/drift/verdicts.py",
            "    if outcome is not Outcome.DRIFTED:  #",
            "    if True:  #",
            test_watch.test_a_finding_that_could_not_be_told_is_told_by_a_sweep,
            {"how": "terminated"},
        ),
        ("activities/drift/verdicts.py", " or found[0].looks > look.look:", ":", ONCE, {"step": "told"}),
        (
            "activities/drift/windows.py",
            " and watch.watches(inference.route.name, inference.route.score.model)",
            "",
            test_watch.test_other_routes_are_not_watched,
            {},
        ),
        (
            "activities/drift/windows.py",
            "        if known.closed or other or (",
            "        if other or (",
            test_watch.test_a_window_that_showed_drift_is_closed_and_the_next_finding_is_another_cause,
            {},
        ),
    ],
)
async def test_a_removed_lock_is_noticed(
    product: WatchedProduct,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
    file: str,
    lock: str,
    without: str,
    guard: Callable[..., Any],
    more: dict[str, Any],
) -> None:
    remove(monkeypatch, file, lock, without)

    await expect_failure(guard, product=product, **more)


@pytest.mark.parametrize(
    ("file", "lock", "without", "guard", "more"),
    [
        (
            WATCH,
            "self.rule.alpha / self.looks / (",
            "self.rule.alpha / (",
            test_looks.test_the_looks_of_a_window_share_its_alpha,
            {"every": 0, "rows": 1000, "labels": None, "share": 6},
        ),
        (
            WATCH,
            " or self.rows <= self.looked_rows:",
            ":",
            test_looks.test_by_the_clock_a_look_is_due_after_its_interval_where_rows_came,
            {},
        ),
        (
            WATCH,
            "over = outcome is Outcome.DRIFTED or full",
            "over = full",
            test_looks.test_a_window_closes_when_it_is_full_old_or_has_shown_drift,
            {"rows": 200, "outcome": test_looks.Outcome.DRIFTED, "days": 0, "closed": True},
        ),
        (
            WATCH,
            " or self.looks + 1 >= watch.looks",
            "",
            test_looks.test_whatever_the_clock_does_every_row_is_in_one_window_and_no_look_is_of_the_same_rows,
            {},
        ),
        (
            WATCH,
            "abs((now - datetime.fromisoformat(since)).total_seconds())",
            "(now - datetime.fromisoformat(since)).total_seconds()",
            test_looks.test_rows_that_wait_for_the_clock_wait_at_most_twice_as_long_wherever_it_was,
            {"opened": 20, "looked": 9600},
        ),
        (
            DETECTOR,
            "if moved and (not rule.score_must_move or score.movement is Movement.MOVED):",
            "if moved:",
            test_detector.test_an_irrelevant_column_alone_is_no_drift_where_the_score_must_move,
            {},
        ),
        (
            COLUMNS,
            "if adjusted <= rule.alpha and effect >= rule.effect:",
            "if adjusted <= rule.alpha:",
            test_detector.test_a_change_too_small_to_matter_is_no_drift_however_many_rows_show_it,
            {},
        ),
        (
            COLUMNS,
            "    elif largest < rule.effect:\n",
            "    elif True:\n",
            test_detector.test_too_few_rows_are_inconclusive_and_say_how_many_decide,
            {},
        ),
        (
            COLUMNS,
            "iter(statistics.benjamini_hochberg(family))",
            "iter(family)",
            test_detector.test_false_alarms_are_as_rare_as_alpha_says,
            {"world": "normal"},
        ),
    ],
)
async def test_a_removed_condition_is_noticed(
    monkeypatch: pytest.MonkeyPatch,
    file: str,
    lock: str,
    without: str,
    guard: Callable[..., Any],
    more: dict[str, Any],
) -> None:
    remove(monkeypatch, file, lock, without)

    await expect_failure(guard, reference=LEARNED, **more)
