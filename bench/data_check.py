"""The whole data check on a large file, beside a plain Polars scan of the same file: time ratio and peak memory.

    python bench/data_check.py [--megabytes N] [--rounds N]

Each sample is a process of its own; the two sides take turns. The check does types, nulls, ranges, categories, unique
keys and distribution tests; the scan sums one column and counts another.
"""

import argparse
import json
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


def check(path: Path) -> None:
    """Our side, as the activity does it but for the blob."""
    from shared.adapters.reader.files import TableFile
    from shared.adapters.tables.measuring import measure
    from shared.domain.data_check import judge
    from shared.domain.data_contract import parse_contract
    from shared.domain.reference_profile import parse_profile

    contract = parse_contract({**CONTRACT, "format": path.suffix[1:]})
    reference = parse_profile(json.loads(path.with_name("reference.json").read_text()))
    report = judge(
        measure([TableFile(name=path.name, open=lambda: path.open("rb"))], contract, reference), contract, reference
    )
    assert report.outcome == "passed", report.summary


def scan(path: Path) -> None:
    """The peer: the least that reads every row."""
    import polars as pl

    frame = pl.scan_csv(path) if path.suffix == ".csv" else pl.scan_parquet(path)
    frame.select(pl.col("age").sum(), pl.col("note").count(), pl.len()).collect(engine="streaming")


def make_reference(folder: Path) -> None:
    from shared.adapters.reader.files import TableFile
    from shared.adapters.tables.measuring import profile
    from shared.domain.data_contract import parse_contract

    small = folder / "small.csv"
    make(small, 16)
    contract = parse_contract({**CONTRACT, "format": "csv"})
    made = profile([TableFile(name="small", open=lambda: small.open("rb"))], contract)
    (folder / "reference.json").write_text(json.dumps(made.to_dict()))


def sample(side: str, path: Path) -> tuple[float, float]:
    """Seconds, and the peak of resident memory in megabytes, of one process."""
    done = subprocess.run(
        [sys.executable, __file__, "--side", side, str(path)], capture_output=True, text=True, check=True
    )
    seconds, megabytes = done.stdout.split()[-2:]
    return float(seconds), float(megabytes)


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
        {"check": check, "scan": scan}[given.side[0]](Path(given.side[1]))
        print(time.perf_counter() - start, peak_megabytes())
        return
    with tempfile.TemporaryDirectory() as folder:
        compare(Path(folder), given.megabytes, given.rounds)


def compare(folder: Path, megabytes: int, rounds: int) -> None:
    """Print a table; exit with an error where the check needed more memory than it may."""
    make_reference(folder)
    print("| file | size | check | Polars scan | ratio | check's peak memory | scan's |")
    print("|---|---|---|---|---|---|---|")
    for name in ("data.csv", "data.parquet"):
        path = folder / name
        make(path, megabytes)
        pairs = [(sample("check", path), sample("scan", path)) for _ in range(rounds)]
        ours, peer = (statistics.median(pair[side][0] for pair in pairs) for side in (0, 1))
        peaks = [max(pair[side][1] for pair in pairs) for side in (0, 1)]
        size = path.stat().st_size / 1024**2
        memory = " | ".join(f"{peak:.0f} MB" for peak in peaks)
        print(f"| {name} | {size:.0f} MB | {ours:.1f} s | {peer:.1f} s | {ours / peer:.1f} | {memory} |")
        if peaks[0] > MEMORY_LIMIT_MB:
            raise SystemExit(f"the check of {name} took {peaks[0]:.0f} MB, more than {MEMORY_LIMIT_MB}")
        path.unlink()


if __name__ == "__main__":
    main()
