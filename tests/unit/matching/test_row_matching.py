"""Predictions are matched with the rows they are for: by the contract's keys where the output shows them."""

import importlib.util
import io
import json
from functools import partial
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.adapters.hub_files.row_matching import match_rows
from shared.adapters.reader.checks import match_files
from shared.adapters.reader.files import TableFile, local_file
from shared.config.contracts import load_contract
from shared.domain.inference.routes import OnMissingRows
from shared.domain.inference.runs import RowCount, RunOutcome, judge_rows
from tests.amounts import amount
from tests.data_contracts import parse_contract

CASES = Path(__file__).parent / "cases"


def contract(keys=("id",), kind="integer", form="csv"):
    columns = [{"name": key, "type": kind} for key in keys] + [{"name": "x", "type": "number"}]
    return parse_contract({"format": form, "keys": list(keys), "columns": columns})


def file(name: str, data: str | bytes) -> TableFile:
    content = data if isinstance(data, bytes) else data.encode()
    return TableFile(name=name, open=partial(io.BytesIO, content))


def matched(rows: str | bytes, output: str, rules=None):
    return match_rows([file("in", rows)], [file("out", output)], rules or contract())


def scored(name: str) -> TableFile:
    """What the case's scoring script writes for its input *name*, as a batch endpoint appends it."""
    spec = importlib.util.spec_from_file_location("score", CASES / "score.py")
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    return file("predictions.csv", script.run([str(CASES / name)]).to_csv(sep=" ", header=False, index=False))


@pytest.mark.parametrize(
    ("name", "policy", "outcome", "sentence"),
    [
        (
            "m-dup.csv",
            "fail",
            RunOutcome.FAILED,
            "matched by id: 1 missing, 1 repeated",
        ),
        ("m-dup.csv", "partial", RunOutcome.PARTIAL, "2 of 3 rows have a prediction, matched by id"),
        ("m-swap.csv", "fail", RunOutcome.FAILED, "2 of 3 rows have a prediction, matched by id: 1 missing"),
        ("m-swap.csv", "partial", RunOutcome.PARTIAL, "1 missing, published as partial by policy"),
        ("failing-m-newline.csv", "fail", RunOutcome.COMPLETED, "3 of 3 rows have a prediction, matched by id"),
    ],
)
def test_rows_that_compensate_each_other_are_told_apart(name, policy, outcome, sentence):
    rules, _ = load_contract(CASES, "contract.yaml")

    match = match_files([local_file(CASES / name)], [scored(name)], rules)

    count = RowCount(rows_in=3, rows_out=match.rows_out)
    verdict = judge_rows(count, OnMissingRows(policy), match=match)
    assert verdict[0] is outcome
    assert sentence in verdict[1]


@pytest.mark.parametrize(
    ("rows", "output"),
    [
        ("id,x\n1,5\n02,6\n", "0.5 1\n0.7 2\n"),
        ("id,x\n1,5\n2,6\n", "2.0 b\n1.0 a\n"),
        ("id,x\n1,5\n2,6\n", "1,0.5\n2,0.7\n"),
        ("id,x\n1,5\n2,6\n", "id score\n1 0.5\n2 0.7\n"),
        ("id,x\n1,5\n2,6\n", '{"id": 2, "score": 0.7}\n{"id": "1", "score": 1}\n'),
        ("id,x\n1,5\n2,6\n", 'f.csv "two\nlines" 1\nf.csv "x ""y""" 2\n'),
    ],
)
def test_keys_are_found_wherever_and_however_they_are_written(rows, output):
    match = matched(rows, output)

    assert (match.by, match.rows, match.rows_out, match.differs) == (("id",), 2, 2, False)


def test_missing_repeated_and_unknown_keys_are_counted_and_named():
    rows = "id,x\n" + "".join(f"{n},1\n" for n in range(1, 11))
    output = "".join(f"{n} a\n" for n in (1, 1, 1, 4, 5, 6, 7, 8, 9, 77))

    match = matched(rows, output)

    assert (match.missing, match.repeated, match.unknown) == (3, 2, 1)
    assert match.examples == {"missing": ("2", "3", "10"), "repeated": ("1", "1", "1")[:1], "unknown": ("77",)}


