"""Profiles and responses of columns, made as `examples/diabetes` makes them: for references of tests and benchmarks."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

from shared.domain.data.data_contract import Column
from shared.domain.data.reference_profile import ColumnProfile, draft
from shared.domain.drift.counting import tally_of
from shared.domain.drift.reference import Response

if TYPE_CHECKING:
    from numpy.typing import NDArray

_RESPONSE_BINS = 10


def profile_of(values: "NDArray[Any]", kind: Literal["number", "string"]) -> ColumnProfile | None:
    """The profile of *values*, as the data check's is made; None for free text."""
    profile = draft(Column(name="", type=kind), values.tolist())
    if profile is None:
        return None
    tally = tally_of(values, profile)
    return replace(profile, cells=tally.cells, counts=dict(tally.counts))


def response_of(values: "NDArray[Any]", profile: ColumnProfile, outputs: "NDArray[Any]") -> Response:
    """The mean of *outputs* by what *values* were, row by row, in about ten bins of the profile's own cells."""
    import numpy as np

    if profile.kind == "categorical":
        return Response(categories={str(name): float(outputs[values == name].mean()) for name in np.unique(values)})
    present = np.isfinite(values)
    edges = _edges(profile)
    cells = np.searchsorted(edges, values[present])
    sums = np.bincount(cells, weights=outputs[present], minlength=len(edges) + 1)
    counts = np.bincount(cells, minlength=len(edges) + 1)
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
