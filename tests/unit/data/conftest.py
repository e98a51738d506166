"""Files in memory, and a contract to measure them by."""

import io
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from shared.adapters.reader.files import TableFile
from shared.adapters.tables.measuring import measure
from shared.domain.data.data_check import CheckReport, judge_data
from shared.domain.data.reference_profile import ReferenceProfile
from tests.data_contracts import parse_contract

CONTRACT: Mapping[str, Any] = {
    "format": "csv",
    "keys": ["id"],
    "columns": [
        {"name": "id", "type": "string"},
        {"name": "age", "type": "number", "min": 0, "max": 120},
        {"name": "sex", "type": "string", "allowed": ["f", "m"], "nullable": True},
    ],
}


def table(name: str, data: bytes) -> TableFile:
    return TableFile(name=name, open=lambda: io.BytesIO(data))


Check = Callable[..., CheckReport]


@pytest.fixture
def check() -> Check:
    def check(*contents: bytes, reference: ReferenceProfile | None = None, **changes: Any) -> CheckReport:
        contract = parse_contract({**CONTRACT, **changes})
        files = [table(f"{number}.csv", content) for number, content in enumerate(contents)]
        return judge_data(measure(files, contract, reference), contract, reference)

    return check
