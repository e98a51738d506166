"""The load before approval: production's busiest minutes, open arrivals, and latencies that no slow server hides."""

import threading
import time
from collections import Counter
from itertools import repeat
from typing import Any

import pytest

from activities.rollout.load import _Load, _measured
from shared.domain.failures import Refused, Transient
from shared.domain.inference.routes import Workspace
from shared.domain.promotion.ladder import Ladder, Registry, Serving, Stage
from shared.domain.rollout.estimates.load import arrivals, busiest, steady
from shared.domain.rollout.policy import RolloutPolicy, TrafficStep
from shared.ports import EndpointResponse, OnlineRequest, ServedEndpoint

PROD = Workspace(name="prod", subscription="p", resource_group="g", workspace="prod")


def test_the_busiest_minutes_are_the_ones_in_a_row_with_most_requests() -> None:
    counts = {10: 600, 11: 60, 12: 300, 13: 420, 20: 640}
    one, two = busiest(counts, 60, "prod"), busiest(counts, 61, "prod")
    assert one is not None
    assert two is not None
    assert one.per_second == (640 / 60,)
    assert two.per_second == (5.0, 7.0)
    assert two.scaled(2).peak == 14.0


def test_a_gap_in_the_figures_is_never_busy_and_silence_is_no_profile() -> None:
    gap = busiest({5: 60}, 180, "prod")
    assert gap is not None
    assert gap.per_second == (1.0, 0.0, 0.0)
    assert busiest({}, 60, "prod") is None
    assert busiest({1: 0, 2: 0}, 60, "prod") is None


def test_arrivals_follow_the_rate_of_each_minute_and_are_the_same_for_the_same_seed() -> None:
    profile = busiest({1: 6000, 2: 600}, 120, "prod")
    assert profile is not None
    moments = list(arrivals(profile, 90, "seed"))
    by_minute = Counter(int(moment // 60) for moment in moments)
    assert moments == sorted(moments)
    assert max(moments) < 90
    assert abs(by_minute[0] - 6000) < 5 * 6000**0.5
    assert abs(by_minute[1] - 300) < 5 * 300**0.5
    assert moments == list(arrivals(profile, 90, "seed"))
    assert moments != list(arrivals(profile, 90, "another"))


class OneLane:
    """A server that answers one request after the other, each in *lane_s*."""

    def __init__(self, lane_s: float, status: int = 200) -> None:
        self._lane_s, self._status, self._lane = lane_s, status, threading.Lock()

    def invoke(self, request: OnlineRequest) -> EndpointResponse:
        with self._lane:
            threading.Event().wait(self._lane_s)  # Callers measure it, so it is the machine's own time.
        return EndpointResponse(status=self._status, body=b"{}", took_ms=self._lane_s * 1000)


def load_of(endpoints: Any, per_second: float, seconds: float = 1.0) -> Any:
    """What *endpoints* come to at a rate."""
    profile = steady(per_second, "as configured")
    load = _Load(
        endpoints=endpoints,
        online=ServedEndpoint(workspace=PROD, endpoint="online"),
        deployment="v2",
        schedule=zip(arrivals(profile, seconds, "seed"), repeat(b"{}"), strict=False),
        seconds=seconds,
    )
    return _measured(load, profile)


def test_a_server_that_is_too_slow_for_the_rate_does_not_hide_it() -> None:
    test = load_of(OneLane(0.02), per_second=100)
    # It needs twice the time that it has: the last one waits as long as the whole load lasted, though each takes 20 ms.
    assert test.p95_ms > 500
    assert test.throughput < 0.7 * test.per_second
    assert test.seconds > 1.5
    assert test.errors == 0


def test_a_server_that_keeps_up_is_measured_by_its_own_time() -> None:
    test = load_of(OneLane(0.001), per_second=50)
    assert test.p50_ms < 100
    assert test.statuses == {"200": test.requests}
    assert test.peak_per_second == 50


def test_a_broken_connection_is_a_request_without_an_answer() -> None:
    class Broken:
        def invoke(self, request: OnlineRequest) -> EndpointResponse:
            raise Transient("connection reset")

    test = load_of(Broken(), per_second=50)
    assert test.statuses == {"none": test.requests}
    assert test.errors == test.requests
    assert load_of(OneLane(0, status=429), per_second=50).statuses.keys() == {"429"}


def test_an_endpoint_that_cannot_be_asked_ends_the_load_at_once() -> None:
    class Gone:
        def invoke(self, request: OnlineRequest) -> EndpointResponse:
            raise Refused("endpoint online is not in preprod")

    began = time.perf_counter()
    with pytest.raises(Refused, match="is not in preprod"):
        load_of(Gone(), per_second=20, seconds=60)
    assert time.perf_counter() - began < 30


def test_a_stage_is_put_under_the_load_of_the_one_with_a_rollout_above_it() -> None:
    serving, rollout = Serving(online="online"), RolloutPolicy(steps=(TrafficStep(weight=100),))
    stages = (
        Stage(name="dev", source="experiment", environment=PROD, serving=serving),
        Stage(name="preprod", source="dev", environment=PROD, serving=serving),
        Stage(name="central", source="preprod", registry=Registry(name="c", subscription="s", resource_group="g")),
        Stage(name="prod", source="central", environment=PROD, serving=serving, rollout=rollout),
    )
    above = [stage.name if (stage := Ladder(stages=stages).served_above(candidate)) else "" for candidate in stages]
    assert above == ["", "prod", "", "prod"]
