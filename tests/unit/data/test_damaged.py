"""Damaged files: each passes or has a finding; none fails the check, none ends a process or hangs.

`make fuzz` takes 2,000 copies of each format, `make proofs` 100, and `make test` 30.
"""

import io
import json
import os
import random

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from shared.adapters.reader.checks import check_files
from shared.adapters.reader.files import TableFile
from tests.amounts import amount
from tests.data_contracts import parse_contract

COPIES = int(os.environ.get("SIGNALBOX_FUZZ_FILES", amount(30, 100)))
COLUMNS = [
    {"name": "id", "type": "integer"},
    {"name": "amount", "type": "number", "min": -1e6, "max": 1e6},
    {"name": "label", "type": "string", "allowed": ["north", "south", "Ünü"], "nullable": True},
    {"name": "flag", "type": "boolean", "nullable": True},
    {"name": "day", "type": "date", "nullable": True},
    {"name": "seen", "type": "timestamp", "nullable": True},
]
SPLICES = [
    b"\x00",
    b"\xff\xfe",
    b"\xef\xbb\xbf",
    b'"',
    b"\n",
    b"\r",
    b",",
    b"{",
    b"[" * 2000,
    b"null\n",
    b"NaN",
    b"1e999",
]
SPLICES += [b"0x1F", b"\\ud800", b"9" * 400, b"Infinity", b"a" * 200_000, b"}{", b"0001-01-01T00:00:00+01:00"]


def rows(count):
    for number in range(count):
        yield {
            "id": number,
            "amount": number / 7,
            "label": ("north", "south", "Ünü", None)[number % 4],
            "flag": number % 2 == 0,
            "day": f"2024-01-{number % 28 + 1:02d}",
            "seen": f"2024-01-01T00:{number % 60:02d}:00Z",
        }


def csv_file():
    lines = [",".join("" if value is None else str(value) for value in row.values()) for row in rows(200)]
    return "\n".join([",".join(column["name"] for column in COLUMNS), *lines]).encode()


def json_file():
    return "\n".join(json.dumps(row, ensure_ascii=False) for row in rows(200)).encode()


def parquet_file():
    stream = io.BytesIO()
    table = pa.Table.from_pylist(list(rows(200)))
    days = table["day"].cast(pa.date32())
    seen = table["seen"].cast(pa.timestamp("us", "UTC"))
    table = table.set_column(4, "day", days).set_column(5, "seen", seen)
    pq.write_table(table, stream, row_group_size=64, compression="snappy")
    return stream.getvalue()


FILES = {"csv": csv_file, "jsonl": json_file, "parquet": parquet_file}


def damaged(data, chance):
    """A copy with one to eight bytes changed, a part cut out, doubled or moved, or something spliced in."""
    copy = bytearray(data)
    match chance.randrange(4):
        case 0:
            for _ in range(chance.randint(1, 8)):
                copy[chance.randrange(len(copy))] = chance.randrange(256)
        case 1:
            begin = chance.randrange(len(copy))
            del copy[begin : begin + chance.choice([1, 10, 1000, len(copy)])]
        case 2:
            begin, to = chance.randrange(len(copy)), chance.randrange(len(copy))
            copy[to:to] = copy[begin : begin + chance.choice([1, 10, 1000])]
        case 3:
            place = chance.randrange(len(copy))
            copy[place:place] = chance.choice(SPLICES)
    return bytes(copy)


@pytest.mark.parametrize("form", FILES)
def test_every_damaged_copy_passes_or_has_a_finding(pools, form):
    data = FILES[form]()
    contract = parse_contract({"format": form, "keys": ["id"], "columns": COLUMNS})
    pool, chance, outcomes = pools(), random.Random(f"{form} 13"), list[str]()
    assert check_files([TableFile(name="whole", open=lambda: io.BytesIO(data))], contract, pool=pool).summary == ()
    reader = pool._warm[0].pid

    for number in range(COPIES):
        copy = damaged(data, chance)
        report = check_files(
            [TableFile(name=f"{number}", open=lambda copy=copy: io.BytesIO(copy))], contract, pool=pool
        )
        json.dumps(report.to_dict()).encode()
        outcomes.append(report.outcome)
        assert (report.outcome == "passed") == (not report.summary)
        assert "its reader" not in " ".join(report.summary), copy

    assert pool._warm[0].pid == reader
    assert {"passed", "failed"} >= set(outcomes)
    assert np.mean([outcome == "failed" for outcome in outcomes]) > 0.3
