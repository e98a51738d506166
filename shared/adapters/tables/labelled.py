"""The first rows of a table as plain columns, numbers and categories: what relevance is computed from."""

import itertools
import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pa_parquet

from shared.adapters.reader.files import TableFile
from shared.adapters.tables.batches import fault_of
from shared.domain.data.reference_profile import MANY_TEXTS

_BLOCK = 4 * 1024 * 1024
_ROWS = 65_536
_LONGEST_LINE = 16 * 1024 * 1024
MOST_ROWS = 500_000


class UnreadableTable(Exception):
    """The file is no table; the message says why."""


def plain_columns(file: TableFile) -> Iterator[tuple[str, "np.ndarray"]]:
    """Numbers with NaN for none, texts with the empty one; dates and free text are left out.

    Raises UnreadableTable, and whatever opening or reading the file raises.
    """
    with file.open() as stream:
        try:
            table = _table(file.name, stream)
            for name in dict.fromkeys(table.column_names):
                values = _plain(table.column(name).combine_chunks())
                if values is not None:
                    yield name, values
        except (pa.ArrowException, ValueError, KeyError, TypeError, OSError, RecursionError, OverflowError) as error:
            raise UnreadableTable(fault_of(error)) from error


def _table(name: str, stream: Any) -> pa.Table:
    if name.endswith(".parquet"):
        batches: Any = pa_parquet.ParquetFile(stream, pre_buffer=False).iter_batches(batch_size=_ROWS)
    elif name.endswith(".jsonl"):
        return pa.Table.from_pylist(list(itertools.islice(_objects(stream), MOST_ROWS)))
    else:
        batches = pa_csv.open_csv(stream, read_options=pa_csv.ReadOptions(block_size=_BLOCK, use_threads=False))
    batches_read, rows = list[pa.RecordBatch](), 0
    for batch in batches:
        batches_read.append(batch.slice(0, MOST_ROWS - rows))
        rows += batches_read[-1].num_rows
        if rows >= MOST_ROWS:
            break
    return pa.Table.from_batches(batches_read)


def _objects(stream: Any) -> Iterator[dict[str, Any]]:
    for number in itertools.count(1):
        line = stream.readline(_LONGEST_LINE)
        if not line:
            return
        value = json.loads(line.decode("utf-8-sig" if number == 1 else "utf-8"))
        if not isinstance(value, dict):
            raise ValueError(f"line {number} is no JSON object")
        yield value


def _plain(values: pa.Array) -> "np.ndarray | None":
    kind = values.type
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        numbers = pc.cast(values, pa.float64(), safe=False)
        plain = np.array(pc.fill_null(numbers, np.nan).to_numpy(zero_copy_only=False))
        plain[~np.isfinite(plain)] = np.nan
        return plain
    if not (pa.types.is_string(kind) or pa.types.is_boolean(kind) or pa.types.is_dictionary(kind)):
        return None
    texts = pc.fill_null(pc.cast(values, pa.string()), "").to_numpy(zero_copy_only=False).astype(str)
    return texts if len(np.unique(texts)) <= MANY_TEXTS else None
