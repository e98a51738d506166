"""CSV is cut where Arrow itself would end a record, whatever quotes stand in it."""

import io
import time

import pyarrow as pa
import pyarrow.csv as pa_csv
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.adapters.tables.csv_pieces import records_end


def rows(text):
    """Arrow's rows of *text* as one piece."""
    try:
        table = pa_csv.read_csv(
            io.BytesIO(text),
            read_options=pa_csv.ReadOptions(column_names=["a", "b"], use_threads=False, block_size=1 << 16),
            parse_options=pa_csv.ParseOptions(invalid_row_handler=lambda row: "skip"),
            convert_options=pa_csv.ConvertOptions(column_types={"a": pa.binary(), "b": pa.binary()}),
        )
    except pa.ArrowInvalid:
        return []
    return table.to_pylist()


@given(st.lists(st.sampled_from([b'"', b'""', b",", b"\n", b"\r\n", b"x", b"1", b'"a"', b'"a\n,"']), max_size=40))
def test_the_pieces_have_the_rows_of_the_whole(parts):
    text = b"".join(parts)
    end = records_end(text, b",")

    if b'"' not in text or end:
        assert rows(text[:end]) + rows(text[end:]) == rows(text)
    assert end == 0 or text[end - 1 : end] in (b"\n", b"\r")


@pytest.mark.parametrize(
    ("text", "end"),
    [
        (b"a,b\nc", 4),
        (b'a,"b\nc', 0),
        (b'a,b\n"c\n', 4),
        (b'5" pipe,1\n6" pipe,2\nx', 20),
        (b'"a""\n",1\n"b"', 9),
        (b"a\rb\r", 2),
        (b"", 0),
    ],
)
def test_where_records_end(text, end):
    assert records_end(text, b",") == end


@pytest.mark.parametrize("unit", [b'"', b'"x', b'x"', b'""\n"', b'x"y,"', b'",\n'])
def test_hostile_quotes_take_linear_time(unit):
    began = time.process_time()
    records_end(unit * 500_000, b",")

    assert time.process_time() - began < 5
