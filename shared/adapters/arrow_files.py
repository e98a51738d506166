"""Read CSV, JSON Lines and Parquet as bounded record batches with Arrow; broken rows are counted, never fatal."""

import csv
import io
import json
from collections.abc import Iterator
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.json as pa_json
import pyarrow.parquet as pa_parquet

from shared.adapters.reader.files import TableFile
from shared.domain.data_contract import DataContract
from shared.domain.data_measures import Breaches, Example

_BLOCK = 4 * 1024 * 1024
_ROWS = 65_536
_HEADER = 256 * 1024
_JSON_TYPES = {"integer": pa.int64(), "number": pa.float64(), "string": pa.string(), "boolean": pa.bool_()}


class UnreadableFile(Exception):
    """The file as a whole cannot be read; the message says why."""


def read_batches(file: TableFile, contract: DataContract, breaches: Breaches) -> Iterator[pa.RecordBatch]:
    """The file's rows in batches with the contract's columns, as far as they are there. Raises UnreadableFile."""
    reader = {"csv": _read_csv, "jsonl": _read_jsonl, "parquet": _read_parquet}[contract.format]
    with file.open() as stream:
        try:
            yield from reader(stream, file.name, contract, breaches)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError, UnicodeError, csv.Error) as error:
            raise UnreadableFile(str(error).splitlines()[0][:200]) from error


def _read_csv(stream: BinaryIO, name: str, contract: DataContract, breaches: Breaches) -> Iterator[pa.RecordBatch]:
    """All columns as text: what is not of its type is then a finding, not an exception."""
    header = _header(stream, contract)
    _compare_columns(name, header, contract, breaches)

    def skip(row: Any) -> str:
        number = (row.number or 1) - 1  # Arrow counts the header as row 1.
        said = f"{row.actual_columns} fields instead of {row.expected_columns}"
        breaches.add("shape", "", 1, [Example(file=name, row=number, value=said)])
        return "skip"

    reader = pa_csv.open_csv(
        stream,
        read_options=pa_csv.ReadOptions(block_size=_BLOCK, encoding=contract.csv.encoding, use_threads=False),
        parse_options=pa_csv.ParseOptions(
            delimiter=contract.csv.delimiter, newlines_in_values=True, invalid_row_handler=skip
        ),
        convert_options=pa_csv.ConvertOptions(
            column_types=dict.fromkeys(header, pa.string()),
            include_columns=[column for column in contract.names if column in header],
            null_values=list(contract.csv.null_values),
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        ),
    )
    yield from reader


def _header(stream: BinaryIO, contract: DataContract) -> list[str]:
    start = stream.read(_HEADER)
    stream.seek(0)
    if not start.strip():
        raise UnreadableFile("the file is empty")
    text = start.decode(contract.csv.encoding, errors="replace").removeprefix("\ufeff")
    header = next(csv.reader(io.StringIO(text), delimiter=contract.csv.delimiter))
    if len(set(header)) != len(header):
        raise UnreadableFile("a column's name is in the header twice")
    return header


def _read_jsonl(stream: BinaryIO, name: str, contract: DataContract, breaches: Breaches) -> Iterator[pa.RecordBatch]:
    """Chunk by chunk with Arrow; a chunk whose types are mixed is read line by line instead."""
    compared = False
    schema = pa.schema([(each.name, _JSON_TYPES.get(each.type, pa.string())) for each in contract.columns])
    rest, row = b"", 0
    while block := stream.read(_BLOCK):
        lines, _, rest = (rest + block).rpartition(b"\n")
        if lines:
            batches = list(_json_chunk(lines + b"\n", name, row, schema, contract, breaches))
            compared = compared or _compare_json(name, lines, contract, breaches)
            row += sum(batch.num_rows for batch in batches)
            yield from batches
    if rest.strip():
        compared = compared or _compare_json(name, rest, contract, breaches)
        yield from _json_chunk(rest, name, row, schema, contract, breaches)
    if not compared:
        raise UnreadableFile("the file is empty")


def _json_chunk(
    chunk: bytes, name: str, row: int, schema: pa.Schema, contract: DataContract, breaches: Breaches
) -> Iterator[pa.RecordBatch]:
    options = pa_json.ParseOptions(explicit_schema=schema, unexpected_field_behavior="ignore")
    try:
        table = pa_json.read_json(io.BytesIO(chunk), parse_options=options)
    except pa.ArrowInvalid:
        yield _json_slowly(chunk, name, row, contract, breaches)
        return
    yield from table.to_batches(max_chunksize=_ROWS)


def _json_slowly(chunk: bytes, name: str, row: int, contract: DataContract, breaches: Breaches) -> pa.RecordBatch:
    """Values as JSON text in string columns, wrong types included; lines that are no objects are shape breaches."""
    kept: list[dict[str, Any]] = []
    for number, line in enumerate(chunk.splitlines(), start=row + 1):
        try:
            value = json.loads(line)
        except ValueError:
            value = None
        if isinstance(value, dict):
            kept.append(value)
        elif line.strip():
            breaches.add("shape", "", 1, [Example(file=name, row=number, value=line[:60].decode(errors="replace"))])
    types = {column.name: column.type for column in contract.columns}
    columns = {column: [_as_text(item.get(column), types[column]) for item in kept] for column in contract.names}
    return pa.record_batch({column: pa.array(values, pa.string()) for column, values in columns.items()})


def _as_text(value: Any, wanted: str) -> str | None:
    """Text that converts to the wanted type exactly if the JSON value was of it."""
    if value is None:
        return None
    quoted = isinstance(value, str)
    if quoted and wanted in ("string", "date", "timestamp"):
        return str(value)
    return json.dumps(value)


def _compare_json(name: str, lines: bytes, contract: DataContract, breaches: Breaches) -> bool:
    """Compare the fields of the first line that is an object."""
    for line in lines.splitlines():
        try:
            value = json.loads(line)
        except ValueError:
            continue
        if isinstance(value, dict):
            _compare_columns(name, list(value), contract, breaches)
            return True
    return bool(lines.strip())


def _read_parquet(stream: BinaryIO, name: str, contract: DataContract, breaches: Breaches) -> Iterator[pa.RecordBatch]:
    file = pa_parquet.ParquetFile(stream, pre_buffer=False)
    header = list(file.schema_arrow.names)
    _compare_columns(name, header, contract, breaches)
    there = [column for column in contract.names if column in header]
    yield from file.iter_batches(batch_size=_ROWS, columns=there, use_threads=False)


def _compare_columns(name: str, header: list[str], contract: DataContract, breaches: Breaches) -> None:
    for column in contract.names:
        if column not in header:
            breaches.add("column", column, 1, [Example(file=name, row=0, value="no such column")])
    if contract.extra_columns == "refuse":
        for column in header:
            if column not in contract.names:
                breaches.add("extra", column, 1, [Example(file=name, row=0, value="remove it, or allow extra columns")])
