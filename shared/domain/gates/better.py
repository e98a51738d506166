"""Better than the champion, decided on the confidence interval of the paired difference on the same hold-out rows."""

import math
from dataclasses import dataclass

from shared.domain.gates.evidence import Difference, Evaluation, Evidence
from shared.domain.gates.verdict import Finding, failed, inconclusive, is_number, passed, require

METRICS = ("mae", "mse", "rmse", "r2", "accuracy", "f1", "log_loss", "brier", "auc")


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """*min_change* in the metric's units (or a share of the champion's value, if *relative*).

    *alpha*: the rate at which a model that is no better may pass; *max_slice_loss*: how much worse any slice may be;
    *first_model_within*: what a model without a champion must reach.
    """

    metric: str = ""
    min_change: float = 0.0
    relative: bool = False
    alpha: float = 0.05
    min_rows: int = 50
    max_slice_loss: float | None = None
    first_model_within: float | None = None

    def __post_init__(self) -> None:
        require("metric", self.metric in METRICS, self.metric, f"one of {', '.join(METRICS)}")
        require("min_change", is_number(self.min_change) and self.min_change >= 0, self.min_change, "a number from 0")
        require("relative", isinstance(self.relative, bool), self.relative, "true or false")
        require("alpha", is_number(self.alpha) and 0 < self.alpha < 0.5, self.alpha, "a number between 0 and 0.5")
        require("min_rows", type(self.min_rows) is int and self.min_rows >= 2, self.min_rows, "a whole number from 2")
        for name in ("max_slice_loss", "first_model_within"):
            value = getattr(self, name)
            require(name, value is None or is_number(value), value, "a number")


def better_than_champion(options: Options, evidence: Evidence) -> Finding:
    """Pass: all of the interval is above the minimum change. Fail: none of it. Otherwise more rows must decide."""
    evaluation = evidence.evaluation
    if evaluation is None:
        return failed("no evaluation was recorded")
    if not evaluation.champion:
        return _first_model(options, evaluation)
    found = next((each for each in evaluation.differences if each.metric == options.metric), None)
    if found is None or not all(map(math.isfinite, (found.estimate, found.low, found.high))):
        return failed(f"{options.metric} was not measured against the champion")
    if found.alpha > options.alpha:
        return failed(f"the interval was made for alpha {found.alpha}, the gate asks for {options.alpha}")
    if found.rows < options.min_rows:
        return inconclusive(f"{found.rows} rows are too few; at least {options.min_rows} are wanted", rows=found.rows)
    worse = _worse_slice(options, evaluation)
    return failed(worse) if worse else _decide(options, found)


def _decide(options: Options, found: Difference) -> Finding:
    least = options.min_change * (abs(found.champion) if options.relative else 1.0)
    said = (
        f"{found.metric} {found.challenger:.6g} against {found.champion:.6g}: better by {found.estimate:.4g} "
        f"[{found.low:.4g}, {found.high:.4g}] on {found.rows} rows; more than {least:.4g} is wanted"
    )
    figures = {"estimate": found.estimate, "low": found.low, "high": found.high, "least": least}
    if found.low > least:
        return passed(said, **figures)
    if found.high <= least:
        return failed(said, **figures)
    wanted = rows_needed(found, least)
    more = f"about {wanted} rows would decide" if wanted else "no number of rows would decide"
    return inconclusive(f"{said}; {more}", **figures, rows_needed=float(wanted or 0))


def rows_needed(difference: Difference, least: float) -> int | None:
    """How many rows would decide whether the difference exceeds *least*, were its spread to stay; None for never."""
    distance = abs(difference.estimate - least)
    if distance == 0:
        return None
    half = max(difference.high - difference.estimate, difference.estimate - difference.low)
    return max(difference.rows + 1, math.ceil(difference.rows * (half / distance) ** 2))


def _worse_slice(options: Options, evaluation: Evaluation) -> str:
    """The first slice that is surely worse by more than it may be."""
    if options.max_slice_loss is None:
        return ""
    for each in evaluation.slices:
        found = each.difference
        if found.metric == options.metric and found.high < -options.max_slice_loss:
            return f"slice {each.name} is worse: {found.estimate:.4g} [{found.low:.4g}, {found.high:.4g}]"
    return ""


def _first_model(options: Options, evaluation: Evaluation) -> Finding:
    value, limit = evaluation.alone.get(options.metric), options.first_model_within
    if limit is None:
        return failed("there is no champion; set first_model_within to let a first model pass")
    if value is None or not math.isfinite(value):
        return failed(f"{options.metric} was not measured")
    fits = value >= limit if options.metric in ("r2", "accuracy", "f1", "auc") else value <= limit
    said = f"there is no champion; {options.metric} is {value:.6g}, the limit {limit:.6g}"
    return passed(said, value=value) if fits else failed(said, value=value)
