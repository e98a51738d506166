"""CSV as pieces of whole records: cut where no quoted value is open, parsed by Arrow as text, a piece at a time."""

import codecs
import csv
import io
import itertools
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv

from shared.adapters.tables.batches import (
    LONGEST_RECORD,
    MOST_COLUMNS,
    Parse,
    Piece,
    UnreadableFile,
    compare_columns,
    row_numbers,
    single_array,
)
from shared.adapters.tables.conversion import Typed, plain_texts, texts
from shared.domain.counts import counted
from shared.domain.data.data_contract import DataContract
from shared.domain.data.data_measures import EXAMPLES, Breaches, Example

_BLOCK = 4 * 1024 * 1024
# Arrow reserves room for a whole piece in each column that it reads: a table of many columns is read in smaller ones.
_RESERVED = 64 * 1024 * 1024
_LEAST_BLOCK = 256 * 1024
_LONGEST_HEADER = 256 * 1024
_LINE_END = re.compile(rb"\r\n|\n|\r")
_BLANK = 1024  # Of a piece of line ends alone, which Arrow does not take.
_QUOTE = ord('"')
_MARKS = (
    (codecs.BOM_UTF32_LE, "UTF-32"),
    (codecs.BOM_UTF32_BE, "UTF-32"),
    (codecs.BOM_UTF16_LE, "UTF-16"),
    (codecs.BOM_UTF16_BE, "UTF-16"),
)


