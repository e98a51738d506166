"""`signalbox check FILE --contract CONTRACT` judges a local file with no app and no cloud."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from signalbox.cli.main import main

PROJECT = Path(__file__).parents[3]
CASES = Path(__file__).parent / "cases"
CONTRACT = "format: csv\nkeys: [id]\ncolumns: [{name: id, type: integer}, {name: x, type: number, max: 10}]\n"


@pytest.fixture
def signalbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Run the command in the folder of the file, with the app elsewhere."""

    monkeypatch.chdir(tmp_path)
    return lambda *arguments: CliRunner().invoke(main, [*arguments, "--app", str(PROJECT)])


def test_a_local_file_is_judged_with_no_app(signalbox, tmp_path):
    (tmp_path / "c.yaml").write_text(CONTRACT)
    (tmp_path / "right.csv").write_text("id,x\n1,5\n2,6\n")
    (tmp_path / "wrong.csv").write_text("id,x\n1,5\n1,600\n")

    right = signalbox("check", "right.csv", "--contract", "c.yaml")
    wrong = signalbox("check", "wrong.csv", "--contract", "c.yaml", "--json")

    assert (right.exit_code, right.stdout) == (0, "passed: 2 rows\n")
    assert wrong.exit_code == 1
    assert {finding["rule"] for finding in json.loads(wrong.stdout)["findings"]} == {"max", "key"}


def test_what_cannot_be_tried_is_neither_passed_nor_failed(signalbox, tmp_path):
    (tmp_path / "c.yaml").write_text((CASES / "contract-dup.yaml").read_text())
    (tmp_path / "data.csv").write_text("id,x\n1,5\n")

    refused = signalbox("check", "data.csv", "--contract", "c.yaml")
    as_json = signalbox("check", "data.csv", "--contract", "c.yaml", "--json")

    assert refused.exit_code == as_json.exit_code == 2
    assert "c.yaml:5: columns[1].max: is there twice; keep one of the two" in refused.stderr
    assert json.loads(as_json.stdout)["problems"][0]["line"] == 5


def test_one_of_route_and_contract_is_given(signalbox, tmp_path):
    (tmp_path / "data.csv").write_text("id,x\n1,5\n")

    assert "give --route or --contract" in signalbox("check", "data.csv").stderr


def test_config_check_reads_the_contracts_too(signalbox, tmp_path):
    (tmp_path / "c.yaml").write_text((CASES / "contract-big.yaml").read_text())
    (tmp_path / "signalbox.yaml").write_text(
        "environments: {dev: {subscription: s, resource_group: g, workspace: w}}\nhub: {account: datahub}\n"
        "models: {m: {contract: c.yaml}}\nroutes: {}\n"
    )

    checked = signalbox("config", "check", "signalbox.yaml")

    assert checked.exit_code == 1
    assert "c.yaml:3: columns[0].max: of column id is 9223372036854775808" in checked.stdout
