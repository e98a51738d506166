"""A value's verdict is its own: neighbours, the format and the way it is read do not change it."""

import json
import math
from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.adapters.tables import json_pieces
from shared.adapters.tables.conversion import typed
from shared.domain.data.contract_values import TYPES
from shared.domain.data.data_contract import Column
from tests.amounts import amount
from tests.data_contracts import parse_contract

TEXTS = [
    *("0", "-0", "+3", "007", "1.0", "1.", ".5", "1e3", "1e400", "-1e-400", "0x1F", "1_0", " 5", "5 ", "٣", ""),
    *("9007199254740993", "9223372036854775807", "9223372036854775808", "-9223372036854775809", "0" * 30 + "1"),
    *("nan", "NaN", "-nan", "inf", "Infinity", "-Infinity", "true", "False", " TRUE ", "yes", "null", "\x00"),
    *("2024-02-29", "2023-02-29", "20240101", "0000-01-01", "0001-01-01", "9999-12-31", "10000-01-01", "2024-1-1"),
    *("2024-01-01T00:00:00Z", "2024-01-01T00:00:00+05:30", "2024-01-01 10:00", "2024-01-01T24:00:00", "2024-01-01T10"),
    *("0001-01-01T00:00:00+01:00", "9999-12-31T23:59:59-05:00", "2024-01-01T00:00:00.1234567", "2024-01-01T23:59:60"),
]
RIGHT = {"integer": "12", "number": "1.5", "boolean": "true", "date": "2024-01-01", "timestamp": "2024-01-01T00:00:00"}
INTEGER = {"name": "x", "type": "integer"}
COLUMNS = [Column(name="x", type=kind) for kind in TYPES if kind != "string"]


def verdicts(texts, column):
    found = typed(pa.array(texts, pa.string()), column)
    bad = np.zeros(len(texts), bool) if found.bad is None else found.bad
    return list(zip(found.values.to_pylist(), bad.tolist(), strict=True))


@pytest.mark.parametrize("column", COLUMNS, ids=lambda column: column.type)
@pytest.mark.parametrize("text", TEXTS)
def test_a_text_means_the_same_beside_any_other(column, text):
    (alone,) = verdicts([text], column)
    beside = verdicts([RIGHT[column.type], text, None, "oops"], column)

    assert (repr(beside[1]), beside[2], beside[3]) == (repr(alone), (None, False), (None, True))


@settings(max_examples=amount(40, 200))
@given(
    st.sampled_from(COLUMNS),
    st.lists(st.sampled_from(TEXTS) | st.text("0123456789+-.eExX:TZ nai", max_size=12), max_size=6),
)
def test_any_texts_mean_together_what_each_means_alone(column, texts):
    assert repr(verdicts(texts, column)) == repr([verdicts([text], column)[0] for text in texts])


@pytest.mark.parametrize(
    ("text", "value"),
    [("+3", 3), ("007", 7), ("-0", 0), ("0x1F", None), ("1.0", None), ("9223372036854775807", 2**63 - 1)],
)
def test_what_integers_say(text, value):
    assert verdicts([text], Column(name="x", type="integer")) == [(value, value is None)]


@pytest.mark.parametrize("text", ["nan", "inf", "Infinity", "1e400", "0x1F"])
def test_what_is_no_finite_number_is_no_value_of_a_number(text):
    assert verdicts(["1.5", text], Column(name="x", type="number")) == [(1.5, False), (None, True)]


def test_large_numbers_whose_sum_is_infinite_are_numbers():
    assert verdicts(["1.7e308", "1.7e308"], Column(name="x", type="number")) == [(1.7e308, False)] * 2


MOMENT = datetime(2024, 1, 1, tzinfo=UTC)
TYPED = [
    ("number", pa.array([2**60, -1]), [float(2**60), -1.0]),
    ("number", pa.array([1.5, math.inf, math.nan, None]), [1.5, "bad", None, None]),
    ("number", pa.array([True]), ["bad"]),
    ("integer", pa.array([2**63, 5], pa.uint64()), ["bad", 5]),
    ("integer", pa.array([1.0]), ["bad"]),
    ("integer", pa.array(["7", "x"]).dictionary_encode(), [7, "bad"]),
    ("string", pa.array([[1]]), ["bad"]),
    ("string", pa.array([{"a": 1}]), ["bad"]),
    ("string", pa.array([b"\xff"], pa.binary()), ["bad"]),
    ("boolean", pa.array([1]), ["bad"]),
    ("date", pa.array([2**31 - 1, 0], pa.int32()).view(pa.date32()), ["bad", MOMENT.date().replace(1970)]),
    ("timestamp", pa.array([2**62, 0], pa.timestamp("s")), ["bad", datetime(1970, 1, 1)]),  # noqa: DTZ001
    ("timestamp", pa.array([MOMENT + timedelta(hours=1)]), [datetime(2024, 1, 1, 1)]),  # noqa: DTZ001
    ("timestamp", pa.array([1], pa.time64("us")), ["bad"]),
]


