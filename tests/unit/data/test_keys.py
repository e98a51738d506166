"""Keys are equal where their values are: in every format, over pieces and files, and whatever their hashes say."""

import io
from collections import Counter

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.adapters.reader.files import TableFile
from shared.adapters.tables import csv_pieces, keys, measuring, parquet_pieces
from tests.amounts import amount
from tests.data_contracts import parse_contract


def repeats(files, *columns, form="csv"):
    contract = parse_contract(
        {
            "format": form,
            "keys": [name for name, _ in columns],
            "columns": [{"name": name, "type": kind, "nullable": True} for name, kind in columns],
        }
    )
    tables = [
        TableFile(name=f"f{number}", open=lambda data=data: io.BytesIO(data)) for number, data in enumerate(files)
    ]
    found = [breach for breach in measuring.measure(tables, contract, None).breaches if breach.rule == "key"]
    return (found[0].count, [(e.file, e.row, e.value) for e in found[0].examples]) if found else (0, [])


def parquet(**columns):
    stream = io.BytesIO()
    pq.write_table(pa.table(columns), stream)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("kind", "texts", "count"),
    [
        ("integer", ["-1", "-2", "3"], 0),
        ("integer", ["1", "01", "+1"], 2),
        ("number", ["0.0", "-0.0", "0"], 2),
        ("string", ["1", "01"], 0),
        ("integer", ["x", "x"], 0),  # They have findings of their own.
        ("timestamp", ["2024-01-01T00:00:00Z", "2024-01-01T01:00:00+01:00"], 1),
    ],
)
def test_typed_values_are_compared(kind, texts, count):
    assert repeats(["\n".join(["x", *texts]).encode()], ("x", kind))[0] == count


def test_formats_agree():
    values = [-1, -2, 3, -1, None, None]
    text = "x,y\n" + "".join(f"{'' if value is None else value},\n" for value in values)

    assert repeats([text.encode()], ("x", "integer")) == repeats([parquet(x=values)], ("x", "integer"), form="parquet")


def test_a_repeat_names_the_row_that_came_first_in_any_file():
    files = [b"a,b\n1,x\n2,y\n", b"a,b\n1,z\n1,x\n,x\n,x\n"]

    assert repeats(files, ("a", "integer"), ("b", "string")) == (
        2,
        [("f1", 2, "the key of f0 row 1"), ("f1", 4, "the key of f1 row 3")],
    )


@pytest.mark.parametrize("same", [0, 1])
def test_equal_hashes_are_no_equal_keys(monkeypatch, same):
    """With hashes that are all equal, or nearly, the values still decide."""
    monkeypatch.setattr(
        keys, "_text_hashes", lambda values: np.arange(len(values), dtype=np.uint64) % np.uint64(1 + same)
    )
    rows = [f"k{number}" for number in range(50)] + ["k7", "k7", "k30"]

    count, shown = repeats(["\n".join(["x", *rows]).encode()], ("x", "string"))

    assert count == 3 if not same else count <= 3  # Keys with another hash are another's.
    assert same or shown[0] == ("f0", 51, "the key of f0 row 8")


@settings(max_examples=amount(20, 60), deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["", "a", "aa", "ab", "b\x01", "é"]), st.integers(-2, 2)), max_size=30))
def test_repeats_are_counted_exactly(rows):
    text = "x,y\n" + "".join(f'"{first}",{second}\n' for first, second in rows)

    assert repeats([text.encode()], ("x", "string"), ("y", "integer"))[0] == len(rows) - len(Counter(rows))


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_many_keys_over_many_pieces(monkeypatch, form):
    monkeypatch.setattr(csv_pieces, "_BLOCK", 4096)
    monkeypatch.setattr(parquet_pieces, "_ROWS", 1000)
    monkeypatch.setattr(keys, "_RANGE", 2000)
    monkeypatch.setattr(keys, "_SAMPLED", 10)
    monkeypatch.setattr(measuring, "_SUSPECT_BYTES", 1024)
    numbers = [*range(5000), *range(0, 5000, 50)]
    data = parquet(x=numbers) if form == "parquet" else "\n".join(["x", *map(str, numbers)]).encode()
    texts = [f"key-{number}" for number in numbers]
    texted = parquet(x=texts) if form == "parquet" else "\n".join(["x", *texts]).encode()

    for content, kind in ((data, "integer"), (texted, "string")):
        count, shown = repeats([content], ("x", kind), form=form)
        assert (count, shown[0], shown[9]) == (
            100,
            ("f0", 5001, "the key of f0 row 1"),
            ("f0", 5010, "the key of f0 row 451"),
        )
