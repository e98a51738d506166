"""The hold-out rows of a model, read from the hub as often as they are needed: their text is never in memory whole.

What stays is numbers: the answers, and which slice each row is in. Nothing is compared here.
"""

import hashlib
import math
from array import array
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from itertools import islice
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Protocol

from activities.promotion.holdout.keyed_columns import KeyedColumn
from activities.row_places import row_place
from shared.application.datasets.versions import hub_file, published_file, require_logged
from shared.application.promotion.holdout.looks import HoldoutVersion
from shared.clients import Clients
from shared.domain.counts import counted
from shared.domain.failures import Refused
from shared.domain.metrics.group_hints import GroupHint, GroupHints
from shared.domain.promotion.ladder import Holdout
from shared.domain.statistics.key_sketch import KeySketch
from shared.ports import Blob, RowFiles

if TYPE_CHECKING:
    from numpy.typing import NDArray

Cells = list[str]
BATCH = 5000


class Vocabulary:
    """A classifier's labels as numbers: the code of a label is its place among those met so far.

    Codes are only compared for being equal. There are few labels, however many rows have them. With *classes* there are
    no others.
    """

    def __init__(self, classes: Sequence[str] = ()) -> None:
        self.classes = tuple(classes)
        self._codes = {text: code for code, text in enumerate(classes)}

    def code(self, text: str, place: str = "") -> float:
        """Raises Refused where *text* is none of the classes; *place* says whose it is."""
        if self.classes and text not in self._codes:
            raise Refused(f"{place} has a value that is none of the hold-out's classes: {', '.join(self.classes)}")
        return float(self._codes.setdefault(text, len(self._codes)))

    def distribution(self, value: Any, place: str) -> list[float]:
        """The probability of each class, of a list in their order or a mapping by their names. Raises Refused."""
        shares: Any = [value.get(name) for name in self.classes] if isinstance(value, Mapping) else value
        numbers = isinstance(shares, list) and len(shares) == len(self.classes) and all(map(_is_number, shares))
        if not numbers:
            form = f"one probability for each of {', '.join(self.classes)}, as a list in this order or by name"
            raise Refused(f"{place} has another form; give {form}")
        return [float(number) for number in shares]

    def texts(self, codes: Any) -> "NDArray[Any]":
        """The texts of a column of codes."""
        import numpy as np

        return np.array(list(self._codes))[np.asarray(codes, dtype=np.int64)]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A CSV file as *blob* names it: a file that changes while it is read is Refused, never mixed.

    Outputs in it are numbers, or codes of the *vocabulary*. One of a published version must have the content *sha256*.
    """

    files: RowFiles
    blob: Blob
    header: tuple[str, ...]
    vocabulary: Vocabulary | None = None  # Where outputs are texts.
    sha256: str = ""

    @property
    def location(self) -> str:
        return f"{self.blob.container}/{self.blob.path}"

    def require(self, columns: Sequence[str]) -> None:
        missing = [name for name in columns if name not in self.header]
        if missing:
            raise Refused(f"hold-out {self.location} lacks {', '.join(missing)}")

    def place(self, row: int) -> str:
        """The number of a *row* from 1, and its line."""
        return row_place(self.files, self.blob, row)

    def rows(self, digest: Any = None) -> Iterator[Cells]:
        """Every row's cells; *digest* is updated with every byte of the file.

        Raises Refused at the end of a published file whose content is not what was published.
        """
        own = hashlib.sha256() if digest and self.sha256 else None

        def update(data: bytes) -> None:
            digest.update(data)
            if own is not None:
                own.update(data)

        for number, cells in enumerate(filter(None, self.files.cells(self.blob, update if digest else None))):
            if len(cells) != len(self.header):
                columns = f"the header has {len(self.header)}"
                raise Refused(f"{self.location}: {self.place(number)} has {counted(len(cells), 'field')}, {columns}")
            if number:
                yield cells
        if own is not None and own.hexdigest() != self.sha256:
            raise Refused(f"{self.location} is not what was published; publish the rows as another version")

    def pairs(self, key: str, column: str, digest: Any = None) -> Iterator[tuple[str, float]]:
        """The key and the number in *column* of each row. Raises Refused naming the row that has none."""
        at, value = self.header.index(key), self.header.index(column)
        for cells in self.rows(digest):
            yield cells[at], self.output(cells[value], f"{self.location}: {column}")

    def outputs(self, values: Sequence[Any], place: Callable[[int], str]) -> list[float]:
        """`output` of each of *values*; *place* says where the one of a number from 0 stands."""
        if self.vocabulary is None:
            with suppress(TypeError, ValueError, OverflowError):  # Below the first that is no number is named.
                return list(map(float, values))
        return [self.output(value, place(number)) for number, value in enumerate(values)]

    def output(self, value: Any, place: str) -> float:
        """*value*, from a file or a model's answer, as it is compared; NaN where there is none."""
        if value is None or value != value or value == "":
            return math.nan
        if self.vocabulary is not None:
            return self.vocabulary.code(str(value), place)
        try:
            return float(value)
        except (TypeError, ValueError, OverflowError) as error:
            raise Refused(f"{place} has a value that is no number; set `labels` of the hold-out for texts") from error


