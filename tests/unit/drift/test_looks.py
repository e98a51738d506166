"""Windows: when they are looked at and closed, and that looking often makes no more false alarms."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bench.drift_statistics import WORLDS, counted, limit, reference_of
from shared.domain.drift.detector import detect
from shared.domain.drift.rule import DriftOutcome, DriftRule
from shared.domain.drift.watch import DriftWatch, DriftWindow, Labels
from shared.domain.drift.window import Counted

NOW = datetime(2026, 1, 1, tzinfo=UTC)
WATCH = DriftWatch(model="m", rule=DriftRule(minimum_rows=100), rows=1000)
OPEN = DriftWindow(number=1, opened=NOW.isoformat(), reference="r")


@pytest.mark.parametrize(
    ("rows", "thresholds"),
    [(100, (100,)), (200, (100, 200)), (1000, (100, 200, 400, 800, 1000)), (50, (50,))],
)
def test_a_window_is_looked_at_as_its_rows_double(rows, thresholds):
    assert replace(WATCH, rows=rows).thresholds == thresholds


@pytest.mark.parametrize(
    ("rows", "looked", "due"),
    [(99, 0, False), (100, 0, True), (150, 100, False), (250, 100, True), (1000, 800, True), (800, 800, False)],
)
def test_a_look_is_due_at_each_threshold_once(rows, looked, due):
    assert replace(OPEN, rows=rows, looked_rows=looked).look_due(WATCH, NOW) is due


def test_by_the_clock_a_look_is_due_after_its_interval_where_rows_came():
    timed = replace(WATCH, every_s=3600)
    later = NOW + timedelta(hours=1)

    assert not replace(OPEN, rows=500).look_due(timed, NOW)
    assert replace(OPEN, rows=500).look_due(timed, later)
    assert not replace(OPEN, rows=500, looked_rows=500).look_due(timed, later)
    assert not replace(OPEN, rows=500, closed=NOW.isoformat()).look_due(timed, later)


@pytest.mark.parametrize(
    ("rows", "outcome", "days", "closed"),
    [
        (200, DriftOutcome.NONE, 0, False),
        (200, DriftOutcome.DRIFTED, 0, True),
        (1000, DriftOutcome.NONE, 0, True),
        (200, DriftOutcome.INCONCLUSIVE, 30, True),
    ],
)
def test_a_window_closes_when_it_is_full_old_or_has_shown_drift(rows, outcome, days, closed):
    after = replace(OPEN, rows=rows).looked_at(WATCH, NOW + timedelta(days=days), rows, outcome, "because")

    assert bool(after.closed) is closed
    assert (after.looks, after.looked_rows) == (1, rows)
    assert after.following(NOW).number == 2


@given(
    minimum=st.integers(20, 5000),
    rows=st.integers(1, 10**6),
    steps=st.lists(st.integers(1, 3000), min_size=1, max_size=80),
    every=st.sampled_from([0, 3600]),
)
def test_no_window_is_looked_at_more_often_than_alpha_is_shared_for(minimum, rows, steps, every):
    watch = replace(WATCH, rule=DriftRule(minimum_rows=minimum), rows=rows, every_s=every, longest_s=86400)
    window, now = OPEN, NOW
    for step in steps:
        now += timedelta(minutes=20)
        if window.closed or window.expired(watch, now):
            break
        window = replace(window, rows=window.rows + step)
        if window.look_due(watch, now):
            window = window.looked_at(watch, now, window.rows, DriftOutcome.INCONCLUSIVE, "")

    assert window.looks <= watch.looks


@pytest.mark.parametrize(
    ("every", "rows", "labels", "share"),
    [(0, 1000, None, 6), (0, 100, None, 2), (3600, 1000, None, 25), (3600, 1000, Labels(path="a/b", target="y"), 50)],
)
def test_the_looks_of_a_window_share_its_alpha(every, rows, labels, share):
    watch = replace(WATCH, every_s=every, rows=rows, longest_s=86400, labels=labels)

    assert watch.rule_of_a_look.alpha == pytest.approx(watch.rule.alpha / share)


clocks = st.lists(st.tuples(st.integers(-5 * 86400, 5 * 86400), st.integers(0, 400)), min_size=1, max_size=60)


@given(clocks, st.sampled_from([0, 3600]), st.integers(100, 3000))
@example([(3600, 1), (-3600, 1)] * 15, 3600, 3000)
def test_whatever_the_clock_does_every_row_is_in_one_window_and_no_look_is_of_the_same_rows(steps, every, rows):
    """Each step moves the clock, counts a run as the activity does, and looks where a look is due."""
    watch, now, seen, ended = replace(WATCH, rows=rows, every_s=every, longest_s=86400), NOW, list[tuple[int, int]](), 0
    window = OPEN
    for moved, count in steps:
        now += timedelta(seconds=moved)
        if window.closed or window.expired(watch, now):
            window, ended = window.following(now), ended + window.rows
        window = replace(window, rows=window.rows + count)
        if window.look_due(watch, now):
            seen.append((window.number, window.rows))
            window = window.looked_at(watch, now, window.rows, DriftOutcome.INCONCLUSIVE, "")
        assert window.looks <= watch.looks
        assert window.closed or window.looks < watch.looks, "it could never be looked at again"

    assert ended + window.rows == sum(count for _, count in steps)
    assert len(set(seen)) == len(seen)
    assert seen == sorted(seen)


@pytest.mark.parametrize("opened", [-9600, -20, 0, 0.7, 20, 9600])
@pytest.mark.parametrize("looked", [-9600, -0.5, 0, 0.7, 1.5, 9600])
def test_rows_that_wait_for_the_clock_wait_at_most_twice_as_long_wherever_it_was(opened, looked):
    """Both in hours from now."""
    watch = replace(WATCH, every_s=3600, longest_s=86400, rows=10_000)
    stamps = [(NOW + timedelta(hours=each)).isoformat() for each in (opened, looked)]
    window = replace(OPEN, opened=stamps[0], looked=stamps[1], rows=200, looked_rows=100)

    assert any(window.look_due(watch, NOW + timedelta(minutes=minute)) for minute in range(0, 121, 30))


def test_looking_often_makes_no_more_false_alarms():
    """Ten small runs a window, looked at whenever it is due: at most alpha of the windows are called drifted."""
    watch = DriftWatch(model="m", rule=DriftRule(alpha=0.1, effect=1e-6, minimum_rows=40), rows=320)
    alarms = sum(_drifted(watch, seed) for seed in range(60))

    assert alarms / 60 <= limit(0.1, 60)


def _drifted(watch, seed):
    chance, world = np.random.default_rng(seed), WORLDS["normal"]
    reference, sums, window = reference_of(world(chance, 300)), Counted(), OPEN
    for _ in range(10):
        sums = sums.merged(counted(world(chance, 32), reference))
        window = replace(window, rows=sums.rows)
        if window.look_due(watch, NOW):
            outcome = detect(reference, sums, watch.rule_of_a_look).outcome
            window = window.looked_at(watch, NOW, sums.rows, outcome, "")
        if window.closed:
            break
    return window.outcome == DriftOutcome.DRIFTED
