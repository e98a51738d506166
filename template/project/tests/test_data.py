"""The data contract holds for what the model learns from and is scored on, and refuses what it is there to refuse."""

from pathlib import Path

from conftest import PROJECT, signalbox
from train import load_rows

CONTRACT = str(PROJECT / "data" / "contract.yaml")


def test_the_rows_that_the_model_learns_from_meet_the_contract(tmp_path: Path) -> None:
    rows, _ = load_rows()
    rows.to_csv(tmp_path / "rows.csv", index=False)

    done = signalbox(tmp_path, "check", "rows.csv", "--contract", CONTRACT)

    assert done.returncode == 0, done.stdout + done.stderr


def test_a_value_out_of_its_range_is_refused(tmp_path: Path) -> None:
    rows, _ = load_rows()
    rows.loc[0, "alcohol"] = 140
    rows.to_csv(tmp_path / "rows.csv", index=False)

    done = signalbox(tmp_path, "check", "rows.csv", "--contract", CONTRACT)

    assert done.returncode == 1
    assert "alcohol" in done.stdout


def test_the_configuration_is_right(tmp_path: Path) -> None:
    done = signalbox(tmp_path, "config", "check")

    assert done.returncode == 0, done.stdout
