"""Whether the recorded causes of a model, all of them together, are worth a run now. Pure, and says why.

Nothing waits for a clock that went back: runs that lie in the future are put right before (`as_of`); causes, and a
champion, that lie further ahead than their limit are past it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from shared.domain.counts import counted
from shared.domain.retraining.causes import Cause, CauseKind
from shared.domain.retraining.rules import Retraining

_PLACES = 6  # Of money: sums of decimal fractions are off by less.
_ASKED = (CauseKind.PERSON, CauseKind.PIPELINE)  # Who asks has judged that it is worth it, and knows the champion.


class RetrainingAction(StrEnum):
    RETRAIN = "retrain"
    WAIT = "wait"
    REFUSE = "refuse"


class DecisionRule(StrEnum):
    """Which rule has decided."""

    NO_CAUSE = "no cause"
    IN_FLIGHT = "in flight"
    DEBOUNCE = "debounce"
    WORTH = "worth"
    MIN_INTERVAL = "minimum interval"
    RUNS = "runs within the window"
    BUDGET = "budget"
    CHAMPION = "champion's age"
    WORTHWHILE = "worthwhile"
    QUOTA = "quota of the team"


@dataclass(frozen=True, slots=True, kw_only=True)
class PastRun:
    """*cost* is the actual one, or the estimate where that is not known yet."""

    run: str
    started: datetime
    cost: float = 0.0


def as_of(now: datetime, past: Sequence[PastRun]) -> tuple[PastRun, ...]:
    """*past* as it is to be kept: a run that lies in the future started now, by a clock that has been put right."""
    return tuple(replace(run, started=min(run.started, now)) for run in past)


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """*causes* are those that no run has claimed; *champion_since* is None where it is not known."""

    now: datetime
    rules: Retraining
    causes: tuple[Cause, ...] = ()
    in_flight: str = ""
    past: tuple[PastRun, ...] = ()
    champion_since: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RetrainingVerdict:
    """*until* is when to look again, None where something else than time decides."""

    move: RetrainingAction
    rule: DecisionRule
    because: str
    until: datetime | None = None


def decide(state: Situation) -> RetrainingVerdict:
    """One verdict for all causes together: those that may still come are waited for before anything is refused."""
    if not state.causes:
        return RetrainingVerdict(
            move=RetrainingAction.REFUSE, rule=DecisionRule.NO_CAUSE, because="nothing asks for it"
        )
    if state.in_flight:
        because = f"{state.in_flight} is in flight and absorbs new causes"
        return RetrainingVerdict(move=RetrainingAction.WAIT, rule=DecisionRule.IN_FLIGHT, because=because)
    return _debounced(state) or _refused(state) or _limited(state) or _worthwhile(state)


def _debounced(state: Situation) -> RetrainingVerdict | None:
    """More causes may come: quiet is waited for, but not for ever."""
    limits, times = state.rules.limits, [cause.at for cause in state.causes]
    newest, oldest = max(times), min(times)
    # The shorter wait counts: a stream of causes that never pauses must not delay a run for ever.
    wait = min(
        _still(limits.debounce_s, state.now, newest),
        _still(limits.longest_debounce_s, state.now, oldest),
    )
    if wait <= timedelta():
        return None
    because = f"more causes may come within {limits.debounce_s} s"
    return RetrainingVerdict(
        move=RetrainingAction.WAIT, rule=DecisionRule.DEBOUNCE, because=because, until=state.now + wait
    )


def _refused(state: Situation) -> RetrainingVerdict | None:
    """What no waiting can mend."""
    rules = state.rules
    # No time makes such a run fit, so waiting for the budget would never end.
    if rules.budget.amount and rules.estimate > rules.budget.amount:
        because = f"one run is estimated at {rules.estimate:g}, above the whole budget of {rules.budget.amount:g}"
        return RetrainingVerdict(move=RetrainingAction.REFUSE, rule=DecisionRule.BUDGET, because=because)
    if not rules.worth.by_kind or _asked(state):
        return None
    value, minimum = expected_value(rules, state.causes), rules.worth.times_cost * rules.estimate
    if value >= minimum:
        return None
    because = f"a better model is worth {value:g} here, below {rules.worth.times_cost:g} times the cost ({minimum:g})"
    return RetrainingVerdict(move=RetrainingAction.REFUSE, rule=DecisionRule.WORTH, because=because)


def expected_value(rules: Retraining, causes: Sequence[Cause]) -> float:
    """Each kind of cause counts once, however often it was found: the model becomes better only once."""
    # A set of kinds and no sum over causes: ten files are no better a reason than one.
    return sum(rules.worth.of(kind) for kind in {cause.kind for cause in causes})


def _limited(state: Situation) -> RetrainingVerdict | None:
    """The limit that lasts longest, where any does."""
    lasting = [(until, rule, because) for until, rule, because in _limits(state) if until > state.now]
    if not lasting:
        return None
    until, rule, because = max(lasting, key=lambda limit: limit[0])
    return RetrainingVerdict(move=RetrainingAction.WAIT, rule=rule, because=because, until=until)


def _limits(state: Situation) -> Iterator[tuple[datetime, DecisionRule, str]]:
    limits, now, past = state.rules.limits, state.now, _newest_first(state)
    if past and limits.min_interval_s:
        because = f"{past[0].run} started less than {limits.min_interval_s} s ago"
        yield now + _left(limits.min_interval_s, _age(now, past[0].started)), DecisionRule.MIN_INTERVAL, because
    if limits.runs and len(past) >= limits.runs:
        first = past[limits.runs - 1]
        because = f"{counted(limits.runs, 'run has', 'runs have')} started within {limits.within_s} s"
        yield now + _left(limits.within_s, _age(now, first.started)), DecisionRule.RUNS, because
    if state.rules.budget.amount:
        yield from _over_budget(state, past)
    if limits.champion_age_s and state.champion_since and not _asked(state):
        because = f"the champion is younger than {limits.champion_age_s} s"
        yield now + _still(limits.champion_age_s, now, state.champion_since), DecisionRule.CHAMPION, because


def _over_budget(state: Situation, past: Sequence[PastRun]) -> Iterator[tuple[datetime, DecisionRule, str]]:
    """Until so much of what was spent has left the window that the estimate fits again."""
    budget, estimate = state.rules.budget, state.rules.estimate
    within = [run for run in past if _age(state.now, run.started) < timedelta(seconds=budget.within_s)]
    total = sum(run.cost for run in within)
    because = f"{total:g} of {budget.amount:g} are spent within {budget.within_s} s, and a run may cost {estimate:g}"
    until, remaining = state.now, total
    # The oldest cost leaves the window first, so the wait ends when enough of the oldest runs have left it.
    for run in reversed(within):
        if round(remaining + estimate, _PLACES) <= budget.amount:
            break
        remaining -= run.cost
        until = state.now + _left(budget.within_s, _age(state.now, run.started))
    yield until, DecisionRule.BUDGET, because


def _worthwhile(state: Situation) -> RetrainingVerdict:
    kinds = sorted({cause.kind.value for cause in state.causes})
    number = len(state.causes)
    because = f"{counted(number, 'cause')} ({', '.join(kinds)}), no limit reached"
    return RetrainingVerdict(move=RetrainingAction.RETRAIN, rule=DecisionRule.WORTHWHILE, because=because)


def _asked(state: Situation) -> bool:
    return any(cause.kind in _ASKED for cause in state.causes)


def _newest_first(state: Situation) -> list[PastRun]:
    return sorted(state.past, key=lambda run: run.started, reverse=True)


def _age(now: datetime, earlier: datetime) -> timedelta:
    # A run that seems to start in the future was written by a clock that was ahead. Its age is 0, which waits longest.
    return max(timedelta(), now - earlier)


def _left(limit_s: float, age: timedelta) -> timedelta:
    return timedelta(seconds=limit_s) - age


def _still(limit_s: float, now: datetime, since: datetime) -> timedelta:
    """What is left of *limit_s*; nothing where *since* lies further ahead than that: the clock was put right."""
    return timedelta() if since - now > timedelta(seconds=limit_s) else _left(limit_s, _age(now, since))
