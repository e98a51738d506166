"""How much better a challenger is than the champion on the same rows, with the interval of that *paired* difference.

Bootstrap: Efron and Tibshirani, "An Introduction to the Bootstrap", 1993 (BCa, chapter 14), widened for small samples
as in Hesterberg, "What Teachers Should Know About the Bootstrap", 2015. AUC: DeLong, DeLong and Clarke-Pearson, 1988,
computed from midranks as in Sun and Xu, 2014.
"""

import math

import numpy as np
from scipy.special import ndtr, ndtri, stdtrit

from shared.domain.gates.evidence import Difference
from shared.domain.metrics import AUC, METRICS, Array, Metric, refuse_missing

_BINS = 64  # Along each of the two losses: at most 4,096 cells.
_MANY = 20_000  # Rows above which cells, not rows, are resampled.


def compare(
    metric: str,
    truth: Array,
    champion: Array,
    challenger: Array,
    *,
    alpha: float = 0.05,
    seed: int = 0,
    resamples: int = 1999,
) -> Difference:
    """The difference and its interval; each end is exceeded with probability *alpha*. Shapes (rows,).

    Raises ValueError for missing values, for fewer than two rows and for an unknown metric.
    """
    refuse_missing(truth=truth, champion=champion, challenger=challenger)
    if len(truth) < 2:
        raise ValueError(f"{len(truth)} rows cannot be compared; at least 2 are needed")
    if metric == AUC:
        return _delong(truth, champion, challenger, alpha)
    if metric not in METRICS:
        raise ValueError(f"metric {metric!r} is unknown; use one of {', '.join((*METRICS, AUC))}")
    return _bootstrap(METRICS[metric], truth, champion, challenger, alpha, np.random.default_rng(seed), resamples)


def _bootstrap(
    metric: Metric, truth: Array, champion: Array, challenger: Array, alpha: float, rng: np.random.Generator, times: int
) -> Difference:
    first, second = metric.moments(truth, champion), metric.moments(truth, challenger)
    moments, width = np.concatenate([first, second], axis=1), first.shape[1]
    sign = 1.0 if metric.higher_is_better else -1.0

    def oriented(means: Array) -> Array:
        gain: Array = sign * (metric.value(means[..., width:]) - metric.value(means[..., :width]))
        return gain

    means = moments.mean(axis=0)
    estimate = float(oriented(means))
    many = len(truth) > _MANY
    drawn = np.sort(oriented(_draw_cells(moments, width, rng, times) if many else _draw_rows(moments, rng, times)))
    ends = (alpha, 1 - alpha) if many else _bca_ends(oriented, moments, drawn, estimate, alpha)
    low, high = np.quantile(drawn, ends)
    return Difference(
        metric=metric.name,
        estimate=estimate,
        low=float(low),
        high=float(high),
        champion=float(metric.value(means[:width])),
        challenger=float(metric.value(means[width:])),
        rows=len(truth),
        method="bootstrap percentile" if many else "bootstrap BCa",
        alpha=alpha,
    )


def _draw_rows(moments: Array, rng: np.random.Generator, times: int) -> Array:
    """Means of *times* resamples of the rows themselves."""
    rows = len(moments)
    drawn = np.empty((times, moments.shape[1]))
    for number in range(times):
        drawn[number] = np.bincount(rng.integers(0, rows, rows), minlength=rows) @ moments / rows
    return drawn


def _draw_cells(moments: Array, width: int, rng: np.random.Generator, times: int) -> Array:
    """Means of *times* resamples of many rows, by cells of rows with alike losses.

    How many rows fall into each cell is drawn exactly (multinomial); which rows of the cell, by the normal law of their
    sum, whose covariance is pooled over the cells. Time and memory depend on the cells and no longer on the rows.
    """
    rows = len(moments)
    cell = _ranks(moments[:, 0]) * _BINS + _ranks(moments[:, width])
    counts = np.bincount(cell, minlength=_BINS * _BINS)
    sums = np.stack([np.bincount(cell, weights=column, minlength=len(counts)) for column in moments.T], axis=1)
    used = counts > 0
    centres = sums[used] / counts[used, None]
    inside = (moments.T @ moments - (centres * counts[used, None]).T @ centres) / rows
    share = counts[used] / rows
    drawn = np.empty((times, moments.shape[1]))
    for number in range(times):
        drawn[number] = rng.multinomial(rows, share) @ centres / rows
    noise = rng.multivariate_normal(
        np.zeros(len(inside)), inside / rows, size=times, method="svd", check_valid="ignore"
    )
    total: Array = drawn + noise
    return total


def _ranks(values: Array) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """The quantile bin of each value, from edges estimated on a sample: the edges need not be exact."""
    sample = values[:: max(1, len(values) // 50_000)]
    edges = np.unique(np.quantile(sample, np.linspace(0, 1, _BINS + 1)[1:-1]))
    return np.searchsorted(edges, values, side="right")


def _bca_ends(oriented, moments: Array, drawn: Array, estimate: float, alpha: float) -> tuple[float, float]:  # type: ignore[no-untyped-def]
    """The quantiles to read off *drawn*: corrected for bias, for skewness (jackknife) and for the small sample."""
    rows = len(moments)
    below = (np.count_nonzero(drawn < estimate) + np.count_nonzero(drawn == estimate) / 2) / len(drawn)
    bias = ndtri(min(max(below, 1 / (2 * len(drawn))), 1 - 1 / (2 * len(drawn))))
    left_out = oriented((moments.sum(axis=0) - moments) / (rows - 1))
    away = left_out.mean() - left_out
    spread = float((away**2).sum())
    skew = float((away**3).sum()) / (6 * spread**1.5) if spread > 0 else 0.0

    def end(probability: float) -> float:
        wide = math.sqrt(rows / (rows - 1)) * stdtrit(rows - 1, probability)
        moved = bias + wide
        return float(ndtr(bias + moved / (1 - skew * moved)))

    return end(alpha), end(1 - alpha)


def _delong(truth: Array, champion: Array, challenger: Array, alpha: float) -> Difference:
    positive = truth == 1
    hits, misses = int(positive.sum()), int((~positive).sum())
    if hits < 2 or misses < 2:
        raise ValueError(f"AUC needs at least 2 rows of each class; there are {hits} positive and {misses} others")
    areas, by_hit, by_miss = zip(*(_placements(each, positive) for each in (champion, challenger)), strict=True)
    gain = areas[1] - areas[0]
    variance = float(np.var(by_hit[1] - by_hit[0], ddof=1) / hits + np.var(by_miss[1] - by_miss[0], ddof=1) / misses)
    reach = -float(ndtri(alpha)) * math.sqrt(variance)
    return Difference(
        metric=AUC,
        estimate=gain,
        low=gain - reach,
        high=gain + reach,
        champion=areas[0],
        challenger=areas[1],
        rows=len(truth),
        method="DeLong",
        alpha=alpha,
    )


def _placements(scores: Array, positive: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> tuple[float, Array, Array]:
    """The AUC, the share of negatives below each positive, and of positives above each negative (ties count half)."""
    hits, misses = scores[positive], scores[~positive]
    overall = _midranks(scores)
    by_hit: Array = (overall[positive] - _midranks(hits)) / len(misses)
    by_miss: Array = 1 - (overall[~positive] - _midranks(misses)) / len(hits)
    return float(by_hit.mean()), by_hit, by_miss


def _midranks(values: Array) -> Array:
    """Ranks from 1; ties share the mean of theirs."""
    _, where, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    ranks: Array = (last - (counts - 1) / 2)[where]
    return ranks
