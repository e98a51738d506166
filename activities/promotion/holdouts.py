"""What both models' predictions of the hold-out rows come to: the metrics that gates ask for, and their agreement."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any

from activities.promotion.holdout_rows import HoldoutRows
from shared.domain.failures import Refused
from shared.domain.gates.champion import BetterThanChampion
from shared.domain.gates.evidence import Evaluation, SliceDifference
from shared.domain.gates.options import read_options
from shared.domain.metrics.agreement import Agreement, OutputComparison, no_champion
from shared.domain.metrics.catalogue import MetricError, Scale, metric_named, value_of
from shared.domain.metrics.outputs import LabelOutputs, Numbers, edges_of
from shared.domain.metrics.paired import Difference, compare, resamples_for
from shared.domain.statistics.looks import Look


@contextmanager
def _measurable() -> Iterator[None]:
    """What cannot be measured will not be by trying again."""
    try:
        yield
    except MetricError as error:
        raise Refused(str(error)) from error


@_measurable()
def evaluate(
    rows: HoldoutRows,
    gates: Sequence[Mapping[str, Any]],
    champion_model: str,
    champion: Any,
    challenger: Any,
    look: Look | None = None,
) -> Evaluation:
    """What the options of *gates* ask for: metrics alone and, beside a champion, the paired differences.

    *look* is how many challengers have asked this hold-out: it decides the confidence that each gate needs.
    """
    gate_options = [_options(raw) for raw in gates]
    names = list(dict.fromkeys(options.metric for options in gate_options))
    numeric = [name for name in names if metric_named(name).scale is not Scale.LABELS]
    if rows.holdout.classes:
        numeric = [name for name in numeric if metric_named(name).scale is not Scale.DISTRIBUTIONS]
    if rows.table.vocabulary is not None and numeric:
        raise MetricError(f"{', '.join(numeric)} cannot be measured of labels: use accuracy, macro_f1 or mcc")
    evaluation = Evaluation(
        digest=rows.digest,
        rows=len(rows.truth),
        values={name: value_of(name, rows.truth, _scaled(name, challenger), rows.groups) for name in names},
        group=rows.holdout.group,
        groups=0 if rows.groups is None else int(rows.groups.max()) + 1,
        look=look,
        notes=tuple(map(str, rows.hints)),
    )
    if champion is None:
        return evaluation
    comparison = _Compared(rows, champion, challenger)
    evaluation = replace(evaluation, champion=champion_model)
    metrics = dict.fromkeys((options.metric, options.overall_confidence(evaluation)) for options in gate_options)
    differences = tuple(comparison.overall(metric, confidence) for metric, confidence in metrics)
    return replace(
        evaluation,
        differences=differences,
        slices=tuple(comparison.slices(gate_options, evaluation)),
        notes=evaluation.notes + comparison.notes(differences),
    )


def _options(raw: Mapping[str, Any]) -> BetterThanChampion:
    options, problems = read_options(BetterThanChampion, raw)
    if options is None:
        raise MetricError("; ".join(f"{problem.option} {problem.problem}: {problem.remedy}" for problem in problems))
    return options


def _scaled(metric: str, outputs: Any) -> Any:
    """*outputs* as *metric* takes them: of one probability for each class the likeliest class, where labels are."""
    several = outputs.ndim == 2 and metric_named(metric).scale is Scale.LABELS
    return outputs.argmax(axis=1).astype(float) if several else outputs


class _Compared:
    """Both models' predictions of the rows, compared in whatever is asked for."""

    def __init__(self, rows: HoldoutRows, champion: Any, challenger: Any) -> None:
        self._rows, self._models = rows, (champion, challenger)
        # The seed follows from the rows: the same evidence gives the same interval, and nobody can try seeds until one
        # passes.
        self._seed = int(rows.digest.removeprefix("sha256:")[:8], 16)

    def overall(self, metric: str, confidence: float) -> Difference:
        return self._difference(metric, confidence, slice(None), self._rows.groups)

    def slices(self, gate_options: Sequence[BetterThanChampion], evaluation: Evaluation) -> Iterator[SliceDifference]:
        """Those that gates name at the confidence that they need, others at the gate's own, for people to look at.

        Without those on which a metric has no value, such as one class alone: a gate that asks for them fails.
        """
        for name, members in self._rows.slices.masks():
            metrics = dict.fromkeys(
                (options.metric, options.slice_confidence(evaluation) if name in options.slices else options.confidence)
                for options in gate_options
            )
            groups = self._rows.groups
            for metric, confidence in metrics:
                with suppress(MetricError):
                    part = None if groups is None else groups[members]
                    difference = self._difference(metric, confidence, members, part)
                    yield SliceDifference(slice=name, difference=difference)

    def notes(self, differences: Sequence[Difference]) -> tuple[str, ...]:
        """How much longer the first interval would be, were the rows those of the column that looks like a group."""
        alone, hint = next(iter(differences), None), next(iter(self._rows.hints), None)
        if alone is None or hint is None or alone.high <= alone.low:
            return ()
        together = self._difference(alone.metric, alone.confidence, slice(None), hint.codes)
        times = (together.high - together.low) / (alone.high - alone.low)
        return (f"by {hint.column!r} the interval of {alone.metric} would be {times:.2g} times as long",)

    def _difference(self, metric: str, confidence: float, members: Any, groups: Any) -> Difference:
        models = (_scaled(metric, model) for model in self._models)
        columns = (column[members] for column in (self._rows.truth, *models))
        resamples = resamples_for(confidence)
        return compare(metric, *columns, groups=groups, confidence=confidence, seed=self._seed, resamples=resamples)


@_measurable()
def agreement_of(rows: HoldoutRows, champion: Any, challenger: Any) -> Agreement:
    """How alike both outputs are; numbers agree within the hold-out's tolerance."""
    if champion is None:
        return no_champion(len(challenger))
    words = rows.table.vocabulary
    champion, challenger = (_scaled("accuracy", model) for model in (champion, challenger))
    outputs: Any = LabelOutputs() if words else Numbers(edges_of(champion), rows.holdout.tolerance)
    comparison, start = OutputComparison(outputs), 0
    for keys in rows.key_batches():
        stop = start + len(keys)
        first, second = (
            words.texts(outputs_of_model[start:stop]) if words else outputs_of_model[start:stop]
            for outputs_of_model in (champion, challenger)
        )
        comparison.add(keys, first, second, dict(rows.slices.masks(start, stop)))
        start = stop
    return comparison.result()
