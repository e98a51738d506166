"""`batch_rows_answered` is refused where no batch deployment could be tried, or no file of rows could be made."""

from pathlib import Path

import pytest
import yaml

from shared.config import check, load
from tests.unit.config.test_rehearsals import written

GATE = "batch_rows_answered"


def trying(folder: Path, contract: str, phase: str = "exit", **serve: str) -> Path:
    """A configuration whose pre-production asks the gate at *phase* and has the endpoints *serve*."""
    path = written(folder)
    content = yaml.safe_load(path.read_text())
    content["ladder"]["preprod"] |= {phase: {GATE: {}}, "serve": {"online": "churn", **serve}}
    path.write_text(yaml.safe_dump(content))
    number = ", field: 1" if "header" in contract else ""
    (folder / "c.yaml").write_text(f"{contract}\ncolumns: [{{name: id, type: integer{number}}}]\n")
    return path


@pytest.mark.parametrize("contract", ["format: csv", "format: jsonl", "format: parquet"])
def test_files_of_each_format_can_be_tried(tmp_path: Path, contract: str) -> None:
    stages = {stage.name: stage for stage in load(trying(tmp_path, contract, batch="b")).ladder.stages}

    assert [gate.gate for gate in stages["preprod"].exit_gates] == [GATE]


@pytest.mark.parametrize(
    ("contract", "phase", "serve", "problem"),
    [
        ("format: csv", "exit", {}, "has no batch deployment to ask"),
        ("format: csv", "entry", {"batch": "b"}, "has no batch deployment to ask"),
        ("format: csv\ncsv: {header: false}", "exit", {"batch": "b"}, "c.yaml says csv.header: false"),
    ],
)
def test_what_could_not_be_tried_is_refused_with_the_remedy(
    tmp_path: Path, contract: str, phase: str, serve: dict[str, str], problem: str
) -> None:
    (finding,) = check(trying(tmp_path, contract, phase, **serve))

    assert (finding.field, problem in finding.problem) == (f"ladder.preprod.{phase}.{GATE}", True), finding
    assert "remove" in finding.remedy
