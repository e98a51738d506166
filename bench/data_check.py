"""The whole data check on a large file, beside pandera and a plain Polars scan of the same file: time and peak memory.

    python bench/data_check.py [--megabytes N] [--rounds N] [--against FOLDER]

Each sample is a process of its own; the sides take turns. The check does types, nulls, ranges, categories, unique keys
and distribution tests, in its reader process; pandera does all of them but the distribution tests; the scan sums one
column and counts another. Pandera gets an environment of its own. Seconds of the processor are printed beside those of
the clock: where other work shares the machine, only they can be compared. With `--against`, the one peer is the check
of another commit, whose files are in FOLDER (`git archive COMMIT | tar x -C FOLDER`): 70 megabytes are 1,000,000 rows.
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parents[1]))

CONTRACT = {
    "keys": ["id"],
    "columns": [
        {"name": "id", "type": "integer", "min": 0},
        {"name": "age", "type": "number", "min": -100, "max": 300},
        {"name": "bmi", "type": "number", "min": -100, "max": 300},
        {"name": "site", "type": "string", "allowed": ["north", "south", "east", "west"]},
        {"name": "note", "type": "string", "nullable": True},
    ],
    "distribution": {"reference": "r.json", "columns": ["age", "bmi", "site"]},
}
MEMORY_LIMIT_MB = 512


def make(path: Path, megabytes: int) -> None:
    """Write about *megabytes* of CSV, or the same rows as Parquet, in chunks."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.csv as pa_csv
    import pyarrow.parquet as pq

    chance, rows, at = np.random.default_rng(1), 200_000, 0
    writer: pq.ParquetWriter | pa_csv.CSVWriter | None = None
    for _ in range(max(1, megabytes // 14)):
        batch = pa.table(
            {
                "id": np.arange(at, at + rows),
                "age": chance.normal(50, 15, rows),
                "bmi": chance.normal(26, 4, rows),
                "site": chance.choice(["north", "south", "east", "west"], rows),
                "note": [f"seen by nurse {number % 997:04d}" for number in range(rows)],
            }
        )
        if writer is None:
            writer = (
                pa_csv.CSVWriter(path, batch.schema) if path.suffix == ".csv" else pq.ParquetWriter(path, batch.schema)
            )
        writer.write_table(batch)
        at += rows
    assert writer is not None
    writer.close()


def check(path: Path) -> float:
    """Our side, as the activity does it but for the blob. Gives the reader's peak of memory, in megabytes."""
    from shared.adapters.reader.checks import check_files
    from shared.adapters.reader.files import local_file
    from shared.adapters.reader.pool import Readers
    from shared.domain.data.reference_profile import parse_profile
    from tests.data_contracts import parse_contract

    contract = parse_contract({**CONTRACT, "format": path.suffix[1:]})
    reference = parse_profile(json.loads(path.with_name("reference.json").read_text()))
    pool = Readers()
    report = check_files([local_file(path)], contract, reference, pool)
    assert report.outcome == "passed", report.summary
    pool.close()
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024


def scan(path: Path) -> float:
    """The least that reads every row."""
    import polars as pl

    frame = pl.scan_csv(path) if path.suffix == ".csv" else pl.scan_parquet(path)
    frame.select(pl.col("age").sum(), pl.col("note").count(), pl.len()).collect(engine="streaming")
    return 0.0


def pandera(path: Path) -> float:
    """The peer: the same rules without the distribution tests, on Polars."""
    import pandera.polars as pa
    import polars as pl

    columns = {
        "id": pa.Column(pl.Int64, pa.Check.ge(0), unique=True),
        "age": pa.Column(pl.Float64, pa.Check.in_range(-100, 300)),
        "bmi": pa.Column(pl.Float64, pa.Check.in_range(-100, 300)),
        "site": pa.Column(pl.String, pa.Check.isin(["north", "south", "east", "west"])),
        "note": pa.Column(pl.String, nullable=True),
    }
    frame = pl.read_csv(path) if path.suffix == ".csv" else pl.read_parquet(path)
    pa.DataFrameSchema(columns, strict=True).validate(frame, lazy=True)
    return 0.0


def make_reference(folder: Path) -> None:
    from shared.adapters.reader.files import TableFile
    from shared.adapters.tables.measuring import profile
    from tests.data_contracts import parse_contract

    small = folder / "small.csv"
    make(small, 16)
    contract = parse_contract({**CONTRACT, "format": "csv"})
    reference = profile([TableFile(name="small", open=lambda: small.open("rb"))], contract)
    (folder / "reference.json").write_text(json.dumps(reference.to_dict()))


SIDES = {"check": check, "pandera": pandera, "scan": scan}


class Side(NamedTuple):
    """What runs a bench like this one, which of its SIDES, and the folder with the reference."""

    command: list[str]
    name: str
    folder: Path


def sample(side: Side, path: Path) -> tuple[float, float, float]:
    """Seconds of the clock for the check, of the processor for a whole process with its reader, and the peak of
    resident memory in megabytes.
    """
    link = side.folder / path.name
    if link != path and not link.exists():
        link.hardlink_to(path)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [*side.command, "--side", side.name, str(link)]
    process = subprocess.run(command, capture_output=True, text=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    seconds, megabytes = process.stdout.split()[-2:]
    return float(seconds), processor, float(megabytes)


def pandera_python(folder: Path) -> str:
    """An environment for the peer alone: it brings a Polars of its own choice."""
    subprocess.run([sys.executable, "-m", "venv", str(folder / "peer")], check=True)
    python = str(folder / "peer" / "bin" / "python")
    subprocess.run([python, "-m", "pip", "install", "--quiet", "pandera[polars]==0.35.*"], check=True)
    return python


def peak_megabytes() -> float:
    """The high-water mark of this process's resident memory (Linux)."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=int, default=1024)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--against", type=Path)
    parser.add_argument("--side", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.side:
        start = time.perf_counter()
        readers_mb = SIDES[arguments.side[0]](Path(arguments.side[1]))
        print(time.perf_counter() - start, peak_megabytes() + readers_mb)
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_reference(folder)
        sides = {"check": Side([sys.executable, __file__], "check", folder)}
        if arguments.against:
            sides["check of the other commit"] = other_commit(arguments.against, folder / "other")
        else:
            sides["pandera"] = Side([pandera_python(folder), __file__], "pandera", folder)
            sides["scan"] = Side([sys.executable, __file__], "scan", folder)
        compare(folder, sides, arguments.megabytes, arguments.rounds)


def other_commit(root: Path, folder: Path) -> Side:
    """The check of the code in *root*; its reference is its own, since profiles have versions."""
    folder.mkdir()
    program = "from pathlib import Path; from bench.data_check import make_reference; make_reference(Path({!r}))"
    subprocess.run([sys.executable, "-c", program.format(str(folder))], cwd=root, check=True)
    return Side([sys.executable, str(root / "bench" / "data_check.py")], "check", folder)


def compare(folder: Path, sides: dict[str, Side], megabytes: int, rounds: int) -> None:
    """Print a table; exit with an error where the check needed more memory than it may."""
    print("| file | size | side | time | processor | of the first | peak memory |")
    print("|---|---|---|---|---|---|---|")
    for name in ("data.csv", "data.parquet"):
        path = folder / name
        make(path, megabytes)
        size = path.stat().st_size / 1024**2
        rows = [{label: sample(side, path) for label, side in sides.items()} for _ in range(rounds)]
        first = statistics.median(row["check"][1] for row in rows)
        for label in sides:
            seconds, processor = (statistics.median(row[label][at] for row in rows) for at in (0, 1))
            peak = max(row[label][2] for row in rows)
            figures = f"{seconds:.2f} s | {processor:.2f} s | {processor / first:.2f} | {peak:.0f} MB"
            print(f"| {name} | {size:.0f} MB | {label} | {figures} |", flush=True)
            if label == "check" and peak > MEMORY_LIMIT_MB:
                raise SystemExit(f"the check of {name} took {peak:.0f} MB, more than {MEMORY_LIMIT_MB}")
        path.unlink()


if __name__ == "__main__":
    main()
