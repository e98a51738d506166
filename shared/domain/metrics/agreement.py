"""Champion and challenger on the same inputs: how often, how far and where their outputs differ.

Chunks are added one after the other, or tallied apart and merged, in bounded memory. It decides nothing.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import NormalDist
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from shared.domain.metrics.catalogue import Column
from shared.domain.metrics.outputs import Outputs

if TYPE_CHECKING:
    from numpy.typing import NDArray

WORST = 20
OutputsT = TypeVar("OutputsT", bound=Outputs)


@dataclass(frozen=True, slots=True, kw_only=True)
class WorstRow:
    """A row the models disagree about, by its *key*; for labels every *disagreement* is 1."""

    key: str
    champion: str
    challenger: str
    disagreement: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SliceAgreement:
    """Of *rows* rows the share *agreement* agrees; the mean output shifts by *mean_shift*, from *low* to *high*."""

    rows: int
    agreement: float
    mean_shift: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """All rows like one slice, and more: the *distance* of the distributions, the *shifts* of quantiles or of labels'
    shares, the same per slice, and the rows with the largest disagreements, the largest first. *alone*: there was no
    champion to compare with.
    """

    rows: int
    agreement: float
    mean_shift: float
    low: float
    high: float
    distance: float
    shifts: dict[str, float] = field(default_factory=dict)
    slices: dict[str, SliceAgreement] = field(default_factory=dict)
    worst: tuple[WorstRow, ...] = ()
    alone: bool = False


def no_champion(rows: int) -> Agreement:
    """The agreement of a model that is the first to serve: nothing was compared."""
    return Agreement(rows=rows, agreement=0.0, mean_shift=0.0, low=0.0, high=0.0, distance=0.0, alone=True)


@dataclass(slots=True)
class _Tally:
    """Rows, those that agree, and the mean and the sum of squared deviations of the shift."""

    rows: int = 0
    agreeing: int = 0
    mean: float = 0.0
    squares: float = 0.0

    def merge(self, tally: "_Tally") -> None:
        """Chan, Golub and LeVeque (1979): without the cancellation of a sum of squares."""
        if not tally.rows:
            return
        total, mean_difference = self.rows + tally.rows, tally.mean - self.mean
        self.squares += tally.squares + mean_difference**2 * self.rows * tally.rows / total
        self.mean += mean_difference * tally.rows / total
        self.rows, self.agreeing = total, self.agreeing + tally.agreeing

    def summary(self, confidence: float) -> SliceAgreement:
        deviation = math.sqrt(self.squares / max(1, self.rows - 1))
        reach = NormalDist().inv_cdf((1 + confidence) / 2) * deviation / math.sqrt(self.rows)
        return SliceAgreement(
            rows=self.rows,
            agreement=self.agreeing / self.rows,
            mean_shift=self.mean,
            low=self.mean - reach,
            high=self.mean + reach,
        )


class OutputComparison(Generic[OutputsT]):
    """A running comparison; *outputs* (`Numbers` or `Labels`) says what agreeing means."""

    def __init__(self, outputs: OutputsT) -> None:
        self._outputs, self._total = outputs, _Tally()
        self._slices: dict[str, _Tally] = {}
        self._worst: list[WorstRow] = []

    def add(
        self, keys: Sequence[Any], champion: Column, challenger: Column, slices: Mapping[str, Column] | None = None
    ) -> None:
        """Some rows: their *keys*, both outputs, and for each slice which of these rows are in it.

        Raises MetricError, and counts nothing, where an output is missing.
        """
        first = self._outputs.read("champion", champion, len(keys))
        second = self._outputs.read("challenger", challenger, len(keys))
        shift, disagreement = self._outputs.shift(first, second), self._outputs.disagreement(first, second)
        masks = {name: _mask(name, members, len(keys)) for name, members in (slices or {}).items()}
        self._outputs.add(first, second)
        self._total.merge(_tally(shift, disagreement))
        for name, mask in masks.items():
            self._slices.setdefault(name, _Tally()).merge(_tally(shift[mask], disagreement[mask]))
        self._keep(_worst(keys, first, second, disagreement))

    def merge(self, comparison: "OutputComparison[OutputsT]") -> None:
        """Take over what *comparison* has counted of other rows."""
        self._outputs.merge(comparison._outputs)
        self._total.merge(comparison._total)
        for name, tally in comparison._slices.items():
            self._slices.setdefault(name, _Tally()).merge(tally)
        self._keep(comparison._worst)

    def _keep(self, rows: Sequence[WorstRow]) -> None:
        self._worst = sorted([*self._worst, *rows], key=lambda row: -row.disagreement)[:WORST]

    def result(self, confidence: float = 0.95) -> Agreement:
        """What was found; the shift's interval is normal. Raises ValueError where no row was added."""
        if not self._total.rows:
            raise ValueError("no row was compared: add rows before asking for the result")
        overall = self._total.summary(confidence)
        return Agreement(
            rows=overall.rows,
            agreement=overall.agreement,
            mean_shift=overall.mean_shift,
            low=overall.low,
            high=overall.high,
            distance=self._outputs.distance(),
            shifts=self._outputs.shifts(),
            slices={name: tally.summary(confidence) for name, tally in sorted(self._slices.items()) if tally.rows},
            worst=tuple(self._worst),
        )


def _mask(name: str, members: Column, rows: int) -> "NDArray[Any]":
    import numpy as np

    mask = np.asarray(members)
    if mask.shape != (rows,) or mask.dtype != bool:
        raise ValueError(f"slice {name!r} has {mask.dtype} of shape {mask.shape}: give {rows} times true or false")
    return mask


def _tally(shift: "NDArray[Any]", disagreement: "NDArray[Any]") -> _Tally:
    rows = len(shift)
    if not rows:
        return _Tally()
    mean = float(shift.mean())
    return _Tally(rows, int((disagreement == 0).sum()), mean, float(((shift - mean) ** 2).sum()))


def _worst(
    keys: Sequence[Any], champion: "NDArray[Any]", challenger: "NDArray[Any]", disagreement: "NDArray[Any]"
) -> list[WorstRow]:
    """The rows with the largest disagreements; the earlier row wins a tie."""
    import numpy as np

    order = np.argsort(-disagreement, kind="stable")[:WORST]
    return [
        WorstRow(
            key=str(keys[at]),
            champion=str(champion[at]),
            challenger=str(challenger[at]),
            disagreement=float(disagreement[at]),
        )
        for at in order.tolist()
        if disagreement[at]
    ]
