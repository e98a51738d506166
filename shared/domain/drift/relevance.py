"""Which columns tell something about a target: scores with false-discovery control, a spread, and a stability.

Every column is asked by two tests, F and chi-squared; their p-values are joined (Bonferroni) and adjusted over the
columns (Benjamini-Hochberg). Half-samples, drawn from a seed, give each score's standard error (the delete-half
jackknife of Shao and Wu 1989) and its stability: the share of the halves in which the column is chosen.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from shared.domain.counts import counted
from shared.domain.drift.association import (
    bin_numbers,
    chi_squared_of,
    cross_table,
    f_of_groups,
    f_of_numbers,
    freedom_of,
    information_of,
)
from shared.domain.statistics.counts import Tested, benjamini_hochberg

if TYPE_CHECKING:
    from numpy.typing import NDArray

Column = Sequence[float] | Sequence[str]
FEWEST_ROWS = 50


class RelevanceError(ValueError):
    """Relevance cannot be computed; the message names the column and the remedy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureRelevance:
    """*information* in nats, corrected for its bias, with its standard *error*; *stability* from 0 to 1.

    *f* is None where there is no F test, and where the fit is perfect.
    """

    name: str
    rows: int
    information: float
    error: float
    f: float | None
    f_p: float | None
    chi_squared: float | None
    chi_squared_p: float | None
    p_value: float
    adjusted_p: float = 1.0
    selected: bool = False
    stability: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Relevance:
    """Of all columns for *target*, the most telling first; *alpha* bounds the false discovery rate."""

    target: str
    rows: int
    bins: int
    alpha: float
    resamples: int
    seed: int
    features: tuple[FeatureRelevance, ...]

    @property
    def selected(self) -> tuple[str, ...]:
        return tuple(feature.name for feature in self.features if feature.selected)

    def weight(self, name: str) -> float:
        """The information of *name*; 0 where it is not known or not selected."""
        return next(
            (max(0.0, feature.information) for feature in self.features if feature.name == name and feature.selected),
            0.0,
        )


@dataclass(frozen=True, slots=True)
class _Pair:
    """A column beside the target on the rows that have both: codes of both, and numbers where they are numbers."""

    name: str
    codes: "NDArray[Any]"
    target_codes: "NDArray[Any]"
    numbers: "NDArray[Any] | None"
    target_numbers: "NDArray[Any] | None"

    def at(self, rows: "NDArray[Any]") -> "_Pair":
        arrays = (None if array is None else array[rows] for array in (self.numbers, self.target_numbers))
        return _Pair(self.name, self.codes[rows], self.target_codes[rows], *arrays)

    def f(self) -> Tested | None:
        if self.target_numbers is not None:
            if self.numbers is not None:
                return f_of_numbers(self.numbers, self.target_numbers)
            return f_of_groups(self.codes, self.target_numbers)
        return None if self.numbers is None else f_of_groups(self.target_codes, self.numbers)

    def judged(self) -> FeatureRelevance:
        table = cross_table(self.codes, self.target_codes)
        f, chi = self.f(), chi_squared_of(table)
        p_values = [test.p_value for test in (f, chi) if test is not None]
        return FeatureRelevance(
            name=self.name,
            rows=len(self.codes),
            information=information_of(table) - freedom_of(table) / (2 * max(1, len(self.codes))),
            error=(2 * freedom_of(table)) ** 0.5 / (2 * max(1, len(self.codes))),
            f=f.statistic if f and math.isfinite(f.statistic) else None,
            f_p=f.p_value if f else None,
            chi_squared=chi.statistic if chi else None,
            chi_squared_p=chi.p_value if chi else None,
            p_value=min(1.0, *(len(p_values) * p_value for p_value in p_values)) if p_values else 1.0,
        )


