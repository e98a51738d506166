"""Columns of a hold-out that look as if they said which rows belong together, where no group is configured.

A hint, never a decision: a column is suspected by its name or by the shape of its values, and only where values repeat.
"""

import re
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

_FIRST = 200  # So many rows show the shape of a column's values.
_MOST = 4  # Columns that are counted.
_LEAST_VALUES = 5  # Fewer are a category: nothing could be resampled.
_LEAST_REPEATS = 1.2  # Rows to a value.
_MOST_REPEATS = 50  # Of values that only look like names: more rows to a value are a code of something else.
_WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+|\d+")
_THINGS = frozenset(
    {
        *("account", "customer", "client", "employee", "member", "owner", "participant", "patient", "person", "player"),
        *("student", "subject", "subscriber", "user", "visitor", "worker", "family", "household", "doctor"),
        *("asset", "battery", "device", "engine", "equipment", "machine", "plant", "sensor", "unit", "vehicle"),
        *("episode", "query", "session", "site", "store", "ward", "id", "uuid", "guid"),
    }
)
_NAMED = re.compile(r"(?=.*\d)(?=.*[A-Za-z])[\w.:-]{4,64}|\d{6,20}")


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupHint:
    """*column* has *values* different values in *rows* rows; *codes* name the value of each row."""

    column: str
    values: int
    rows: int
    codes: "NDArray[Any]"

    def __str__(self) -> str:
        return (
            f"rows share values of {self.column!r} ({self.values} values in {self.rows} rows): if those rows belong"
            f" together, name it as `group` of the hold-out, or intervals are too short"
        )


class GroupHints:
    """Reads rows as they come, in bounded memory: a number a row for at most four columns."""

    def __init__(self, header: Sequence[str], role_columns: Sequence[str]) -> None:
        """*role_columns* are the columns whose meaning is configured: the key, the target, the slices."""
        self._header = header
        self._open = [at for at, name in enumerate(header) if name not in role_columns]
        self._first: list[Sequence[str]] = []
        self._codes: dict[int, array[int]] | None = None

    def add_all(self, rows: Sequence[Sequence[str]]) -> None:
        """The next *rows*, of any number."""
        if self._codes is not None:
            self._count(rows)
            return
        self._first.extend(rows)
        if len(self._first) >= _FIRST:
            self._choose()

    def hints(self) -> tuple[GroupHint, ...]:
        """The suspected columns, the one with the fewest values first."""
        if self._codes is None:
            self._choose()
        return tuple(sorted(self._repeating(), key=lambda hint: hint.values))

    def _choose(self) -> None:
        suspects = [at for at in self._open if _is_thing(self._header[at])]
        suspects += [at for at in self._open if at not in suspects and self._has_key_shape(at)]
        self._codes = {at: array("q") for at in suspects[:_MOST]}
        self._count(self._first)
        self._first = []

    def _count(self, rows: Sequence[Sequence[str]]) -> None:
        for at, codes in (self._codes or {}).items():
            codes.extend([hash(cells[at]) for cells in rows])

    def _has_key_shape(self, at: int) -> bool:
        values = [cells[at] for cells in self._first[:_FIRST] if cells[at]]
        return bool(values) and sum(_NAMED.fullmatch(value) is not None for value in values) >= 0.95 * len(values)

    def _repeating(self) -> Iterator[GroupHint]:
        import numpy as np

        for at, hashes in (self._codes or {}).items():
            names, codes = np.unique(np.frombuffer(hashes, dtype=np.int64), return_inverse=True)
            rows, values = len(codes), len(names)
            most_rows = rows if _is_thing(self._header[at]) else _MOST_REPEATS * values
            if values >= _LEAST_VALUES and _LEAST_REPEATS * values <= rows <= most_rows:
                yield GroupHint(column=self._header[at], values=values, rows=rows, codes=codes.reshape(-1))


def _is_thing(name: str) -> bool:
    return any(word.lower() in _THINGS or word.lower().rstrip("s") in _THINGS for word in _WORDS.findall(name))
