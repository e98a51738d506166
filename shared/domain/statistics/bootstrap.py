"""A studentised bootstrap interval for a formula over means, in a time that hardly grows with the number of rows.

Source: Efron & Tibshirani (1993), sections 12.5 (bootstrap-t) and 21.4-21.8 (the delta method).
Up to ATOMS rows it is the ordinary bootstrap. It draws from a seed only: the same columns give the same interval.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from shared.domain.statistics.distributions import student_quantile

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

Formula = Callable[["NDArray[Any]"], "NDArray[Any]"]  # (k, ...) means to (...) values.
ATOMS = 4096
# Resamples at a time: 256 rows of 4,096 counts are 8 MB.
_BLOCK = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """The ends *low* and *high*; *tail* says how much the estimate rests on rare rows that pull it down: the negative
    skewness of the rows' influence over the root of their number, 0 where they pull it up.
    """

    low: float
    high: float
    tail: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Replicates:
    """Resampled means, (resamples, k), and mean products of pairs of columns, (resamples, k * k)."""

    means: "NDArray[Any]"
    products: "NDArray[Any]"


def resample(rows: "NDArray[Any]", resamples: int, chance: "Generator") -> Replicates:
    """Bootstrap means of *rows*, shape (k, n) and centred on 0.

    The ATOMS most extreme rows are drawn one by one, which is exact. How many draws fall among all the others is exact
    too; their sum is drawn from the normal distribution of its mean and covariance, which the central limit theorem
    allows: there are many, and none is extreme. Their mean products are taken as constant.
    """
    import numpy as np

    atoms, bulk_size = _pack(rows)
    n, k = rows.shape[1], len(rows)
    drawn_singly = np.hstack([atoms, (atoms[:, :, None] * atoms[:, None, :]).reshape(len(atoms), -1)])
    middle, covariance = _bulk(rows, atoms, bulk_size)
    # Cholesky fails on a singular covariance (two columns may be the same), so the root is taken by eigenvalues.
    values, vectors = np.linalg.eigh(covariance)
    root = vectors * np.sqrt(np.maximum(values, 0))
    constant = (covariance + np.outer(middle, middle)).ravel()

    # A block of resamples at a time: all at once, (resamples, atoms) numbers would take hundreds of megabytes.
    means, products = [], []
    for counts in _counts(len(atoms), n, resamples, chance):
        bulk_draws = (n - counts.sum(axis=1))[:, None]
        noise = chance.standard_normal((len(counts), k)) @ root.T
        sums = counts @ drawn_singly
        means.append((sums[:, :k] + bulk_draws * middle + np.sqrt(bulk_draws) * noise) / n)
        products.append((sums[:, k:] + bulk_draws * constant) / n)
    return Replicates(means=np.concatenate(means), products=np.concatenate(products))


def _pack(rows: "NDArray[Any]") -> tuple["NDArray[Any]", int]:
    """The rows farthest from the centre in any column's standard deviations, shape (atoms, k), and how many others."""
    import numpy as np

    n = rows.shape[1]
    if n <= ATOMS:
        return rows.T, 0
    farthest = np.zeros(n)
    for column in rows:
        np.maximum(farthest, abs(column) / (column.std() or 1.0), out=farthest)
    return rows[:, np.argpartition(farthest, n - ATOMS)[n - ATOMS :]].T, n - ATOMS


def _bulk(rows: "NDArray[Any]", atoms: "NDArray[Any]", bulk_size: int) -> tuple["NDArray[Any]", "NDArray[Any]"]:
    """The mean and covariance of all rows but the *atoms*: what remains of the sums."""
    import numpy as np

    k = len(rows)
    if not bulk_size:
        return np.zeros(k), np.zeros((k, k))
    middle = (rows.sum(axis=1) - atoms.sum(axis=0)) / bulk_size
    return middle, (rows @ rows.T - atoms.T @ atoms) / bulk_size - np.outer(middle, middle)


