"""Compare what a batch deployment wrote of some rows with what the online deployment answers to the same rows.

Batch output has no header. Its fields are recognised: the key by its values, the prediction by its agreement.
"""

import csv
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

_MOST_FIELDS = 64
_LONGEST_LINE = 64 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedRow:
    """A row by its *key*, and what the online deployment *answer*ed to it."""

    key: str
    answer: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputDifference:
    """*deviating* of *compared* rows are answered otherwise, one of them as *example* says."""

    compared: int
    deviating: int
    example: str = ""


def compare_outputs(lines: Iterable[str], asked: Sequence[AskedRow], tolerance: float, field: int) -> OutputDifference:
    """How *lines*, one for each of *asked*, differ from the answers; the prediction is *field*, from 1.

    With 0 it is the field that agrees with most answers. Lines without a field of keys are taken in the order of the
    rows: they are of one file, which one call of the script has answered.
    """
    records = list(csv.reader((line for line in lines if len(line) <= _LONGEST_LINE), delimiter=" "))
    ordered_records = _in_order(records, [row.key for row in asked])
    width = min((len(cells) for cells in ordered_records), default=0)
    places = [field - 1] if field else range(min(_MOST_FIELDS, width))
    best: list[int] | None = None
    best_place = 0
    for place in places:
        differing = [
            number
            for number, (cells, row) in enumerate(zip(ordered_records, asked, strict=True))
            if place >= len(cells) or not _agree(cells[place], row.answer, tolerance)
        ]
        if best is None or len(differing) < len(best):
            best, best_place = differing, place
    if best is None:
        return OutputDifference(compared=len(asked), deviating=len(asked), example="the output has no fields")
    if not best:
        return OutputDifference(compared=len(asked), deviating=0)
    # Neither the row's key nor what was answered: people who may not see data read this sentence in the evidence.
    nothing = "" if best_place < len(ordered_records[best[0]]) else ", which is not there"
    example = f"row {best[0] + 1} of those asked, field {best_place + 1} of the output{nothing}"
    return OutputDifference(compared=len(asked), deviating=len(best), example=example)


def _in_order(records: list[list[str]], keys: Sequence[str]) -> list[list[str]]:
    """*records* in the order of *keys*, by the field whose values they are; as they are where no field is that."""
    wanted = set(keys)
    for place in range(min(_MOST_FIELDS, min(map(len, records), default=0))):
        by_key = {cells[place]: cells for cells in records}
        if by_key.keys() == wanted and len(wanted) == len(keys):
            return [by_key[key] for key in keys]
    return records


def _agree(written: str, answer: Any, tolerance: float) -> bool:
    if isinstance(answer, int | float) and not isinstance(answer, bool):
        try:
            apart = abs(float(written) - answer)
        except ValueError:
            return False
        return math.isfinite(apart) and apart <= tolerance
    return written == str(answer)
