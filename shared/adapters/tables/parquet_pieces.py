"""Parquet as batches of a row group's columns; only the columns that are wanted are read."""

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import BinaryIO

import pyarrow.parquet as pa_parquet

from shared.adapters.tables.batches import MOST_COLUMNS, Parse, Piece, UnreadableFile, compare_columns
from shared.domain.data.data_contract import DataContract
from shared.domain.data.data_measures import Breaches

_ROWS = 65_536
_LARGE_GROUP = 64 * 1024 * 1024
_BUFFER = 4 * 1024 * 1024


def parquet_pieces(
    stream: BinaryIO, name: str, contract: DataContract, names: Sequence[str], breaches: Breaches
) -> Iterator[Parse]:
    """The pieces of one file, with those of the columns *names* that it has. Raises UnreadableFile."""
    metadata = pa_parquet.read_metadata(stream)
    if metadata.num_columns > MOST_COLUMNS:
        raise UnreadableFile(f"it has {metadata.num_columns} columns, more than {MOST_COLUMNS}")
    groups = [metadata.row_group(number).total_byte_size for number in range(metadata.num_row_groups)]
    # A large row group is read through a buffer: a column of it need not fit into memory.
    buffer = _BUFFER if max(groups, default=0) > _LARGE_GROUP else 0
    stream.seek(0)
    file = pa_parquet.ParquetFile(
        stream,
        metadata=metadata,
        pre_buffer=False,
        buffer_size=buffer,
        read_dictionary=_dictionary_columns(metadata, contract),
    )
    header = list(file.schema_arrow.names)
    if repetitions := [column for column, times in Counter(header).items() if times > 1]:
        raise UnreadableFile(f"a column's name is there twice: {repetitions[0][:60]}")
    compare_columns(name, dict.fromkeys(header, 0), contract, breaches)
    present = [column for column in names if column in header]
    threads = (os.cpu_count() or 1) > 1
    for batch in file.iter_batches(batch_size=_ROWS, columns=present, use_threads=threads):
        columns = {column: batch.column(column) for column in present}
        yield lambda rows=batch.num_rows, columns=columns: Piece(rows=rows, columns=columns)  # type: ignore[misc]


def _dictionary_columns(metadata: pa_parquet.FileMetaData, contract: DataContract) -> list[str]:
    """Columns of texts that are written by dictionary and are no key: their texts need not be made for each row."""
    texts = {column.name for column in contract.columns if column.type == "string" and column.name not in contract.keys}
    positions = {metadata.schema.column(at).path: at for at in range(metadata.num_columns)}
    groups = range(metadata.num_row_groups)
    return [
        name
        for name, at in positions.items()
        if name in texts and all(metadata.row_group(group).column(at).has_dictionary_page for group in groups)
    ]
