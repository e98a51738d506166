"""What both models' predictions of the hold-out rows come to: the metrics that gates ask for, and their agreement."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from activities.holdout_rows import HoldoutRows
from shared.domain.agreement import Agreement, OutputComparison, no_champion
from shared.domain.failures import Refused
from shared.domain.gates.evidence import Evaluation, SliceDifference
from shared.domain.metrics import MetricError, Scale, metric_named, value_of
from shared.domain.outputs import Labels, Numbers, edges_of
from shared.domain.paired import compare


@contextmanager
def _measurable() -> Iterator[None]:
    """What cannot be measured will not be by trying again."""
    try:
        yield
    except MetricError as error:
        raise Refused(str(error)) from error


@_measurable()
def evaluate(
    rows: HoldoutRows, gates: Sequence[Mapping[str, Any]], champion_model: str, champion: Any, challenger: Any
) -> Evaluation:
    """What the options of *gates* ask for: metrics alone and, beside a champion, the paired differences."""
    import numpy as np

    truth, seed = rows.truth, int(rows.digest.removeprefix("sha256:")[:8], 16)
    metrics = {str(each["metric"]): float(each.get("confidence", 0.95)) for each in gates}
    numeric = [name for name in metrics if metric_named(name).scale is not Scale.LABELS]
    if rows.table.vocabulary is not None and numeric:
        raise MetricError(f"{', '.join(numeric)} cannot be measured of labels: use accuracy")
    values = {name: value_of(name, truth, challenger) for name in metrics}
    if champion is None:
        return Evaluation(digest=rows.digest, rows=len(truth), values=values)

    def paired(name: str, members: Any) -> Any:
        columns = (truth[members], champion[members], challenger[members])
        return compare(name, *columns, confidence=metrics[name], seed=seed)

    every = np.ones(len(truth), dtype=bool)
    return Evaluation(
        digest=rows.digest,
        rows=len(truth),
        champion=champion_model,
        values=values,
        differences=tuple(paired(name, every) for name in metrics),
        slices=tuple(_on_slices(rows, metrics, paired)),
    )


def _on_slices(
    rows: HoldoutRows, metrics: Iterable[str], paired: Callable[[str, Any], Any]
) -> Iterator[SliceDifference]:
    """Without those on which a metric has no value, such as one class alone: a gate that asks for them fails."""
    for where, members in rows.slices.masks():
        for name in metrics:
            with suppress(MetricError):
                yield SliceDifference(slice=where, difference=paired(name, members))


@_measurable()
def agreement_of(rows: HoldoutRows, champion: Any, challenger: Any) -> Agreement:
    """How alike both outputs are; numbers agree within the hold-out's tolerance."""
    if champion is None:
        return no_champion(len(challenger))
    words = rows.table.vocabulary
    outputs: Any = Labels() if words else Numbers(edges_of(champion), rows.holdout.tolerance)
    comparison, start = OutputComparison(outputs), 0
    for keys in rows.key_batches():
        stop = start + len(keys)
        first, second = (
            words.texts(each[start:stop]) if words else each[start:stop] for each in (champion, challenger)
        )
        comparison.add(keys, first, second, dict(rows.slices.masks(start, stop)))
        start = stop
    return comparison.result()
