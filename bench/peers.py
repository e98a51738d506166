"""The same three orchestrations on this host and on its peers, one after another in one run, each side in a process.

    python bench/peers.py [--rounds N] [--venvs FOLDER] [--peer-python python3.13]

Each peer has an environment of its own, made here. The activities add one and cost nothing, so that what is measured is
the engine: the clock from the start of an orchestration to its output. The sides promise different things, which the
table says: a memory is not a disk. The floor is the SDK alone: it goes on with every step of a recorded history, with
no host, no storage and no activities.
"""

import argparse
import asyncio
import json
import logging
import os
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
WORK = {"three activities": ("chain", 3), "a chain of 100": ("chain", 100), "a fan-out of 100": ("fan", 100)}
PACKAGES = {"durabletask": "durabletask==1.12.0", "dbos": "dbos==3.4.0", "prefect": "prefect==3.9.1"}
KEEPS = {
    "signalbox": "SQLite, synced at every step",
    "floor": "nothing",
    "dbos": "SQLite, synced at every step",
    "prefect": "SQLite of its own server, as it comes",
    "durabletask": "memory, over gRPC",
}
PORT = 50071
Run = Callable[[str, int], Awaitable[int]]
"""Runs one orchestration; how many activities it says it has run."""


async def measure(run: Run, rounds: int) -> dict[str, float]:
    """The median of each kind of work in seconds, after one round that nobody counts."""
    medians = {}
    for name, (kind, length) in WORK.items():
        took = list[float]()
        for _ in range(rounds + 1):
            start = time.perf_counter()
            assert await run(kind, length) == length
            took.append(time.perf_counter() - start)
        medians[name] = statistics.median(took[1:])
    return medians


def app() -> Any:
    import azure.durable_functions as df

    functions = df.DFApp()

    @functions.activity_trigger(input_name="number")
    def add_one(number: int) -> int:
        return number + 1

    @functions.orchestration_trigger(context_name="context")
    def chain(context: df.DurableOrchestrationContext) -> Any:
        number = 0
        for _ in range(context.get_input()):
            number = yield context.call_activity("add_one", number)
        return number

    @functions.orchestration_trigger(context_name="context")
    def fan(context: df.DurableOrchestrationContext) -> Any:
        tasks = [context.call_activity("add_one", number) for number in range(context.get_input())]
        return len((yield context.task_all(tasks)))

    return functions


@contextmanager
def quiet() -> Iterator[Path]:
    os.environ["AZURE_FUNCTIONS_DURABLE_STRICT_TYPING"] = "1"
    sys.path.insert(0, str(ROOT))
    logging.disable(logging.WARNING)
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


async def signalbox(rounds: int) -> dict[str, float]:
    with quiet() as folder:
        from signalbox.host.clock import RealClock
        from signalbox.host.testing import LocalHost

        async with LocalHost(app(), folder, clock=RealClock(), synchronous="FULL") as host:

            async def run(kind: str, length: int) -> int:
                return int((await host.wait(await host.start(kind, None, length))).output)

            return await measure(run, rounds)


async def floor(rounds: int) -> dict[str, float]:
    with quiet() as folder:
        from signalbox.host.clock import RealClock
        from signalbox.host.durable.functions import orchestrator_functions
        from signalbox.host.durable.history import UNREAD, as_new, from_line
        from signalbox.host.durable.sdk import OrchestratorSession
        from signalbox.host.testing import LocalHost

        steps: dict[tuple[str, int], list[str]] = {}
        async with LocalHost(app(), folder, clock=RealClock()) as host:
            handles = {
                name: function.code for name, function in orchestrator_functions(host.host.functions.values()).items()
            }
            for kind, length in WORK.values():
                await host.wait(await host.start(kind, f"{kind}{length}", length))
                sql = "SELECT events FROM history WHERE instance_id = ? ORDER BY step"
                rows = [row["events"].split("\n") for row in host.host._storage.read(sql, f"{kind}{length}")]
                steps[kind, length] = [
                    as_new(x for x in lines if from_line(x)["EventType"] not in UNREAD) for lines in rows
                ]

        async def run(kind: str, length: int) -> int:
            first, *rest = steps[kind, length]
            fields = {"input": str(length), "instanceId": "i", "isReplaying": False, "parentInstanceId": None}
            fields |= {"upperSchemaVersion": 1, "upperSchemaVersionNew": 2}
            session = OrchestratorSession(handles[kind], f'{{"history":[{first}],{json.dumps(fields)[1:]}')
            state = session.begin()
            for events in rest:
                state = session.resume(f"[{events}]")
            return int(json.loads(state)["output"])

        return await measure(run, rounds)


