"""How the outputs of two models for the same rows are distributed: numbers in cells, labels by count.

Counts only, so they can be added chunk by chunk in bounded memory. It judges nothing.
"""

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol, Self

from shared.domain.metrics.catalogue import Column, require_whole

if TYPE_CHECKING:
    from numpy.typing import NDArray

CELLS = 1024
_QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


class Outputs(Protocol):
    """Two models' outputs, counted."""

    def read(self, name: str, column: Column, rows: int) -> "NDArray[Any]":
        """*column* as an array; raises MetricError where outputs are missing."""
        ...

    def shift(self, champion: "NDArray[Any]", challenger: "NDArray[Any]", /) -> "NDArray[Any]":
        """Challenger less champion, row by row, in the output's unit; 0 for labels, which have none."""
        ...

    def disagreement(self, champion: "NDArray[Any]", challenger: "NDArray[Any]") -> "NDArray[Any]":
        """How far apart the outputs are, row by row; 0 where they agree."""
        ...

    def add(self, champion: "NDArray[Any]", challenger: "NDArray[Any]") -> None: ...

    def merge(self, outputs: Self) -> None: ...

    def distance(self) -> float:
        """Between the two distributions, from 0 to 1."""
        ...

    def shifts(self) -> dict[str, float]:
        """What moved, by name."""
        ...


class Numbers:
    """Outputs of a regression, or probabilities; *tolerance* is how far apart two that agree may be.

    *edges* rise; take them from `edges_of` a sample, and the same ones for tallies that are to be merged. The distance
    is Kolmogorov-Smirnov's at the edges, never above the true one; shifts are of quantiles, interpolated within cells.
    """

    def __init__(self, edges: Sequence[float], tolerance: float = 0.0) -> None:
        import numpy as np

        self.edges, self.tolerance = np.asarray(edges, dtype=np.float64), tolerance
        if not len(self.edges) or not np.isfinite(self.edges).all() or (np.diff(self.edges) <= 0).any():
            raise ValueError(f"edges {edges!r} must be finite and rise: take them from edges_of(a sample)")
        if not tolerance >= 0:
            raise ValueError(f"tolerance {tolerance!r} must be 0 or more")
        # Counts in a thousand cells and not the values: a hold-out of ten million rows is compared in 16 kB, and chunks
        # of it can be counted in any order.
        self._cells = np.zeros((2, len(self.edges) + 1), dtype=np.int64)
        self._extremes = np.array([[np.inf, -np.inf]] * 2)

    def read(self, name: str, column: Column, rows: int) -> "NDArray[Any]":
        import numpy as np

        array = np.asarray(column, dtype=np.float64)
        require_whole("agreement", name, array, rows)
        return array

    def shift(self, champion: "NDArray[Any]", challenger: "NDArray[Any]") -> "NDArray[Any]":
        difference: NDArray[Any] = challenger - champion
        return difference

    def disagreement(self, champion: "NDArray[Any]", challenger: "NDArray[Any]") -> "NDArray[Any]":
        import numpy as np

        distance = np.abs(challenger - champion)
        differing: NDArray[Any] = np.where(distance > self.tolerance, distance, 0.0)
        return differing

    def add(self, champion: "NDArray[Any]", challenger: "NDArray[Any]") -> None:
        import numpy as np

        for side, outputs in enumerate((champion, challenger)):
            cells = np.searchsorted(self.edges, outputs, "left")
            self._cells[side] += np.bincount(cells, minlength=len(self.edges) + 1)
            self._widen(side, float(outputs.min()), float(outputs.max()))

    def merge(self, outputs: Self) -> None:
        if self.edges.tolist() != outputs.edges.tolist() or self.tolerance != outputs.tolerance:
            raise ValueError("outputs counted with other edges or another tolerance cannot be merged: use the same")
        self._cells += outputs._cells
        for side in (0, 1):
            self._widen(side, *outputs._extremes[side])

    def _widen(self, side: int, least: float, most: float) -> None:
        extremes = self._extremes[side]
        extremes[0], extremes[1] = min(extremes[0], least), max(extremes[1], most)

    def distance(self) -> float:
        import numpy as np

        first, second = np.cumsum(self._cells, axis=1) / self._cells.sum(axis=1, keepdims=True)
        return float(np.abs(first - second).max())

    def shifts(self) -> dict[str, float]:
        return {
            f"p{quantile * 100:02.0f}": self._quantile(1, quantile) - self._quantile(0, quantile)
            for quantile in _QUANTILES
        }

    def _quantile(self, side: int, quantile: float) -> float:
        import numpy as np

        least, most = self._extremes[side]
        points = np.clip(np.concatenate([[least], self.edges, [most]]), least, most)
        below = np.concatenate([[0], np.cumsum(self._cells[side])])
        position = np.searchsorted(below, quantile * below[-1], "left")
        share = (quantile * below[-1] - below[position - 1]) / (below[position] - below[position - 1])
        return float(points[position - 1] + share * (points[position] - points[position - 1]))


class LabelOutputs:
    """Outputs of a classifier; equal ones agree. The distance is the total variation, shifts are of labels' shares."""

    def __init__(self) -> None:
        self._counts: tuple[Counter[str], Counter[str]] = (Counter(), Counter())

    def read(self, name: str, column: Column, rows: int) -> "NDArray[Any]":
        import numpy as np

        array = np.asarray(column)
        require_whole("agreement", name, array, rows)
        return array

    def shift(self, champion: "NDArray[Any]", _: "NDArray[Any]") -> "NDArray[Any]":
        import numpy as np

        return np.zeros(len(champion))

    def disagreement(self, champion: "NDArray[Any]", challenger: "NDArray[Any]") -> "NDArray[Any]":
        differing: NDArray[Any] = (champion != challenger).astype(float)
        return differing

    def add(self, champion: "NDArray[Any]", challenger: "NDArray[Any]") -> None:
        import numpy as np

        for counts, outputs in zip(self._counts, (champion, challenger), strict=True):
            labels, times = np.unique(outputs, return_counts=True)
            counts.update(dict(zip(map(str, labels.tolist()), times.tolist(), strict=True)))

    def merge(self, outputs: Self) -> None:
        for counts, other_counts in zip(self._counts, outputs._counts, strict=True):
            counts.update(other_counts)

    def distance(self) -> float:
        return sum(abs(shift) for shift in self.shifts().values()) / 2

    def shifts(self) -> dict[str, float]:
        first, second = self._counts
        return {
            label: second[label] / second.total() - first[label] / first.total() for label in sorted({*first, *second})
        }


def edges_of(sample: Column) -> tuple[float, ...]:
    """At most CELLS - 1 rising edges, evenly spaced in rank over *sample*: outputs of either model, or both."""
    import numpy as np

    array = np.asarray(sample, dtype=np.float64)
    require_whole("agreement", "sample", array, len(array))
    return tuple(np.unique(np.quantile(array, np.linspace(0, 1, CELLS - 1))).tolist())
