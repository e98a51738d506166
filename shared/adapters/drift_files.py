"""Count a run's files against a model's reference with Arrow, batch by batch; read labelled tables, up to a limit."""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pa_parquet
import yaml

from shared.adapters.arrow_tables import measure
from shared.adapters.contract_files import load_contract
from shared.adapters.reader.files import TableFile
from shared.domain.data_contract import DataContract
from shared.domain.drift.counting import moments_of, tally_of
from shared.domain.drift.reference import ModelReference
from shared.domain.drift.watch import OutputField
from shared.domain.drift.window import Counted
from shared.domain.failures import Refused
from shared.domain.reference_profile import MANY_TEXTS, ColumnProfile, ReferenceProfile
from shared.ports import Blob, DataHub, HubFile

_BLOCK = 4 * 1024 * 1024
MOST_ROWS = 500_000
_ROW = re.compile(r"(?:Row #|line )([0-9]{1,18})")


class HubDriftFiles:
    """Implements `shared.ports.DriftFiles`; contracts lie below *home*."""

    def __init__(self, hub: DataHub, home: Path) -> None:
        self._hub, self._home = hub, home

    def count(
        self,
        contract: str,
        reference: ModelReference,
        inputs: Sequence[HubFile],
        outputs: Sequence[HubFile] = (),
        output: OutputField | None = None,
    ) -> Counted:
        read, _ = self._contract(contract)
        tables = [TableFile(name=file.name, open=self._opener(file.blob)) for file in inputs]
        found = measure(tables, read, reference.inputs)
        counted = Counted(rows=found.rows, inputs=dict(found.tallies))
        if output is None or output.name not in reference.outputs:
            return counted
        for file in outputs:
            for values in _output_values(self._opener(file.blob), file.name, output, reference.outputs[output.name]):
                counted = counted.merged(_counted_output(values, output.name, reference.outputs[output.name]))
        return counted

    def own_reference(self, contract: str) -> ModelReference | None:
        _, profile = self._contract(contract)
        return ModelReference(inputs=profile) if profile else None

    def columns(self, blob: Blob) -> Mapping[str, Any]:
        try:
            with self._hub.open(blob) as stream:
                return _plain(_table(blob.path, stream))
        except (pa.ArrowException, ValueError, TypeError, AttributeError, RecursionError) as error:
            where = f"{blob.container}/{blob.path}"
            raise Refused(f"{where} cannot be read as CSV, JSON lines or Parquet: {_fault(error)}") from error

    def _opener(self, blob: Blob) -> Callable[[], BinaryIO]:
        return lambda: self._hub.open(blob)

    def _contract(self, contract: str) -> tuple[DataContract, ReferenceProfile | None]:
        path = self._home / contract
        try:
            return load_contract(path, path.stat().st_mtime_ns)
        except (OSError, ValueError, yaml.YAMLError) as error:
            raise Refused(f"data contract {contract}: {error}") from error


def _output_values(
    opened: Callable[[], BinaryIO], name: str, output: OutputField, profile: ColumnProfile
) -> Iterator[Any]:
    """One field of every line, as numbers where the reference's are; the lines have no header (`append_row`)."""
    wanted = pa.float64() if profile.kind == "numeric" else pa.string()
    with opened() as stream:
        if not stream.read(1):
            return
        stream.seek(0)
        try:
            reader = pa_csv.open_csv(
                stream,
                read_options=pa_csv.ReadOptions(block_size=_BLOCK, autogenerate_column_names=True, use_threads=False),
                parse_options=pa_csv.ParseOptions(delimiter=output.delimiter),
                convert_options=pa_csv.ConvertOptions(default_column_type=pa.string()),
            )
            for batch in reader:
                place = output.field - 1 if output.field > 0 else batch.num_columns - 1
                yield pc.cast(batch.column(place), wanted).to_numpy(zero_copy_only=False)
        except (pa.ArrowInvalid, IndexError) as error:
            what = f"output {name}: field {output.field} ({output.name})"
            raise Refused(f"{what} cannot be read: {_fault(error)}") from error


def _counted_output(values: Any, name: str, profile: ColumnProfile) -> Counted:
    numeric = profile.kind == "numeric"
    return Counted(
        answers=len(values),
        outputs={name: tally_of(values, profile)},
        moments={name: moments_of(values)} if numeric else {},
    )


def _fault(error: Exception) -> str:
    """The kind of *error* and the row that it names; its own words repeat what the row holds."""
    row = _ROW.search(str(error))
    return f"{type(error).__name__}{f' in row {row[1]}' if row else ''}"


def _table(name: str, stream: BinaryIO) -> pa.Table:
    """The first rows, in one table."""
    if name.endswith(".parquet"):
        batches: Any = pa_parquet.ParquetFile(stream).iter_batches(batch_size=65_536)
    elif name.endswith(".jsonl"):
        return pa.Table.from_pylist([json.loads(line) for line, _ in zip(stream, range(MOST_ROWS), strict=False)])
    else:
        batches = pa_csv.open_csv(stream, read_options=pa_csv.ReadOptions(block_size=_BLOCK, use_threads=False))
    taken, rows = [], 0
    for batch in batches:
        taken.append(batch.slice(0, MOST_ROWS - rows))
        rows += taken[-1].num_rows
        if rows >= MOST_ROWS:
            break
    return pa.Table.from_batches(taken)


def _plain(table: pa.Table) -> dict[str, Any]:
    found = {name: _column(table.column(name).combine_chunks()) for name in table.column_names}
    return {name: values for name, values in found.items() if values is not None}


def _column(values: pa.ChunkedArray) -> Any:
    """Numbers with NaN for null, texts with the empty one; None for dates and free text."""
    kind = values.type
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return pc.fill_null(pc.cast(values, pa.float64()), np.nan).to_numpy(zero_copy_only=False)
    if not (pa.types.is_string(kind) or pa.types.is_boolean(kind) or pa.types.is_dictionary(kind)):
        return None
    texts = pc.fill_null(pc.cast(values, pa.string()), "").to_numpy(zero_copy_only=False).astype(str)
    return texts if len(np.unique(texts)) <= MANY_TEXTS else None
