"""The whole data check on a large file, beside pandera and a plain Polars scan of the same file: time and peak memory.

    python bench/data_check.py [--megabytes N] [--rounds N]

Each sample is a process of its own; the sides take turns. The check does types, nulls, ranges, categories, unique keys
and distribution tests, in its reader process; pandera does all of them but the distribution tests; the scan sums one
column and counts another. Pandera gets an environment of its own. Seconds of the processor are printed beside those of
the clock: where other work shares the machine, only they can be compared.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

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
    from shared.domain.data.data_contract import parse_contract
    from shared.domain.data.reference_profile import parse_profile

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
    from shared.domain.data.data_contract import parse_contract

    small = folder / "small.csv"
    make(small, 16)
    contract = parse_contract({**CONTRACT, "format": "csv"})
    made = profile([TableFile(name="small", open=lambda: small.open("rb"))], contract)
    (folder / "reference.json").write_text(json.dumps(made.to_dict()))


SIDES = {"check": check, "pandera": pandera, "scan": scan}


def sample(python: str, side: str, path: Path) -> tuple[float, float, float]:
    """Seconds of the clock, of the processor, and the peak of resident memory in megabytes, of one process with its
    reader."""
    done = subprocess.run([python, __file__, "--side", side, str(path)], capture_output=True, text=True, check=True)
    seconds, processor, megabytes = done.stdout.split()[-3:]
    return float(seconds), float(processor), float(megabytes)


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
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--megabytes", type=int, default=1024)
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--side", nargs=2, help=argparse.SUPPRESS)
    given = arguments.parse_args()
    if given.side:
        start = time.perf_counter()
        readers_mb = SIDES[given.side[0]](Path(given.side[1]))
        times = os.times()
        processor = times.user + times.system + times.children_user + times.children_system
        print(time.perf_counter() - start, processor, peak_megabytes() + readers_mb)
        return
    with tempfile.TemporaryDirectory() as folder:
        compare(Path(folder), given.megabytes, given.rounds)


def compare(folder: Path, megabytes: int, rounds: int) -> None:
    """Print a table; exit with an error where the check needed more memory than it may."""
    make_reference(folder)
    pythons = {"check": sys.executable, "pandera": pandera_python(folder), "scan": sys.executable}
    print("| file | size | side | time | processor | peak memory |")
    print("|---|---|---|---|---|---|")
    for name in ("data.csv", "data.parquet"):
        path = folder / name
        make(path, megabytes)
        size = path.stat().st_size / 1024**2
        taken = [{side: sample(python, side, path) for side, python in pythons.items()} for _ in range(rounds)]
        for side in pythons:
            seconds, processor = (statistics.median(each[side][at] for each in taken) for at in (0, 1))
            peak = max(each[side][2] for each in taken)
            print(f"| {name} | {size:.0f} MB | {side} | {seconds:.1f} s | {processor:.1f} s | {peak:.0f} MB |")
            if side == "check" and peak > MEMORY_LIMIT_MB:
                raise SystemExit(f"the check of {name} took {peak:.0f} MB, more than {MEMORY_LIMIT_MB}")
        path.unlink()


if __name__ == "__main__":
    main()
