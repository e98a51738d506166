"""Count a run's files against a model's reference, and read labelled tables up to a limit, both in a reader process."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from shared.adapters.hub_files.contracts import load_contract
from shared.adapters.reader.checks import measure_files
from shared.adapters.reader.files import TableFile
from shared.adapters.reader.pool import readers
from shared.adapters.reader.process import ReaderDied
from shared.codec import decode
from shared.domain.data.data_contract import DataContract
from shared.domain.data.reference_profile import ColumnProfile, ReferenceProfile
from shared.domain.drift.reference import ModelReference
from shared.domain.drift.watch import OutputField
from shared.domain.drift.window import Counted
from shared.domain.failures import Refused
from shared.ports import Blob, DataHub, HubFile


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
        *,
        as_lines: bool = False,
    ) -> Counted:
        rules, _ = self._contract(contract)
        if as_lines:
            rules = replace(rules, format="jsonl", extra_columns="allow")
        tables = [TableFile(name=file.name, open=self._opener(file.blob)) for file in inputs]
        measurements = measure_files(tables, rules, reference.inputs)
        counts = Counted(rows=measurements.rows, inputs=dict(measurements.tallies))
        if output is None or output.name not in reference.outputs or not outputs:
            return counts
        return counts.merged(self._outputs(outputs, output, reference.outputs[output.name]))

    def _outputs(self, outputs: Sequence[HubFile], output: OutputField, profile: ColumnProfile) -> Counted:
        tables = [TableFile(name=file.name, open=self._opener(file.blob)) for file in outputs]
        try:
            answer = readers().ask("count_outputs", tables, output, profile)[0]["end"]
        except ReaderDied as death:
            answer = {"unreadable": death.reason, "file": death.file}
        if "unreadable" in answer:
            subject = f"output {answer['file']}: field {output.field} ({output.name})"
            raise Refused(f"{subject} cannot be read: {answer['unreadable']}")
        return decode(Counted, answer["counted"])

    def own_reference(self, contract: str) -> ModelReference | None:
        _, profile = self._contract(contract)
        return ModelReference(inputs=profile) if profile else None

    def columns(self, blob: Blob) -> Mapping[str, Any]:
        columns = dict[str, Any]()
        try:
            for message, data in readers().stream("read_columns", [TableFile(name=blob.path, open=self._opener(blob))]):
                part = message.get("part") or {}
                if "unreadable" in part:
                    raise _no_table(blob, part["unreadable"])
                if "name" in part:
                    columns[part["name"]] = _column(part, data)
        except ReaderDied as death:
            raise _no_table(blob, death.reason) from death
        return columns

    def _opener(self, blob: Blob) -> Callable[[], BinaryIO]:
        return lambda: self._hub.open(blob)

    def _contract(self, contract: str) -> tuple[DataContract, ReferenceProfile | None]:
        path = self._home / contract
        try:
            return load_contract(path, path.stat().st_mtime_ns)
        except (OSError, ValueError) as error:
            raise Refused(f"data contract {contract}: {error}") from error


def _no_table(blob: Blob, reason: str) -> Refused:
    return Refused(f"{blob.container}/{blob.path} cannot be read as CSV, JSON lines or Parquet: {reason}")


def _column(part: Mapping[str, Any], data: bytes) -> Any:
    """A column of numbers, or of texts that the reader sent as a list of categories and a code for each row."""
    if "texts" not in part:
        return np.frombuffer(data, "<f8")
    return np.array(part["texts"], dtype=str)[np.frombuffer(data, "<i4")]
