"""Data checks on files of the hub: contracts and profiles from the app's folder, data streamed by ranges."""

import io
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from shared.adapters.contract_files import load_contract
from shared.adapters.reader.checks import check_files
from shared.adapters.reader.files import TableFile
from shared.domain.data_contract import DataContract
from shared.domain.failures import Refused
from shared.domain.record_files import written
from shared.domain.reference_profile import ReferenceProfile
from shared.ports import DataHub, HubFile


class HubDataChecks:
    """Implements `shared.ports.DataChecks`; contracts lie below *home*."""

    def __init__(self, hub: DataHub, home: Path) -> None:
        self._hub, self._home = hub, home

    def check(self, contract: str, files: Sequence[HubFile]) -> dict[str, Any]:
        read, reference = self._contract(contract)
        tables = [self._table(file) for file in files]
        return check_files(tables, read, reference).to_dict()

    def faults(self, contract: str, records: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
        read, _ = self._contract(contract)
        alone = replace(read, keys=(), min_rows=1, distribution=None, tolerance=0.0)
        try:
            data = written(records, read)
        except UnicodeError as error:
            return (f"cannot be written as {read.csv.encoding}: {error}",)
        table = TableFile(name="records", open=lambda: io.BytesIO(data))
        return check_files([table], alone).summary

    def written(self, contract: str, records: Sequence[Mapping[str, Any]]) -> bytes:
        return written(records, self._contract(contract)[0])

    def _contract(self, contract: str) -> tuple[DataContract, ReferenceProfile | None]:
        path = self._home / contract
        try:
            return load_contract(path, path.stat().st_mtime_ns)
        except (OSError, ValueError) as error:
            raise Refused(f"data contract {contract}: {error}") from error

    def _table(self, file: HubFile) -> TableFile:
        return TableFile(name=file.name, open=lambda: self._hub.open(file.blob))
