"""What is known to be good: a table of what served and how it ended, and each condition that is met or not."""

from datetime import UTC, datetime, timedelta

import pytest

from shared.application.rollout.known_good import production_stage
from shared.domain.failures import Refused
from shared.domain.promotion.ladder import Ladder, Stage
from shared.domain.rollout.known_good import (
    FiredAlert,
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


def fired(
    at_s: float, deployment: str = "a", resolved_s: float | None = None, seen_s: float | None = None
) -> FiredAlert:
    fired_at, resolved_at, seen_at = (
        None if seconds is None else DAY + timedelta(seconds=seconds) for seconds in (at_s, resolved_s, seen_s)
    )
    assert fired_at is not None
    return FiredAlert(
        rule="prod-errors", fired_at=fired_at, deployment=deployment, resolved_at=resolved_at, seen_at=seen_at
    )


ALONE = [changed(0, a=100), changed(4000, b=100)]
SHARED = [changed(0, a=5, b=95), changed(100, a=100)]


@pytest.mark.parametrize(
    ("changes", "alert", "until_s", "met"),
    [
        (ALONE, fired(3900), 9999, False),  # What it had served before does not speak for it any more.
        (ALONE, fired(399), 9999, True),  # It served an hour after it.
        (ALONE, fired(401), 9999, False),
        (ALONE, fired(0), 9999, True),
        (ALONE, fired(10, resolved_s=1000), 9999, False),  # It was in force until then.
        (ALONE, fired(10, seen_s=1000), 9999, False),  # Nobody has said that it ended.
        (ALONE, fired(3900, ""), 9999, False),  # On the endpoint, which it served alone.
        (ALONE, fired(3900, "b"), 9999, True),
        (ALONE, fired(4000), 9999, True),  # It did not serve any more.
        (ALONE, fired(4000, ""), 9999, True),
        (ALONE, fired(-1), 9999, True),  # It did not serve yet.
        ([*ALONE, changed(5000, a=100)], fired(3900), 8600, True),  # A later stretch without one.
        ([*ALONE, changed(5000, a=100)], fired(3900), 8599, False),
        (SHARED, fired(50, resolved_s=200), 3750, False),
        (SHARED, fired(50, "", resolved_s=200), 3750, True),  # On both: it may be about the other one.
    ],
)
def test_an_alert_on_it_while_it_served_counts_against_it(
    changes: list[TrafficChange], alert: FiredAlert, until_s: float, met: bool
) -> None:
    condition = served_long_enough(intervals(changes), "churn:a", RULES, DAY + timedelta(seconds=until_s), [alert])
    assert condition.met is met, condition
    if not met:
        assert f"since alert prod-errors, which fired at {alert.fired_at:%Y-%m-%d %H:%M} UTC" in condition.because


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
        ([changed(0, a=5, b=95), changed(10, UNDO, b=100)], False),
        (
            [changed(0, a=100), changed(5, b=100), changed(9, a=5, b=95), changed(20, UNDO, b=100)],
            False,
        ),  # Tried again.
        ([changed(0, a=100), changed(5, a=95, b=5), changed(9, UNDO, a=100)], True),  # It was the champion.
        ([changed(0, a=100), changed(5, a=50, b=50), changed(9, ROLLBACK, a=100), changed(20, b=100)], True),
        ([changed(0, a=5, b=95), changed(5, UNDO, b=100), changed(9, a=100)], True),  # It serves now.
        ([], True),
    ],
)
def test_its_last_time_ended_well(changes: list[TrafficChange], met: bool) -> None:
    assert ended_well(intervals(changes), "churn:a").met is met


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


def test_a_ladder_without_a_rollout_is_told_what_is_missing() -> None:
    ladder = Ladder(stages=(Stage(name="prod", source="dev"),))

    with pytest.raises(Refused, match="no stage of the ladder shifts traffic; add `rollout`"):
        production_stage(ladder, "")
