"""Data contracts are read with the configuration and as strictly: every mistake at once, with file, line and remedy."""

import json
from pathlib import Path

import pytest

from shared.config import ConfigurationError, check, load
from shared.config.contracts import load_contract, named_contract, read_contract
from tests.data_contracts import parse_contract

CASES = Path(__file__).parent / "cases"
CONFIGURATION = """\
environments:
  dev: {subscription: s, resource_group: g, workspace: w}
hub: {account: datahub}
routes:
  nightly:
    take: "landing/{site}/{name}.csv"
    contract: data/contract.yaml
    score: {environment: dev, endpoint: e, deployment: blue, model: "m:1"}
    publish: "predictions/{site}/{run}"
"""
PLAIN = "format: csv\ncolumns:\n  - {name: id, type: integer}\n"
PROFILE = {"version": 1, "rows": 4, "columns": {"id": {"kind": "numeric", "breakpoints": [1, 2], "cells": [1, 2, 1]}}}


@pytest.fixture
def write(tmp_path: Path):
    def write(contract: str | bytes, profile: str | None = None) -> Path:
        folder = tmp_path / "data"
        folder.mkdir(exist_ok=True)
        (folder / "contract.yaml").write_bytes(contract if isinstance(contract, bytes) else contract.encode())
        if profile is not None:
            (folder / "profile.json").write_text(profile)
        path = tmp_path / "signalbox.yaml"
        path.write_text(CONFIGURATION)
        return path

    return write


def findings(path: Path) -> list[str]:
    return [finding.placed(path.name) for finding in check(path)]


def column(fields: str) -> str:
    return f"format: csv\ncolumns:\n  - {{name: x, {fields}}}\n"


@pytest.mark.parametrize(
    ("case", "expected"),
    [
        ("contract-big", "3: columns[0].max: of column id is 9223372036854775808"),
        ("contract-date", "4: columns[1].min: of column x is '2024-02-30', and there is no such day"),
        ("contract-dup", "6: tolerance: is there twice"),
        ("contract-dup", "5: columns[1].max: is there twice"),
        ("contract-nan", "4: columns[1].min: of column x is '.nan'"),
        ("contract-nan", "4: columns[1].max: of column x is '10:00'"),
        ("contract-re", "4: columns[1].pattern: of column x is '[A-Z]{1,2000}', which RE2 refuses"),
        ("contract-zone", "4: columns[1].min: of column x is '2024-01-01', without a zone, and max has one"),
    ],
)
def test_a_contract_that_was_taken_in_silence_is_refused_with_its_line(write, case, expected):
    path = write((CASES / f"{case}.yaml").read_text())

    assert any(line.startswith(f"data/contract.yaml:{expected}") for line in findings(path)), findings(path)
    with pytest.raises(ConfigurationError, match=r"data/contract\.yaml:"):
        load(path)


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ("type: integer, min: 010", "is '010'"),
        ("type: integer, min: 0o17", "is '0o17'"),
        ("type: integer, min: 1_000", "is '1_000'"),
        ("type: integer, min: 1.0", "is 1.0"),
        ("type: integer, max: -9223372036854775809", "64 bits"),
        ("type: number, max: .inf", "is '.inf'"),
        ("type: number, max: 9007199254740993", "hold exactly"),
        ("type: number, max: yes", "is True"),
        ("type: date, min: 2024-01-01T00:00:00Z", "YYYY-MM-DD"),
        ("type: timestamp, min: 2024-01-01T25:00:00", "no such moment"),
        ("type: timestamp, min: 0001-01-01T00:00:00+14:00", "from 1 to 9999"),
        ("type: timestamp, max: 9999-12-31T23:00:00-05:00", "from 1 to 9999"),
        ("type: date, min: 2024-02-01, max: 2024-01-31", "above max"),
        ("type: string, allowed: [f, no]", "allowed[1]: of column x is False; quote it"),
        ("type: string, allowed: [f, 1]", "quote it"),
        ("type: string, allowed: []", "list the values"),
        ("type: string, allowed: [a, a]", "again"),
        ("type: integer, min: 2, allowed: [1]", "below min"),
        ("type: string, pattern: '[a-z]', allowed: [A]", "does not match the pattern"),
        ("type: string, pattern: 'a(?=b)'", "invalid perl operator"),
        (r"type: string, pattern: '\Qa'", "RE2 refuses"),
        ("type: string, pattern: 'a)(b'", "RE2 refuses"),
        ("type: string, pattern: ''", "pattern: of column x is ''"),
        ("type: string, min: 1", "has no meaning for a string"),
        ("type: text", "is 'text'; use one of integer"),
        ("nullable: true", "columns[0].type: of column x is missing"),
        ("type: integer, mim: 1", "columns[0].mim: of column x is not a field"),
        ("type: integer, nullable: 'true'", "write true or false"),
    ],
)
def test_a_wrong_value_of_a_column_is_named(write, fields, problem):
    said = findings(write(column(fields)))

    assert len(said) == 1
    assert said[0].startswith("data/contract.yaml:3: columns[0].")
    assert problem in said[0]


