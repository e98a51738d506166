"""What both models' predictions of the hold-out rows come to: the metrics that gates ask for, and their agreement."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from activities.promotion.holdout.rows import BATCH, HoldoutRows
from shared.clients import Clients
from shared.domain.failures import Refused
from shared.domain.gates import GateSpec
from shared.domain.gates.champion import BetterThanChampion
from shared.domain.gates.evidence import Evaluation, SliceDifference
from shared.domain.gates.options import read_options
from shared.domain.metrics.agreement import Agreement, OutputComparison, no_champion
from shared.domain.metrics.catalogue import MetricError, Scale, metric_named, value_of
from shared.domain.metrics.outputs import LabelOutputs, Numbers, edges_of
from shared.domain.metrics.paired import Difference, compare, resamples_for
from shared.domain.project_functions import ProjectFunction, metric_function
from shared.domain.statistics.looks import Look

if TYPE_CHECKING:
    from numpy.typing import NDArray

_METRIC_SECONDS, _METRIC_MEMORY_MB = 60.0, 1024  # A million rows take some seconds and 300 MB.


# What each row contributes to a metric of the project, by its name, where a model's outputs are these.
Contributions = Callable[[str, Any], Any]


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
    own: Contributions | None = None,
) -> Evaluation:
    """What the options of *gates* ask for: metrics alone and, beside a champion, the paired differences.

    *look* is how many challengers have asked this hold-out: it decides the confidence that each gate needs. *own* says
    what each row contributes to a metric of the project.
    """
    gate_options = [_options(raw) for raw in gates]
    names = list(dict.fromkeys(options.metric for options in gate_options))
    metrics = [metric_named(name) for name in names]
    numeric = [metric.name for metric in metrics if metric.scale is not Scale.LABELS and not metric.of_project]
    scaled = _Scaled(own)
    if rows.holdout.classes:
        numeric = [name for name in numeric if metric_named(name).scale is not Scale.DISTRIBUTIONS]
    if rows.table.vocabulary is not None and numeric:
        raise MetricError(f"{', '.join(numeric)} cannot be measured of labels: use accuracy, macro_f1 or mcc")
    evaluation = Evaluation(
        digest=rows.digest,
        rows=len(rows.truth),
        values={name: value_of(name, rows.truth, scaled(name, challenger), rows.groups) for name in names},
        group=rows.holdout.group,
        groups=0 if rows.groups is None else int(rows.groups.max()) + 1,
        look=look,
        notes=tuple(map(str, rows.hints)),
        holdout=rows.versions,
    )
    if champion is None:
        return evaluation
    comparison = _Compared(rows, (champion, challenger), scaled)
    evaluation = replace(evaluation, champion=champion_model)
    questions = dict.fromkeys((options.metric, options.overall_confidence(evaluation)) for options in gate_options)
    differences = tuple(comparison.overall(metric, confidence) for metric, confidence in questions)
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


class _Scaled:
    """Outputs as a metric takes them; a metric of the project is asked once for each model."""

    def __init__(self, own: Contributions | None = None) -> None:
        self._own, self._contributions = own, dict[tuple[str, int], Any]()

    def __call__(self, metric: str, outputs: Any) -> Any:
        """*outputs*, or of one probability for each class the likeliest class, where labels are, or for a metric of the
        project what each row contributes. Raises MetricError where nobody asks the project."""
        rule = metric_named(metric)
        if not rule.of_project:
            several = outputs.ndim == 2 and rule.scale is Scale.LABELS
            return outputs.argmax(axis=1).astype(float) if several else outputs
        if self._own is None:
            raise MetricError(f"{metric} is a metric of the project, which is not asked here")
        question = (metric, id(outputs))  # The arrays of both models live as long as this.
        if question not in self._contributions:
            self._contributions[question] = self._own(metric, outputs)
        return self._contributions[question]


class _Compared:
    """Both models' predictions of the rows, compared in whatever is asked for."""

    def __init__(self, rows: HoldoutRows, models: tuple[Any, Any], scaled: _Scaled) -> None:
        self._rows, self._models, self._scaled = rows, models, scaled
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
        models = (self._scaled(metric, model) for model in self._models)
        columns = (column[members] for column in (self._rows.truth, *models))
        resamples = resamples_for(confidence)
        return compare(metric, *columns, groups=groups, confidence=confidence, seed=self._seed, resamples=resamples)


@_measurable()
def agreement_of(rows: HoldoutRows, champion: Any, challenger: Any) -> Agreement:
    """How alike both outputs are; numbers agree within the hold-out's tolerance."""
    if champion is None:
        return no_champion(len(challenger))
    words = rows.table.vocabulary
    champion, challenger = (_Scaled()("accuracy", model) for model in (champion, challenger))
    outputs: Any = LabelOutputs() if words else Numbers(edges_of(champion), rows.holdout.tolerance)
    comparison = OutputComparison(outputs)
    for start in range(0, len(challenger), BATCH):
        places = range(start, min(start + BATCH, len(challenger)))
        first, second = (
            words.texts(outputs_of_model[start : places.stop]) if words else outputs_of_model[start : places.stop]
            for outputs_of_model in (champion, challenger)
        )
        comparison.add(places, first, second, dict(rows.slices.masks(start, places.stop)))
    return _with_keys(comparison.result(), rows)


def _with_keys(agreement: Agreement, rows: HoldoutRows) -> Agreement:
    """*agreement* names rows by their places. The file is read again only where some differ, to the last of them."""
    keys = rows.keys_at({int(row.key) for row in agreement.worst})
    return replace(agreement, worst=tuple(replace(row, key=keys[int(row.key)]) for row in agreement.worst))


def contributions_of(clients: Clients, rows: HoldoutRows, gates: Iterable[GateSpec]) -> Contributions:
    """What asks the project about *rows*, by the files that the plan of *gates* has recorded.

    A metric of the project is the mean of what its function says of each row: the interval of a mean is known to hold,
    and a formula of the project over all rows would have none.
    """
    functions = dict[str, ProjectFunction]()
    for spec in gates:
        metric = str(spec.options.get("metric", ""))
        file, _, name = metric_function(metric).rpartition(":")
        functions[metric] = ProjectFunction(
            file=file, function=name, source=spec.source, seconds=_METRIC_SECONDS, memory_mb=_METRIC_MEMORY_MB
        )

    def contributions(metric: str, outputs: Any) -> "NDArray[Any]":
        import numpy as np

        truth, predictions = _plain(rows, rows.truth), _plain(rows, outputs)
        return np.array(clients.project_functions.contributions(functions[metric], truth, predictions))

    return contributions


def _plain(rows: HoldoutRows, values: Any) -> list[Any]:
    """Numbers, texts where the hold-out has labels, or a list of probabilities for each row."""
    words = rows.table.vocabulary
    plain: list[Any] = (words.texts(values) if words is not None and values.ndim == 1 else values).tolist()
    return plain
