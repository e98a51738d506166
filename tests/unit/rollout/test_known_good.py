"""What is known to be good: a table of what served and how it ended, and each condition that is met or not."""

from datetime import UTC, datetime, timedelta

import pytest

from shared.domain.rollout.known_good import (
    GoodCandidate,
    GoodCondition,
    KnownGoodRules,
    ended_well,
    served_long_enough,
    versions_served,
)
from shared.domain.rollout.serving import ChangeKind, ServedInterval, TrafficChange, intervals, serving_at
from shared.domain.rollout.traffic import is_ours, shares

DAY = datetime(2026, 11, 29, tzinfo=UTC)
RULES = KnownGoodRules(served_s=3600, share=100)
SHIFT, UNDO, ROLLBACK, FOREIGN = ChangeKind.SHIFT, ChangeKind.UNDO, ChangeKind.ROLLBACK, ChangeKind.FOREIGN


def changed(at_s: float, kind: ChangeKind = SHIFT, **traffic: int) -> TrafficChange:
    """At so many seconds of the day; the deployment `a` serves churn:a."""
    return TrafficChange(
        kind=kind,
        environment="prod",
        endpoint="online",
        at=DAY + timedelta(seconds=at_s),
        traffic=traffic,
        versions={name: f"churn:{name}" for name in traffic},
    )


@pytest.mark.parametrize(
    ("changes", "until_s", "met"),
    [
        ([changed(0, a=100)], 3600, True),
        ([changed(0, a=100)], 3599, False),
        ([changed(0, a=99, b=1)], 9999, False),  # It must have had all.
        ([changed(0, a=100), changed(1800, b=100), changed(1900, a=100)], 3700, False),  # At a stretch.
        ([changed(0, a=100), changed(3600, b=100)], 9999, True),  # It did once.
        ([changed(0, b=100)], 9999, False),
        ([], 9999, False),
    ],
)
def test_it_has_served_long_enough(changes: list[TrafficChange], until_s: float, met: bool) -> None:
    condition = served_long_enough(intervals(changes), "churn:a", RULES, DAY + timedelta(seconds=until_s))
    assert condition.met is met


@pytest.mark.parametrize(
    ("changes", "met"),
    [
        ([changed(0, a=100)], True),
        ([changed(0, a=100), changed(10, b=100)], True),
        ([changed(0, a=100), changed(10, FOREIGN, b=100)], True),
        ([changed(0, a=100), changed(10, UNDO, b=100)], False),
        ([changed(0, a=100), changed(10, ROLLBACK, b=100)], False),
        ([changed(0, a=100), changed(10, ROLLBACK, b=100), changed(20, a=100), changed(30, b=100)], True),  # The last.
        ([changed(0, a=100), changed(5, b=100), changed(10, a=100), changed(20, UNDO, b=100)], False),
        ([changed(0, a=5, b=95), changed(10, UNDO, b=100)], True),  # It never had all: nothing ended.
    ],
)
def test_its_last_time_ended_well(changes: list[TrafficChange], met: bool) -> None:
    assert ended_well(intervals(changes), "churn:a", RULES).met is met


@pytest.mark.parametrize(
    ("met", "firm", "override", "keeps"),
    [
        (True, False, False, False),
        (False, False, False, True),
        (False, False, True, False),
        (False, True, True, True),  # No override reaches it.
        (False, True, False, True),
    ],
)
def test_what_keeps_a_version_from_being_gone_back_to(met: bool, firm: bool, override: bool, keeps: bool) -> None:
    condition = GoodCondition(name="served", met=met, because="so", firm=firm)
    candidate = GoodCandidate(model="churn:a", deployment="a", last_served=DAY, conditions=(condition,))
    assert bool(candidate.unmet(override)) is keeps
    assert candidate.is_good is met


@pytest.mark.parametrize(
    ("traffic", "ours"),
    [
        ({"old": 100}, True),
        ({"new": 5, "old": 95}, True),
        ({"new": 100}, True),
        ({"new": 6, "old": 94}, False),
        ({"new": 5, "third": 95}, False),
        ({"new": 5, "old": 90, "third": 5}, False),
        ({"third": 100}, False),
        ({}, False),
    ],
)
def test_traffic_is_ours_where_this_rollout_has_set_it(traffic: dict[str, int], ours: bool) -> None:
    assert is_ours(traffic, "new", "old", (5, 100)) is ours


def test_a_first_version_shares_with_nobody() -> None:
    assert shares("new", 100, "") == {"new": 100}
    assert is_ours({}, "new", "", (100,))
    assert not is_ours({"old": 100}, "new", "", (100,))


def test_versions_that_served_come_with_the_last_one_first_and_a_small_share_is_no_service() -> None:
    changes = [changed(0, a=100), changed(10, a=95, b=5), changed(20, b=100), changed(30, b=50, c=50)]
    assert versions_served(intervals(changes)) == ("churn:b", "churn:a")


def test_intervals_cover_every_moment_once() -> None:
    changes = [changed(20, b=100), changed(0, a=100), changed(10, a=50, b=50), changed(10, UNDO, a=100)]
    served = intervals(changes)
    for second, expected in ((-1, {}), (0, {"a": 100}), (15, {"a": 100}), (20, {"b": 100}), (99, {"b": 100})):
        found = serving_at(served, DAY + timedelta(seconds=second))
        assert {interval.deployment: interval.share for interval in found} == expected
    assert all(
        isinstance(interval, ServedInterval) and interval.seconds(DAY + timedelta(99)) >= 0 for interval in served
    )
