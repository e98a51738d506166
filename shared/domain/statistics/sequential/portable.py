"""Logarithms and exponentials that are the same bits on every machine.

The C library's and numpy's own differ in the last bit between systems and versions, and a digest is made of figures
that follow from them. IEEE 754 fixes the four basic operations, so these functions use nothing else.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

LN2 = 0.6931471805599453
_HALF_ROOT = 0.7071067811865476
_LOG_TERMS, _EXP_TERMS = 21, 14  # The next term of each series is below the last bit of a double.
BILLION = 10**9


def portable_log(values: Any) -> "NDArray[Any]":
    """The natural logarithm of positive *values*: m = 2^k f with f in [0.71, 1.41), ln f = 2 artanh((f - 1) / (f + 1)).

    The error is at most about three units in the last place.
    """
    import numpy as np

    fractions, exponents = np.frexp(np.asarray(values, dtype=float))
    small = fractions < _HALF_ROOT
    fractions = np.where(small, 2 * fractions, fractions)
    ratio = (fractions - 1) / (fractions + 1)
    square = ratio * ratio
    series = np.zeros_like(square)
    for odd in range(_LOG_TERMS, 0, -2):
        series = series * square + 1 / odd
    logs: NDArray[Any] = (exponents - small) * LN2 + 2 * ratio * series
    return logs


def portable_exp(values: Any) -> "NDArray[Any]":
    """e to the *values*, which may be minus infinity; below -700 it is 0, and from 710 up infinite."""
    import numpy as np

    exponents = np.asarray(values, dtype=float)
    bounded = np.clip(exponents, -700.0, 800.0)
    powers = np.rint(bounded / LN2)
    rest = bounded - powers * LN2
    series = np.ones_like(rest)
    for term in range(_EXP_TERMS, 0, -1):
        series = 1 + series * rest / term
    with np.errstate(over="ignore"):
        result: NDArray[Any] = np.where(exponents < -700.0, 0.0, np.ldexp(series, powers.astype(np.int32)))
    return result


def log_sum_exp(logs: Any) -> "NDArray[Any]":
    """The logarithm of the sum of the exponentials along the last axis; one of each row must be above minus infinity.

    The sum is a running one: numpy's `sum` adds in an order that depends on the processor.
    """
    import numpy as np

    values = np.asarray(logs, dtype=float)
    highest = values.max(axis=-1, keepdims=True)
    sums = np.cumsum(portable_exp(values - highest), axis=-1)[..., -1]
    result: NDArray[Any] = highest[..., 0] + portable_log(sums)
    return result


def billionths(logs: Any) -> "NDArray[Any]":
    """*logs* as whole billionths, whose sums are exact in any order."""
    import numpy as np

    whole: NDArray[Any] = np.rint(np.asarray(logs, dtype=float) * BILLION).astype(np.int64)
    return whole