def _counts(atoms: int, n: int, resamples: int, chance: "Generator") -> "Iterator[NDArray[Any]]":
    """How often each of *atoms* of *n* rows is drawn in *n* draws with replacement, some resamples at a time."""
    import numpy as np

    for start in range(0, resamples, _BLOCK):
        size = min(_BLOCK, resamples - start)
        totals = chance.binomial(n, atoms / n, size)
        atom_numbers = chance.integers(atoms, size=totals.sum())
        atom_numbers += np.repeat(np.arange(size) * atoms, totals)  # In place: a block's draws are 8 MB.
        yield np.bincount(atom_numbers, minlength=size * atoms).reshape(size, atoms).astype(np.float64)


def interval(rows: "NDArray[Any]", formula: Formula, *, confidence: float, seed: int, resamples: int) -> Interval:
    """The bootstrap-t interval of *formula* at the means of *rows*, shape (k, n).

    Standard errors come from the delta method, here and in each resample. Each counts one row more, as influential as
    the most influential there is, so that a resample without variation does not divide by nothing. Neither end is
    closer than Student's t puts it: alone, bootstrap-t is too short for few rows with heavy tails.
    """
    import numpy as np

    centre = rows.mean(axis=1)
    estimate = float(formula(centre))
    deviations = rows - centre[:, None]
    n, spread = rows.shape[1], deviations.std(axis=1)

    def value(shift: "NDArray[Any]") -> "NDArray[Any]":
        return formula(centre[:, None] + shift.T)

    slope = _slope(value, np.zeros((1, len(rows))), spread / n**0.5)[0]
    influence = slope @ deviations
    extra = float(np.max(influence**2)) / n
    error = np.sqrt((np.mean(influence**2) + extra) / n)
    if error == 0:
        return Interval(low=estimate, high=estimate)

    replicates = resample(deviations, resamples, np.random.default_rng(seed))
    errors = np.sqrt((_variances(value, replicates, spread / n**0.5) + extra) / n)
    ratios = (value(replicates.means) - estimate) / errors
    # Weibull's positions, k / (B + 1): the true ratio is as likely to fall between any two neighbours of the B ratios
    # (Davison & Hinkley 1997, section 5.2). NumPy's default interpolates between the extremes, so its tails are short.
    below, above = np.quantile(ratios, [(1 - confidence) / 2, (1 + confidence) / 2], method="weibull")
    student = student_quantile(n - 1, (1 + confidence) / 2) if n > 1 else np.inf
    return Interval(
        low=float(estimate - max(above, student) * error),
        high=float(estimate - min(below, -student) * error),
        tail=tail_weight(influence),
    )


def tail_weight(influence: "NDArray[Any]") -> float:
    """The negative skewness of *influence* (of mean 0) over the root of the number of its rows; 0 for a positive one.

    It is the first term of the error of Student's t (Johnson 1978): large, where few rows carry the losses.
    """
    import numpy as np

    square, cube = float(np.mean(influence**2)), float(np.mean(influence**3))
    return max(0.0, -cube / (square**1.5 * math.sqrt(len(influence)))) if square else 0.0


def _variances(value: Formula, replicates: Replicates, scale: "NDArray[Any]") -> "NDArray[Any]":
    """The formula's variance per row in each resample, by the delta method."""
    import numpy as np

    slopes = _slope(value, replicates.means, scale)
    seconds = replicates.products.reshape(len(slopes), slopes.shape[1], -1)
    squares = np.einsum("rk,rkl,rl->r", slopes, seconds, slopes)
    variances: NDArray[Any] = np.maximum(squares - np.einsum("rk,rk->r", slopes, replicates.means) ** 2, 0)
    return variances


def _slope(value: Formula, at: "NDArray[Any]", scale: "NDArray[Any]") -> "NDArray[Any]":
    """Partial derivatives by central differences, a thousandth of a standard error to either side; shape like *at*."""
    import numpy as np

    slopes = np.zeros_like(at)
    for column in range(at.shape[1]):
        step = np.zeros(at.shape[1])
        # Small beside a standard error, so that the formula is straight there; large beside the rounding of its values,
        # whose difference is divided by it.
        step[column] = scale[column] / 1000
        if step[column]:
            slopes[:, column] = (value(at + step) - value(at - step)) / (2 * step[column])
    return slopes