def csv_pieces(
    stream: BinaryIO, name: str, contract: DataContract, names: Sequence[str], breaches: Breaches
) -> Iterator[Parse]:
    """The pieces of one file, with those of the columns *names* that it has. Raises UnreadableFile."""
    blocks = _utf8_blocks(stream, contract.csv.encoding)
    header, body = _header(blocks, contract)
    named_fields = header if contract.csv.header else [field for field in header if field in contract.names]
    compare_columns(name, dict.fromkeys(named_fields, 0), contract, breaches)
    known = set(header)
    reader = _Reader(name, header, contract, [column for column in names if column in known])
    size = max(_LEAST_BLOCK, min(_BLOCK, _RESERVED // max(1, len(reader.column_names))))
    for records in _records(_parts(itertools.chain([body], blocks), size), contract.csv.delimiter.encode()):
        yield lambda records=records: reader.parse(records)  # type: ignore[misc]


def _utf8_blocks(stream: BinaryIO, encoding: str) -> Iterator[bytes]:
    """The file in UTF-8, without a byte order mark. What is not UTF-8 although it should be is left as it is."""
    start = stream.read(_BLOCK)
    if codecs.lookup(encoding).name in ("utf-8", "utf-8-sig", "ascii"):
        _refuse_marks(start)
        yield start.removeprefix(codecs.BOM_UTF8)
        while block := stream.read(_BLOCK):
            yield block
        return
    decoder = codecs.getincrementaldecoder(encoding)()
    while start:
        yield _decode(decoder, start, encoding)
        start = stream.read(_BLOCK)
    yield _decode(decoder, b"", encoding, final=True)


def _refuse_marks(start: bytes) -> None:
    for mark, encoding in _MARKS:
        if start.startswith(mark):
            raise UnreadableFile(
                f"it is written in {encoding}: write it in UTF-8, or name csv.encoding in the contract"
            )


def _decode(decoder: codecs.IncrementalDecoder, block: bytes, encoding: str, *, final: bool = False) -> bytes:
    try:
        return decoder.decode(block, final).encode().removeprefix(codecs.BOM_UTF8)
    except UnicodeError as error:
        raise UnreadableFile(f"it is not written in {encoding}, as the contract says: {error}"[:200]) from error


def _header(blocks: Iterator[bytes], contract: DataContract) -> tuple[list[str], bytes]:
    """The names of the columns, and what came with them of the rest; without a header, as the first record shows."""
    start = b""
    while len(start) <= _LONGEST_HEADER and (block := next(blocks, b"")):
        start = (start + block).lstrip(b"\r\n")
    if not start.strip():
        raise UnreadableFile("the file is empty")
    end = _header_end(start)
    try:
        lines = io.StringIO(start[:end].decode(), newline="")
        header = next(csv.reader(lines, delimiter=contract.csv.delimiter, strict=False))
    except (UnicodeDecodeError, csv.Error, StopIteration) as error:
        raise UnreadableFile(f"its header cannot be read: {error}"[:200]) from error
    if len(header) > MOST_COLUMNS:
        raise UnreadableFile(f"it has {len(header)} columns, more than {MOST_COLUMNS}")
    if not contract.csv.header:
        return _names_of_fields(len(header), contract), start
    if len(set(header)) != len(header):
        raise UnreadableFile("a column's name is in the header twice")
    return header, start[end:]


def _names_of_fields(count: int, contract: DataContract) -> list[str]:
    """A name for each of *count* fields: that of the column which says that it is this field, or its number."""
    names = [f"field {number}" for number in range(1, count + 1)]
    for column in contract.columns:
        place = column.field - 1 if column.field > 0 else count + column.field
        if 0 <= place < count:
            names[place] = column.name
    return names


def _header_end(start: bytes) -> int:
    """Behind the first line end outside quotes."""
    quotes, position = 0, 0
    for line_end in _LINE_END.finditer(start):
        if line_end.start() > _LONGEST_HEADER:
            break
        quotes += start.count(b'"', position, line_end.start())
        position = line_end.end()
        if quotes % 2 == 0:
            return line_end.end()
    if len(start) > _LONGEST_HEADER:
        raise UnreadableFile(f"its first line is longer than {_LONGEST_HEADER // 1024} KB, or a quote in it never ends")
    return len(start)


def _parts(blocks: Iterable[bytes], size: int) -> Iterator[bytes]:
    for block in blocks:
        yield from (block[start : start + size] for start in range(0, len(block), size))


def _records(blocks: Iterable[bytes], delimiter: bytes) -> Iterator[bytes]:
    """Whole records, about a block at a time."""
    buffer = b""
    for block in blocks:
        buffer += block
        end = records_end(buffer, delimiter)
        if end:
            yield buffer[:end]
            buffer = buffer[end:]
        elif len(buffer) > LONGEST_RECORD:
            raise UnreadableFile(f"a record is longer than {LONGEST_RECORD // 1024**2} MB, or a quote in it never ends")
    yield buffer


def records_end(block: bytes, delimiter: bytes) -> int:
    """How much of *block*, which begins with a record, is whole records; 0 where none ends in it."""
    line_end = b"\n" if b"\n" in block else b"\r"
    last = len(block) if line_end == b"\n" else len(block) - 1  # Half of a line end may be in the next block.
    if b'"' not in block:
        return block.rfind(line_end, 0, last) + 1
    text = np.frombuffer(block, np.uint8)
    quotes = np.flatnonzero(text == _QUOTE)
    # Counting quotes finds line ends inside quoted values fast, but is right for well-formed files only. A stray quote
    # in the middle of a value would turn inside and outside round for all the rest of the file.
    if not _well_quoted(text, quotes, delimiter):
        return _end_of_odd_records(block, delimiter)
    while last > 0:
        end = block.rfind(line_end, 0, last)
        before = int(np.searchsorted(quotes, end))
        if end < 0 or before % 2 == 0:
            return end + 1
        last = int(quotes[before - 1])  # It is inside a quoted value: look before that.
    return 0


def _well_quoted(text: Any, quotes: Any, delimiter: bytes) -> bool:
    """Whether quotes only enclose values or are doubled in them: then every second one ends a value."""
    opening, closing = quotes[0::2], quotes[1::2]
    before = opening[1:] if len(opening) and opening[0] == 0 else opening
    after = closing[:-1] if len(closing) and closing[-1] == len(text) - 1 else closing

    def may_stand_beside(neighbours: Any) -> bool:
        # Four comparisons take less than half of what looking each byte up in a table does.
        mark, line_feed, carriage_return, quote = ord(delimiter), ord("\n"), ord("\r"), _QUOTE
        fits = (neighbours == mark) | (neighbours == line_feed) | (neighbours == carriage_return)
        return bool((fits | (neighbours == quote)).all())

    return may_stand_beside(text[before - 1]) and may_stand_beside(text[1:][after])


def _end_of_odd_records(block: bytes, delimiter: bytes) -> int:
    """Record by record, as Arrow reads them: a quote counts only at the beginning of a value.

    The repeats are possessive, so that the expression never goes back.
    """
    mark = re.escape(delimiter)
    plain_part = b"[^" + mark + rb"\r\n]*+"
    value = rb'(?:"[^"]*+(?:""[^"]*+)*+"' + plain_part + rb'|(?!")' + plain_part + b")"
    record = re.compile(value + b"(?:" + mark + value + rb")*+(?:\r\n|\n|\r(?!\n|\Z))")
    end = 0
    while (match := record.match(block, end)) is not None:
        end = match.end()
    return end


@dataclass(frozen=True, slots=True)
class _Reader:
    """Parses pieces of one file, in any thread."""

    name: str
    header: list[str]
    contract: DataContract
    column_names: list[str]

    def parse(self, records: bytes) -> Piece:
        if not records[:_BLANK].strip(b"\r\n") and not records.strip(b"\r\n"):
            return Piece(rows=0, columns={})
        broken_rows = _Broken(self.name)
        plain = records.isascii() or _is_utf8(records)
        # A bad byte makes readers of the whole file fail: columns that the contract does not name are read as well.
        other_columns = [] if plain else [column for column in self.header if column not in self.contract.names]
        # All columns are read as bytes. Arrow would guess types from the first block, and one bad byte would fail the
        # whole column instead of one row.
        table = pa_csv.read_csv(
            pa.BufferReader(records),
            read_options=pa_csv.ReadOptions(
                column_names=self.header, block_size=len(records) + 1, use_threads=False, encoding="utf-8"
            ),
            parse_options=pa_csv.ParseOptions(
                delimiter=self.contract.csv.delimiter, invalid_row_handler=broken_rows.skip, newlines_in_values=False
            ),
            convert_options=pa_csv.ConvertOptions(
                column_types=dict.fromkeys(self.header, pa.binary()),
                include_columns=[*self.column_names, *other_columns],
                null_values=list(self.contract.csv.null_values),
                strings_can_be_null=True,
                quoted_strings_can_be_null=False,
            ),
        )
        rows = table.num_rows + len(broken_rows.rows)
        decode = plain_texts if plain else texts
        columns = {name: decode(single_array(table.column(name))) for name in self.column_names}
        piece = Piece(
            rows=rows, columns=columns, numbers=row_numbers(rows, broken_rows.rows), breaches=broken_rows.breaches()
        )
        for name in other_columns:
            self._require_text(piece, name, texts(single_array(table.column(name))))
        return piece

    def _require_text(self, piece: Piece, column: str, values: Typed) -> None:
        """Add those of *values* that are not UTF-8 to the piece's breaches."""
        if values.bad_count:
            rows = np.flatnonzero(values.bad)[:EXAMPLES]
            examples = [Example(file=self.name, row=piece.number(at), value=values.show(at)) for at in rows.tolist()]
            piece.breaches.add("type", column[:200], values.bad_count, examples)


@dataclass(slots=True)
class _Broken:
    """The records with another number of fields than the header."""

    name: str
    rows: list[int] = field(default_factory=list)
    examples: list[Example] = field(default_factory=list)

    def skip(self, row: pa_csv.InvalidRow) -> str:
        self.rows.append(row.number)
        if len(self.examples) < EXAMPLES:
            fields = f"{counted(row.actual_columns, 'field')} instead of {row.expected_columns}"
            self.examples.append(Example(file=self.name, row=row.number, value=fields))
        return "skip"

    def breaches(self) -> Breaches:
        breaches = Breaches()
        if self.rows:
            breaches.add("shape", "", len(self.rows), self.examples)
        return breaches


def _is_utf8(block: bytes) -> bool:
    try:
        block.decode()
    except UnicodeDecodeError:
        return False
    return True
