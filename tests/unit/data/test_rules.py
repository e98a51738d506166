"""What breaks a rule is counted and named with file, row and value; nothing broken stops the check."""

import io
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from shared.config.findings import ConfigurationError
from tests.data_contracts import parse_contract
from tests.unit.data.conftest import CONTRACT

GOOD = b"id,age,sex\na,10,f\nb,20,m\nc,30,\n"


def rules(report):
    return {(finding.rule, finding.column): finding.count for finding in report.findings}


def test_good_data_passes(check):
    report = check(GOOD)

    assert (report.outcome, report.rows, report.summary) == ("passed", 3, ())


@pytest.mark.parametrize(
    ("data", "broken"),
    [
        (b"id,age,sex\na,-1,f\nb,121,m\n", {("min", "age"): 1, ("max", "age"): 1}),
        (b"id,age,sex\na,ten,f\nb,,m\n", {("type", "age"): 1, ("null", "age"): 1}),
        (b"id,age,sex\na,1,x\n", {("allowed", "sex"): 1}),
        (b"id,age,sex\na,1,f\na,2,m\na,3,m\n", {("key", ""): 2}),
        (b"id,sex\na,f\n", {("column", "age"): 1}),
        (b"id,age,sex,name\na,1,f,Ann\n", {("extra", "name"): 1}),
        (b"id,age,sex\na,1\nb,2,m\n", {("shape", ""): 1}),
        (b"", {("readable", ""): 1}),
        (b"id,id,age\na,b,1\n", {("readable", ""): 1}),
    ],
)
def test_each_rule(check, data, broken):
    report = check(data)

    assert report.outcome == "failed"
    assert rules(report) == broken


def test_findings_name_file_row_and_value(check):
    report = check(GOOD, b"id,age,sex\nx,1,f\ny,999,m\n")

    assert report.summary == ("max: column age: 1 value is above the maximum (1.csv row 2)",)


def test_only_a_header_has_too_few_rows(check):
    assert check(b"id,age,sex\n").summary == ("min_rows: 0 rows, at least 1 is needed",)


@pytest.mark.parametrize(
    "data",
    [
        b"\xef\xbb\xbf" + GOOD,
        GOOD.replace(b"\n", b"\r\n"),
        GOOD.rstrip(b"\n"),
        b'id,age,sex\n"a\nb",1,f\n"c,d",2,m\n',
        b"sex,age,id\nf,1,a\n",
    ],
    ids=["bom", "crlf", "no last line end", "quoted line end", "other order"],
)
def test_awkward_but_correct_csv_passes(check, data):
    assert check(data).outcome == "passed"


def test_a_declared_encoding_is_read(check):
    data = "id;age;sex\nÄ;1;f\n".encode("latin-1")

    assert check(data, csv={"delimiter": ";", "encoding": "latin-1"}).outcome == "passed"
    assert check(data, csv={"delimiter": ";"}).outcome == "failed"


def test_keys_are_unique_over_all_files(check):
    report = check(GOOD, GOOD)

    assert rules(report) == {("key", ""): 3}
    assert report.findings[0].examples[0].value == "the key of 0.csv row 1"


def test_tolerance_lets_a_share_pass_and_says_so(check):
    rows = "".join(f"r{number},{number},f\n" for number in range(99))
    report = check(f"id,age,sex\n{rows}bad,-5,f\n".encode(), tolerance=0.01)

    assert report.outcome == "passed"
    assert [breach.rule for breach in report.tolerated] == ["min"]


def test_json_lines_with_mixed_types_are_findings(check):
    lines = [{"id": "a", "age": 1, "sex": "f"}, {"id": "b", "age": "two", "sex": None}, {"id": 3, "age": 4, "sex": "m"}]
    data = "\n".join(map(json.dumps, lines)).encode() + b"\nnot json\n"

    report = check(data, format="jsonl")

    assert rules(report)["type", "age"] == 1
    assert rules(report)["shape", ""] == 1


def test_parquet_is_measured_by_its_own_types(check):
    stream = io.BytesIO()
    pq.write_table(pa.table({"id": ["a", "b"], "age": [1, 300], "sex": ["f", None]}), stream)

    assert rules(check(stream.getvalue(), format="parquet")) == {("max", "age"): 1}
    assert rules(check(b"no parquet", format="parquet")) == {("readable", ""): 1}


def test_everything_wrong_in_a_contract_is_said_at_once():
    with pytest.raises(ConfigurationError) as refused:
        parse_contract({**CONTRACT, "format": "xls", "keys": ["nobody"], "tolerance": 2, "colums": []})

    assert len(refused.value.findings) == 4
