"""`profile` writes what a contract's `distribution` compares arrivals with, from a file that meets the contract."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from shared.domain.data.reference_profile import parse_profile
from shared.operations.local_profile import main as write_profile
from signalbox.cli.main import main

COLUMNS = "format: csv\ncolumns:\n  - {name: age, type: number, min: 0}\n  - {name: sex, type: string}\n"
ROWS = "age,sex\n" + "".join(f"{20 + number},{'fm'[number % 2]}\n" for number in range(50))


def profile(folder: Path, rows: str = ROWS, contract: str = COLUMNS, *words: str) -> Result:
    (folder / "rows.csv").write_text(rows)
    (folder / "contract.yaml").write_text(contract)
    return CliRunner().invoke(
        main, ["profile", str(folder / "rows.csv"), "--contract", str(folder / "contract.yaml"), *words]
    )


def profile_here(folder: Path, capsys: pytest.CaptureFixture[str], rows: str, contract: str) -> tuple[int, str]:
    """The exit code and all output of the program behind the command, without two processes for each file."""
    (folder / "rows.csv").write_text(rows)
    (folder / "contract.yaml").write_text(contract)
    code = write_profile([str(folder / "rows.csv"), str(folder / "contract.yaml")])
    return code, "".join(capsys.readouterr())


def test_the_profile_lies_where_the_contract_names_it(tmp_path: Path) -> None:
    result = profile(tmp_path, ROWS, COLUMNS + "distribution: {reference: p.json}\n")

    written = parse_profile(json.loads((tmp_path / "p.json").read_text()))
    assert (result.exit_code, written.rows, set(written.columns)) == (0, 50, {"age", "sex"}), result.output


def test_a_contract_that_names_none_is_told_how(tmp_path: Path) -> None:
    result = profile(tmp_path)

    assert (tmp_path / "reference-profile.json").is_file()
    assert "distribution: {reference: reference-profile.json}" in result.output


def test_what_is_there_is_overwritten_with_force_alone(tmp_path: Path) -> None:
    (tmp_path / "reference-profile.json").write_text("mine")

    refused = profile(tmp_path)
    kept = (tmp_path / "reference-profile.json").read_text()
    forced = profile(tmp_path, ROWS, COLUMNS, "--force", "--json")

    assert (refused.exit_code, kept, forced.exit_code) == (2, "mine", 0)
    assert json.loads(forced.stdout) == json.loads((tmp_path / "reference-profile.json").read_text())


@pytest.mark.parametrize("rows", [ROWS + "-1,f\n", "age\n1\n", "", "\x00"])
def test_a_file_that_breaks_its_contract_is_no_reference(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], rows: str
) -> None:
    code, output = profile_here(tmp_path, capsys, rows, COLUMNS)

    assert (code, "breaks" in output) == (1, True), output
    assert not (tmp_path / "reference-profile.json").exists()


@pytest.mark.parametrize("contract", ["", "[", "format: csv\n", "format: {\n"])
def test_a_broken_contract_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str], contract: str) -> None:
    code, output = profile_here(tmp_path, capsys, ROWS, contract)

    assert (code, len(output.splitlines())) == (2, 1), output


def test_the_page_of_data_says_what_it_has_and_prints_the_figures(tmp_path: Path) -> None:
    file, page = tmp_path / "rows.csv", tmp_path / "page.html"
    file.write_text(ROWS)

    plain = CliRunner().invoke(main, ["data", "profile", str(file), "--out", str(page)])
    chosen = CliRunner().invoke(main, ["data", "profile", str(file), "--json", "--column", "s*"])
    absent = CliRunner().invoke(main, ["data", "profile", str(file), "--out", str(page), "--column", "-x"])

    assert (plain.exit_code, plain.stdout) == (0, f"wrote {page}: 50 rows, 2 columns\n"), plain.output
    assert [column["name"] for column in json.loads(chosen.stdout)["table"]["columns"]] == ["sex"]
    assert (absent.exit_code, "it has no column '-x'" in absent.stderr) == (1, True), absent.output
    assert "it has no column" in page.read_text()
