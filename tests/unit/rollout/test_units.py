"""What is counted, requests or clients; and how shares vary between minutes, against all that can happen."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.domain.statistics.sequential.counts import (
    MinuteCounts,
    ShareCounts,
    UnitRequest,
    count_clients,
)
from shared.domain.statistics.sequential.portable import BILLION
from shared.domain.statistics.sequential.spread import NARROWER, WIDER, SpreadEvidence, spread_terms
from tests.amounts import amount


def request(minute: int, client: str, arm: str, outcome: str = "good") -> UnitRequest:
    return UnitRequest(minute=minute, client=client, is_canary=arm == "canary", is_bad=outcome == "bad")


def minute(at: int, canary: int, champion: int, canary_bad: int, champion_bad: int) -> MinuteCounts:
    return MinuteCounts(minute=at, canary=canary, champion=champion, canary_bad=canary_bad, champion_bad=champion_bad)


REQUESTS = [
    request(1, "a", "canary"),
    request(1, "a", "canary", "bad"),
    request(1, "b", "champion"),
    request(2, "a", "canary", "bad"),
    request(2, "c", "champion", "bad"),
    request(3, "b", "champion"),
]


def test_a_client_counts_once_in_its_first_minute_and_is_bad_if_any_of_its_requests_is():
    blocks, clients = count_clients(REQUESTS, frozenset())

    assert blocks == (minute(1, 1, 1, 1, 0), minute(2, 0, 1, 0, 1))
    assert clients == {"a", "b", "c"}


def test_a_client_of_an_earlier_look_counts_no_more():
    _, clients = count_clients(REQUESTS, frozenset())
    blocks, clients = count_clients([request(9, "a", "canary", "bad"), request(9, "d", "canary")], clients)

    assert blocks == (minute(9, 1, 0, 0, 0),)
    assert clients == {"a", "b", "c", "d"}


def test_a_client_on_both_arms_counts_on_its_first():
    mixed = [request(2, "a", "canary", "bad"), request(1, "a", "champion")]

    assert count_clients(mixed, frozenset())[0] == (minute(1, 0, 1, 0, 0),)


@given(order=st.permutations(REQUESTS))
def test_the_order_of_requests_changes_nothing(order):
    assert count_clients(order, frozenset()) == count_clients(REQUESTS, frozenset())


pairs = st.tuples(*[st.integers(0, 30)] * 4)


def divisions(pair: tuple[int, ...]) -> dict[int, float]:
    """The chance of each number of the canary's units in the first minute, given both minutes' units and the sum."""
    units, after, both = pair[0] + pair[1], pair[2] + pair[3], pair[0] + pair[2]
    counts = {
        at: math.comb(units, at) * math.comb(after, both - at)
        for at in range(max(0, both - after), min(units, both) + 1)
    }
    return {at: count / sum(counts.values()) for at, count in counts.items()}


@given(pair=pairs)
def test_the_e_values_of_clusters_are_those_of_the_enumeration(pair):
    chances = divisions(pair)
    for factor, term in zip(WIDER + NARROWER, spread_terms([pair])[0], strict=True):
        changed = {at: chance ** (1 / factor) for at, chance in chances.items()}
        ratio = changed[pair[0]] / sum(changed.values()) / chances[pair[0]]
        assert term / BILLION == pytest.approx(min(math.log(10), math.log(ratio)), abs=3e-9)


@settings(max_examples=amount(10, 100))
@given(pair=pairs)
def test_the_mean_of_a_cluster_s_e_value_is_at_most_one(pair):
    units, after, both = pair[0] + pair[1], pair[2] + pair[3], pair[0] + pair[2]
    mean = np.zeros(len(WIDER + NARROWER))
    for at, chance in divisions(pair).items():
        mean += chance * np.exp(spread_terms([(at, units - at, both - at, after - both + at)])[0] / BILLION)

    assert (mean <= 1 + 1e-7).all()


def share(at: int, canary: int, champion: int, percent: int = 10) -> ShareCounts:
    return ShareCounts(minute=at, canary=canary, champion=champion, percent=percent)


@given(blocks=st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=12), cut=st.integers(0, 12))
def test_pairs_of_minutes_are_the_same_by_any_looks(blocks, cut):
    minutes = [share(at, *block) for at, block in enumerate(blocks)]
    split = SpreadEvidence().with_shares(minutes[:cut]).with_shares(minutes[cut:])

    assert split == SpreadEvidence().with_shares(minutes[::-1])
    assert math.isfinite(split.clustered(narrow=True))


def test_only_minutes_of_one_weight_are_paired_and_only_where_chance_had_a_choice():
    changed = SpreadEvidence().with_shares([share(1, 5, 45), share(2, 25, 25, 50), share(3, 20, 30, 50)])
    silent = SpreadEvidence().with_shares([share(1, 0, 45), share(2, 0, 40), share(3, 0, 0), share(4, 9, 0, 100)])

    assert (changed.pairs, changed.waiting) == (1, None)
    assert changed.logs == tuple(spread_terms([(25, 25, 20, 30)])[0])
    assert (silent.pairs, silent.waiting) == (0, None)
