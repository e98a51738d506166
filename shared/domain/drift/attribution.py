"""How much each column has to do with what moved: by its effect on the score, by its relevance, or by its distance."""

from collections.abc import Sequence
from itertools import pairwise

from shared.domain.data.data_measures import Tally
from shared.domain.drift.reference import ModelReference, Response
from shared.domain.drift.rule import ColumnDrift, Part
from shared.domain.drift.window import Counted, as_counted
from shared.domain.statistics.shifts import Movement

Shares = dict[tuple[Part, str], float]


def score_shift(reference: ModelReference, window: Counted, column: ColumnDrift) -> float | None:
    """What the column's other distribution does to the mean output, were every response as it was; None if unknown."""
    response, tally = reference.responses.get(column.column), window.inputs.get(column.column)
    if column.part is not Part.INPUT or response is None or tally is None or not tally.total:
        return None
    before = as_counted(reference).inputs[column.column]
    if response.categories:
        return _of_categories(response, before, tally)
    points = reference.inputs.columns[column.column].breakpoints
    shares = [_bin_shares(tally_, points, response.edges) for tally_ in (before, tally)]
    return float(sum((b - a) * mean for a, b, mean in zip(*shares, response.means, strict=True)))


def shares(reference: ModelReference, columns: Sequence[ColumnDrift]) -> tuple[str, Shares]:
    """What the shares of the inputs that moved are of, and each one's; they add up to 1."""
    moved_columns = [
        column for column in columns if column.movement is Movement.MOVED and column.part is not Part.OUTPUT
    ]
    shifts = {(column.part, column.column): abs(column.score_shift or 0.0) for column in moved_columns}
    weighted_distances = {
        (column.part, column.column): (column.effect or 0.0) * _weight(reference, column.column)
        for column in moved_columns
    }
    distances = {(column.part, column.column): column.effect or 0.0 for column in moved_columns}
    for by, parts in (("expected shift of the score", shifts), ("distance times relevance", weighted_distances)):
        if sum(parts.values()):
            return by, _normalise(parts)
    return "distance", _normalise(distances)


def _normalise(parts: Shares) -> Shares:
    total = sum(parts.values()) or 1.0
    return {name: part / total for name, part in parts.items()}


def _weight(reference: ModelReference, column: str) -> float:
    return reference.relevance.weight(column) if reference.relevance else 0.0


def _of_categories(response: Response, before: Tally, after: Tally) -> float:
    """Categories that the reference never saw answer as the reference's mean, and so add nothing."""
    overall = sum(response.categories.get(name, 0.0) * count for name, count in before.counts.items()) / before.total
    names = {*before.counts, *after.counts}
    return sum(
        (after.counts.get(name, 0) / after.total - before.counts.get(name, 0) / before.total)
        * (response.categories.get(name, overall) - overall)
        for name in names
    )


def _bin_shares(tally: Tally, points: Sequence[float], edges: Sequence[float]) -> list[float]:
    """Shares of the values up to each edge and above the one before; an edge is one of the breakpoints."""
    import numpy as np

    below = np.cumsum(tally.cells)
    cumulative = [0, *(int(below[at]) for at in np.searchsorted(points, edges)), tally.total]
    return [(high - low) / tally.total for low, high in pairwise(cumulative)]
