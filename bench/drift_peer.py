"""The drift detector beside `evidently` on the same data, in one run: verdicts, time and peak memory.

    python bench/drift_peer.py [--simulations N] [--rows N] [--venv FOLDER]

Evidently needs pandas below 3 and some 80 packages, so it gets an environment of its own, made here when it is missing.
Both sides draw the same tables from the same seeds: six numbers and a category; verdicts are of whole tables, as each
tool gives them. Then one large file is compared, each side in a process of its own that also reads the file.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
import venv
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

PEER = ("evidently==0.7.23", "pandas<3")
ALPHA, EFFECT = 0.01, 0.1
SCENES = (  # Rows of the reference and the window, and the shift of one column in standard deviations.
    ("nothing moved", 1000, 200, 0.0),
    ("nothing moved", 5000, 5000, 0.0),
    ("0.02 s.d., too small to matter", 50_000, 50_000, 0.02),
    ("0.5 s.d.", 1000, 200, 0.5),
    ("0.5 s.d.", 5000, 5000, 0.5),
)


def table(seed: int, rows: int, shift: float) -> dict:
    import numpy as np

    chance = np.random.default_rng((seed, rows))
    columns = {f"x{number}": chance.normal(size=rows) for number in range(6)}
    columns["x0"] = columns["x0"] + shift
    return columns | {"site": chance.choice(["north", "south", "east"], rows)}


def pairs(simulations: int, reference: int, rows: int, shift: float) -> Iterator[tuple[dict, dict]]:
    for seed in range(simulations):
        yield table(2 * seed, reference, 0.0), table(2 * seed + 1, rows, shift)


def ours(before: dict, after: dict) -> str:
    from bench.drift_statistics import counted, reference_of
    from shared.domain.drift.detector import detect
    from shared.domain.drift.rule import DriftRule

    reference = reference_of(before)
    rule = DriftRule(alpha=ALPHA, effect=EFFECT, minimum_rows=100)
    return detect(reference, counted(after, reference), rule).outcome.value


def evidently(before: dict, after: dict, **settings: object) -> str:
    """`drifted` where the report says so of any column."""
    import pandas as pd
    from evidently import Report
    from evidently.presets import DataDriftPreset

    report = Report([DataDriftPreset(**settings)])
    content = report.run(current_data=pd.DataFrame(after), reference_data=pd.DataFrame(before)).dict()
    drifted_count = next(
        metric["value"]["count"] for metric in content["metrics"] if "DriftedColumns" in metric["metric_name"]
    )
    return "drifted" if drifted_count else "none"


def evidently_tests(before: dict, after: dict) -> str:
    """With the same tests and alpha as ours."""
    methods = {"num_method": "ks", "cat_method": "chisquare", "num_threshold": ALPHA, "cat_threshold": ALPHA}
    return evidently(before, after, **methods)


SIDES: dict[str, Callable[[dict, dict], str]] = {
    "signalbox": ours,
    "evidently": evidently,
    "evidently, KS and chi-squared": evidently_tests,
}


def verdicts(side: str, simulations: int) -> list[dict[str, int]]:
    return [
        dict(Counter(SIDES[side](*pair) for pair in pairs(simulations, reference, rows, shift)))
        for _, reference, rows, shift in SCENES
    ]


def read_and_compare(side: str, folder: Path) -> str:
    """What a caller waits for: the window's file read and judged; ours has its reference counted beforehand."""
    if side == "signalbox":
        return _ours_from_file(folder)
    import pandas as pd

    before, after = (pd.read_csv(folder / f"{name}.csv") for name in ("before", "after"))
    return SIDES[side](before, after)  # type: ignore[arg-type]  # A frame is made of a frame as of columns.


def _ours_from_file(folder: Path) -> str:
    from shared.adapters.reader.files import TableFile
    from shared.adapters.tables.measuring import measure
    from shared.domain.drift.detector import detect
    from shared.domain.drift.reference import parse_reference
    from shared.domain.drift.rule import DriftRule
    from shared.domain.drift.window import Counted

    reference = parse_reference(json.loads((folder / "reference.json").read_text()))
    files = [TableFile(name="after.csv", open=lambda: (folder / "after.csv").open("rb"))]
    measurement = measure(files, _contract(), reference.inputs)
    rule = DriftRule(alpha=ALPHA, effect=EFFECT)
    return detect(reference, Counted(rows=measurement.rows, inputs=dict(measurement.tallies)), rule).outcome.value


