"""One field of the lines that a model wrote, counted in the cells of its reference; the lines have no header."""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv

from shared.adapters.reader.files import TableFile
from shared.adapters.tables.batches import fault_of
from shared.adapters.tables.conversion import typed
from shared.domain.data.data_contract import Column
from shared.domain.data.reference_profile import ColumnProfile
from shared.domain.drift.counting import moments_of, tally_of
from shared.domain.drift.watch import OutputField
from shared.domain.drift.window import Counted

_BLOCK = 4 * 1024 * 1024


class UnreadableOutput(Exception):
    """The lines have no such field, or it holds something else than the reference; the message says which."""


def count_output(file: TableFile, output: OutputField, profile: ColumnProfile) -> Counted:
    """The field in every line of *file*. A line without a value, as NaN is written, is an answer that is counted in no
    cell. Raises UnreadableOutput, and whatever opening or reading the file raises."""
    counts, wrong = Counted(), False
    for values, bad in _values(file, output, profile):
        counts, wrong = counts.merged(_count(values, output.name, profile)), wrong or bad
    if wrong and not counts.outputs[output.name].total:
        raise UnreadableOutput("none of its values is a number")
    return counts


def _values(file: TableFile, output: OutputField, profile: ColumnProfile) -> "Iterator[tuple[np.ndarray, bool]]":
    """A batch's values, with NaN or the empty text for none, and whether one is not of their type."""
    column = Column(name=output.name, type="number" if profile.kind == "numeric" else "string")
    with file.open() as stream:
        if not stream.read(1):
            return
        stream.seek(0)
        try:
            reader = pa_csv.open_csv(
                stream,
                read_options=pa_csv.ReadOptions(block_size=_BLOCK, autogenerate_column_names=True, use_threads=False),
                parse_options=pa_csv.ParseOptions(delimiter=output.delimiter),
                convert_options=pa_csv.ConvertOptions(
                    default_column_type=pa.string(), strings_can_be_null=True, quoted_strings_can_be_null=False
                ),
            )
            for batch in reader:
                position = output.field - 1 if output.field > 0 else batch.num_columns - 1
                conversion = typed(batch.column(position), column)
                yield _plain(conversion.values), conversion.bad is not None
        except (pa.ArrowException, IndexError, KeyError, ValueError) as error:
            raise UnreadableOutput(fault_of(error)) from error


def _plain(values: pa.Array) -> "np.ndarray":
    if pa.types.is_floating(values.type):
        return np.asarray(values.to_numpy(zero_copy_only=False))
    return np.asarray(values.fill_null("").to_numpy(zero_copy_only=False))


def _count(values: "np.ndarray", name: str, profile: ColumnProfile) -> Counted:
    numeric = profile.kind == "numeric"
    return Counted(
        answers=len(values),
        outputs={name: tally_of(values, profile)},
        moments={name: moments_of(values)} if numeric else {},
    )
