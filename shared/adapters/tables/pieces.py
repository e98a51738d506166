"""The pieces of a file of any format, and work on them in a few threads with the order kept."""

import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import BinaryIO, TypeVar

from shared.adapters.tables.batches import Parse, Piece
from shared.adapters.tables.csv_pieces import csv_pieces
from shared.adapters.tables.json_pieces import json_pieces
from shared.adapters.tables.parquet_pieces import parquet_pieces
from shared.domain.data.data_contract import DataContract
from shared.domain.data.data_measures import Breaches

R = TypeVar("R")
_MOST_THREADS = 4  # Each has a piece in memory.


def pieces_of(
    stream: BinaryIO, name: str, contract: DataContract, names: Sequence[str], breaches: Breaches
) -> Iterator[Parse]:
    """The pieces of one file; what concerns the file as a whole is added to *breaches*."""
    if contract.format == "jsonl":
        return json_pieces(stream, name, contract, names)
    reader = csv_pieces if contract.format == "csv" else parquet_pieces
    return reader(stream, name, contract, names, breaches)


def map_pieces(pieces: Iterator[Parse], work: Callable[[Piece], R]) -> Iterator[R]:
    """*work* done on each piece, in the order of the pieces, with a bounded number of them in memory."""
    threads = min(os.cpu_count() or 1, _MOST_THREADS)
    with ThreadPoolExecutor(threads) as pool:
        under_way: deque[Future[R]] = deque()
        try:
            for parse in pieces:
                under_way.append(pool.submit(lambda parse=parse: work(parse())))  # type: ignore[misc]
                if len(under_way) > threads:
                    yield under_way.popleft().result()
            while under_way:
                yield under_way.popleft().result()
        finally:
            for future in under_way:
                future.cancel()
