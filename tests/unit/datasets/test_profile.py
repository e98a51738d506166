"""The figures of tables: right beside NumPy's, and bounded whatever the file says."""

import json
import math
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from shared.adapters.reader.files import TableFile, local_file
from shared.adapters.reader.limits import ReaderLimits
from shared.adapters.tables.overview.describing import describe
from shared.adapters.tables.overview.profiling import profile_table
from shared.domain.data.data_contract import Format
from shared.operations.local_dataset import profile_files


def table(folder: Path, name: str, content: bytes | str) -> TableFile:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return local_file(path)


def kinds(files: list[TableFile], kind: Format) -> dict[str, str]:
    facts = describe(files, kind).facts()
    assert facts.problems == (), facts
    return {column.name: column.type for column in facts.columns}


WANTED = {"i": "integer", "n": "number", "b": "boolean", "s": "string", "e": "string"}


def test_every_format_has_the_same_types(tmp_path: Path) -> None:
    rows = [{"i": 1, "n": 1.5, "b": True, "s": "x", "e": None}, {"i": 2, "n": None, "b": False, "s": "3", "e": None}]
    lines = ["i,n,b,s,e", *("1,1.5,true,x,", "2,,false,3,")]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "a.parquet")

    assert kinds([table(tmp_path, "a.csv", "\n".join(lines))], "csv") == WANTED
    assert kinds([table(tmp_path, "b.csv", "\n".join(lines).replace(",", ";"))], "csv") == WANTED
    assert kinds([table(tmp_path, "a.jsonl", "\n".join(map(json.dumps, rows)))], "jsonl") == WANTED
    assert kinds([local_file(tmp_path / "a.parquet")], "parquet") == WANTED


def test_a_type_is_widened_over_files_and_never_guessed(tmp_path: Path) -> None:
    first = table(tmp_path, "a.csv", "x,d,f,s\n1,2024-01-01,true,5\n")
    second = table(tmp_path, "b.csv", "x,d,f,s\n1.5,2024-01-01T10:00:00,1,five\n")

    assert kinds([first], "csv") == {"x": "integer", "d": "date", "f": "boolean", "s": "integer"}
    for files in ([first, second], [second, first]):
        assert kinds(files, "csv") == {"x": "number", "d": "timestamp", "f": "boolean", "s": "string"}


def test_days_that_were_read_before_moments_keep_their_place_between_the_ends(tmp_path: Path) -> None:
    files = [
        table(tmp_path, "a.csv", "d\n2024-01-01\n2024-01-02\n"),
        table(tmp_path, "b.csv", "d\n2024-01-03T12:00:00\n"),
    ]
    (column,) = profile_table(files, "csv").columns

    assert (column.low[:10], column.high[:10]) == ("2024-01-01", "2024-01-03")
    assert column.histogram is not None
    assert sum(column.histogram.bins) == 3


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("a.csv", b"", "it has no header"),
        ("a.csv", b"x,x\n1,2\n", "it has no header with different names"),
        ("a.csv", b"x,y\n1,2,3\n", "3 fields instead of 2"),
        ("a.csv", b"x\n\xff\n", "utf-8"),
        ("a.csv", b"x\n", "the files have no rows"),
        ("a.jsonl", b'{"x": 1}\n[2]\n', "no JSON object"),
        ("a.jsonl", b'{"x": ' + b"[" * 10_000, "recursion"),
        ("a.parquet", b"PAR1 and nothing", "arquet"),
    ],
)
def test_what_is_no_table_is_a_problem_and_no_error(tmp_path: Path, name: str, content: bytes, problem: str) -> None:
    kind: Format = {".csv": "csv", ".jsonl": "jsonl", ".parquet": "parquet"}[Path(name).suffix]  # type: ignore[assignment]
    facts = profile_table([table(tmp_path, name, content)], kind)

    assert any(problem in text for text in facts.problems), facts.problems


