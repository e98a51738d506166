"""Records of a file as rows of plain values: of data that a contract describes, and of what a scoring script wrote.

Text is parsed by Python's own readers, which bound what they hold; Parquet's key columns by Arrow. It runs in a reader.
"""

import csv
import io
import itertools
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from shared.adapters.reader.files import TableFile
from shared.domain.data.data_contract import DataContract

# `append_row` writes data frames with spaces; lists of texts are the script's own.
DELIMITERS = (" ", ",", "\t", ";", "|")
_LONGEST_FIELD = 16 * 1024 * 1024
_LONGEST_LINE = 64 * 1024 * 1024


class NoRecords(Exception):
    """The file has no records in this form; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """How an output is written: JSON Lines, or CSV with *delimiter*; *header* names its fields in the first record."""

    json_lines: bool = False
    delimiter: str = " "
    header: tuple[str, ...] = ()


def key_rows(file: TableFile, contract: DataContract) -> Iterator[Sequence[Any]]:
    """The keys of every record of a data file, None where there is none. Raises NoRecords."""
    if contract.format == "parquet":
        yield from _parquet_keys(file, contract.keys)
    elif contract.format == "jsonl":
        for record in json_records(file):
            yield tuple(record.get(key) for key in contract.keys)
    else:
        rows = csv_records(file, contract.csv.delimiter, contract.csv.encoding, strict=False)
        header = next(rows, [])
        if absent := [key for key in contract.keys if key not in header]:
            raise NoRecords(f"{file.name} has no column {absent[0]}")
        positions = [header.index(key) for key in contract.keys]
        for cells in rows:
            try:
                yield [cells[position] for position in positions]
            except IndexError:
                yield [cells[position] if position < len(cells) else None for position in positions]


def csv_records(
    file: TableFile, delimiter: str, encoding: str = "utf-8", *, strict: bool = True
) -> Iterator[list[str]]:
    """Every record that is not an empty line. Raises NoRecords; *strict* refuses quotes that CSV does not allow."""
    csv.field_size_limit(_LONGEST_FIELD)
    with file.open() as stream:
        # Bad bytes are replaced and not refused: only keys are compared here, and the data check has judged the
        # encoding.
        text = io.TextIOWrapper(stream, encoding=_with_byte_order_mark(encoding), errors="replace", newline="")
        try:
            for cells in csv.reader(text, delimiter=delimiter, strict=strict):
                if cells:
                    yield cells
        except csv.Error as error:
            raise NoRecords(f"{file.name} is not CSV: {error}") from error


def json_records(file: TableFile) -> Iterator[dict[str, Any]]:
    """Every line's object. Raises NoRecords where one is none."""
    with file.open() as stream:
        number = 0
        while line := stream.readline(_LONGEST_LINE):
            number += 1
            if not line.strip():
                continue
            try:
                record = json.loads(line.removeprefix(b"\xef\xbb\xbf"))
            except (ValueError, RecursionError) as error:
                raise NoRecords(f"{file.name} line {number} is not JSON") from error
            if not isinstance(record, dict):
                raise NoRecords(f"{file.name} line {number} is no JSON object")
            yield record


def count_lines(file: TableFile) -> int:
    """Line ends, and a last line without one."""
    lines, last = 0, b"\n"
    with file.open() as stream:
        while chunk := stream.read(1024 * 1024):
            lines += chunk.count(b"\n")
            last = chunk[-1:]
    return lines + (last != b"\n")


def first_records(file: TableFile, form: Form, count: int) -> list[Any]:
    """At most *count* records in the *form*; empty where the file is not in it."""
    records = json_records(file) if form.json_lines else csv_records(file, form.delimiter)
    try:
        return list(itertools.islice(records, count))
    except NoRecords:
        return []


def _parquet_keys(file: TableFile, keys: Sequence[str]) -> Iterator[tuple[Any, ...]]:
    import pyarrow as pa
    import pyarrow.parquet as pa_parquet

    with file.open() as stream:
        try:
            for batch in pa_parquet.ParquetFile(stream, pre_buffer=False).iter_batches(columns=list(keys)):
                columns = {name: batch.column(name).to_pylist() for name in batch.schema.names}
                if len(columns) < len(keys):
                    raise NoRecords(f"{file.name} does not have all of {', '.join(keys)}")
                yield from zip(*(columns[key] for key in keys), strict=True)
        except (pa.ArrowException, OSError, ValueError, OverflowError) as error:
            raise NoRecords(f"{file.name} is not Parquet: {error}") from error


def _with_byte_order_mark(encoding: str) -> str:
    return "utf-8-sig" if encoding.lower().replace("_", "-") in ("utf-8", "utf8") else encoding
