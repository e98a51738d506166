"""Every other gate: one row for each outcome it can have, and none passes without evidence."""

import json
import math
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from shared.codec import decode, encode
from shared.domain.gates import GATES, GateOutcome, GateSpec, UnknownGate, gate_named, judge_gates, read_gate
from shared.domain.gates.evidence import (
    ApiTest,
    DataTest,
    Evaluation,
    Evidence,
    GoldenDeviation,
    Latency,
    LoadTest,
    ReleaseCost,
    Rollback,
)
from shared.domain.metrics.agreement import Agreement
from shared.domain.metrics.catalogue import METRICS

PASS, FAIL, INCONCLUSIVE = GateOutcome.PASS, GateOutcome.FAIL, GateOutcome.INCONCLUSIVE
NEEDED = {
    "better_than_champion": {"metric": "rmse"},
    "fast_enough": {"p95_ms": 200},
    "outputs_agree": {"min_agreement": 0.95},
    "not_frozen": {"windows": []},
    "budget": {"amount": 500},
    "load": {"p95_ms": 200},
}
TESTED = DataTest(outcome="passed", rows=500)
GOLDEN = GoldenDeviation(requests=20, deviating=0, largest=1e-7, tolerance=1e-6)
API = ApiTest(statuses={"200": 98, "503": 2}, golden=GOLDEN)
LATENCY = Latency(requests=100, errors=1, p50_ms=20.0, p95_ms=90.0, p99_ms=150.0)
LOADED = LoadTest(
    deployment="v2",
    profile="the busiest minutes",
    requests=1000,
    statuses={"200": 998, "503": 2},
    seconds=10.0,
    per_second=100.0,
    peak_per_second=100.0,
    p50_ms=20.0,
    p95_ms=90.0,
    p99_ms=150.0,
    own_delay_ms=5.0,
)
SPENT = ReleaseCost(least=80.0, most=100.0, fleet="3 instances", spent=200.0, days=30)
AGREEING = Agreement(rows=1000, agreement=0.97, mean_shift=-0.2, low=-0.25, high=-0.15, distance=0.01)


def asked(gate, evidence, **options):
    return judge_gates([GateSpec(gate=gate, options={**NEEDED.get(gate, {}), **options})], evidence)[0]


@pytest.mark.parametrize(
    ("gate", "evidence", "options", "outcome"),
    [
        ("data_tests_passed", Evidence(data_test=TESTED), {}, PASS),
        ("data_tests_passed", Evidence(data_test=TESTED), {"min_rows": 501}, INCONCLUSIVE),
        ("data_tests_passed", Evidence(data_test=replace(TESTED, outcome="failed")), {}, FAIL),
        ("data_tests_passed", Evidence(data_test=replace(TESTED, outcome="")), {}, FAIL),
        ("api_test_passed", Evidence(api_test=API), {"max_errors": 0.02}, PASS),
        ("api_test_passed", Evidence(api_test=API), {}, FAIL),
        ("api_test_passed", Evidence(api_test=API), {"max_errors": 0.02, "min_requests": 101}, INCONCLUSIVE),
        ("api_test_passed", Evidence(api_test=ApiTest(statuses={})), {"max_errors": 1.0}, INCONCLUSIVE),
        ("api_test_passed", Evidence(api_test=replace(API, schema_problems=("no id",))), {"max_errors": 1.0}, FAIL),
        ("golden_requests_match", Evidence(api_test=API), {}, PASS),
        ("golden_requests_match", Evidence(api_test=API), {"max_deviation": 1e-8}, FAIL),
        ("golden_requests_match", Evidence(api_test=API), {"min_requests": 21}, INCONCLUSIVE),
        ("golden_requests_match", Evidence(api_test=replace(API, golden=None)), {}, FAIL),
        ("golden_requests_match", Evidence(api_test=replace(API, golden=replace(GOLDEN, deviating=1))), {}, FAIL),
        ("golden_requests_match", Evidence(api_test=replace(API, golden=replace(GOLDEN, largest=0.1))), {}, FAIL),
        (
            "golden_requests_match",
            Evidence(api_test=replace(API, golden=replace(GOLDEN, deviating=1, unlike=1))),
            {"max_deviation": 1.0},
            FAIL,
        ),
        ("fast_enough", Evidence(latency=LATENCY), {"max_errors": 0.01}, PASS),
        ("fast_enough", Evidence(latency=LATENCY), {}, FAIL),
        ("fast_enough", Evidence(latency=LATENCY), {"max_errors": 0.01, "p95_ms": 89}, FAIL),
        ("fast_enough", Evidence(latency=LATENCY), {"max_errors": 0.01, "p99_ms": 149}, FAIL),
        ("fast_enough", Evidence(latency=LATENCY), {"min_requests": 101}, INCONCLUSIVE),
        ("load", Evidence(load=LOADED), {"max_errors": 0.01}, PASS),
        ("load", Evidence(load=LOADED), {}, FAIL),
        ("load", Evidence(load=LOADED), {"max_errors": 0.01, "p95_ms": 89}, FAIL),
        ("load", Evidence(load=LOADED), {"max_errors": 0.01, "p99_ms": 149}, FAIL),
        ("load", Evidence(load=LOADED), {"max_errors": 0.01, "p50_ms": 19}, FAIL),
        ("load", Evidence(load=replace(LOADED, seconds=12.0)), {"max_errors": 0.01}, FAIL),
        ("load", Evidence(load=LOADED), {"max_errors": 0.01, "min_throughput": 0.999}, FAIL),
        ("load", Evidence(load=LOADED), {"max_errors": 0.01, "min_requests": 1001}, INCONCLUSIVE),
        ("load", Evidence(load=replace(LOADED, own_delay_ms=41.0)), {"max_errors": 0.01}, INCONCLUSIVE),
        ("load", Evidence(load=replace(LOADED, peak_per_second=201.0)), {"max_errors": 0.01}, INCONCLUSIVE),
        ("load", Evidence(load=LoadTest(deployment="v2", profile="nobody asked")), {}, FAIL),
        ("outputs_agree", Evidence(agreement=AGREEING), {}, PASS),
        ("outputs_agree", Evidence(agreement=AGREEING), {"max_shift": 0.2}, PASS),
        ("outputs_agree", Evidence(agreement=AGREEING), {"max_shift": 0.1}, FAIL),
        ("outputs_agree", Evidence(agreement=AGREEING), {"min_agreement": 0.98}, FAIL),
        ("outputs_agree", Evidence(agreement=AGREEING), {"min_rows": 1001}, INCONCLUSIVE),
        ("rollback_rehearsed", Evidence(rollback=Rollback(restored=True, seconds=12.0)), {}, PASS),
        ("rollback_rehearsed", Evidence(rollback=Rollback(restored=True, seconds=12.0)), {"max_seconds": 10}, FAIL),
        ("rollback_rehearsed", Evidence(rollback=Rollback(restored=False, seconds=1.0)), {}, FAIL),
        ("budget", Evidence(cost=ReleaseCost(least=80.0, most=500.0, fleet="3 instances")), {}, PASS),
        ("budget", Evidence(cost=ReleaseCost(least=80.0, most=500.01, fleet="3 instances")), {}, FAIL),
        ("budget", Evidence(cost=replace(SPENT, most=300.0)), {"days": 30}, PASS),
        ("budget", Evidence(cost=replace(SPENT, most=300.01)), {"days": 30}, FAIL),
        ("budget", Evidence(cost=replace(SPENT, days=0)), {"days": 30}, FAIL),
    ],
)
def test_each_gate_has_its_outcomes(gate, evidence, options, outcome):
    verdict = asked(gate, evidence, **options)

    assert verdict.outcome is outcome, verdict.because
    assert verdict.because


