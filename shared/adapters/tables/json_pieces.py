"""JSON Lines as pieces of whole lines: by Arrow where a piece is provably what it should be, else line by line.

A piece goes to Arrow where every line begins with { and ends with }, holds no mark of what Arrow takes and JSON does
not, and Arrow makes exactly one row of each line; then both ways say the same.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.json as pa_json

from shared.adapters.tables.batches import LONGEST_RECORD, Parse, Piece, UnreadableFile, single_array
from shared.adapters.tables.conversion import SHOWN, TYPES, Typed, parsed, readable
from shared.codec import is_nested_deeper
from shared.domain.data.data_contract import Column, DataContract
from shared.domain.data.data_measures import Breaches, Example

_BLOCK = 4 * 1024 * 1024
_MARK = b"\xef\xbb\xbf"
_ARROW = {"integer": pa.int64(), "number": pa.float64(), "string": pa.string(), "boolean": pa.bool_()}
# Escaped surrogates, of which Arrow takes halves; NaN and infinities, which Arrow takes and JSON does not have.
_DOUBTFUL = re.compile(rb"\\u[dD]|[:\[,]\s*-?(?:NaN|Inf)|\0")
_DEPTH = 100  # Of lists and objects in each other. A line with more brackets is left to the slow way.
_TOO_DEEP = f"its values are nested more than {_DEPTH} deep"
_MOST_NAMES = 1000
_LEAST, _MOST = -(2**63), 2**63 - 1


def json_pieces(stream: BinaryIO, name: str, contract: DataContract, names: Sequence[str]) -> Iterator[Parse]:
    """The pieces of one file, with the columns *names*. Raises UnreadableFile."""
    reader = _Reader(name, contract, [column for column in contract.columns if column.name in names])
    for lines in _lines(stream):
        yield lambda lines=lines: reader.parse(lines)  # type: ignore[misc]


def _lines(stream: BinaryIO) -> Iterator[bytes]:
    buffer = stream.read(_BLOCK).removeprefix(_MARK)
    if not buffer.strip():
        buffer += stream.read(_BLOCK)
        if not buffer.strip():
            raise UnreadableFile("the file is empty")
    if buffer.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise UnreadableFile("it is written in UTF-16 or UTF-32: write it in UTF-8")
    while block := stream.read(_BLOCK):
        lines, _, buffer = (buffer + block).rpartition(b"\n")
        if lines:
            yield lines + b"\n"
        elif len(buffer) > LONGEST_RECORD:
            raise UnreadableFile(f"a line is longer than {LONGEST_RECORD // 1024**2} MB")
    if buffer.strip():
        yield buffer if buffer.endswith(b"\n") else buffer + b"\n"


@dataclass(frozen=True, slots=True)
class _Reader:
    """Parses pieces of one file, in any thread."""

    name: str
    contract: DataContract
    columns: list[Column]

    def parse(self, lines: bytes) -> Piece:
        return self._quickly(lines) or self._slowly(lines)

    def _quickly(self, lines: bytes) -> Piece | None:
        count = lines.count(b"\n")
        if not _doubtless(lines, count):
            return None
        refuse = self.contract.extra_columns == "refuse"
        schema = pa.schema([(column.name, _ARROW.get(column.type, pa.string())) for column in self.contract.columns])
        try:
            table = pa_json.read_json(
                pa.BufferReader(lines),
                read_options=pa_json.ReadOptions(use_threads=False, block_size=len(lines) + 1),
                parse_options=pa_json.ParseOptions(
                    explicit_schema=schema, unexpected_field_behavior="error" if refuse else "ignore"
                ),
            )
        except pa.ArrowException:
            return None
        columns = {column.name: single_array(table.column(column.name)) for column in self.columns}
        # Arrow takes `{"a":1} {"a":2}` on one line for two rows and passes over blank lines. Only as many rows as lines
        # prove that each line was one object; any other number is left to the slow way, which says what is wrong with
        # which line.
        if table.num_rows != count or not all(map(_finite, columns.values())):
            return None
        names = {name for name, values in columns.items() if values.null_count < len(values)}
        # Where all values are null, only the lines themselves say whether the field is there.
        names |= _fields_of(lines, columns.keys() - names)
        return Piece(rows=count, columns=columns, names=dict.fromkeys(names, 0))

    def _slowly(self, lines: bytes) -> Piece:
        objects = _Objects(self.name, set(self.contract.names))
        single_lines = lines.removesuffix(b"\n").split(b"\n")
        for number, line in enumerate(single_lines, 1):
            objects.take(number, line)
        return Piece(
            rows=len(objects.records) + objects.broken_count,
            span=len(single_lines),
            columns={column.name: _values(objects.records, column) for column in self.columns},
            names=objects.names,
            numbers=np.array(objects.numbers, dtype=np.int64),
            breaches=objects.breaches,
        )


def _doubtless(lines: bytes, count: int) -> bool:
    """Whether each line looks like one object; that it is no more than one is seen by the number of rows."""
    starts_match = lines.startswith(b"{") and lines.count(b"\n{") == count - 1
    ends_match = lines.count(b"}\n") + lines.count(b"}\r\n") == count
    return starts_match and ends_match and _is_shallow(lines, count) and _is_utf8(lines) and not _DOUBTFUL.search(lines)


def _is_shallow(lines: bytes, count: int) -> bool:
    """Whether no line can be nested deeply: it has few brackets."""
    if lines.count(b"{") + lines.count(b"[") <= count + _DEPTH:
        return True
    text = np.frombuffer(lines, np.uint8)
    openings = np.cumsum((text == ord("{")) | (text == ord("[")))[np.flatnonzero(text == ord("\n"))]
    return bool(np.diff(openings, prepend=0).max() <= _DEPTH)


def _is_utf8(lines: bytes) -> bool:
    try:
        return lines.isascii() or bool(lines.decode())
    except UnicodeDecodeError:
        return False


def _finite(values: pa.Array) -> bool:
    if not pa.types.is_floating(values.type):
        return True
    return bool(np.isfinite(values.to_numpy(zero_copy_only=False)).sum() == len(values) - values.null_count)


def _fields_of(lines: bytes, names: Set[str]) -> set[str]:
    """Which of *names* are fields of any line."""
    unseen, present = set(names), set[str]()
    for line in lines.splitlines() if unseen else ():
        present |= unseen & json.loads(line).keys()
        if present == unseen:
            break
    return present


class _NotJson:
    """NaN or an infinity, where a value should be."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return self.text


