"""Records of a stream as a file that a data contract describes: CSV or JSON Lines, in the contract's own dialect.

It checks nothing: what is missing is left empty, and the data check judges the file as it judges every other.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from shared.domain.data.data_contract import CsvDialect, DataContract

WRITABLE = ("csv", "jsonl")


def file_of_records(records: Sequence[Mapping[str, Any]], contract: DataContract) -> bytes:
    """The file of *records*: the contract's columns first, then all other fields."""
    column_names = [column.name for column in contract.columns]
    names = list(dict.fromkeys([*column_names, *(name for record in records for name in record)]))
    if contract.format == "jsonl":
        # A column that a record leaves out has no value, as in CSV, whatever the other records bring.
        lines = [json.dumps(dict.fromkeys(column_names) | dict(record), ensure_ascii=False) for record in records]
        return "".join(f"{line}\n" for line in lines).encode()
    rows: list[Sequence[Any]] = [names, *([record.get(name) for name in names] for record in records)]
    return "".join(_line(row, contract.csv) for row in rows).encode(contract.csv.encoding)


def _line(values: Sequence[Any], dialect: CsvDialect) -> str:
    return dialect.delimiter.join(_cell(value, dialect) for value in values) + "\n"


def _cell(value: Any, dialect: CsvDialect) -> str:
    """A text that reads like "no value" is quoted, so that it stays a text."""
    if value is None:
        return "" if "" in dialect.null_values else next(iter(dialect.null_values), "")
    if not isinstance(value, str):
        return json.dumps(value)  # As numbers and booleans are written in JSON, so in CSV.
    plain = not any(mark in value for mark in (dialect.delimiter, '"', "\n", "\r")) and value == value.strip()
    return value if plain and value not in dialect.null_values else '"{}"'.format(value.replace('"', '""'))
