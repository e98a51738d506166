"""Files that once ended the process, failed the check or passed it, with the right answer to each."""

from pathlib import Path

import pytest

from shared.adapters.hub_files.contracts import load_contract
from shared.adapters.reader.checks import check_files
from shared.adapters.reader.files import local_file

CASES = Path(__file__).parent / "cases"
ANSWERS = {
    "01-null-line-kills-app/null-only.jsonl": {("shape", "")},
    "01-null-line-kills-app/nullfirst.jsonl": {("shape", "")},
    "01-null-line-kills-app/bom-null.jsonl": {("shape", "")},
    "01-null-line-kills-app/passing-null-second.jsonl": {("shape", "")},
    "02-nan-passes-not-null/nan.csv": {("type", "amount")},
    "02b-nan-passes-parquet/nan.parquet": {("null", "amount")},
    "03-conversion-crashes-csv/plus.csv": set(),
    "03-conversion-crashes-csv/netmin.csv": {("type", "seen")},
    "03-conversion-crashes-csv/netmax.csv": {("type", "seen")},
    "04-unreadable-parquet-crashes/badfooter.parquet": {("readable", "")},
    "04-unreadable-parquet-crashes/badpage.parquet": {("readable", "")},
    "04-unreadable-parquet-crashes/dup-column.parquet": {("readable", "")},
    "04-unreadable-parquet-crashes/encrypted-magic.parquet": {("readable", "")},
    "04-unreadable-parquet-crashes/passing-truncated.parquet": {("readable", "")},
    "05-other-encodings-crash/latin1-header.csv": {("readable", "")},
    "05-other-encodings-crash/only-bom.csv": {("readable", "")},
    "05-other-encodings-crash/passing-bom.csv": set(),
    "05-other-encodings-crash/passing-latin1-value.csv": {("type", "label")},
    "05-other-encodings-crash/utf16be.csv": {("readable", "")},
    "05-other-encodings-crash/utf16le.csv": {("readable", "")},
    "05-other-encodings-crash/utf32.csv": {("readable", "")},
    "06-deep-json-crashes/deep.jsonl": {("shape", "")},
    "07-jsonl-rules-not-applied/extra-in-line-2.jsonl": {("extra", "surprise")},
    "07-jsonl-rules-not-applied/nested-in-string.jsonl": {("type", "label")},
    "07-jsonl-rules-not-applied/quarantined-extra-in-line-1.jsonl": {("extra", "surprise")},
    "07-jsonl-rules-not-applied/two-objects-a-line.jsonl": {("shape", "")},
    "12-equal-keys/distinct.parquet": set(),
}


def judged(place):
    file = CASES / place
    contract, reference = load_contract(file.parent / "contract.yaml", 0)
    return check_files([local_file(file)], contract, reference)


def test_every_case_has_an_answer():
    there = {str(path.relative_to(CASES)) for path in CASES.rglob("*.*") if path.suffix != ".yaml" and path.is_file()}

    assert there == set(ANSWERS)


@pytest.mark.parametrize("place", ANSWERS)
def test_each_case_has_its_answer_and_the_reader_lives(place):
    report = judged(place)

    assert {(finding.rule, finding.column) for finding in report.findings} == ANSWERS[place]
    assert report.outcome == ("failed" if ANSWERS[place] else "passed")
    assert not any("its reader" in line for line in report.summary)


@pytest.mark.parametrize(
    ("place", "sentence"),
    [
        (
            "01-null-line-kills-app/bom-null.jsonl",
            "shape: rows: 1 is no row of the table (bom-null.jsonl row 1)",
        ),
        (
            "03-conversion-crashes-csv/netmin.csv",
            "type: column seen: 1 value is not of the column's type (netmin.csv row 1)",
        ),
        (
            "07-jsonl-rules-not-applied/extra-in-line-2.jsonl",
            "extra: surprise is not in the contract (extra-in-line-2.jsonl row 2: remove it, or allow extra columns)",
        ),
        (
            "05-other-encodings-crash/passing-latin1-value.csv",
            "type: column label: 1 value is not of the column's type (passing-latin1-value.csv row 1)",
        ),
    ],
)
def test_a_finding_names_file_row_and_column_and_no_value(place, sentence):
    assert judged(place).summary[0] == sentence
