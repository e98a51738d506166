"""Measure two models on a large hold-out, as a gate does: the peak memory of a process that does nothing else.

    python bench/holdout.py [--rows N]

The floor, in the same process: every row is read once, both models are asked about it, and their answers are read.
Times are those of the processor, of this process and of the one that reads the file: other work does not change them.
With `--apart` the models differ on one row in a thousand, whose keys are then read again.

The rows lie in a file and the models answer in memory, so that what is measured is the app's own part; memory is what
the peak rose over the process with everything imported. It fails above MEMORY_LIMIT_MB.
"""

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import psutil

sys.path.insert(0, str(Path(__file__).parents[1]))

MEMORY_LIMIT_MB = 250
_PLACE = ("evaluation", "holdout.csv")


def write(path: Path, rows: int) -> None:
    """A key, a category, ten features and the answer: about 120 bytes a row."""
    import random

    chance = random.Random(1)
    with path.open("w", encoding="utf-8") as text:
        text.write("id,region," + ",".join(f"x{n}" for n in range(10)) + ",y\n")
        for row in range(rows):
            numbers = ",".join(f"{chance.random():.6f}" for _ in range(10))
            text.write(f"customer-{row:08d},{'nesw'[row % 4]},{numbers},{chance.random():.6f}\n")


class Disk:
    """A hub with one file, read as the real one is: in ranges."""

    def __init__(self, file: Path) -> None:
        from shared.ports import Blob

        self._file = file
        now, size = datetime.now(UTC), file.stat().st_size
        self._blob = Blob(container=_PLACE[0], path=_PLACE[1], etag="0x1", size=size, modified=now, metadata={})

    def find(self, *_: str):
        return self._blob

    def open(self, _):
        return self._file.open("rb")


class Models:
    """Endpoints whose deployments answer with the first feature, one of them a little off, and where *apart* says so
    far off."""

    def __init__(self, apart: bool) -> None:
        self._off_from = 0.999 if apart else math.inf

    def invoke(self, request):
        from shared.ports import EndpointResponse

        table = json.loads(request.body)["input_data"]
        at, off = table["columns"].index("x0"), 0.01 if request.deployment == "champion" else 0.0
        far = off * 100
        body = json.dumps([row[at] + (off if row[at] < self._off_from else far) for row in table["data"]]).encode()
        return EndpointResponse(status=200, body=body, took_ms=1.0)


def worked() -> float:
    """Seconds of processor time so far, those of the reader process included."""
    process = psutil.Process()
    times = [each.cpu_times() for each in (process, *process.children())]
    return sum(each.user + each.system for each in times)


def measure(file: Path, apart: bool) -> None:
    from activities.promotion.evidence import HoldoutPredictions, Online
    from activities.promotion.holdout.metrics import agreement_of, evaluate
    from activities.promotion.holdout.rows import read_rows
    from bench.paired_bootstrap import megabytes
    from shared.adapters.hub_files.rows import HubRowFiles
    from shared.domain.metrics.paired import compare
    from shared.domain.promotion.ladder import Holdout

    compare("mae", range(1000), range(1000), range(1, 1001))  # Imports.
    disk = Disk(file)
    clients = SimpleNamespace(
        hub=disk, row_files=HubRowFiles(disk), endpoints=Models(apart), store=SimpleNamespace(hub=disk), audit=None
    )
    holdout = Holdout(path="/".join(_PLACE), target="y", key="id", slices=("region",), tolerance=0.1)
    Path("/proc/self/clear_refs").write_text("5")  # The peak starts again from here.
    next(clients.row_files.cells(disk.find()))  # The reader process has started.
    before, start = megabytes("VmRSS"), worked()
    predictions = HoldoutPredictions(Online(clients, None, "online"), ["champion", "challenger"])
    rows = read_rows(clients, holdout, predictions)
    champion, challenger = predictions.columns()
    evaluation = evaluate(rows, [{"metric": "mae"}], "m:1", champion, challenger)
    agreement = agreement_of(rows, champion, challenger)
    seconds, peak = worked() - start, megabytes("VmHWM") - before
    print(
        json.dumps(
            {
                "seconds": seconds,
                "floor": floor(clients, disk, len(rows.truth)),
                "peak_mb": peak,
                "rows": evaluation.rows,
                "agree": agreement.agreement,
            }
        )
    )


def floor(clients: SimpleNamespace, disk: Disk, rows: int) -> float:
    """Seconds of processor time to read every row, to ask both models in batches of 500, and to read their answers."""
    from itertools import islice

    from activities.online_rows import predictions_of, rows_request

    start, answered = worked(), 0
    cells = clients.row_files.cells(disk.find())
    features = next(cells)[1:-1]
    while part := [row[1:-1] for row in islice(cells, 500)]:
        body = json.dumps(rows_request(features, part)).encode()
        for name in ("champion", "challenger"):
            answer = clients.endpoints.invoke(SimpleNamespace(deployment=name, body=body))
            answered += len(predictions_of(answer, len(part), name))
    assert answered == 2 * rows
    return worked() - start


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rows", type=int, default=1_000_000)
    arguments.add_argument("--apart", action="store_true", help="let the models differ on some rows")
    arguments.add_argument("--file", type=Path, help=argparse.SUPPRESS)
    options = arguments.parse_args()
    if options.file:
        measure(options.file, options.apart)
        return
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "holdout.csv"
        write(file, options.rows)
        done = subprocess.check_output(
            [sys.executable, __file__, "--file", str(file), *(["--apart"] if options.apart else [])],
            env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},  # As the templates and the local cloud set it for the app.
        )
        size = file.stat().st_size / 1024 / 1024
    result = json.loads(done)
    seconds, least = result["seconds"], result["floor"]
    print("| rows | file | processor | floor | ratio | peak memory over the imports |\n|---|---|---|---|---|---|")
    print(
        f"| {result['rows']} | {size:.0f} MB | {seconds:.1f} s | {least:.1f} s | {seconds / least:.2f} "
        f"| {result['peak_mb']:.0f} MB |"
    )
    if result["peak_mb"] > MEMORY_LIMIT_MB:
        sys.exit(f"measuring a hold-out may use {MEMORY_LIMIT_MB} MB")


if __name__ == "__main__":
    main()