@dataclass(frozen=True, slots=True, kw_only=True)
class Slices:
    """For each column its *values*, and for each row the number of its own."""

    values: dict[str, dict[str, int]] = field(default_factory=dict)
    codes: dict[str, "NDArray[Any]"] = field(default_factory=dict)

    def masks(self, start: int = 0, stop: int | None = None) -> Iterator[tuple[str, "NDArray[Any]"]]:
        """Which of the rows from *start* to *stop* are in each `column=value`; slices of one row say nothing."""
        import numpy as np

        for column, values in self.values.items():
            sizes = np.bincount(self.codes[column], minlength=len(values))
            for value, code in sorted(values.items()):
                if sizes[code] > 1:
                    yield f"{column}={value}", self.codes[column][start:stop] == code


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldoutRows:
    """*digest* names the content of the files, *keys* are the rows', *truth* has the answer of each row, *groups* the
    code of its group where the hold-out names one; *hints* are the columns that look like one where it does not.
    *versions* name the published data sets that the files are of, with the digests of their manifests.
    """

    holdout: Holdout
    table: Table
    digest: str
    keys: KeySketch
    truth: "NDArray[Any]"
    slices: Slices
    groups: "NDArray[Any] | None" = None
    hints: tuple[GroupHint, ...] = ()
    versions: tuple[str, ...] = ()

    @property
    def version(self) -> HoldoutVersion:
        """What looks are counted for."""
        return HoldoutVersion(digest=self.digest, keys=self.keys)

    @property
    def features(self) -> list[str]:
        """What models are asked with."""
        return _features(self.table, self.holdout)

    def values(self, column: str) -> Iterator[str]:
        at = self.table.header.index(column)
        return (cells[at] for cells in self.table.rows())

    def key_batches(self) -> Iterator[list[str]]:
        return _batches(self.values(self.holdout.key), BATCH)

    def keys_at(self, places: Collection[int]) -> dict[int, str]:
        """The keys of the rows at *places*, which are counted from 0."""
        keys = islice(self.values(self.holdout.key), max(places, default=-1) + 1)
        return {place: key for place, key in enumerate(keys) if place in places}

    def batches(self, columns: Sequence[str], size: int = BATCH) -> Iterator[list[Sequence[str]]]:
        """The cells of *columns*, at most *size* rows at a time."""
        return _batches(map(_selection(self.table, columns), self.table.rows()), size)