def test_keys_of_several_columns_are_compared_together():
    rules = contract(("site", "day"), "string")
    rows = "site,day,x\n" + "".join(f"{s},2024-01-0{d},1\n" for s in "ab" for d in (1, 2, 3))
    output = "".join(f"2024-01-0{d} {s} 0.{d}\n" for s in "ab" for d in (1, 2, 3))

    assert not matched(rows, output, rules).differs
    worse = matched(rows, output.replace("2024-01-03 b", "2024-01-02 b"), rules)
    assert (worse.missing, worse.repeated, worse.examples["missing"]) == (1, 1, ("b, 2024-01-03",))


def test_a_text_key_that_a_script_read_as_a_number_is_the_same_key():
    rules = contract(kind="string")

    assert not matched("id,x\n007,1\n008,1\nA9,1\n", "7 a\n8 b\nA9 c\n", rules).differs
    assert matched("id,x\n007,1\n008,1\nA9,1\n", "7 a\n7 b\nA9 c\n", rules).missing == 1


@pytest.mark.parametrize("output", ["0 0.5\n1 0.5\n1 0.5\n" * 10, "0.25\n" * 30, "yes\n" * 30, ""])
def test_classes_and_scores_are_not_taken_for_keys(output):
    rows = "id,x\n" + "".join(f"{n},1\n" for n in range(30))

    match = matched(rows, output)

    assert match.by == ()
    assert judge_rows(RowCount(rows_in=30, rows_out=30), OnMissingRows.FAIL, match=match)[1].startswith("30 lines of")


def test_lines_that_are_no_csv_are_counted_as_lines():
    assert matched("id,x\n1,5\n2,6\n", '"good" then "bad\n"so it\n').records == {"out": 2}


def test_parquet_and_json_lines_show_their_keys_too():
    table = io.BytesIO()
    pq.write_table(pa.table({"id": [1, 2, 3], "x": [1.0, 2.0, 3.0]}), table)

    assert matched(table.getvalue(), "1\n2\n2\n", contract(form="parquet")).missing == 1
    lines = "".join(json.dumps({"id": n, "x": 1}) + "\n" for n in (1, 2, 3))
    assert matched(lines, "1\n2\n3\n", contract(form="jsonl")).differs is False


@pytest.mark.parametrize("rows", [b"", b"\xff\xfe", b"x\n1\n", b"PAR1", b'id,x\n"1'])
@pytest.mark.parametrize("form", ["csv", "jsonl", "parquet"])
def test_data_without_keys_is_counted_whatever_it_is(rows, form):
    assert matched(rows, "1 a\n2 b\n", contract(form=form)).rows_out == 2


def test_a_mismatch_by_fields_that_were_guessed_says_how_to_count_instead():
    match = matched("id,x\n1,5\n2,6\n3,7\n", "1 a\n1 b\n3 c\n")

    _, because = judge_rows(RowCount(rows_in=3, rows_out=3), OnMissingRows.FAIL, match=match)

    assert "where field 1 of a line is no key, set the route's policy `match: lines`" in because


@settings(max_examples=amount(20, 60), deadline=None)
@given(
    asked=st.lists(st.integers(-20, 2**63 - 1), min_size=4, max_size=40, unique=True),
    changes=st.lists(st.tuples(st.integers(0, 39), st.integers(0, 39)), max_size=2),
)
def test_counts_are_those_of_multisets(asked, changes):
    answered = list(asked)
    for target, source in changes:
        answered[target % len(asked)] = asked[source % len(asked)]
    rows = "id,x\n" + "".join(f"{key},1\n" for key in asked)

    match = matched(rows, "".join(f"{key} p\n" for key in answered))

    lost = len(set(asked) - set(answered))
    if match.by:
        assert (match.missing, match.repeated, match.unknown) == (lost, lost, 0)
    else:
        assert lost > len(asked) / 3
