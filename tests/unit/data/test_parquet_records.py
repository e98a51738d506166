"""Rows of a trial as a Parquet file: with the types of the contract, so that its own check passes them."""

import io
from datetime import date, datetime
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from shared.adapters.hub_files.data_checks import HubDataChecks
from shared.adapters.reader.checks import check_files
from shared.adapters.reader.files import TableFile
from shared.domain.failures import Refused

CONTRACT = """
format: parquet
extra_columns: allow
columns:
  - {name: id, type: integer}
  - {name: age, type: number, nullable: true}
  - {name: site, type: string}
  - {name: member, type: boolean}
  - {name: visit, type: date}
  - {name: seen, type: timestamp}
keys: [id]
"""
ROW = {"id": "7", "age": "54.5", "site": "07", "member": "true", "visit": "2026-11-30", "seen": "2026-11-30T10:00:00Z"}


@pytest.fixture
def checks(tmp_path: Path) -> HubDataChecks:
    (tmp_path / "c.yaml").write_text(CONTRACT)
    return HubDataChecks(None, tmp_path)  # type: ignore[arg-type]


def test_texts_become_values_of_their_columns_and_pass_the_contract(checks: HubDataChecks) -> None:
    rows = [{**ROW, "more": 1}, {**ROW, "id": 8, "age": None, "more": "x"}]

    content = checks.written("c.yaml", rows)

    first, second = pq.read_table(io.BytesIO(content)).to_pylist()
    assert (first["id"], first["age"], first["site"], first["member"]) == (7, 54.5, "07", True)
    assert (first["visit"], first["seen"]) == (date(2026, 11, 30), datetime.fromisoformat("2026-11-30T10:00"))
    assert (second["id"], second["age"], first["more"], second["more"]) == (8, None, "1", "x")
    contract, _ = checks.contract("c.yaml")
    report = check_files([TableFile(name="rows.parquet", open=lambda: io.BytesIO(content))], contract, None)
    assert (report.outcome, report.rows) == ("passed", 2), report.summary


@pytest.mark.parametrize("row", [{**ROW, "age": "old"}, {**ROW, "id": 1.5}, {**ROW, "visit": "30.11.2026"}])
def test_a_value_that_its_column_cannot_have_is_refused_by_name(checks: HubDataChecks, row: dict[str, object]) -> None:
    with pytest.raises(Refused, match=r"column (age|id|visit) "):
        checks.written("c.yaml", [row])
