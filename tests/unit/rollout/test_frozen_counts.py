"""What sources give becomes the counts of both arms: parts, gaps, strangers and nonsense."""

import time

import pytest

from shared.application.rollout.counts import Arms, frozen_counts
from shared.domain.failures import Refused
from shared.domain.rollout.policy import ERRORS, SLOW
from shared.domain.statistics.sequential.counts import MOST_UNITS, MinuteCounts, ShareCounts
from shared.domain.statistics.sequential.odds_evidence import OddsTest
from shared.domain.statistics.sequential.rollout_evidence import (
    ArmComparison,
    ComparisonEvidence,
    LookCounts,
    RolloutEvidence,
    RolloutTest,
)
from shared.domain.statistics.sequential.verdicts import RolloutVerdict, is_sick, judge_rollout
from shared.ports import DeploymentMinute

ARMS = Arms(canary="new", champion="old", weight=50)
TEST = RolloutTest(comparisons=(ArmComparison(name=ERRORS, sick_above=0.2),))


def counted(deployment: str, minute: int, requests: int, bad: int = 0, slow: int | None = None) -> DeploymentMinute:
    return DeploymentMinute(deployment=deployment, minute=minute, requests=requests, bad=bad, slow=slow)


def look(*minutes: MinuteCounts, percent: int = 50) -> LookCounts:
    shares = [
        ShareCounts(minute=block.minute, canary=block.canary, champion=block.champion, percent=percent)
        for block in minutes
    ]
    return LookCounts(minutes={ERRORS: minutes}, shares=tuple(shares))


def block(minute: int, canary: int, champion: int, canary_bad: int = 0, champion_bad: int = 0) -> MinuteCounts:
    return MinuteCounts(
        minute=minute, canary=canary, champion=champion, canary_bad=canary_bad, champion_bad=champion_bad
    )


def test_parts_of_a_minute_are_added_up_in_any_order() -> None:
    parts = [counted("new", 7, 10, 1, 2), counted("old", 7, 12, 0, 3), counted("new", 7, 5, 1, 1)]
    expected = block(7, 15, 12, 2, 0)
    for minutes in (parts, parts[::-1]):
        frozen = frozen_counts(minutes, ARMS)
        assert frozen.minutes[ERRORS] == (expected,)
        assert frozen.minutes[SLOW] == (block(7, 15, 12, 3, 3),)


def test_a_part_without_durations_says_nothing_of_slowness() -> None:
    frozen = frozen_counts([counted("new", 7, 10, 1, 2), counted("new", 7, 5), counted("old", 7, 9, 0, 0)], ARMS)
    assert SLOW not in frozen.minutes
    assert frozen.minutes[ERRORS] == (block(7, 15, 9, 1),)


def test_a_minute_of_one_arm_counts_as_without_requests_of_the_other_and_a_stranger_is_in_neither() -> None:
    frozen = frozen_counts([counted("new", 7, 10), counted("old", 8, 9), counted("third", 9, 99)], ARMS)
    assert frozen.minutes[ERRORS] == (block(7, 10, 0), block(8, 0, 9))


@pytest.mark.parametrize(
    ("deployment", "minute", "requests", "bad"),
    [("new", 7, -1, 0), ("new", 7, 5, 6), ("new", 7, MOST_UNITS + 1, 0), ("old", -1, 5, 0)],
)
def test_what_is_no_count_is_refused(deployment: str, minute: int, requests: int, bad: int) -> None:
    with pytest.raises(Refused):
        frozen_counts([counted(deployment, minute, requests, bad)], ARMS)


@pytest.mark.parametrize("blocks", [[], [(0, 0)], [(100, 0)], [(0, 100)], [(0, 0), (50, 0)]])
def test_counts_of_one_arm_or_of_none_decide_nothing(blocks: list[tuple[int, int]]) -> None:
    minutes = [block(number, canary, champion, canary, 0) for number, (canary, champion) in enumerate(blocks)]
    judgement = judge_rollout(RolloutEvidence().with_look(look(*minutes), TEST), TEST)
    assert judgement.verdict in (RolloutVerdict.NO_DATA, RolloutVerdict.FOREIGN)
    assert judgement.worse == 0.0


def test_minutes_that_are_missing_or_have_no_failure_change_no_evidence() -> None:
    evidence = ComparisonEvidence().with_look([block(1, 50, 50), block(9, 50, 50)], (), OddsTest())
    assert (evidence.traffic.worse(OddsTest()), evidence.traffic.better(OddsTest())) == (0.0, 0.0)


def test_a_minute_that_is_counted_again_is_refused_also_where_it_was_corrected_downwards() -> None:
    evidence = RolloutEvidence().with_look(look(block(5, 50, 50, 9, 1)), TEST)
    for minute in (5, 4):
        with pytest.raises(Refused, match="counted"):
            evidence.with_look(look(block(minute, 40, 50, 1, 1)), TEST)


def test_the_largest_counts_are_judged_in_seconds() -> None:
    begun = time.process_time()
    evidence = RolloutEvidence().with_look(
        look(*(block(minute, 60_000, 60_000, 600, 600) for minute in range(5))), TEST
    )
    assert judge_rollout(evidence, TEST).verdict is not RolloutVerdict.ABORT
    assert time.process_time() - begun < 20


@pytest.mark.parametrize(
    ("bad", "units", "sick"),
    [(0, 0, False), (1, 1, False), (2, 2, False), (5, 5, True), (20, 100, False), (40, 100, True)],
)
def test_few_requests_show_no_sickness(bad: int, units: int, sick: bool) -> None:
    assert is_sick(bad, units, 0.2) is sick