def relevance(
    columns: Mapping[str, Column],
    target: str,
    *,
    alpha: float = 0.05,
    bins: int = 5,
    resamples: int = 100,
    seed: int = 0,
) -> Relevance:
    """Of every column for *target*. Numbers are binned, texts are categories; NaN and the empty text are missing.

    Raises RelevanceError where the target is not there, never varies, or has fewer than 50 rows.
    """
    import numpy as np

    goal = _goal(columns, target)
    pairs = [_pair(name, column, goal, bins) for name, column in columns.items() if name != target]
    features_of_all_rows = _adjust([pair.judged() for pair in pairs], alpha)
    halves = list(_halves(pairs, alpha, resamples, np.random.default_rng(seed)))
    features = [_spread(feature, [half[at] for half in halves]) for at, feature in enumerate(features_of_all_rows)]
    features.sort(key=lambda feature: (-feature.information, feature.name))
    return Relevance(
        target=target,
        rows=len(goal),
        bins=bins,
        alpha=alpha,
        resamples=resamples,
        seed=seed,
        features=tuple(features),
    )


def _goal(columns: Mapping[str, Column], target: str) -> "NDArray[Any]":
    import numpy as np

    if target not in columns:
        near = get_close_matches(target, columns, 1)  # No more of them: a file without a header has a row there.
        remedy = f"did you mean {near[0]!r}?" if near else "use the name of a column"
        raise RelevanceError(f"target {target!r} is none of the {len(columns)} columns; {remedy}")
    goal = np.asarray(columns[target])
    present = _is_present(goal)
    if present.sum() < FEWEST_ROWS:
        raise RelevanceError(f"target {target!r} has {present.sum()} values; at least {FEWEST_ROWS} rows are needed")
    if len(np.unique(goal[present])) < 2:
        raise RelevanceError(f"target {target!r} has one value in all rows: nothing can tell anything about it")
    return goal


def _is_present(column: "NDArray[Any]") -> "NDArray[Any]":
    import numpy as np

    present: NDArray[Any] = np.isfinite(column) if _numeric(column) else column != ""
    return present


def _numeric(column: "NDArray[Any]") -> bool:
    return column.dtype.kind in "fiub"


def _pair(name: str, column: Column, goal: "NDArray[Any]", bins: int) -> _Pair:
    import numpy as np

    values = np.asarray(column)
    if values.shape != goal.shape:
        raise RelevanceError(
            f"column {name!r} has {counted(len(values), 'row')} and the target {len(goal)}: give them the same"
        )
    rows = _is_present(values) & _is_present(goal)
    values, goal = values[rows], goal[rows]
    return _Pair(name, _codes(values, bins), _codes(goal, bins), _numbers(values), _numbers(goal))


def _codes(values: "NDArray[Any]", bins: int) -> "NDArray[Any]":
    """Numbers with few values are their own bins."""
    import numpy as np

    distinct, codes = np.unique(values, return_inverse=True)
    return bin_numbers(values, bins) if _numeric(values) and len(distinct) > bins else codes


def _numbers(values: "NDArray[Any]") -> "NDArray[Any] | None":
    import numpy as np

    return values.astype(np.float64) if _numeric(values) else None


def _adjust(features: list[FeatureRelevance], alpha: float) -> list[FeatureRelevance]:
    q_values = benjamini_hochberg([feature.p_value for feature in features])
    return [replace(feature, adjusted_p=p, selected=p <= alpha) for feature, p in zip(features, q_values, strict=True)]


def _halves(pairs: list[_Pair], alpha: float, resamples: int, chance: Any) -> Iterator[list[FeatureRelevance]]:
    """The same judgement on random halves of each column's rows."""
    for _ in range(resamples):
        samples = [pair.at(chance.permutation(len(pair.codes))[: len(pair.codes) // 2]) for pair in pairs]
        yield _adjust([pair.judged() for pair in samples], alpha)


def _spread(feature: FeatureRelevance, halves: list[FeatureRelevance]) -> FeatureRelevance:
    """Half-samples without replacement scatter around the whole as the whole does around the truth."""
    import numpy as np

    if not halves:
        return feature
    scatter = float(np.std([half.information for half in halves], ddof=min(1, len(halves) - 1)))
    stability = sum(half.selected for half in halves) / len(halves)
    return replace(feature, error=max(feature.error, scatter), stability=stability)
