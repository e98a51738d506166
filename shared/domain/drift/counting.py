"""Count columns of values against a reference. It reads no file."""

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from shared.domain.data.data_measures import CATEGORIES, OTHER, Tally
from shared.domain.data.reference_profile import ColumnProfile
from shared.domain.drift.reference import Moments

if TYPE_CHECKING:
    from numpy.typing import NDArray


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
