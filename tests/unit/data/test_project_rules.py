"""Data rules of a project: they judge rows beside the built-in rules, and whatever goes wrong in one is a finding."""

import io
from pathlib import Path

import pytest

from shared.adapters.reader.checks import check_files
from shared.adapters.reader.files import TableFile
from shared.config.contracts import load_contract, read_contract
from shared.domain.data.data_check import CheckReport
from shared.domain.project_functions import digest_of

CONTRACT = """\
format: csv
tolerance: {tolerance}
columns:
  - {{name: age, type: integer}}
  - {{name: seen, type: date}}
  - {{name: note, type: string, nullable: true}}
rules:
  - {{function: rules.py:plausible, columns: [age, seen, note], options: {{most: 9}}, seconds: 2, memory_mb: 256}}
"""
RULE = """\
def plausible(row, options):
    if row["age"] > options["most"] and row["note"] is None:
        return f"{row['age']} on {row['seen']} without a note"
"""
DATA = b"age,seen,note\n1,2026-01-01,a\n10,2026-01-02,\nx,2026-01-03,\n11,2026-01-04,b\n12,2026-01-05,\n"


def report_on(home: Path, source: str, data: bytes = DATA, tolerance: float = 0.2) -> CheckReport:
    (home / "rules.py").write_text(source)
    (home / "contract.yaml").write_text(CONTRACT.format(tolerance=tolerance))
    contract, _ = load_contract(home, "contract.yaml")
    file = TableFile(name="f.csv", open=lambda: io.BytesIO(data))
    return check_files([file], contract, home=home)


def test_a_rule_names_the_rows_that_break_it_and_its_source_is_on_record(tmp_path: Path) -> None:
    report = report_on(tmp_path, RULE)
    finding = next(finding for finding in report.findings if finding.rule == "rules.py:plausible")

    assert (finding.count, [(example.file, example.row) for example in finding.examples]) == (
        2,
        [("f.csv", 2), ("f.csv", 5)],
    )
    assert report.summary == ("rules.py:plausible: rows: 2 break this rule of the project (f.csv row 2; f.csv row 5)",)
    assert [example.value for example in finding.examples] == [
        "10 on 2026-01-02 without a note",
        "12 on 2026-01-05 without a note",
    ]
    assert report.to_dict()["sources"] == {"rules.py:plausible": digest_of(RULE.encode())}


def test_the_tolerance_of_the_contract_holds_for_it(tmp_path: Path) -> None:
    report = report_on(tmp_path, RULE, tolerance=0.4)

    assert report.outcome == "passed"
    assert "rules.py:plausible" in {finding.rule for finding in report.tolerated}


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("return row['weight']", "it failed at rules.py:2: KeyError: 'weight'"),
        ("return True", "it returned True; return a sentence about a row that is wrong, and None otherwise"),
        ("import time; time.sleep(60)", "it took longer than 2 s"),
        ("open('/etc/passwd')", "a data rule opens no file: /etc/passwd"),
        ("import os; os._exit(3)", "its process ended with code 3"),
        ("print(row)", "it printed"),
    ],
)
def test_a_rule_that_goes_wrong_holds_the_data_whatever_is_tolerated(tmp_path: Path, body: str, reason: str) -> None:
    report = report_on(tmp_path, f"def plausible(row, options):\n    {body}\n", tolerance=1)

    assert report.outcome == "failed"
    assert report.summary[0] == "rule: rules.py:plausible: could not be asked (rules.py)"
    assert reason in report.findings[0].examples[0].value


def test_a_file_that_cannot_be_loaded_is_a_finding(tmp_path: Path) -> None:
    report = report_on(tmp_path, f"raise SystemExit(7)\n{RULE}")

    assert "could not be asked" in report.summary[0]


def test_rows_keep_their_numbers_over_many_parts(tmp_path: Path) -> None:
    rows = b"".join(b"%d,2026-01-01,a\n" % (number == 12_345) for number in range(1, 20_001))
    rule = "def plausible(row, options):\n    return 'one' if row['age'] else None\n"
    report = report_on(tmp_path, rule, b"age,seen,note\n" + rows, tolerance=0)

    assert [(example.row, example.value) for example in report.findings[0].examples] == [(12_345, "one")]


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        (
            "function: rules.py:plausibel",
            "contract.yaml:5:5: rules[0].function: names rules.py, which has no function plausibel; did you mean",
        ),
        ("function: ../rules.py:plausible", "rules[0].function: is outside the contract's folder"),
        ("function: other.py:plausible", "rules[0].function: names other.py, which is not a file"),
        ("function: plausible", "rules[0].function: is 'plausible'; use FILE.py:FUNCTION"),
        ("{function: rules.py:plausible, columns: [ages]}", "rules[0].columns[0]: is 'ages', which is no column; did"),
        ("{function: rules.py:plausible, seconds: 999}", "rules[0].seconds: is 999; use a number from 0.1 to 300"),
        ("function: rules.py:narrow", "rules.py:3: rules.py:narrow: does not take the row and the options"),
    ],
)
def test_what_is_wrong_with_a_rule_is_said_before_anything_runs(tmp_path: Path, line: str, sentence: str) -> None:
    (tmp_path / "rules.py").write_text("def plausible(row, options):\n    return None\ndef narrow(row):\n    pass\n")
    contract = f"format: csv\ncolumns:\n  - {{name: age, type: integer}}\nrules:\n  - {line}\n"
    (tmp_path / "contract.yaml").write_text(contract)

    (finding,) = read_contract(tmp_path, "contract.yaml").findings
    assert sentence in finding.placed("")


def test_files_without_a_header_are_judged_by_the_place_of_their_fields(tmp_path: Path) -> None:
    columns = "- {name: risk, type: number, max: 1, field: -1}\n  - {name: id, type: integer, field: 2}"
    contract_text = f"format: csv\ncsv: {{delimiter: ' ', header: false}}\ncolumns:\n  {columns}\n"
    (tmp_path / "contract.yaml").write_text(contract_text)
    contract, _ = load_contract(tmp_path, "contract.yaml")
    lines = b'"a b.csv" 1 x 0.5\n"a b.csv" 2 y 1.5\n"a b.csv" z y 0.1\n'
    file = TableFile(name="out", open=lambda: io.BytesIO(lines))
    report = check_files([file], contract)

    assert report.rows == 3
    assert [(finding.rule, finding.column, finding.examples[0].row) for finding in report.findings] == [
        ("max", "risk", 2),
        ("type", "id", 3),
    ]
    short = TableFile(name="short", open=lambda: io.BytesIO(b"0.5\n"))
    assert check_files([short], contract).summary == ("column: id is missing (short: no such column)",)


@pytest.mark.parametrize(
    ("csv", "column", "sentence"),
    [
        ("header: false", "", "columns[0].field: of column x is missing; number the fields from 1"),
        ("header: true", ", field: 1", "columns[0].field: of column x is 1, and the files have a header"),
    ],
)
def test_fields_are_numbered_where_there_is_no_header(tmp_path: Path, csv: str, column: str, sentence: str) -> None:
    contract = f"format: csv\ncsv: {{{csv}}}\ncolumns:\n  - {{name: x, type: integer{column}}}\n"
    (tmp_path / "contract.yaml").write_text(contract)

    assert sentence in read_contract(tmp_path, "contract.yaml").findings[0].placed("")
