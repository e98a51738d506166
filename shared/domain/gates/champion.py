"""Whether the challenger is better than the champion, decided on the interval of their paired difference."""

from collections.abc import Iterable
from dataclasses import dataclass

from shared.domain.gates.evidence import Evaluation
from shared.domain.gates.options import choice, flag, number, texts, whole
from shared.domain.gates.registry import gate
from shared.domain.gates.verdict import Finding, Outcome, failed, inconclusive, passed
from shared.domain.metrics import METRICS
from shared.domain.paired import Difference, rows_needed


@dataclass(frozen=True, slots=True, kw_only=True)
class BetterThanChampion:
    """*min_change* is in the metric's unit, or with *relative* a share of the champion's value, and may be negative.

    On each of *slices* the challenger may lose at most *max_slice_loss* (in the metric's unit). *at_least* is the value
    that must be reached, in the metric's direction, whether or not there is a champion; *first_model* says what becomes
    of a model without one.
    """

    metric: str = choice(among=tuple(METRICS))
    min_change: float = number(0.0)
    relative: bool = flag(False)
    confidence: float = number(0.95, least=0.5, most=0.9999)
    min_rows: int = whole(100, least=1)
    slices: tuple[str, ...] = texts()
    max_slice_loss: float = number(0.0, least=0.0)
    first_model: str = choice("fail", among=("pass", "fail"))
    at_least: float | None = number(None)


@gate("evaluation", BetterThanChampion)
def better_than_champion(options: BetterThanChampion, evaluation: Evaluation) -> Finding:
    """Is the challenger better than the champion by at least min_change, and nowhere worse than allowed?"""
    short = _below_floor(options, evaluation)
    if short:
        return short
    if not evaluation.champion:
        return _first(options, evaluation)
    difference = evaluation.overall(options.metric)
    if difference is None:
        return failed(f"{options.metric} was not compared with the champion")
    wanted = options.min_change * (abs(difference.champion) if options.relative else 1.0)
    whole_set = _decided("overall", difference, wanted, options)
    return _worst([whole_set, *(_on_slice(name, options, evaluation) for name in options.slices)])


def _below_floor(options: BetterThanChampion, evaluation: Evaluation) -> Finding | None:
    """A failure where *at_least* is set and not reached."""
    if options.at_least is None:
        return None
    value = evaluation.values.get(options.metric)
    if value is None:
        return failed(f"the challenger's {options.metric} was not measured, so at_least cannot be judged")
    higher = METRICS[options.metric].higher_is_better
    if (value >= options.at_least) if higher else (value <= options.at_least):
        return None
    said = "below" if higher else "above"
    return failed(f"{options.metric} is {value:.6g}, {said} {options.at_least:.6g}", challenger=value)


def _first(options: BetterThanChampion, evaluation: Evaluation) -> Finding:
    """There is no champion, and the floor, where there is one, was reached."""
    if options.first_model == "fail":
        return failed("there is no champion to compare with, and first_model is fail")
    if options.at_least is None:
        return failed("there is no champion to compare with, and no at_least that a first model must reach")
    if evaluation.rows < options.min_rows:
        return inconclusive(f"{evaluation.rows} rows, at least {options.min_rows} are needed", rows=evaluation.rows)
    value = evaluation.values[options.metric]
    return passed(f"the first model: {options.metric} is {value:.6g} on {evaluation.rows} rows", challenger=value)


def _on_slice(name: str, options: BetterThanChampion, evaluation: Evaluation) -> Finding:
    difference = evaluation.on(name, options.metric)
    if difference is None:
        return failed(f"slice {name}: {options.metric} was not compared with the champion")
    return _decided(f"slice {name}", difference, -options.max_slice_loss, options, ties=True)


def _decided(
    where: str, difference: Difference, wanted: float, options: BetterThanChampion, ties: bool = False
) -> Finding:
    """*ties*: it is enough that nothing tells the models apart."""
    figures = {
        "estimate": difference.estimate,
        "low": difference.low,
        "high": difference.high,
        "wanted": wanted,
        "rows": float(difference.n),
    }
    said = (
        f"{where}: {difference.metric} better by {difference.estimate:.6g}"
        f" [{difference.low:.6g}, {difference.high:.6g}] at {difference.confidence:g}, wanted {wanted:.6g}"
    )
    if difference.n < options.min_rows:
        return inconclusive(f"{said}; {difference.n} rows, at least {options.min_rows} are needed", **figures)
    if difference.confidence < options.confidence:
        return inconclusive(f"{said}; the interval must be computed at confidence {options.confidence:g}", **figures)
    if difference.low >= wanted and (ties or not _tied(difference, wanted)):
        return passed(said, **figures)
    if difference.high < wanted:
        return failed(said, **figures)
    return _undecided(said, difference, wanted, figures)


def _tied(difference: Difference, wanted: float) -> bool:
    """No row tells the models apart, and the challenger is no better than what must be exceeded."""
    return difference.low == difference.high == wanted


def _undecided(said: str, difference: Difference, wanted: float, figures: dict[str, float]) -> Finding:
    needed = rows_needed(difference, wanted)
    if needed is None:
        return inconclusive(f"{said}; no number of rows would decide at this estimate", **figures)
    # The rows at hand did not decide, so fewer cannot.
    needed = max(needed, difference.n + 1)
    return inconclusive(f"{said}; about {needed} rows would decide", **figures, rows_needed=float(needed))


def _worst(findings: Iterable[Finding]) -> Finding:
    """The failures, or else what is undecided, or else all that passed; the figures are those of the first of them."""
    every = list(findings)
    for outcome in (Outcome.FAIL, Outcome.INCONCLUSIVE, Outcome.PASS):
        chosen = [each for each in every if each.outcome is outcome]
        if chosen:
            break
    return Finding(outcome, "; ".join(each.because for each in chosen), chosen[0].figures)
