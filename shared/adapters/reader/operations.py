"""What a reader process can be asked to do. Each gives JSON and bytes, and raises only for faults of the product."""

from collections.abc import Iterator, Sequence

import numpy as np

from shared.adapters.hub_files import row_matching
from shared.adapters.reader.files import TableFile
from shared.adapters.reader.frames import Frame
from shared.adapters.tables import measuring
from shared.adapters.tables.labelled import UnreadableTable, plain_columns
from shared.adapters.tables.outputs import UnreadableOutput, count_output
from shared.adapters.tables.overview.describing import describe
from shared.adapters.tables.overview.profiling import profile_table as table_figures
from shared.adapters.tables.plain_rows import plain_rows
from shared.codec import encode
from shared.domain.data.data_contract import DataContract, Format
from shared.domain.data.reference_profile import ColumnProfile, ReferenceProfile
from shared.domain.drift.watch import OutputField
from shared.domain.drift.window import Counted


def measure(files: Sequence[TableFile], contract: DataContract, reference: ReferenceProfile | None) -> Iterator[Frame]:
    """The measurements of *files* in one frame."""
    yield encode(measuring.measure(files, contract, reference)), b""


def measure_each(files: Sequence[TableFile], contract: DataContract) -> Iterator[Frame]:
    """The measurements of each of *files* by itself, a frame each; the last frame is empty."""
    for file in files:
        yield encode(measuring.measure([file], contract, None)), b""
    yield {}, b""


def read_rows(files: Sequence[TableFile], contract: DataContract, columns: Sequence[str]) -> Iterator[Frame]:
    """The typed *columns* of each of *files* as rows, some thousand in a frame, as one line of JSON.

    Rows in which one of them is not of its type are left out: measuring says so.
    """
    for file in files:
        for text in plain_rows(file, contract, columns):
            yield {"file": file.name}, text
    yield {}, b""


def count_outputs(files: Sequence[TableFile], output: OutputField, profile: ColumnProfile) -> Iterator[Frame]:
    """What all *files* hold in one field of their lines, or which of them cannot be read, and why."""
    counts = Counted()
    for file in files:
        try:
            counts = counts.merged(count_output(file, output, profile))
        except UnreadableOutput as error:
            yield {"unreadable": str(error), "file": file.name}, b""
            return
    yield {"counted": encode(counts)}, b""


def read_columns(files: Sequence[TableFile]) -> Iterator[Frame]:
    """A frame for each plain column of the one file: numbers as 64-bit floats, categories as numbers of their texts."""
    (file,) = files
    try:
        for name, values in plain_columns(file):
            if values.dtype.kind == "f":
                yield {"name": name}, values.astype("<f8").tobytes()
            else:
                texts, codes = np.unique(values, return_inverse=True)
                yield {"name": name, "texts": texts.tolist()}, codes.astype("<i4").tobytes()
    except UnreadableTable as error:
        yield {"unreadable": str(error)}, b""
    yield {}, b""


def match_rows(files: Sequence[TableFile], inputs: int, contract: DataContract) -> Iterator[Frame]:
    """How the records of the *files* after the first *inputs* answer the rows of these."""
    yield encode(row_matching.match_rows(files[:inputs], files[inputs:], contract)), b""


def describe_table(files: Sequence[TableFile], kind: Format) -> Iterator[Frame]:
    """The columns and rows of *files* together, or what is wrong with them, in one frame."""
    yield encode(describe(files, kind).facts()), b""


def profile_table(files: Sequence[TableFile], kind: Format, patterns: tuple[str, ...]) -> Iterator[Frame]:
    """The figures of *files* together, of the columns that *patterns* name, in one frame."""
    yield encode(table_figures(files, kind, patterns)), b""
