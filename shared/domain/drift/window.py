"""What was counted of recent rows, against one reference: small, exact, and the same in whatever order it is merged."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from shared.domain.data.data_measures import Tally
from shared.domain.drift.reference import ModelReference, Moments


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """*rows* that were read of the inputs, and *answers* of the outputs; tallies as the reference's columns."""

    rows: int = 0
    answers: int = 0
    inputs: Mapping[str, Tally] = field(default_factory=dict)
    outputs: Mapping[str, Tally] = field(default_factory=dict)
    moments: Mapping[str, Moments] = field(default_factory=dict)

    def merged(self, window: "Counted") -> "Counted":
        """Both together."""
        names = {*self.moments, *window.moments}
        return Counted(
            rows=self.rows + window.rows,
            answers=self.answers + window.answers,
            inputs=_add_tallies(self.inputs, window.inputs),
            outputs=_add_tallies(self.outputs, window.outputs),
            moments={n: self.moments.get(n, Moments()).merged(window.moments.get(n, Moments())) for n in sorted(names)},
        )


def as_counted(reference: ModelReference) -> Counted:
    """The reference's own rows, counted as a window's are: what a window is compared with."""
    inputs = {
        name: Tally(cells=column.cells, counts=column.counts) for name, column in reference.inputs.columns.items()
    }
    outputs = {name: Tally(cells=column.cells, counts=column.counts) for name, column in reference.outputs.items()}
    answers = max((tally.total for tally in outputs.values()), default=0)
    counts = Counted(rows=reference.inputs.rows, answers=answers, inputs=inputs, outputs=outputs)
    return replace(counts, moments=dict(reference.moments))


def _add_tallies(first: Mapping[str, Tally], second: Mapping[str, Tally]) -> dict[str, Tally]:
    return {
        name: _sum(first[name], second[name]) if name in first and name in second else (first.get(name) or second[name])
        for name in sorted({*first, *second})
    }


def _sum(first: Tally, second: Tally) -> Tally:
    if len(first.cells) != len(second.cells):
        raise ValueError("counts in other cells cannot be added: count both against the same reference")
    counts = dict(first.counts)
    for value, times in second.counts.items():
        counts[value] = counts.get(value, 0) + times
    return Tally(cells=tuple(a + b for a, b in zip(first.cells, second.cells, strict=True)), counts=counts)