@pytest.mark.parametrize("gate", GATES)
def test_no_gate_passes_without_evidence(gate):
    assert asked(gate, Evidence()).outcome is FAIL


@pytest.mark.parametrize(
    ("gate", "evidence"),
    [
        ("fast_enough", Evidence(latency=replace(LATENCY, p95_ms=math.nan))),
        ("golden_requests_match", Evidence(api_test=replace(API, golden=replace(GOLDEN, largest=math.nan)))),
        ("outputs_agree", Evidence(agreement=replace(AGREEING, agreement=math.nan))),
        ("rollback_rehearsed", Evidence(rollback=Rollback(restored=True, seconds=math.nan))),
        ("budget", Evidence(cost=ReleaseCost(least=1.0, most=math.nan, fleet=""))),
        ("load", Evidence(load=replace(LOADED, p99_ms=math.nan))),
    ],
)
def test_nan_never_passes(gate, evidence):
    verdict = asked(gate, evidence)

    assert verdict.outcome is FAIL
    assert verdict.because.startswith("not a finite number: ")


@pytest.mark.parametrize("gate", GATES)
def test_every_gate_says_what_it_asks(gate):
    assert gate_named(gate).asks.endswith("?")


def test_all_evidence_is_plain_json():
    evidence = Evidence(
        at=datetime(2026, 7, 1, tzinfo=UTC),
        evaluation=Evaluation(digest="sha256:1", rows=10),
        data_test=TESTED,
        api_test=API,
        latency=LATENCY,
        agreement=AGREEING,
        rollback=Rollback(restored=True, seconds=1.0),
        load=LOADED,
    )

    assert decode(Evidence, json.loads(json.dumps(encode(evidence)))) == evidence


def test_verdicts_come_in_the_order_asked():
    specs = [GateSpec(gate="rollback_rehearsed"), GateSpec(gate="data_tests_passed")]

    assert [each.gate for each in judge_gates(specs, Evidence(data_test=TESTED))] == [each.gate for each in specs]


def test_an_unknown_gate_is_refused_with_those_there_are():
    with pytest.raises(UnknownGate, match=r"gate 'nice' is not known: use one of .*better_than_champion"):
        gate_named("nice")


