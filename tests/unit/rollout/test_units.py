"""What is counted: requests or clients; and clusters of bad requests, against an enumeration of all that can happen."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.statistics.sequential.counts import MinuteCounts, UnitRequest, count_clients, count_requests
from shared.domain.statistics.sequential.portable import BILLION
from shared.domain.statistics.sequential.spread import CLUSTERS, SpreadEvidence, is_open, spread_terms


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


def test_requests_count_by_themselves():
    assert count_requests(REQUESTS) == (minute(1, 2, 1, 1, 0), minute(2, 1, 1, 1, 1), minute(3, 0, 1, 0, 0))


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
    assert count_requests(order) == count_requests(REQUESTS)


numbers = st.tuples(*[st.integers(0, 9)] * 4).map(lambda four: (four[0] + four[2], four[1] + four[3], *four[2:]))


def divisions(first: tuple[int, ...], second: tuple[int, ...]) -> dict[int, float]:
    """The chance of each number of the canary's bad units in the first minute, given both minutes' margins and sum."""
    hits, bad, bad_after = first[2] + second[2], first[2] + first[3], second[2] + second[3]

    def ways(at: int) -> int:
        numbers = ((first[0], at), (first[1], bad - at), (second[0], hits - at), (second[1], bad_after - hits + at))
        return math.prod(math.comb(units, chosen) if chosen >= 0 else 0 for units, chosen in numbers)

    counts = {at: ways(at) for at in range(hits + 1)}
    total = sum(counts.values())
    return {at: count / total for at, count in counts.items() if count}


@given(first=numbers, second=numbers)
def test_the_e_values_of_clusters_are_those_of_the_enumeration(first, second):
    chances = divisions(first, second)
    for cluster, term in zip(CLUSTERS, spread_terms([first], [second])[0], strict=True):
        wide = {at: chance ** (1 / cluster) for at, chance in chances.items()}
        ratio = wide[first[2]] / sum(wide.values()) / chances[first[2]]
        assert term / BILLION == pytest.approx(min(math.log(4), math.log(ratio)), abs=3e-9)


@given(first=numbers, second=numbers)
def test_the_mean_of_a_cluster_s_e_value_is_at_most_one(first, second):
    chances = divisions(first, second)
    bad, after, hits = first[2] + first[3], second[2] + second[3], first[2] + second[2]
    mean = np.zeros(len(CLUSTERS))
    for at, chance in chances.items():
        pair = (*first[:2], at, bad - at), (*second[:2], hits - at, after - hits + at)
        mean += chance * np.exp(spread_terms([pair[0]], [pair[1]])[0] / BILLION)

    assert (mean <= 1 + 1e-7).all()


@given(blocks=st.lists(numbers, max_size=12), cut=st.integers(0, 12))
def test_pairs_of_minutes_are_the_same_by_any_looks(blocks, cut):
    minutes = [minute(at, *block) for at, block in enumerate(blocks)]
    split = SpreadEvidence().with_minutes(minutes[:cut]).with_minutes(minutes[cut:])

    assert split == SpreadEvidence().with_minutes(minutes)
    assert math.isfinite(split.clustered())


def test_minutes_without_a_choice_are_not_paired():
    assert not is_open(minute(1, 5, 5, 0, 0))
    assert not is_open(minute(1, 5, 5, 5, 5))
    assert is_open(minute(1, 5, 5, 0, 1))
    assert SpreadEvidence().with_minutes([minute(1, 0, 5, 0, 3)]) == SpreadEvidence()