@pytest.mark.parametrize(("kind", "raw", "values"), TYPED, ids=lambda each: str(getattr(each, "type", ""))[:30])
def test_typed_values_are_never_guessed_and_never_raise(kind, raw, values):
    found = typed(raw, Column(name="x", type=kind))
    bad = np.zeros(len(raw), bool) if found.bad is None else found.bad

    assert found.values.to_pylist() == [None if value == "bad" else value for value in values]
    assert bad.tolist() == [value == "bad" for value in values]
    assert all(isinstance(found.show(place), str) for place in range(len(raw)))


def test_texts_of_parquet_that_are_not_utf_8_are_found():
    raw = pa.array([b"a", b"\xff", None], pa.binary()).view(pa.string())

    assert typed(raw, Column(name="x", type="string")).bad.tolist() == [False, True, False]


CONTRACT = parse_contract(
    {"format": "jsonl", "columns": [{"name": kind, "type": kind, "nullable": True} for kind in TYPES]}
)
WIDE = parse_contract(
    {"format": "jsonl", "extra_columns": "allow", "columns": [{"name": "integer", "type": "integer"}]}
)
scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.sampled_from(TEXTS)
values = st.recursive(scalars, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=2), inner))
names = st.sampled_from([*TYPES, "more"])
objects = st.dictionaries(names, values, max_size=4).map(json.dumps)
ODD = [
    *("null", "", " ", "[]", "{}{}", "{", '{"number":\n', '"x"}', "{'a': 1}", '{"string": "\x01"}'),
    *('{"integer": 1, "integer": 2}', '{"more": {"integer": 1, "integer": 2}}', '{"more": NaN}'),
    '{"string": "\\udc00"}',
]


@settings(max_examples=amount(60, 300))
@given(st.sampled_from([CONTRACT, WIDE]), st.lists(objects | st.sampled_from(ODD), min_size=1, max_size=4))
def test_json_lines_say_the_same_both_ways(contract, lines):
    reader = json_pieces._Reader("f", contract, list(contract.columns))
    text = "".join(f"{line}\n" for line in lines).encode()
    quick, slow = reader._quickly(text), reader._slowly(text)
    if quick is None:
        return

    assert quick.rows == slow.rows
    assert not slow.breaches.all()
    assert set(quick.names) == set(slow.names) & set(contract.names)
    for column in contract.columns:
        first, second = quick.typed(column), slow.typed(column)
        assert repr(first.values.to_pylist()) == repr(second.values.to_pylist())
        assert first.bad_count == second.bad_count


@pytest.mark.parametrize("extra", ["allow", "refuse"])
def test_csv_is_text_in_the_columns_that_no_contract_names_as_well(check, extra):
    """A reader that takes the whole file would fail on it."""
    right = b"x,note\n" + b"1,fine\n" * 3
    wrong = b"x,note\n1,fine\n2,caf\xe9\n3,\xc3\xa9\n"

    passed, found = (check(content, extra_columns=extra, keys=[], columns=[INTEGER]) for content in (right, wrong))

    types = [
        (breach.column, breach.count, breach.examples[0].row) for breach in found.findings if breach.rule == "type"
    ]
    assert types == [("note", 1, 2)]
    assert passed.outcome == ("passed" if extra == "allow" else "failed")
    assert found.outcome == "failed"


def test_json_lines_are_text_in_fields_that_no_contract_names_as_well(check):
    found = check(b'{"x": 1, "note": "caf\xe9"}\n', format="jsonl", extra_columns="allow", keys=[], columns=[INTEGER])

    assert [(breach.rule, breach.count) for breach in found.findings] == [("shape", 1)]
