"""Count columns of values against a reference, and make profiles and responses of them. It reads no file."""

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from shared.domain.data.data_contract import Column
from shared.domain.data.data_measures import CATEGORIES, OTHER, Tally
from shared.domain.data.reference_profile import ColumnProfile, draft
from shared.domain.drift.reference import Moments, Response

if TYPE_CHECKING:
    from numpy.typing import NDArray

_RESPONSE_BINS = 10


def tally_of(values: "NDArray[Any]", profile: ColumnProfile) -> Tally:
    """*values* (numbers, or texts for categories) in the profile's cells; NaN and the empty text are left out."""
    import numpy as np

    if profile.kind == "categorical":
        return Tally(counts=_counts(values, profile.counts))
    numbers = values[np.isfinite(values)]
    cells = np.searchsorted(np.asarray(profile.breakpoints), numbers)
    return Tally(cells=tuple(np.bincount(cells, minlength=len(profile.breakpoints) + 1).tolist()))


def _counts(values: "NDArray[Any]", reference_counts: Mapping[str, int]) -> dict[str, int]:
    import numpy as np

    counts: Counter[str] = Counter()
    for name, times in zip(*(array.tolist() for array in np.unique(values, return_counts=True)), strict=True):
        if name != "":
            counts[str(name) if str(name) in reference_counts or len(counts) < CATEGORIES else OTHER] += times
    return dict(counts)


def moments_of(values: "NDArray[Any]") -> Moments:
    """Of the finite *values*."""
    import numpy as np

    numbers = values[np.isfinite(values)]
    if not len(numbers):
        return Moments()
    mean = float(numbers.mean())
    return Moments(rows=len(numbers), mean=mean, squares=float(((numbers - mean) ** 2).sum()))


def profile_of(values: "NDArray[Any]", kind: Literal["number", "string"]) -> ColumnProfile | None:
    """The profile of *values*, as the data check's is made; None for free text."""
    drafted = draft(Column(name="", type=kind), values.tolist())
    if drafted is None:
        return None
    tally = tally_of(values, drafted)
    return ColumnProfile(
        kind=drafted.kind, breakpoints=drafted.breakpoints, cells=tally.cells, counts=dict(tally.counts)
    )


def response_of(values: "NDArray[Any]", profile: ColumnProfile, outputs: "NDArray[Any]") -> Response:
    """The mean of *outputs* by what *values* were, row by row, in about ten bins of the profile's own cells."""
    import numpy as np

    if profile.kind == "categorical":
        return Response(categories={str(name): float(outputs[values == name].mean()) for name in np.unique(values)})
    there = np.isfinite(values)
    edges = _edges(profile)
    places = np.searchsorted(edges, values[there])
    sums = np.bincount(places, weights=outputs[there], minlength=len(edges) + 1)
    counts = np.bincount(places, minlength=len(edges) + 1)
    means = np.where(counts > 0, sums / np.maximum(counts, 1), outputs.mean())
    return Response(edges=tuple(edges.tolist()), means=tuple(means.tolist()))


def _edges(profile: ColumnProfile) -> "NDArray[Any]":
    """Breakpoints below which about a tenth, two tenths... of the values lie."""
    import numpy as np

    below = np.cumsum(profile.cells)
    ranks = below[-1] * np.arange(1, _RESPONSE_BINS) / _RESPONSE_BINS
    positions = np.unique(np.searchsorted(below, ranks))
    edges: NDArray[Any] = np.asarray(profile.breakpoints)[positions[positions < len(profile.breakpoints)]]
    return edges
