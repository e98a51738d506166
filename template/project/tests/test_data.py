"""The data contract holds for what the model learns from and is scored on, and refuses what it is there to refuse."""

import json
from pathlib import Path

from conftest import PROJECT, signalbox
from dataset import load_rows
from features import KEY

CONTRACT = PROJECT / "data" / "contract.yaml"


def test_the_rows_that_the_model_learns_from_meet_the_contract(tmp_path: Path) -> None:
    rows, _ = load_rows()
    rows.to_csv(tmp_path / "rows.csv", index=False)

    check = signalbox(tmp_path, "check", "rows.csv", "--contract", str(CONTRACT))

    assert check.returncode == 0, check.stdout + check.stderr


def test_rows_with_their_answers_meet_the_contract_of_what_trains(tmp_path: Path) -> None:
    rows, answers = load_rows()
    rows.assign(**{answers.name: answers}).to_csv(tmp_path / "rows.csv", index=False)

    check = signalbox(tmp_path, "check", "rows.csv", "--contract", str(CONTRACT.with_name("training-contract.yaml")))

    assert check.returncode == 0, check.stdout + check.stderr


def test_a_row_that_comes_twice_and_a_column_that_nobody_knows_are_refused(tmp_path: Path) -> None:
    rows, _ = load_rows()
    rows.loc[1, KEY] = rows.loc[0, KEY]
    rows.assign(surprise=1).to_csv(tmp_path / "rows.csv", index=False)

    check = signalbox(tmp_path, "check", "rows.csv", "--contract", str(CONTRACT))

    assert check.returncode == 1
    assert "repeats a key" in check.stdout
    assert "surprise" in check.stdout


def test_the_reference_profile_is_that_of_the_rows_that_the_model_learns_from(build: Path, tmp_path: Path) -> None:
    written = signalbox(
        tmp_path, "profile", str(build / "train.csv"), "--contract", str(CONTRACT), "--out", "profile.json"
    )

    assert written.returncode == 0, written.stderr
    kept = json.loads((CONTRACT.parent / "reference-profile.json").read_text())
    assert json.loads((tmp_path / "profile.json").read_text()) == kept, "run `make profile`"
