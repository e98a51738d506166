"""Records as a Parquet file that a data contract describes: its columns have the contract's types.

It stands alone because pyarrow is imported where a file is written, and not with the app.
"""

import io
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pa_parquet

from shared.adapters.tables.conversion import TYPES, parsed
from shared.domain.data.data_contract import Column, DataContract
from shared.domain.failures import Refused


def parquet_of_records(records: Sequence[Mapping[str, Any]], contract: DataContract) -> bytes:
    """The file of *records*: the contract's columns first, then all other fields. Texts become values of their column.

    Raises Refused for a value that its column cannot have.
    """
    names = dict.fromkeys(name for record in records for name in record)
    columns = {
        column.name: _typed(column, [record.get(column.name) for record in records]) for column in contract.columns
    }
    others = {name: _plain([record.get(name) for record in records]) for name in names if name not in columns}
    stream = io.BytesIO()
    pa_parquet.write_table(pa.table(columns | others), stream)
    return stream.getvalue()


def _typed(column: Column, values: Sequence[Any]) -> pa.Array:
    return pa.array([_value(column, value) for value in values], TYPES[column.type])


def _value(column: Column, value: Any) -> Any:
    """By its text, as of a CSV file: Arrow itself would make a whole number of 1.5 without a word."""
    if value is None:
        return None
    known = parsed(str(value), column.type)
    if known is None:
        raise Refused(f"column {column.name} has a value that is no {column.type}")
    return known


def _plain(values: Sequence[Any]) -> pa.Array:
    """Values of one type as they are, and others as texts."""
    try:
        return pa.array(values)
    except (pa.ArrowException, TypeError, OverflowError):
        return pa.array([None if value is None else str(value) for value in values], pa.string())