@pytest.mark.parametrize(
    ("gate", "options", "problems"),
    [
        ("fast_enoug", {}, ["gate 'fast_enoug' is not known: did you mean 'fast_enough'?"]),
        ("fast_enough", {}, ["p95_ms is missing: give a number from 0"]),
        (
            "fast_enough",
            {"p95": 1, "p95_ms": -1, "min_requests": True, "max_errors": "no"},
            [
                "p95 is not an option: use one of p95_ms, p50_ms, p99_ms, max_errors, min_requests",
                "p95_ms is -1: give a number from 0",
                "max_errors is 'no': give a number from 0 to 1",
                "min_requests is True: give a whole number >= 1",
            ],
        ),
        ("outputs_agree", {"min_agreement": math.nan}, ["min_agreement is nan: give a number from 0 to 1"]),
        (
            "better_than_champion",
            {"metric": "rsme", "slices": "sex", "relative": 1, "first_model": "maybe"},
            [
                f"metric is 'rsme': give one of {', '.join(METRICS)}, pinball@QUANTILE, ndcg@PLACES",
                "relative is 1: give true or false",
                "slices is 'sex': give a list of texts",
                "first_model is 'maybe': give one of pass, fail",
            ],
        ),
    ],
)
def test_everything_wrong_with_a_gate_is_said_at_once(gate, options, problems):
    _, found = read_gate(gate, options)

    assert [f"{each.option} {each.problem}: {each.remedy}" for each in found] == problems


def test_a_gate_that_reads_well_is_judged_from_its_plain_options():
    spec, problems = read_gate("fast_enough", {"p95_ms": 90})

    assert problems == ()
    assert judge_gates([spec], Evidence(latency=replace(LATENCY, errors=0)))[0].outcome is PASS


def test_options_that_are_wrong_are_not_judged():
    with pytest.raises(ValueError, match="gate 'fast_enough': p95_ms is missing"):
        judge_gates([GateSpec(gate="fast_enough")], Evidence(latency=LATENCY))


CHRISTMAS = {"from": "2026-12-20T00:00", "to": "2027-01-04T00:00", "because": "end of year"}
WEEKEND = {"from": "fri 16:00", "to": "mon 08:00"}
AUTUMN = {"from": "2026-10-25T01:00", "to": "2026-10-25T02:30"}


@pytest.mark.parametrize(
    ("window", "at", "outcome"),
    [
        (CHRISTMAS, "2026-12-19T22:59:59+00:00", PASS),
        (CHRISTMAS, "2026-12-19T23:00:00+00:00", FAIL),
        (CHRISTMAS, "2027-01-03T22:59:59+00:00", FAIL),
        (CHRISTMAS, "2027-01-03T23:00:00+00:00", PASS),
        (WEEKEND, "2026-07-03T13:59:59+00:00", PASS),  # A Friday, 15:59:59 in Berlin.
        (WEEKEND, "2026-07-03T14:00:00+00:00", FAIL),
        (WEEKEND, "2026-07-05T12:00:00-05:00", FAIL),
        (WEEKEND, "2026-07-06T05:59:59+00:00", FAIL),
        (WEEKEND, "2026-07-06T06:00:00+00:00", PASS),
        (WEEKEND, "2026-12-07T06:59:59+00:00", FAIL),  # Winter time: an hour later in UTC.
        (WEEKEND, "2026-12-07T07:00:00+00:00", PASS),
        (AUTUMN, "2026-10-25T00:45:00+00:00", FAIL),  # 02:45 summer time, before the clock falls back to 02:00.
        (AUTUMN, "2026-10-25T01:29:59+00:00", FAIL),  # 02:29:59 for the second time.
        (AUTUMN, "2026-10-25T01:30:00+00:00", PASS),
        (CHRISTMAS, "2026-07-01T00:00:00", FAIL),  # Without an offset nothing can be ruled out.
    ],
)
def test_a_freeze_is_local_time(window, at, outcome):
    verdict = asked("not_frozen", Evidence(at=datetime.fromisoformat(at)), windows=[window], timezone="Europe/Berlin")

    assert verdict.outcome is outcome, verdict.because


def test_a_freeze_says_why_and_until_when():
    verdict = asked("not_frozen", Evidence(at=datetime(2026, 12, 24, tzinfo=UTC)), windows=[CHRISTMAS])

    assert verdict.because == "frozen until 2027-01-04T00:00:00+00:00: end of year"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"windows": [{"from": "fri 16:00"}]}, "needs from and to"),
        ({"windows": [{"from": "fri 16:00", "to": "2026-01-01"}]}, "both weekly"),
        ({"windows": [{"from": "2026-01-02", "to": "2026-01-01"}]}, "the later last"),
        ({"windows": [{"from": "2026-01-01T00:00Z", "to": "2026-01-02"}]}, "has an offset"),
        ({"windows": [{"from": "soon", "to": "later"}]}, "soon"),
        ({"windows": "never"}, "is 'never'"),
        ({"windows": [], "timezone": "Berlin"}, "not in the time zone database"),
        ({"windows": [], "timezone": 1}, "not in the time zone database"),
    ],
)
def test_a_freeze_that_cannot_be_read_is_a_problem(options, said):
    _, problems = read_gate("not_frozen", options)

    assert [said in each.problem for each in problems] == [True], problems
