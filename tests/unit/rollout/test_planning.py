"""What a rollout is expected to need: held to simulations, and what can never be decided."""

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.failures import Refused
from shared.domain.statistics.sequential import planning
from shared.domain.statistics.sequential.odds_evidence import OddsTest
from shared.domain.statistics.sequential.planning import ExpectedTraffic, until_abort, until_cleared

TEST = OddsTest()
TRAFFIC = ExpectedTraffic(bad_rate=0.01, percent=10, per_hour=6000)


@pytest.mark.parametrize(
    ("rate", "odds", "median", "slow"),
    [
        (0.001, 2.0, 16_239, 31_444),
        (0.001, 5.0, 1_604, 3_330),
        (0.01, 2.0, 1_565, 3_294),
        (0.01, 5.0, 204, 412),
        (0.05, 2.0, 393, 748),
    ],
)
def test_the_canary_requests_until_an_abort_are_those_of_simulations(rate, odds, median, slow):
    """Simulated once with another program (4,000 rollouts each, blocks of 500 requests)."""
    expected = until_abort(replace(TRAFFIC, bad_rate=rate), TEST, 0.01, odds)

    assert expected.canary_units == pytest.approx(median, rel=0.2)
    assert expected.slow_canary_units == pytest.approx(slow, rel=0.2)


@pytest.mark.parametrize(
    ("percent", "margin", "median", "slow"),
    [(10, 2.0, 1_161, 3_052), (10, 3.0, 455, 974), (50, 2.0, 2_920, 6_949), (50, 3.0, 1_229, 2_908)],
)
def test_the_canary_requests_until_it_is_cleared_are_those_of_simulations(percent, margin, median, slow):
    expected = until_cleared(replace(TRAFFIC, percent=percent), OddsTest(margin=margin), 0.05)

    assert expected.canary_units == pytest.approx(median, rel=0.2)
    assert expected.slow_canary_units == pytest.approx(slow, rel=0.2)


def test_hours_follow_from_the_traffic():
    busy, quiet = (until_abort(replace(TRAFFIC, per_hour=rate), TEST, 0.01, 5.0) for rate in (6000, 60))

    assert busy.hours == pytest.approx(busy.canary_units / 600)
    assert quiet.hours > 50 * busy.hours


def test_no_abort_is_expected_before_the_routing_has_been_watched():
    assert until_abort(replace(TRAFFIC, bad_rate=0.2, per_hour=60_000), TEST, 0.01, 30.0).hours == pytest.approx(1 / 6)


def test_an_odds_ratio_near_the_tolerated_one_is_never_sure_to_be_found():
    assert until_abort(TRAFFIC, TEST, 0.01, 1.1).slow_hours == math.inf
    assert until_cleared(TRAFFIC, TEST, 0.05, 1.95).hours == math.inf


@pytest.mark.parametrize("odds", [1.0, 0.5, math.nan])
def test_what_is_tolerated_is_never_aborted_and_what_is_not_below_the_margin_never_cleared(odds):
    with pytest.raises(Refused):
        until_abort(TRAFFIC, TEST, 0.01, odds)
    with pytest.raises(Refused):
        until_cleared(TRAFFIC, TEST, 0.05, 2.0 + odds)


@pytest.mark.parametrize("change", [{"bad_rate": 0.0}, {"percent": 100}, {"per_hour": math.nan}, {"look_minutes": 0.0}])
def test_impossible_traffic_is_refused(change):
    with pytest.raises(Refused, match="nothing can be expected"):
        replace(TRAFFIC, **change)


@given(
    rate=st.floats(0.0005, 0.3),
    percent=st.integers(1, 99),
    odds=st.floats(1.6, 50),
    weight=st.floats(0.05, 1),
)
def test_a_larger_difference_and_a_larger_part_of_alpha_need_no_more_requests(rate, percent, odds, weight):
    traffic = replace(TRAFFIC, bad_rate=rate, percent=percent)
    expected = until_abort(traffic, TEST, 0.01, odds, weight)

    assert 0 < expected.canary_units <= expected.slow_canary_units < math.inf
    assert until_abort(traffic, TEST, 0.01, odds).canary_units <= expected.canary_units * 1.001
    assert until_abort(traffic, TEST, 0.01, 2 * odds, weight).canary_units <= expected.canary_units * 1.05


def test_many_steps_are_as_the_formula_says(monkeypatch):
    """Where a decision needs more than 1,500 bad units a formula replaces the probabilities of every number."""
    exact = until_abort(replace(TRAFFIC, percent=5), TEST, 0.01, 1.6)
    monkeypatch.setattr(planning, "_MOST_STEPS", 10)
    formula = until_abort(replace(TRAFFIC, percent=5), TEST, 0.01, 1.6)

    assert formula.canary_units == pytest.approx(exact.canary_units, rel=0.25)
    assert formula.slow_canary_units == pytest.approx(exact.slow_canary_units, rel=0.25)
