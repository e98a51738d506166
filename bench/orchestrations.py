"""Orchestrations per second on durable SQLite: this host against DBOS, side by side in one run.

Each orchestration runs three trivial activities in a row; all of them start at once. Both sides use WAL and the same
`synchronous` pragma. DBOS is run twice, with its threads and with its event loop; the better median is compared.
Processor time is that of the same moments: other work on the machine changes it less than the clock.

    .venv/bin/python bench/orchestrations.py --count 300 --rounds 5
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PEER_VENV = ROOT / ".signalbox" / "bench-dbos"
SIDES = ("signalbox", "dbos", "dbos-async")
Took = tuple[float, float]
"""Seconds by the clock and of the processor."""


def main() -> None:
    """Measure one side in this process (`--side`), or all of them in turns."""
    options = _options()
    if options.side:
        seconds, processor = _MEASURES[options.side](options.count, options.synchronous, Path(options.state))
        print(json.dumps({"seconds": seconds, "processor": processor}))
    else:
        _compare(options)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=300, help="orchestrations started at once")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--synchronous", choices=["FULL", "NORMAL"], default="FULL")
    parser.add_argument("--side", choices=SIDES, help=argparse.SUPPRESS)
    parser.add_argument("--state", help=argparse.SUPPRESS)
    return parser.parse_args()


def _compare(options: argparse.Namespace) -> None:
    peer = _peer_python()
    rounds: dict[str, list[Took]] = {side: [] for side in SIDES}
    for _ in range(options.rounds):
        for side in SIDES:
            python = sys.executable if side == "signalbox" else str(peer)
            rounds[side].append(_measure(python, side, options))
    _print_table(options, rounds)


def _measure(python: str, side: str, options: argparse.Namespace) -> Took:
    """One round in a fresh process with a fresh state folder, without start-up."""
    with tempfile.TemporaryDirectory() as state:
        command = [python, __file__, "--side", side, "--state", state]
        command += ["--count", str(options.count), "--synchronous", options.synchronous]
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    if done.returncode:
        raise SystemExit(f"{side} failed:\n{done.stderr}")
    measured = json.loads(done.stdout.strip().splitlines()[-1])
    return measured["seconds"], measured["processor"]


def _peer_python() -> Path:
    """The peer's own environment: its pins do not agree with the project's."""
    python = PEER_VENV / "bin" / "python"
    if not python.exists():
        venv.create(PEER_VENV, with_pip=True)
    import_check = subprocess.run([python, "-c", "import dbos"], capture_output=True, check=False)
    if import_check.returncode:
        subprocess.run([python, "-m", "pip", "install", "-q", "dbos"], check=True)
    return python


def _print_table(options: argparse.Namespace, rounds: dict[str, list[Took]]) -> None:
    print(
        f"{options.count} orchestrations of 3 activities, {options.rounds} rounds, WAL, "
        f"synchronous={options.synchronous}, orchestrations per second and milliseconds of processor time for each"
    )
    print(f"| {'side':<11} | {'median':>7} | {'lowest':>7} | {'highest':>7} | processor |")
    print(f"|{'-' * 13}|{'-' * 9}|{'-' * 9}|{'-' * 9}|{'-' * 11}|")
    rates, costs = {}, {}
    for side, took in rounds.items():
        values = [options.count / seconds for seconds, _ in took]
        rates[side], costs[side] = statistics.median(values), statistics.median(worked for _, worked in took)
        cost = f"{costs[side] / options.count * 1000:6.2f} ms"
        print(f"| {side:<11} | {rates[side]:7.1f} | {min(values):7.1f} | {max(values):7.1f} | {cost} |")
    peers = [side for side in SIDES if side != "signalbox"]
    rate = rates["signalbox"] / max(rates[side] for side in peers)
    cost_ratio = min(costs[side] for side in peers) / costs["signalbox"]
    print(f"ratio to the better DBOS median: {rate:.2f}; of processor time: {cost_ratio:.2f}")


def _now() -> Took:
    return time.perf_counter(), time.process_time()


def _since(start: Took) -> Took:
    return time.perf_counter() - start[0], time.process_time() - start[1]


def _measure_signalbox(count: int, synchronous: Any, state: Path) -> Took:
    import logging
    import os

    os.environ["AZURE_FUNCTIONS_DURABLE_STRICT_TYPING"] = "1"
    sys.path.insert(0, str(ROOT))
    logging.disable(logging.INFO)
    from signalbox.host.clock import RealClock
    from signalbox.host.testing import LocalHost

    async def run() -> Took:
        async with LocalHost(_app(), state, clock=RealClock(), synchronous=synchronous) as host:
            start = _now()
            instances = await asyncio.gather(*(host.start("three", f"run-{n}", n) for n in range(count)))
            outcomes = await asyncio.gather(*(host.wait(instance, timeout=600) for instance in instances))
            took = _since(start)
            assert sorted(outcome.output for outcome in outcomes) == [n + 3 for n in range(count)]
            return took

    return asyncio.run(run())


def _app() -> Any:
    import azure.durable_functions as df

    app = df.DFApp()

    @app.activity_trigger(input_name="number")
    def add_one(number: int) -> int:
        return number + 1

    @app.orchestration_trigger(context_name="context")
    def three(context: df.DurableOrchestrationContext) -> Any:
        value = context.get_input()
        for _ in range(3):
            value = yield context.call_activity("add_one", value)
        return value

    return app


def _measure_dbos(count: int, synchronous: str, state: Path) -> Took:
    dbos = _launch_dbos(synchronous, state)

    @dbos.step()
    def add_one(number: int) -> int:
        return number + 1

    @dbos.workflow()
    def three(number: int) -> int:
        for _ in range(3):
            number = add_one(number)
        return number

    dbos.launch()
    start = _now()
    handles = [dbos.start_workflow(three, n) for n in range(count)]
    outputs = [handle.get_result() for handle in handles]
    took = _since(start)
    assert outputs == [n + 3 for n in range(count)]
    dbos.destroy()
    return took


def _measure_dbos_async(count: int, synchronous: str, state: Path) -> Took:
    dbos = _launch_dbos(synchronous, state)

    @dbos.step()
    async def add_one(number: int) -> int:
        return number + 1

    @dbos.workflow()
    async def three(number: int) -> int:
        for _ in range(3):
            number = await add_one(number)
        return number

    async def run() -> Took:
        dbos.launch()
        start = _now()
        handles = await asyncio.gather(*(dbos.start_workflow_async(three, n) for n in range(count)))
        outputs = await asyncio.gather(*(handle.get_result() for handle in handles))
        took = _since(start)
        assert list(outputs) == [n + 3 for n in range(count)]
        return took

    took = asyncio.run(run())
    dbos.destroy()
    return took


def _launch_dbos(synchronous: str, state: Path) -> Any:
    from dbos import DBOS  # type: ignore[import-not-found]
    from sqlalchemy import Engine, event  # type: ignore[import-not-found]

    def set_pragmas(connection: Any, _record: Any) -> None:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute(f"PRAGMA synchronous={synchronous}")

    event.listen(Engine, "connect", set_pragmas)
    url = f"sqlite:///{state}/dbos.sqlite"
    DBOS(config={"name": "bench", "system_database_url": url, "log_level": "ERROR"})
    return DBOS


_MEASURES = {"signalbox": _measure_signalbox, "dbos": _measure_dbos, "dbos-async": _measure_dbos_async}


if __name__ == "__main__":
    main()
