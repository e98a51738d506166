"""The gates of this project say what they should of evidence that is written here."""

from rules.gates import enough_rows


def test_too_few_rows_open_nothing() -> None:
    evidence = {"data_test": {"outcome": "passed", "rows": 29}}

    assert enough_rows(evidence, {"rows": 30})["outcome"] == "inconclusive"
    assert enough_rows(evidence, {"rows": 29})["outcome"] == "pass"
