"""Files as they are counted: inputs by their contract, one field of the outputs' lines, tables for relevance."""

import io
import json
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from shared.adapters.hub_files.drift_counts import HubDriftFiles
from shared.domain.data.reference_profile import ReferenceProfile
from shared.domain.drift.reference import ModelReference
from shared.domain.drift.watch import OutputField
from shared.domain.failures import Refused
from shared.ports import HubFile
from tests.drift.references import profile_of
from tests.fakes.ports import MemoryHub

CONTRACT = """
format: csv
columns: [{name: id, type: string}, {name: x, type: number, nullable: true}, {name: site, type: string}]
"""
NUMBERS = profile_of(np.arange(10.0), "number")
SITES = profile_of(np.array(["north", "south"]), "string")
REFERENCE = ModelReference(
    inputs=ReferenceProfile(rows=10, columns={"x": NUMBERS, "site": SITES}), outputs={"y": NUMBERS, "label": SITES}
)


@pytest.fixture
def hub():
    return MemoryHub(lambda: datetime(2026, 1, 1, tzinfo=UTC))


@pytest.fixture
def files(hub, tmp_path):
    (tmp_path / "c.yaml").write_text(CONTRACT)
    return HubDriftFiles(hub, tmp_path)


def landed(hub, place, text):
    return HubFile(name=place, blob=hub.land(place, text.encode()))


def test_inputs_are_counted_in_the_references_cells_and_nulls_are_seen(hub, files):
    given = landed(hub, "abc/in.csv", "id,x,site\na,1,north\nb,,south\nc,99,west\n")
    found = files.count("c.yaml", REFERENCE, [given])

    assert (found.rows, found.inputs["x"].total) == (3, 2)
    assert found.inputs["x"].cells[-1] == 1
    assert found.inputs["site"].counts == {"north": 1, "south": 1, "west": 1}


@pytest.mark.parametrize(
    ("output", "text"),
    [
        (OutputField(name="y"), "in.csv a 1.5\nin.csv b 2.5\n"),
        (OutputField(name="y", field=2), "in.csv 1.5 x\nin.csv 2.5 x\n"),
        (OutputField(name="y", field=1, delimiter=","), "1.5,a\n2.5,b"),
        (OutputField(name="y"), '"a file.csv" a 1.5\n"a file.csv" b 2.5\n'),
    ],
)
def test_one_field_of_the_outputs_is_counted(hub, files, output, text):
    found = files.count("c.yaml", REFERENCE, [], [landed(hub, "abc/out.csv", text)], output)

    assert (found.answers, found.outputs["y"].total, found.moments["y"].mean) == (2, 2, 2.0)


def test_outputs_may_be_labels_and_a_file_may_be_empty(hub, files):
    outputs = [landed(hub, "abc/1.csv", "in.csv a north\n"), landed(hub, "abc/2.csv", "")]
    found = files.count("c.yaml", REFERENCE, [], outputs, OutputField(name="label"))

    assert (found.answers, found.outputs["label"].counts, found.moments) == (1, {"north": 1}, {})


@pytest.mark.parametrize("missing", ["", "nan", "NaN", "NA", "inf", "-Infinity", "oops"])
def test_a_prediction_that_is_no_number_leaves_the_others_counted(hub, files, missing):
    outputs = [landed(hub, "abc/out.csv", f"in.csv a 1.5\nin.csv b {missing}\nin.csv c 2.5\n")]
    found = files.count("c.yaml", REFERENCE, [], outputs, OutputField(name="y"))

    assert (found.answers, found.outputs["y"].total, found.moments["y"].mean) == (3, 2, 2.0)


@pytest.mark.parametrize("field", [2, 9])
def test_outputs_that_cannot_be_read_are_refused_by_name(hub, files, field):
    output = landed(hub, "abc/out.csv", "in.csv a 1.5\n")
    with pytest.raises(Refused, match=rf"output abc/out.csv: field {field} \(y\) cannot be read"):
        files.count("c.yaml", REFERENCE, [], [output], OutputField(name="y", field=field))


def test_a_contract_that_is_not_there_is_refused(files):
    with pytest.raises(Refused, match=r"data contract none\.yaml"):
        files.own_reference("none.yaml")
    assert files.own_reference("c.yaml") is None


def parquet(table):
    stream = io.BytesIO()
    pq.write_table(pa.table(table), stream)
    return stream.getvalue()


TABLE = {"x": [1.0, None], "n": [1, 2], "flag": [True, False], "site": ["north", None]}


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("t.csv", b"x,n,flag,site\n1,1,true,north\n,2,false,\n"),
        ("t.parquet", parquet(TABLE)),
        (
            "t.jsonl",
            "\n".join(
                json.dumps(dict(zip(TABLE, row, strict=True))) for row in zip(*TABLE.values(), strict=True)
            ).encode(),
        ),
    ],
)
def test_a_table_is_read_in_every_format(hub, files, name, data):
    found = files.columns(hub.land(f"abc/{name}", data))

    assert np.array_equal(found["x"], [1, np.nan], equal_nan=True)
    assert found["n"].tolist() == [1, 2]
    assert found["site"].tolist() == ["north", ""]
    assert found["flag"].tolist() == ["true", "false"]


def test_free_text_and_dates_are_left_out(hub, files):
    lines = "".join(f"{number},note {number},2026-01-01\n" for number in range(200))
    found = files.columns(hub.land("abc/t.csv", f"n,note,day\n{lines}".encode()))

    assert list(found) == ["n"]


@pytest.mark.parametrize("data", [b"null", b"[1]", b"{}\n\xff", b'{"a":' * 5000, b'{"a": 1' + b"0" * 5000 + b"}"])
def test_json_lines_that_are_no_table_are_refused(hub, files, data):
    with pytest.raises(Refused, match="cannot be read"):
        files.columns(hub.land("abc/t.jsonl", data))


@pytest.mark.parametrize("name", ["t.parquet", "t.jsonl", "t.csv"])
def test_a_table_that_cannot_be_read_is_refused(hub, files, name):
    with pytest.raises(Refused, match="cannot be read"):
        files.columns(hub.land(f"abc/{name}", b"" if name == "t.csv" else b"{nothing"))