def test_figures_are_those_of_numpy(tmp_path: Path) -> None:
    random = np.random.default_rng(7)
    first = random.normal(1e9, 3.0, 4000)  # Large and close together: naive sums of squares would lose all digits.
    second = np.where(random.random(4000) < 0.2, np.nan, first * 2 + random.normal(0, 4, 4000))
    lines = [f"{a!r},{'' if math.isnan(b) else repr(float(b))}" for a, b in zip(first.tolist(), second, strict=True)]

    facts = profile_table([table(tmp_path, "a.csv", "\n".join(["a,b", *lines]))], "csv")

    a, b = facts.columns
    both = ~np.isnan(second)
    assert (facts.rows, b.missing) == (4000, int((~both).sum()))
    assert a.mean == pytest.approx(first.mean(), rel=1e-12)
    assert a.deviation == pytest.approx(first.std(), rel=1e-6)
    assert a.histogram is not None
    assert a.histogram.bins == tuple(np.histogram(first, bins=24)[0].tolist())
    assert facts.correlations is not None
    wanted = float(np.corrcoef(first[both], second[both])[0, 1])
    assert facts.correlations.rows[0][1] == pytest.approx(wanted, abs=1e-5)


def test_texts_are_counted_within_bounds(tmp_path: Path) -> None:
    rows = [f"{n % 3},t{n}" for n in range(12_000)]
    facts = profile_table([table(tmp_path, "a.csv", "\n".join(["a,b", *rows]))], "csv")

    _, texts = facts.columns
    assert (texts.distinct, texts.many, len(texts.values)) == (10_000, True, 12)


def test_ends_that_no_float_can_divide_have_no_histogram(tmp_path: Path) -> None:
    facts = profile_table([table(tmp_path, "a.csv", "x,y\n-1.7e308,5\n1.7e308,5\n")], "csv")

    x, y = facts.columns
    assert (x.low, x.high, x.histogram, x.mean) == ("-1.7e+308", "1.7e+308", None, None)
    assert (y.mean, y.deviation) == (5.0, 0.0)
    assert facts.correlations is not None
    assert facts.correlations.rows[0] == (None, None)


def test_a_wide_table_is_described_as_far_as_the_bound(tmp_path: Path) -> None:
    names = [f"sensor_{number:05d}" for number in range(10_000)]
    file = tmp_path / "wide.csv"
    file.write_text("\n".join([",".join(names), *[",".join(["1.5"] * 10_000)] * 3]))

    first = profile_files([file]).table
    chosen = profile_files([file], ["sensor_09999", "sensor_0000[12]", "sensor_09999"]).table

    assert first is not None
    assert (first.problems, first.rows, len(first.columns), len(first.others)) == ((), 3, 200, 9800)
    assert chosen is not None
    assert [column.name for column in chosen.columns] == ["sensor_09999", "sensor_00001", "sensor_00002"]
    assert len(chosen.others) == 9997


def test_a_column_may_be_called_like_a_pattern(tmp_path: Path) -> None:
    file = table(tmp_path, "a.csv", "a*,ab,[x]\n1,2,3\n")

    chosen = profile_table([file], "csv", ["a*", "[x]"])
    absent = profile_table([file], "csv", ["ab", "y*"])

    assert [column.name for column in chosen.columns] == ["a*", "[x]"]
    assert "it has no column 'y*'" in absent.problems[0]


def test_a_table_of_two_hundred_columns_fits_into_the_memory_of_its_reader(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    row = ",".join(["0.123"] * 200)
    file.write_text("\n".join([",".join(f"c{number}" for number in range(200)), *[row] * 10_000]))  # 12 MB.

    facts = profile_files([file]).table

    assert facts is not None
    assert (facts.problems, facts.rows, len(facts.columns)) == ((), 10_000, 200)


def test_a_file_that_takes_too_long_ends_with_a_sentence(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text("x\n" + "1\n" * 1000)

    profile = profile_files([file], limits=ReaderLimits(seconds=0.0))

    assert "longer than 0 s" in profile.problems[0]
