"""How alike two models' outputs are on the same inputs: agreement, shift, and the rows where they differ most."""

from collections.abc import Mapping, Sequence

import numpy as np

from shared.domain.gates.evidence import Agreement, WorstRow
from shared.domain.metrics import Array, refuse_missing

_WORST = 20


def agreement(
    keys: Sequence[str],
    champion: Array,
    challenger: Array,
    tolerance: float,
    slices: Mapping[str, Sequence[str]],
) -> Agreement:
    """*tolerance* is in the outputs' units, 0 for labels; *slices* give each row's value. Raises ValueError."""
    refuse_missing(champion=champion, challenger=challenger)
    if len(champion) == 0:
        raise ValueError("there are no rows to compare")
    shift = challenger - champion
    deciles = np.linspace(0.1, 0.9, 9)
    order = np.argsort(-np.abs(shift), kind="stable")[:_WORST]
    worst = [WorstRow(key=keys[n], champion=float(champion[n]), challenger=float(challenger[n])) for n in order]
    return Agreement(
        rows=len(champion),
        tolerance=tolerance,
        agree=float(np.mean(np.abs(shift) <= tolerance)),
        mean_shift=float(shift.mean()),
        quantile_shifts=tuple(
            float(each) for each in np.quantile(challenger, deciles) - np.quantile(champion, deciles)
        ),
        ks=_ks(champion, challenger),
        slices=_by_slice(shift, slices),
        worst=tuple(worst),
    )


def _by_slice(shift: Array, slices: Mapping[str, Sequence[str]]) -> dict[str, float]:
    """The mean shift of each value of each slicing column, as `column=value`."""
    found = {}
    for column, values in slices.items():
        labels = np.asarray(values, dtype=object)
        for value in sorted(set(values)):
            found[f"{column}={value}"] = float(shift[labels == value].mean())
    return found


def _ks(first: Array, second: Array) -> float:
    both = np.sort(np.concatenate([first, second]))
    below_first = np.searchsorted(np.sort(first), both, side="right") / len(first)
    below_second = np.searchsorted(np.sort(second), both, side="right") / len(second)
    return float(np.max(np.abs(below_first - below_second)))