class _Fields(dict[str, Any]):
    """An object; *repetitions* are the names that it has more than once."""

    repetitions: Set[str] = frozenset()


class _Objects:
    """The lines of a piece that are objects, and what is wrong with the others."""

    def __init__(self, name: str, contract_names: Set[str]) -> None:
        self._name, self._contract_names = name, contract_names
        self.records: list[dict[str, Any]] = []
        self.numbers: list[int] = []
        self.names: dict[str, int] = {}
        self.breaches = Breaches()
        self.broken_count = self._not_json_seen = 0
        # Pairs and not a dictionary: the standard says nothing of a name that comes twice, and parsers keep the first
        # or the last. A value that depends on the parser is refused.
        self._decoder = json.JSONDecoder(object_pairs_hook=_fields, parse_constant=self._not_json)

    def take(self, number: int, line: bytes) -> None:
        """One line; a blank one is no record, though it has a number."""
        if not line.strip():
            return
        self._not_json_seen = 0
        try:
            value = self._decoder.decode(line.decode("utf-8", "surrogateescape").strip())
            reason = self._refusal(value, line)
        except RecursionError:
            reason = _TOO_DEEP
        except ValueError as error:
            reason = str(error)
        if reason:
            self.broken_count += 1
            example = f"{reason[:100]}: {line[:60].decode(errors='replace')}"
            self.breaches.add("shape", "", 1, [Example(file=self._name, row=number, value=example)])
            return
        self.records.append(value)
        self.numbers.append(number)
        for name in value:
            if name in self._contract_names or len(self.names) < _MOST_NAMES:
                self.names.setdefault(readable(name), number)

    def _refusal(self, value: Any, line: bytes) -> str:
        if not isinstance(value, _Fields):
            return "no JSON object"
        if line.count(b"{") + line.count(b"[") > _DEPTH and is_nested_deeper(value, _DEPTH):
            return _TOO_DEEP
        if repetitions := sorted(value.repetitions & self._contract_names):
            return f"field {repetitions[0]!r} is there twice"
        if self._not_json_seen > sum(isinstance(value.get(name), _NotJson) for name in self._contract_names):
            return "NaN and infinities are not JSON"
        if not _is_utf8(line) and all(_is_text(value.get(name)) for name in self._contract_names):
            return "it is not UTF-8"
        return ""

    def _not_json(self, text: str) -> _NotJson:
        self._not_json_seen += 1
        return _NotJson(text)


def _fields(pairs: list[tuple[str, Any]]) -> _Fields:
    fields = _Fields(pairs)
    if len(fields) < len(pairs):
        fields.repetitions = {name for name, times in Counter(name for name, _ in pairs).items() if times > 1}
    return fields


def _is_text(value: Any) -> bool:
    """Whether *value* is no text, or one that can be written."""
    try:
        return not isinstance(value, str) or value.isascii() or bool(value.encode())
    except UnicodeEncodeError:
        return False


def _values(records: Sequence[dict[str, Any]], column: Column) -> Typed:
    raw = [record.get(column.name) for record in records]
    values = [_value(value, column.type) for value in raw]
    bad = np.fromiter(
        (value is None and was is not None for value, was in zip(values, raw, strict=True)), bool, len(raw)
    )
    return Typed(
        values=pa.array(values, TYPES[column.type]),
        bad=bad if bad.any() else None,
        show=lambda index: _example_text(raw[index]),
    )


def _value(raw: Any, kind: str) -> Any:
    """What *raw* is as a value of *kind*; None where it is none."""
    if isinstance(raw, str):
        if kind == "string":
            return raw if _is_text(raw) else None
        return parsed(raw, kind) if kind in ("date", "timestamp") else None
    if kind == "boolean" and (isinstance(raw, bool) or (isinstance(raw, int) and raw in (0, 1))):
        return bool(raw)
    if isinstance(raw, bool) or not isinstance(raw, int | float):
        return None
    if kind == "integer":
        return raw if isinstance(raw, int) and _LEAST <= raw <= _MOST else None
    return _number(raw) if kind == "number" else None


def _number(raw: float) -> float | None:
    try:
        number = float(raw)
    except OverflowError:
        return None
    return number if np.isfinite(number) else None


def _example_text(raw: Any) -> str:
    if isinstance(raw, str):
        return readable(raw[:SHOWN])
    try:
        return json.dumps(raw, default=repr)[:SHOWN]
    except (ValueError, RecursionError):
        return "a value that is nested too deeply"