@pytest.mark.parametrize(
    ("contract", "problem"),
    [
        ("", "1: file: is not a mapping"),
        ("format: csv\n", "columns: is missing"),
        (PLAIN + "  - {name: id, type: string}\n", "4: columns[1].name: is 'id' again"),
        (PLAIN + "keys: [di]\n", "4: keys[0]: is 'di', no column"),
        (PLAIN + "keys: [id, id]\n", "4: keys: has 'id' twice"),
        (PLAIN + "tolerance: 2\n", "4: tolerance: is 2; write a number from 0 to 1"),
        (PLAIN + "csv: {encoding: utf-9}\n", "4: csv.encoding: is 'utf-9'"),
        (PLAIN + "csv: {encoding: base64}\n", "4: csv.encoding: is 'base64'"),
        (PLAIN + "csv: {encoding: punycode}\n", "4: csv.encoding: is 'punycode'"),
        (PLAIN + "csv: {delimiter: ';;'}\n", "4: csv.delimiter: is ';;'"),
        (
            PLAIN + "owner: !!python/object:os.system x\n",
            "has the tag",
        ),
        (PLAIN.replace("id", "größe") + "csv: {encoding: ascii}\n", "columns[0].name: is 'größe', which ascii cannot"),
        (PLAIN + "min_rows: 1\nmin_rows: 2\n", "5: min_rows: is there twice"),
        (PLAIN + 'owner: "\\ud83d"\n', "4: owner: holds half a character"),
        (PLAIN + "distribution: {reference: ../profile.json}\n", "outside the contract's folder"),
        (PLAIN + "distribution: {reference: nowhere.json}\n", "is 'nowhere.json', which is not a file"),
        (b"format: \xff\n", "cannot be read"),
        ("a: " + "[" * 5000, "nested more than 40 levels"),
        ("min_rows: " + "9" * 5000 + "\n" + PLAIN, "1: min_rows: is '9999"),
        ("# " + "x" * 1024 * 1024, "more than 1048576 bytes"),
    ],
)
def test_a_wrong_contract_is_one_finding_whatever_is_wrong(write, contract, problem):
    said = findings(write(contract))

    assert len(said) == 1, said
    assert said[0].startswith("data/contract.yaml:")
    assert problem in said[0]


def test_aliases_that_explode_are_refused_before_they_do(write):
    levels = "".join(f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 10)}]\n" for n in range(1, 12))

    (said,) = findings(write("l0: &l0 [x]\n" + levels))

    assert said.startswith("data/contract.yaml:1: file: stands for more than 100000 values; write out what")


def test_a_contract_may_repeat_itself_by_aliases(write):
    contract = PLAIN + "  - {name: age, type: number, min: &low 0, max: 9}\n  - {name: bmi, type: number, min: *low}\n"

    assert findings(write(contract)) == []


@pytest.mark.parametrize(
    ("profile", "problem"),
    [
        ('{"version": 1', "is no reference profile"),
        ('{"version": 1, "version": 1}', "'version' is there twice"),
        (json.dumps(PROFILE).replace("[1, 2]", "[1, NaN]"), "NaN, which is not JSON"),
        (json.dumps(PROFILE).replace("[1, 2]", "[2, 1]"), "needs rising breakpoints"),
        (json.dumps(PROFILE).replace("[1, 2]", "[1, 1e999]"), "needs rising breakpoints"),
        (json.dumps(PROFILE).replace("[1, 2, 1]", "[1, -2, 1]"), "counts -2"),
        (json.dumps(PROFILE).replace('"id"', '"no"'), "columns.no: is not a column of the contract"),
        ("[" * 100_000, "is no reference profile"),
    ],
)
def test_the_reference_profile_is_read_with_its_contract(write, profile, problem):
    said = findings(write(PLAIN + "distribution: {reference: profile.json}\n", profile))

    assert len(said) == 1, said
    assert said[0].startswith("data/profile.json: ")
    assert problem in said[0]


def test_a_profile_must_have_the_columns_that_are_tested(write):
    contract = PLAIN + "  - {name: age, type: number}\ndistribution: {reference: profile.json, columns: [age]}\n"

    assert findings(write(contract, json.dumps(PROFILE))) == [
        "data/contract.yaml:5: distribution.columns[0]: is 'age', which the profile does not have; make it again"
    ]


def test_bounds_are_values_of_their_column(tmp_path):
    (tmp_path / "c.yaml").write_text(
        "format: csv\ncolumns:\n"
        "  - {name: seen, type: timestamp, min: 2024-01-01T02:00:00+02:00, max: 2024-12-31T00:00:00Z}\n"
        "  - {name: day, type: date, min: 2024-02-29, allowed: [2024-03-01]}\n"
    )

    contract, reference = load_contract(tmp_path, "c.yaml")

    seen, day = contract.columns
    assert (str(seen.min), str(seen.max)) == ("2024-01-01 00:00:00", "2024-12-31 00:00:00")
    assert (str(day.min), [str(value) for value in day.allowed]) == ("2024-02-29", ["2024-03-01"])
    assert reference is None


def test_a_contract_is_said_once_however_many_name_it(write):
    path = write("format: csv\n")
    path.write_text(CONFIGURATION + "models:\n  m: {contract: data/contract.yaml}\n")

    assert len(findings(path)) == 1


def test_every_contract_of_the_project_is_valid():
    home = Path(__file__).parents[3]

    for path in home.glob("examples/*/*contract.yaml"):
        assert read_contract(home, str(path.relative_to(home))).findings == ()


def test_a_name_that_no_file_can_have_is_a_finding(write):
    path = write(PLAIN)
    path.write_text(CONFIGURATION.replace("data/contract.yaml", "x" * 300))

    assert "which is not a file" in findings(path)[0]
    assert named_contract  # The one door by which every section names a contract.


def test_what_python_gives_is_held_to_the_same_rules():
    with pytest.raises(ValueError, match="finite"):
        parse_contract({"format": "csv", "columns": [{"name": "x", "type": "number", "min": float("nan")}]})
