"""Data checks on files of the hub: contracts and profiles from the app's folder, data streamed by ranges."""

import io
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from shared.adapters.hub_files.contracts import load_contract
from shared.adapters.reader.checks import check_files, match_files, measure_each
from shared.adapters.reader.files import TableFile
from shared.domain.data.data_check import judge_data
from shared.domain.data.data_contract import DataContract
from shared.domain.data.record_files import file_of_records
from shared.domain.data.reference_profile import ReferenceProfile
from shared.domain.failures import Refused
from shared.domain.inference.runs import RowMatch
from shared.ports import DataHub, HubFile


class HubDataChecks:
    """Implements `shared.ports.DataChecks`; contracts lie below *home*."""

    def __init__(self, hub: DataHub, home: Path) -> None:
        self._hub, self._home = hub, home

    def check(self, contract: str, files: Sequence[HubFile]) -> dict[str, Any]:
        rules, reference = self.contract(contract)
        tables = [self._table(file) for file in files]
        return check_files(tables, rules, reference, home=(self._home / contract).parent).to_dict()

    def faults(self, contract: str, records: Sequence[Mapping[str, Any]]) -> tuple[tuple[str, ...], ...]:
        rules, _ = self.contract(contract)
        alone = replace(rules, keys=(), min_rows=1, distribution=None, tolerance=0.0)
        written_records = [_written_alone(record, alone) for record in records]
        tables = [TableFile(name="record", open=partial(io.BytesIO, data)) for data, _ in written_records if data]
        measurements = iter(measure_each(tables, alone))
        return tuple(
            judge_data(next(measurements), alone, None).summary if data else (reason,)
            for data, reason in written_records
        )

    def match(self, contract: str, inputs: Sequence[HubFile], outputs: Sequence[HubFile]) -> RowMatch:
        rules, _ = self.contract(contract)
        return match_files([self._table(file) for file in inputs], [self._table(file) for file in outputs], rules)

    def written(self, contract: str, records: Sequence[Mapping[str, Any]]) -> bytes:
        rules, _ = self.contract(contract)
        if rules.format != "parquet":
            return file_of_records(records, rules)
        from shared.adapters.hub_files.parquet_records import parquet_of_records

        return parquet_of_records(records, rules)

    def contract(self, contract: str) -> tuple[DataContract, ReferenceProfile | None]:
        path = self._home / contract
        try:
            return load_contract(path, path.stat().st_mtime_ns)
        except (OSError, ValueError) as error:
            raise Refused(f"data contract {contract}: {error}") from error

    def _table(self, file: HubFile) -> TableFile:
        return TableFile(name=file.name, open=lambda: self._hub.open(file.blob))


def _written_alone(record: Mapping[str, Any], contract: DataContract) -> tuple[bytes, str]:
    """The file that holds one record, and the reason if the record cannot be written."""
    try:
        return file_of_records([record], contract), ""
    except (UnicodeError, ValueError, RecursionError) as error:
        return b"", f"the record cannot be written as {contract.csv.encoding} ({type(error).__name__})"
