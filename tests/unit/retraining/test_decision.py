"""When causes are worth a run: a table of situations, and what holds in every situation."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.domain.retraining.causes import CauseKind
from shared.domain.retraining.decision import DecisionRule, PastRun, RetrainingAction, Situation, as_of, decide
from shared.domain.retraining.rules import Budget, Limits, Rates, Worth
from tests.amounts import amount
from tests.unit.retraining.conftest import NOW, RULES, cause

HOUR, DAY = 3600, 86400
PRICED = replace(RULES, rates=Rates(node_hour=2.0, hours=5.0), compute=replace(RULES.compute, instances=3))  # 30
CHEAP = replace(RULES, rates=Rates(node_hour=0.1, hours=1.0), budget=Budget(amount=0.3, within_s=10 * DAY))
DRIFT, DATA, PERSON = cause(CauseKind.DRIFT), cause(CauseKind.DATA), cause(CauseKind.PERSON)


def past(*hours: float, cost: float = 0.0) -> tuple[PastRun, ...]:
    """Runs that started so many hours ago."""
    return tuple(PastRun(run=f"run-{h}", started=NOW - timedelta(hours=h), cost=cost) for h in hours)


def limited(**limits: int) -> Situation:
    return Situation(now=NOW, rules=replace(RULES, limits=Limits(debounce_s=0, **limits)), causes=(DRIFT,))


def budgeted(amount: float, *runs: PastRun) -> Situation:
    rules = replace(PRICED, budget=Budget(amount=amount, within_s=10 * DAY))
    return Situation(now=NOW, rules=rules, causes=(DRIFT,), past=runs)


def valued(*causes: CauseKind, times_cost: float = 1.0) -> Situation:
    worth = Worth(by_kind={"drift": 20.0, "data": 15.0}, times_cost=times_cost)
    return Situation(now=NOW, rules=replace(PRICED, worth=worth), causes=tuple(map(cause, causes)))


QUIET = Situation(now=NOW, rules=RULES)
TABLE = [
    (QUIET, RetrainingAction.REFUSE, DecisionRule.NO_CAUSE, None),
    (replace(QUIET, causes=(DRIFT,)), RetrainingAction.RETRAIN, DecisionRule.WORTHWHILE, None),
    (replace(QUIET, causes=(DRIFT,), in_flight="r-1"), RetrainingAction.WAIT, DecisionRule.IN_FLIGHT, None),
    (replace(QUIET, causes=(PERSON,), in_flight="r-1"), RetrainingAction.WAIT, DecisionRule.IN_FLIGHT, None),
    (replace(QUIET, causes=(cause(ago_s=20),)), RetrainingAction.WAIT, DecisionRule.DEBOUNCE, 40),
    (
        replace(QUIET, causes=(cause(ago_s=20), cause(ago_s=59, number=2))),
        RetrainingAction.WAIT,
        DecisionRule.DEBOUNCE,
        40,
    ),
    (
        replace(QUIET, causes=(cause(ago_s=20), cause(ago_s=890, number=2))),
        RetrainingAction.WAIT,
        DecisionRule.DEBOUNCE,
        10,
    ),
    (
        replace(QUIET, causes=(cause(ago_s=20), cause(ago_s=900, number=2))),
        RetrainingAction.RETRAIN,
        DecisionRule.WORTHWHILE,
        None,
    ),
    (replace(QUIET, causes=(cause(ago_s=-60),)), RetrainingAction.WAIT, DecisionRule.DEBOUNCE, 60),
    (replace(QUIET, causes=(cause(ago_s=-61),)), RetrainingAction.RETRAIN, DecisionRule.WORTHWHILE, None),
    (replace(limited(min_interval_s=DAY), past=past(20)), RetrainingAction.WAIT, DecisionRule.MIN_INTERVAL, 4 * HOUR),
    (replace(limited(min_interval_s=DAY), past=past(-20)), RetrainingAction.WAIT, DecisionRule.MIN_INTERVAL, DAY),
    (replace(limited(min_interval_s=DAY), past=past(24)), RetrainingAction.RETRAIN, DecisionRule.WORTHWHILE, None),
    (replace(limited(runs=2, within_s=DAY), past=past(2, 20, 30)), RetrainingAction.WAIT, DecisionRule.RUNS, 4 * HOUR),
    (replace(limited(runs=2, within_s=DAY), past=past(2, 24)), RetrainingAction.RETRAIN, DecisionRule.WORTHWHILE, None),
    (replace(limited(champion_age_s=DAY), champion_since=NOW), RetrainingAction.WAIT, DecisionRule.CHAMPION, DAY),
    (
        replace(limited(champion_age_s=DAY), champion_since=NOW + timedelta(days=1)),
        RetrainingAction.WAIT,
        DecisionRule.CHAMPION,
        DAY,
    ),
    (
        replace(limited(champion_age_s=DAY), champion_since=NOW + timedelta(days=9)),
        RetrainingAction.RETRAIN,
        DecisionRule.WORTHWHILE,
        None,
    ),
    (limited(champion_age_s=DAY), RetrainingAction.RETRAIN, DecisionRule.WORTHWHILE, None),
    (
        replace(limited(champion_age_s=DAY), champion_since=NOW, causes=(PERSON,)),
        RetrainingAction.RETRAIN,
        DecisionRule.WORTHWHILE,
        None,
    ),
    (
        replace(limited(min_interval_s=HOUR, champion_age_s=DAY), past=past(0), champion_since=NOW),
        RetrainingAction.WAIT,
        DecisionRule.CHAMPION,
        DAY,
    ),
    (budgeted(29), RetrainingAction.REFUSE, DecisionRule.BUDGET, None),
    (budgeted(30), RetrainingAction.RETRAIN, DecisionRule.WORTHWHILE, None),
    (budgeted(70, *past(24, 48, cost=30)), RetrainingAction.WAIT, DecisionRule.BUDGET, 8 * DAY),
    (budgeted(70, *past(24, 48, cost=20)), RetrainingAction.RETRAIN, DecisionRule.WORTHWHILE, None),
    (
        replace(budgeted(0.3, *past(24, 48, cost=0.1)), rules=CHEAP),
        RetrainingAction.RETRAIN,
        DecisionRule.WORTHWHILE,
        None,
    ),
    (budgeted(70, *past(24, 240, cost=40)), RetrainingAction.RETRAIN, DecisionRule.WORTHWHILE, None),
    (valued(CauseKind.DRIFT), RetrainingAction.REFUSE, DecisionRule.WORTH, None),
    (valued(CauseKind.DRIFT, CauseKind.DRIFT), RetrainingAction.REFUSE, DecisionRule.WORTH, None),
    (valued(CauseKind.DRIFT, CauseKind.DATA), RetrainingAction.RETRAIN, DecisionRule.WORTHWHILE, None),
    (valued(CauseKind.DRIFT, CauseKind.DATA, times_cost=1.5), RetrainingAction.REFUSE, DecisionRule.WORTH, None),
    (valued(CauseKind.PERSON), RetrainingAction.RETRAIN, DecisionRule.WORTHWHILE, None),
]


@pytest.mark.parametrize(("state", "move", "rule", "wait_s"), TABLE)
def test_decisions(state, move, rule, wait_s):
    verdict = decide(state)

    left = (verdict.until - NOW).total_seconds() if verdict.until else None
    assert (verdict.move, verdict.rule, left) == (move, rule, wait_s)
    assert verdict.because


def test_a_storm_of_mixed_causes_is_one_verdict():
    kinds = list(CauseKind)
    storm = tuple(cause(kinds[number % len(kinds)], 100, number) for number in range(1000))

    verdict = decide(replace(QUIET, causes=storm))

    assert verdict.move is RetrainingAction.RETRAIN
    assert verdict.because.startswith("1000 causes (alert, data, drift, person, pipeline, schedule)")


limits = st.builds(
    lambda quiet, more, interval, runs, window, champion: Limits(
        debounce_s=quiet,
        longest_debounce_s=quiet + more,
        min_interval_s=interval,
        runs=runs,
        within_s=window,
        champion_age_s=champion,
    ),
    *(st.integers(0, 3 * DAY) for _ in range(3)),
    st.integers(0, 3),
    *(st.integers(1, 3 * DAY) for _ in range(2)),
)


def situations(ages: st.SearchStrategy[int]) -> st.SearchStrategy[Situation]:
    """Causes, runs and a champion of any of *ages*, in seconds."""
    return st.builds(
        lambda rules, causes, runs, champion: Situation(
            now=NOW,
            rules=replace(PRICED, limits=rules, budget=Budget(amount=100.0, within_s=2 * DAY)),
            causes=tuple(cause(kind, ago, number) for number, (kind, ago) in enumerate(causes)),
            past=tuple(
                PastRun(run=f"r{number}", started=NOW - timedelta(seconds=ago), cost=cost)
                for number, (ago, cost) in enumerate(runs)
            ),
            champion_since=None if champion is None else NOW - timedelta(seconds=champion),
        ),
        limits,
        st.lists(st.tuples(st.sampled_from(CauseKind), ages), min_size=1, max_size=6),
        st.lists(st.tuples(ages, st.floats(0, 80)), max_size=4),
        st.none() | ages,
    )


any_clock = situations(st.integers(-30 * DAY, 30 * DAY))  # Negative ages are of a clock that went back.


def longest(state: Situation) -> timedelta:
    rules = state.rules.limits
    every = (rules.longest_debounce_s, rules.min_interval_s, rules.within_s, rules.champion_age_s)
    return timedelta(seconds=max(*every, state.rules.budget.within_s))


@given(any_clock)
@settings(max_examples=amount(20, 60))
def test_no_clock_makes_anything_wait_longer_than_its_limit(state):
    verdict = decide(state)

    assert verdict.move is not RetrainingAction.WAIT or NOW < verdict.until <= NOW + longest(state)


@given(any_clock)
@settings(max_examples=amount(25, 80))
def test_waiting_as_long_as_it_says_is_progress(state):
    """No verdict repeats itself for ever: a few looks at the times it names lead to a run, whatever the clock was."""
    state = replace(state, past=as_of(NOW, state.past))
    for _ in range(10):
        verdict = decide(state)
        if verdict.move is RetrainingAction.RETRAIN:
            return
        state = replace(state, now=verdict.until)
    raise AssertionError(verdict)


@given(any_clock)
@settings(max_examples=amount(20, 60))
def test_a_run_starts_only_within_every_limit(state):
    if decide(state).move is not RetrainingAction.RETRAIN:
        return
    rules, ages = state.rules, [(NOW - run.started).total_seconds() for run in state.past]
    spent = sum(run.cost for run, age in zip(state.past, ages, strict=True) if age < rules.budget.within_s)

    assert spent + rules.estimate <= rules.budget.amount + 1e-6
    assert not rules.limits.min_interval_s or all(age >= rules.limits.min_interval_s for age in ages)
    assert not rules.limits.runs or sum(age < rules.limits.within_s for age in ages) < rules.limits.runs


@given(any_clock, st.text(min_size=1, max_size=5))
@settings(max_examples=25)
def test_nothing_starts_beside_a_run_in_flight(state, run):
    assert decide(replace(state, in_flight=run)).rule is DecisionRule.IN_FLIGHT