class Question(Protocol):
    """What is asked about the rows of a hold-out while they are read."""

    def ask(self, table: Table, features: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """The next *rows* of *table*: the cells of *features*, which are all that a model may see."""
        ...


def read_rows(clients: Clients, holdout: Holdout, *questions: Question) -> HoldoutRows:
    """The hold-out with its answers, each of *questions* asked on the way: a large file is read once.

    Refused where a file, a column or an answer is missing, which may be found after something was asked.
    """
    versions = [require_logged(clients.store, clients.audit, at) for at in (holdout.path, holdout.answers) if at]
    table, digest = open_table(clients, holdout.path, vocabulary_of(holdout)), hashlib.sha256()
    columns, features = _Seen(table, holdout), _features(table, holdout)
    select = _selection(table, features)
    for part in _batches(table.rows(digest), holdout.batch_rows):
        columns.add(part)
        for question in questions:
            question.ask(table, features, list(map(select, part)))
    if not columns.rows:
        raise Refused(f"hold-out {holdout.path} has no rows; measure on rows with known answers")
    # The answers go into the same digest as the rows: the same rows with other answers are another version of the
    # hold-out.
    truth = _answers(clients, holdout, table, digest) if holdout.answers else columns.truth()
    require_every(truth, f"{holdout.target} in {holdout.answers or holdout.path}")
    digest_text = f"sha256:{digest.hexdigest()}"
    return HoldoutRows(
        holdout=holdout,
        table=table,
        digest=digest_text,
        keys=columns.keys,
        truth=truth,
        slices=columns.slices(),
        groups=columns.groups(),
        hints=columns.hints(),
        versions=tuple(filter(None, versions)),
    )


def _features(table: Table, holdout: Holdout) -> list[str]:
    return [name for name in table.header if name not in (holdout.target, holdout.key)]


def _selection(table: Table, columns: Sequence[str]) -> Callable[[Cells], Sequence[str]]:
    """What takes the cells of *columns* out of those of a row."""
    places = [table.header.index(name) for name in columns]
    # Of a single place `itemgetter` gives the cell itself.
    return itemgetter(*places) if len(places) > 1 else lambda cells: [cells[at] for at in places]


def vocabulary_of(holdout: Holdout) -> Vocabulary | None:
    """None where outputs are numbers."""
    return Vocabulary(holdout.classes) if holdout.labels or holdout.classes else None


def require_every(outputs: "NDArray[Any]", subject: str) -> None:
    """Refused where some are missing or not finite: nothing compares with them, so a gate would not see them."""
    import numpy as np

    missing = int((~np.isfinite(outputs)).sum())
    if missing:
        raise Refused(f"{subject}: {missing} of {len(outputs)} rows have none, or none that is finite")


class _Seen:
    """The numbers of the rows of a hold-out, as they are read."""

    def __init__(self, table: Table, holdout: Holdout) -> None:
        key_names = [holdout.key, *holdout.slices, *([holdout.group] if holdout.group else [])]
        table.require(key_names + ([] if holdout.answers else [holdout.target]))
        self._table, self.rows = table, 0
        self.keys, self._key = KeySketch(), table.header.index(holdout.key)
        self._target = -1 if holdout.answers else table.header.index(holdout.target)
        self._slices, self._group = holdout.slices, holdout.group
        coded_names = {*holdout.slices, holdout.group} - {""}
        self._places = {name: table.header.index(name) for name in coded_names}
        self._values: dict[str, dict[str, int]] = {name: {} for name in coded_names}
        self._codes: dict[str, array[int]] = {name: array("i") for name in coded_names}
        # Eight bytes a row. A list would hold a Python object for each number, which takes four times as much.
        self._truth = array("d")
        self._hints = None if holdout.group else GroupHints(table.header, (*key_names, holdout.target))

    def add(self, part: Sequence[Cells]) -> None:
        """The next rows; a column at a time, which takes half as long as a row at a time."""
        start, self.rows = self.rows, self.rows + len(part)
        self.keys.add_all(cells[self._key] for cells in part)
        if self._target >= 0:
            answers = [cells[self._target] for cells in part]
            self._truth.extend(
                self._table.outputs(answers, lambda at: f"{self._table.location}: answer {start + at + 1}")
            )
        for name, at in self._places.items():
            values = self._values[name]
            self._codes[name].extend([values.setdefault(cells[at], len(values)) for cells in part])
        if self._hints is not None:
            self._hints.add_all(part)
        elif "" in self._values[self._group]:
            number = next(number for number, cells in enumerate(part) if not cells[self._places[self._group]])
            place = f"{self._table.location}: {self._table.place(start + number + 1)}"
            raise Refused(f"{place} has no {self._group}; name the group of every row")

    def truth(self) -> "NDArray[Any]":
        import numpy as np

        return np.frombuffer(self._truth, dtype=np.float64)

    def slices(self) -> Slices:
        import numpy as np

        return Slices(
            values={name: self._values[name] for name in self._slices},
            codes={name: np.frombuffer(self._codes[name], "i4") for name in self._slices},
        )

    def groups(self) -> "NDArray[Any] | None":
        import numpy as np

        return np.frombuffer(self._codes[self._group], "i4") if self._group else None

    def hints(self) -> tuple[GroupHint, ...]:
        return self._hints.hints() if self._hints is not None else ()


def open_table(clients: Clients, location: str, vocabulary: Vocabulary | None) -> Table:
    """The hold-out file at *location*: of a published version, or `container/path` as it is now.

    Refused where it is not there.
    """
    published = published_file(clients.store, location)
    blob = published.blob if published else hub_file(clients.store, location)
    if blob is None:
        raise Refused(f"hold-out {location} is not in the hub; put it there")
    return table_of(clients, blob, vocabulary, published.file.sha256 if published else "")


def table_of(clients: Clients, blob: Blob, vocabulary: Vocabulary | None, sha256: str = "") -> Table:
    with closing(clients.row_files.cells(blob)) as cells:
        header = tuple(next(cells, []))
    return Table(files=clients.row_files, blob=blob, header=header, vocabulary=vocabulary, sha256=sha256)


def _answers(clients: Clients, holdout: Holdout, table: Table, digest: Any) -> "NDArray[Any]":
    """The answers in the order of the rows, from the file that has them by key."""
    import numpy as np

    answers = open_table(clients, holdout.answers, table.vocabulary)
    answers.require([holdout.key, holdout.target])
    keyed_answers = KeyedColumn(answers.pairs(holdout.key, holdout.target, digest))
    if keyed_answers.repeats:
        raise Refused(
            f"{holdout.answers} has {counted(keyed_answers.repeats, 'row')} whose {holdout.key} was there before; "
            "keep one each"
        )
    parts, at = list["NDArray[Any]"](), table.header.index(holdout.key)
    for keys in _batches((cells[at] for cells in table.rows()), BATCH):
        places = keyed_answers.places(keys)
        if (places < 0).any():
            row = BATCH * len(parts) + int(np.argmax(places < 0)) + 1
            raise Refused(f"{holdout.answers} has no {holdout.target} for {table.place(row)} of {holdout.path}")
        parts.append(places)
    places = np.concatenate(parts)
    if repeats := len(places) - len(np.unique(places)):
        repeated = counted(repeats, "row")
        raise Refused(f"{holdout.path} has {repeated} whose {holdout.key} was there before: whose is the answer?")
    truth: NDArray[Any] = keyed_answers.values[places]
    return truth


def _batches(items: Iterator[Any], size: int) -> Iterator[list[Any]]:
    while part := list(islice(items, size)):
        yield part
