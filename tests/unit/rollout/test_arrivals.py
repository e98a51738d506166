"""Which arrivals of a batch endpoint the new version scores, and how the outputs of both versions are paired."""

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from shared.domain.rollout.arrivals import is_chosen, pairs_of, rival, sample_outputs
from shared.domain.statistics.sequential.counts import PairCounts
from shared.records.production.rollouts import FrozenCounts, ReplayedPairs

KEYS = [f"landing/wards/{number}.csv" for number in range(4000)]


def lines(outputs: dict[int, str]) -> list[str]:
    return [f"a.csv {row} {output}\n" for row, output in outputs.items()]


def test_a_share_of_the_arrivals_is_chosen_and_stays_chosen_while_it_grows() -> None:
    chosen = {percent: {key for key in KEYS if is_chosen("v2-a", key, percent)} for percent in (0, 5, 25, 50, 100)}

    assert (chosen[0], len(chosen[100])) == (set(), len(KEYS))
    assert chosen[5] < chosen[25] < chosen[50]
    for percent in (5, 25, 50):
        assert abs(len(chosen[percent]) / len(KEYS) - percent / 100) < 0.03
    assert chosen[25] != {key for key in KEYS if is_chosen("v3-b", key, 25)}


def test_a_version_is_on_its_way_where_it_shares_the_traffic_with_the_default_alone() -> None:
    assert rival({"v1": 75, "v2": 25}, "v1") == ("v2", 25)
    assert rival({"v1": 100, "v2": 0}, "v1") is None
    assert rival({"v2": 100}, "v1") is None
    assert rival({"v1": 50, "v2": 25, "v3": 25}, "v1") is None


@settings(max_examples=40)
@given(
    rows=st.dictionaries(st.integers(0, 60), st.tuples(st.booleans(), st.booleans()), max_size=40),
    most=st.integers(1, 20),
    seed=st.integers(0, 5),
)
def test_pairs_are_of_the_same_rows_in_any_order_and_show_what_is_missing(
    rows: dict[int, tuple[bool, bool]], most: int, seed: int
) -> None:
    first = lines({row: f"{row}.5" for row, (has_first, _) in rows.items() if has_first})
    second = lines({row: f"{row}.7" for row, (_, has_second) in rows.items() if has_second})
    expected = list(pairs_of(sample_outputs(first, most), sample_outputs(second, most)))
    chance = random.Random(seed)
    chance.shuffle(first)
    chance.shuffle(second)
    pairs = list(pairs_of(sample_outputs(first, most), sample_outputs(second, most)))

    assert pairs == expected
    both = {row for row, present in rows.items() if any(present)}
    assert len(pairs) <= len(both)
    if len(both) <= most:  # Then every row is in the samples.
        assert len(pairs) == len(both)
    for own, other in pairs:
        known = int((own or other or "").partition(".")[0])
        assert (own is not None, other is not None) == rows[known]


def test_rows_that_nobody_can_tell_apart_are_left_out() -> None:
    own = sample_outputs(["a.csv 1 5\n", "a.csv 1 6\n", "a.csv 2 7\n", "alone\n", "x" * 100_000 + " 1\n"], 10)
    other = sample_outputs(["a.csv 1 5\n", "a.csv 2 8\n"], 10)

    assert list(pairs_of(own, other)) == [("7", "8")]


def test_the_output_may_stand_anywhere_between_any_delimiter() -> None:
    own = sample_outputs(["5,a.csv,1\n"], 10, field=1, delimiter=",")
    other = sample_outputs(["6,a.csv,1\n"], 10, field=1, delimiter=",")

    assert list(pairs_of(own, other)) == [("5", "6")]


def replayed(minute: int, pairs: int, canary: int = 0, champion: int = 0) -> tuple[ReplayedPairs, ...]:
    counts = PairCounts(minute=minute, pairs=pairs, canary_only=canary, champion_only=champion)
    return (ReplayedPairs(comparison="errors", pairs=(counts,)),)


def test_rows_of_arrivals_are_evidence_beside_a_replay_and_are_no_replayed_inputs() -> None:
    look = FrozenCounts(replay=replayed(7, 10, 1), batch=replayed(7, 30, 4, 2), arrivals=("run-1",))
    later = FrozenCounts(batch=replayed(9, 5), arrivals=("run-2",))
    both = look.joined(later)

    assert look.look.replay["errors"] == (PairCounts(minute=7, pairs=40, canary_only=5, champion_only=2),)
    assert [pair.minute for pair in both.look.replay["errors"]] == [7, 9]
    assert (look.replayed, both.replayed, both.arrivals) == (10, 10, ("run-1", "run-2"))
    assert later.is_counted
