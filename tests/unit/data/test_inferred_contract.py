"""A contract that is inferred from a file is a contract that the file meets, and says what was seen."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pa_parquet
import pytest

from shared.adapters.reader.files import TableFile, local_file
from shared.adapters.tables import csv_pieces, inferring
from shared.config.contracts import load_contract
from shared.domain.data.data_contract import DataContract
from shared.operations.local_contract import main

HEADER = "patient_id;age;weight;sex;seen;note;yes;gone"
ROWS = [
    f"{1000 + n};{20 + n % 50};{60 + n / 4};{'fm'[n % 2]};2026-01-{n % 28 + 1:02};{f'note {n}' * (not n % 3)};{n % 2};"
    for n in range(60)
]


def inferred(folder: Path, file: Path) -> tuple[DataContract, str]:
    assert main([str(file), str(folder / "contract.yaml")]) == 0
    contract, reference = load_contract(folder, "contract.yaml")
    assert reference is not None
    assert reference.rows == 60
    return contract, (folder / "contract.yaml").read_text()


def test_it_has_the_narrowest_types_ends_and_categories(tmp_path: Path) -> None:
    (tmp_path / "data.csv").write_text("\n".join([HEADER, *ROWS]))
    contract, text = inferred(tmp_path, tmp_path / "data.csv")
    columns = {column.name: column for column in contract.columns}

    assert {name: column.type for name, column in columns.items()} == {
        **{"patient_id": "integer", "age": "integer", "weight": "number", "sex": "string"},
        **{"seen": "date", "note": "string", "yes": "integer", "gone": "string"},
    }
    assert (contract.csv.delimiter, contract.keys) == (";", ("patient_id",))
    assert (columns["age"].min, columns["age"].max, columns["patient_id"].min) == (15, 74, None)
    assert columns["sex"].allowed == ("f", "m")
    assert [name for name, column in columns.items() if column.nullable] == ["note", "gone"]
    assert "# seen from 20 to 69, and a tenth more" in text
    assert "# 40 of 60 have no value; 20 different values" in text
    assert text.startswith("# Inferred from data.csv by `signalbox model contract`: 60 rows.")


def test_other_formats_are_read_as_well(tmp_path: Path) -> None:
    table = pa.table({"x": [1.5] * 60, "flag": [True, False] * 30})
    pa_parquet.write_table(table, tmp_path / "data.parquet")
    lines = [json.dumps({"x": 1.5, "flag": number % 2 == 0}) for number in range(60)]
    (tmp_path / "json").mkdir()
    (tmp_path / "json" / "data.jsonl").write_text("\n".join(lines))
    for folder, name in ((tmp_path, "data.parquet"), (tmp_path / "json", "data.jsonl")):
        contract, _ = inferred(folder, folder / name)
        assert [column.type for column in contract.columns] == ["number", "boolean"]


@pytest.mark.parametrize(
    ("late_value", "readings"), [("7", 1), ("4.5", 2)], ids=["one type throughout", "a wider type in a later piece"]
)
def test_a_file_is_read_once_unless_a_later_piece_disproves_a_type(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, late_value: str, readings: int
) -> None:
    (tmp_path / "data.csv").write_text("\n".join([HEADER.removesuffix(";gone"), *(row[:-1] for row in ROWS)]))
    values, opened_files = ["42"] * 200_000 + [late_value], list[Path]()
    (tmp_path / "late.csv").write_text("\n".join(["count", *values]))

    def count(path: Path) -> TableFile:
        opened_files.append(path)
        return local_file(path)

    dialects = {name: inferring.dialect_of(tmp_path / name) for name in ("data.csv", "late.csv")}
    monkeypatch.setattr(inferring, "local_file", count)
    monkeypatch.setattr(csv_pieces, "_BLOCK", 65536)
    columns = {name: inferring.seen_columns(tmp_path / name, dialect) for name, dialect in dialects.items()}

    assert len({column.kind for column in columns["data.csv"]}) == 4
    assert columns["late.csv"][0].rows == len(values)
    assert [path.name for path in opened_files] == ["data.csv", *["late.csv"] * readings]


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("data.xlsx", "x\n1\n", "its name says how it is read"),
        ("data.csv", "x,x\n1,2\n", "has no header with different names"),
        ("data.csv", "x\n", "has no rows"),
    ],
)
def test_what_is_no_table_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, content: str, reason: str
) -> None:
    (tmp_path / name).write_text(content)

    assert main([str(tmp_path / name), str(tmp_path / "contract.yaml")]) == 2
    assert reason in capsys.readouterr().err
    assert not (tmp_path / "contract.yaml").exists()


def test_what_is_there_is_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "data.csv").write_text("x\n1\n")
    (tmp_path / "contract.yaml").write_text("mine")

    assert main([str(tmp_path / "data.csv"), str(tmp_path / "contract.yaml")]) == 2
    assert (tmp_path / "contract.yaml").read_text() == "mine"
    assert "give --force to replace it" in capsys.readouterr().err