def _contract():
    from tests.data_contracts import parse_contract

    numbers = [{"name": f"x{number}", "type": "number"} for number in range(6)]
    return parse_contract({"format": "csv", "columns": [*numbers, {"name": "site", "type": "string"}]})


def make_files(folder: Path, rows: int) -> None:
    import pandas as pd

    from bench.drift_statistics import reference_of

    before = table(0, rows, 0.0)
    (folder / "reference.json").write_text(json.dumps(reference_of(before).to_dict()))
    for name, columns in (("before", before), ("after", table(1, rows, 0.5))):
        pd.DataFrame(columns).to_csv(folder / f"{name}.csv", index=False)


def peak_megabytes() -> float:
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def peer_python(folder: Path) -> str:
    """The interpreter of the peer's environment, made if it is not there."""
    python = folder / "bin" / "python"
    if not (folder / ".ready").exists():
        venv.create(folder, with_pip=True, clear=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *PEER], check=True, stdout=subprocess.DEVNULL)
        (folder / ".ready").touch()
    return str(python)


def asked(python: str, subject: str, side: str, argument: str) -> dict:
    """One side's answer, from a process of its own."""
    command = [python, "-W", "ignore", __file__, "--side", subject, side, argument]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def answer(subject: str, side: str, argument: str) -> None:
    start = time.perf_counter()
    if subject == "verdicts":
        result = {"verdicts": verdicts(side, int(argument))}
    else:
        result = {"verdict": read_and_compare(side, Path(argument))}
    print(json.dumps({**result, "seconds": time.perf_counter() - start, "megabytes": peak_megabytes()}))


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--simulations", type=int, default=20)
    arguments.add_argument("--rows", type=int, default=1_000_000)
    arguments.add_argument("--venv", type=Path, default=Path(".signalbox") / "bench" / "evidently")
    arguments.add_argument("--side", nargs=3, help=argparse.SUPPRESS)
    options = arguments.parse_args()
    if options.side:
        answer(*options.side)
        return
    peer = peer_python(options.venv)
    pythons = {side: sys.executable if side == "signalbox" else peer for side in SIDES}
    compare_verdicts(pythons, options.simulations)
    compare_cost(pythons, options.rows)


def compare_verdicts(pythons: dict[str, str], simulations: int) -> None:
    """Print how often each says what; exit with an error where ours is wrong about nothing."""
    reports = {side: asked(python, "verdicts", side, str(simulations)) for side, python in pythons.items()}
    print(f"Verdicts on {simulations} pairs of tables each, drifted / inconclusive / none:\n")
    print("| one column of seven moved by | reference | rows |", " | ".join(pythons), "|")
    print("|---|---|---|" + "---|" * len(pythons))
    for at, (name, reference, rows, shift) in enumerate(SCENES):
        counts = [reports[side]["verdicts"][at] for side in pythons]
        cells = [
            " / ".join(str(counts_by_verdict.get(v, 0)) for v in ("drifted", "inconclusive", "none"))
            for counts_by_verdict in counts
        ]
        print(f"| {name} | {reference} | {rows} |", " | ".join(cells), "|")
        alarms = counts[0].get("drifted", 0)
        if shift < EFFECT and alarms > ALPHA * simulations + 3 * (ALPHA * simulations) ** 0.5:
            raise SystemExit(f"{alarms} false alarms of {simulations}: {name}, {rows} rows")


def compare_cost(pythons: dict[str, str], rows: int) -> None:
    print(f"\nA CSV file of {rows} rows and seven columns, read and judged, interpreter and imports included:\n")
    print("| | verdict | time | peak memory |\n|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        make_files(Path(folder), rows)
        for side, python in pythons.items():
            result = asked(python, "file", side, folder)
            print(f"| {side} | {result['verdict']} | {result['seconds']:.1f} s | {result['megabytes']:.0f} MB |")


if __name__ == "__main__":
    main()