async def dbos(rounds: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        from dbos import DBOS  # type: ignore[import-not-found]
        from sqlalchemy import Engine, event  # type: ignore[import-not-found]

        def set_pragmas(connection: Any, _record: Any) -> None:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=FULL")

        event.listen(Engine, "connect", set_pragmas)
        DBOS(config={"name": "bench", "system_database_url": f"sqlite:///{folder}/dbos.sqlite", "log_level": "ERROR"})

        @DBOS.step()
        async def add_one(number: int) -> int:
            return number + 1

        @DBOS.workflow()
        async def chain(length: int) -> int:
            number = 0
            for _ in range(length):
                number = await add_one(number)
            return number

        @DBOS.workflow()
        async def fan(length: int) -> int:
            return len(await asyncio.gather(*(add_one(number) for number in range(length))))

        DBOS.launch()

        async def run(kind: str, length: int) -> int:
            handle = await DBOS.start_workflow_async({"chain": chain, "fan": fan}[kind], length)
            return int(await handle.get_result())

        try:
            return await measure(run, rounds)
        finally:
            DBOS.destroy()


async def prefect(rounds: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {"PREFECT_HOME": folder, "PREFECT_LOGGING_LEVEL": "CRITICAL", "DO_NOT_TRACK": "1"}
        os.environ |= {"PREFECT_SERVER_ANALYTICS_ENABLED": "false"}
        os.environ |= {"PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "180"}
        from prefect import flow, task  # type: ignore[import-not-found]

        @task
        async def add_one(number: int) -> int:
            return number + 1

        @flow
        async def chain(length: int) -> int:
            number = 0
            for _ in range(length):
                number = await add_one(number)
            return number

        @flow
        async def fan(length: int) -> int:
            return len(await asyncio.gather(*(add_one(number) for number in range(length))))

        async def run(kind: str, length: int) -> int:
            return int(await {"chain": chain, "fan": fan}[kind](length))

        return await measure(run, rounds)


async def durabletask(rounds: int) -> dict[str, float]:
    from durabletask import client, task, worker  # type: ignore[import-not-found]
    from durabletask.testing import create_test_backend  # type: ignore[import-not-found]

    def add_one(_: Any, number: int) -> int:
        return number + 1

    def chain(context: Any, length: int) -> Any:
        number = 0
        for _ in range(length):
            number = yield context.call_activity(add_one, input=number)
        return number

    def fan(context: Any, length: int) -> Any:
        tasks = [context.call_activity(add_one, input=number) for number in range(length)]
        return len((yield task.when_all(tasks)))

    logging.disable(logging.ERROR)
    backend = create_test_backend(port=PORT)
    with worker.TaskHubGrpcWorker(host_address=f"localhost:{PORT}") as working:
        working.add_activity(add_one)
        for orchestrator in (chain, fan):
            working.add_orchestrator(orchestrator)
        working.start()
        hub = client.TaskHubGrpcClient(host_address=f"localhost:{PORT}")

        async def run(kind: str, length: int) -> int:
            instance = hub.schedule_new_orchestration({"chain": chain, "fan": fan}[kind], input=length)
            return int(hub.wait_for_orchestration_completion(instance, timeout=120).serialized_output)

        medians = await measure(run, rounds)
    backend.stop()
    return medians


SIDES = {"signalbox": signalbox, "floor": floor, "durabletask": durabletask, "dbos": dbos, "prefect": prefect}


def peer_python(side: str, options: argparse.Namespace) -> str:
    """The interpreter of the side's environment, made if it is not there."""
    if side not in PACKAGES:
        return sys.executable
    folder = options.venvs / f"peers-{side}"
    python = folder / "bin" / "python"
    if not (folder / ".ready").exists():
        # From Python 3.12 on DBOS asks SQLite for parts of a second, which SQLite knows from 3.42 on.
        is_too_old = side == "dbos" and sqlite3.sqlite_version_info < (3, 42)
        interpreter = sys.executable if is_too_old else options.peer_python
        subprocess.run([interpreter, "-m", "venv", "--clear", folder], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", PACKAGES[side]], check=True)
        (folder / ".ready").touch()
    return str(python)


def asked(side: str, options: argparse.Namespace) -> dict[str, float] | str:
    """The side's medians, or why there are none."""
    try:
        command = [peer_python(side, options), "-W", "ignore", __file__, "--side", side]
        done = subprocess.run(
            [*command, "--rounds", str(options.rounds)], capture_output=True, text=True, check=True, timeout=900
        )
    except (OSError, subprocess.SubprocessError) as error:
        return f"not measured: {getattr(error, 'stderr', '') or error}".strip().splitlines()[-1]
    return dict(json.loads(done.stdout.strip().splitlines()[-1]))


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--rounds", type=int, default=10)
    arguments.add_argument("--venvs", type=Path, default=ROOT / ".signalbox")
    arguments.add_argument("--peer-python", default="python3.13")
    arguments.add_argument("--side", choices=SIDES, help=argparse.SUPPRESS)
    options = arguments.parse_args()
    if options.side:
        print(json.dumps(asyncio.run(SIDES[options.side](options.rounds))))
        return
    reports = {side: asked(side, options) for side in SIDES}
    print(f"| side | keeps | {' | '.join(WORK)} |\n|---|---|{'---|' * len(WORK)}")
    ours = reports["signalbox"]
    assert isinstance(ours, dict), ours
    for side, report in reports.items():
        if isinstance(report, str):
            print(f"| {PACKAGES.get(side, side)} | {KEEPS[side]} | {report} |")
            continue
        cells = [f"{report[name] * 1000:.1f} ms ({report[name] / ours[name]:.2f})" for name in WORK]
        print(f"| {PACKAGES.get(side, side)} | {KEEPS[side]} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
