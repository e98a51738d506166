"""A full task hub beside an empty one: memory, files, starts, lists, timers due at once, and what a purge gives back.

    python bench/scale.py --finished 100000 --timers 10000 --started 20000

The hub is filled by the host's own code: every instance is an orchestration of one activity that has run. Then the
host, a process of its own, is asked over HTTP. Start and completion are measured on the empty hub, on the full one, and
while it is purged. It fails where a full hub takes more memory than an empty one, and where the second half of the
orchestrations takes more than the first has taken.
"""

import argparse
import asyncio
import json
import os
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import psutil

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

APP = """
from datetime import datetime

import azure.durable_functions as df

app = df.DFApp()


@app.activity_trigger(input_name="number")
def add_one(number: int) -> int:
    return number + 1


@app.orchestration_trigger(context_name="context")
def one(context):
    return (yield context.call_activity("add_one", context.get_input()))


@app.orchestration_trigger(context_name="context")
def three(context):
    number = context.get_input()
    for _ in range(3):
        number = yield context.call_activity("add_one", number)
    return number


@app.orchestration_trigger(context_name="context")
def nap(context):
    yield context.create_timer(datetime.fromisoformat(context.get_input()))
"""
HOST_JSON = {"version": "2.0", "extensions": {"durableTask": {"hubName": "Scale"}}}
HOOK = "/runtime/webhooks/durabletask"
AT_ONCE = 64
MOST_GROWTH_MB = 20


class Host:
    """The host of the app in *folder*, as a process."""

    def __init__(self, folder: Path) -> None:
        self.state = folder / "state"
        self._folder = folder

    def __enter__(self) -> "Host":
        command = [sys.executable, "-m", "signalbox.host", "start", "--port", "0", "--log-level", "WARNING"]
        start = time.perf_counter()
        self._child = subprocess.Popen(
            [*command, "--app", str(self._folder), "--state", str(self.state)],
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).resolve().parents[1],
        )
        assert self._child.stdout is not None
        self.url = self._child.stdout.readline().removeprefix("listening on ").strip()
        self.start_s = time.perf_counter() - start
        self.process = psutil.Process(self._child.pid)
        return self

    def __exit__(self, *_: object) -> None:
        self._child.terminate()
        self._child.wait()
        assert self._child.stdout is not None
        self._child.stdout.close()

    def worked(self) -> float:
        times = self.process.cpu_times()
        return times.user + times.system

    def memory_mb(self) -> float:
        return self.process.memory_info().rss / 1e6

    def size(self) -> str:
        return f"{self.memory_mb():.0f} MB, {self.process.num_fds()} files, {self.process.num_threads()} threads"

    def disk_mb(self) -> float:
        return sum(path.stat().st_size for path in self.state.glob("host.db*")) / 1e6


class Caller:
    """Asks a host over HTTP."""

    def __init__(self, host: Host, session: aiohttp.ClientSession) -> None:
        self.host, self._session = host, session

    async def ask(self, method: str, path: str, given: object = None, **headers: str) -> tuple[Any, str]:
        """The answer's body, and where the next page begins."""
        async with self._session.request(method, self.host.url + HOOK + path, json=given, headers=headers) as answer:
            body = await answer.json(content_type=None)
            assert answer.status < 400, (answer.status, body)
            return body, answer.headers.get("x-ms-continuation-token", "")

    async def starts(self, count: int) -> str:
        """Start *count* orchestrations of three activities, one after another, and wait for each."""
        accepted, ended, worked = list[float](), list[float](), self.host.worked()
        for number in range(count):
            start = time.perf_counter()
            await self.ask("POST", "/orchestrators/three", number)
            middle = time.perf_counter()
            output, _ = await self.ask("POST", "/orchestrators/three?timeout=60&pollingInterval=1", number)
            assert output == number + 3
            accepted.append(middle - start)
            ended.append(time.perf_counter() - middle)
        each = (self.host.worked() - worked) / (2 * count) * 1000
        return f"{_spread(accepted)} | {_spread(ended)} | {each:.1f} ms"

    async def start_many(self, name: str, count: int, given: Callable[[int], object]) -> None:
        gate = asyncio.Semaphore(AT_ONCE)

        async def start(number: int) -> None:
            async with gate:
                await self.ask("POST", f"/orchestrators/{name}", given(number))

        await asyncio.gather(*map(start, range(count)))

    async def until_none(self, *statuses: str) -> None:
        while (await self.ask("GET", f"/instances?runtimeStatus={','.join(statuses)}&top=1"))[0]:
            await asyncio.sleep(0.2)


def _spread(seconds: list[float]) -> str:
    cuts = statistics.quantiles(seconds, n=20)
    return f"{cuts[9] * 1000:.1f}, {cuts[18] * 1000:.1f} ms"


def fill(folder: Path, count: int) -> None:
    """Run *count* orchestrations in this process, a thousand at once, and print how its memory grows."""
    os.environ["AZURE_FUNCTIONS_DURABLE_STRICT_TYPING"] = "1"
    import logging

    from signalbox.host.clock import RealClock
    from signalbox.host.server import FunctionsHost, HostOptions

    logging.disable(logging.WARNING)

    async def run() -> None:
        host = FunctionsHost(HostOptions(app=folder, state=folder / "state", synchronous="NORMAL"), clock=RealClock())
        await host.start()
        for first in range(0, count, 1000):
            numbers = range(first, min(first + 1000, count))
            ids = await asyncio.gather(*(host.client.start("one", f"run-{n:06d}", str(n)) for n in numbers))
            await asyncio.gather(*(host.client.wait(one) for one in ids))
            if not (first + 1000) % max(count // 5, 1000):
                print(f"| {numbers.stop} | {psutil.Process().memory_info().rss / 1e6:.0f} MB |", flush=True)
        await host.stop()

    asyncio.run(run())


QUERIES = {
    "the first 100": "/instances?top=100",
    "100 that are running (none is)": "/instances?top=100&runtimeStatus=Running",
    "100 that have failed or were ended (none)": "/instances?top=100&runtimeStatus=Failed,Terminated",
    "100 that have completed": "/instances?top=100&runtimeStatus=Completed",
    "100 whose id begins so": "/instances?top=100&instanceIdPrefix=run-05",
    "100 whose id begins as no other": "/instances?top=100&instanceIdPrefix=none",
    "the first 100 since a minute": "/instances?top=100&createdTimeFrom={since}",
    "one that is not there": "/instances?top=1&createdTimeFrom=2999-01-01T00:00:00Z",
    "the entities": "/entities?top=100",
}


async def lists(caller: Caller, rounds: int = 30) -> None:
    print("| list | p50, p95 | processor |\n|---|---|---|")
    since = (datetime.now(UTC) - timedelta(minutes=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    for name, path in QUERIES.items():
        took, worked = list[float](), caller.host.worked()
        for _ in range(rounds):
            start = time.perf_counter()
            await caller.ask("GET", path.replace("{since}", since))
            took.append(time.perf_counter() - start)
        print(f"| {name} | {_spread(took)} | {(caller.host.worked() - worked) / rounds * 1000:.1f} ms |")
    await pages(caller)


async def pages(caller: Caller) -> None:
    """Read the whole hub, a thousand at a time: the last page must cost what the first does."""
    token, took, count = "", list[float](), 0
    while True:
        headers = {"x-ms-continuation-token": token} if token else {}
        start = time.perf_counter()
        page, token = await caller.ask("GET", "/instances?top=1000&showInput=false", **headers)
        took.append(time.perf_counter() - start)
        count += len(page)
        if not token:
            break
    first, last = took[0] * 1000, took[-2 if len(took) > 1 else 0] * 1000
    print(f"| all {count}, a thousand at a time: the first, the last full page | {first:.1f}, {last:.1f} ms | |")


async def timers(caller: Caller, count: int) -> None:
    due_at = datetime.now(UTC) + timedelta(seconds=20 + count / 100)
    await caller.start_many("nap", count, lambda _: due_at.isoformat())
    late_s = (datetime.now(UTC) - due_at).total_seconds()
    print(f"{count} timers wait: {caller.host.size()}" + (f"; {late_s:.0f} s too late" if late_s > 0 else ""))
    await asyncio.sleep(max(-late_s, 0))
    worked, start = caller.host.worked(), time.perf_counter()
    await caller.until_none("Running", "Pending")
    print(
        f"all were due at once and have ended {time.perf_counter() - start:.1f} s later, "
        f"{caller.host.worked() - worked:.1f} s of the processor: {caller.host.size()}"
    )


async def many(caller: Caller, count: int) -> None:
    worked, start = caller.host.worked(), time.perf_counter()
    await caller.start_many("three", count, lambda number: number)
    accepted_s = time.perf_counter() - start
    at_most = caller.host.size()
    await caller.until_none("Running", "Pending")
    each = (caller.host.worked() - worked) / count * 1000
    print(
        f"{count} orchestrations started over HTTP, {AT_ONCE} callers: accepted after {accepted_s:.0f} s ({at_most}),"
    )
    print(f"ended after {time.perf_counter() - start:.0f} s, {each:.1f} ms of the processor each: {caller.host.size()}")


async def purge(caller: Caller) -> None:
    """Purge all, and start others meanwhile."""
    before_mb = caller.host.disk_mb()
    started = time.perf_counter()
    until = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    path = f"/instances?createdTimeFrom=2000-01-01T00:00:00Z&createdTimeTo={until}"
    work = asyncio.ensure_future(caller.ask("DELETE", path))
    took = list[float]()
    while not work.done():
        start = time.perf_counter()
        await caller.ask("POST", "/orchestrators/three?timeout=60&pollingInterval=1", 1)
        took.append(time.perf_counter() - start)
    answer, _ = await work
    with closing(sqlite3.connect(caller.host.state / "host.db")) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    print(
        f"{answer['instancesDeleted']} purged in {time.perf_counter() - started:.1f} s; orchestrations of three "
        f"activities meanwhile: longest {max(took) * 1000:.0f} ms of {len(took)}; "
        f"{before_mb:.0f} MB of disk before, {caller.host.disk_mb():.0f} MB after: {caller.host.size()}"
    )


async def with_caller(host: Host, *works: Callable[[Caller], Awaitable[object]]) -> list[object]:
    timeout = aiohttp.ClientTimeout(total=3600)
    async with aiohttp.ClientSession(timeout=timeout, connector=aiohttp.TCPConnector(limit=AT_ONCE)) as session:
        caller = Caller(host, session)
        return [await work(caller) for work in works]


def measure(folder: Path, options: argparse.Namespace) -> None:
    print("| hub | ready after | start, p50 and p95 | start to end, p50 and p95 | processor | |")
    print("|---|---|---|---|---|---|")
    with Host(folder) as host:
        empty_mb = measure_starts(host, "empty", options.starts)
    print(f"\n{options.finished} orchestrations of one activity:\n\n| finished | memory |\n|---|---|", flush=True)
    command = [sys.executable, __file__, "--fill", str(options.finished), "--folder", str(folder)]
    subprocess.run(command, check=True)
    print()
    with Host(folder) as host:
        full_mb = measure_starts(host, f"full, {host.disk_mb():.0f} MB", options.starts)
        print()
        asyncio.run(with_caller(host, lists))
        asyncio.run(with_caller(host, lambda caller: timers(caller, options.timers)))
        halves_mb = list[float]()
        for _ in range(2):
            asyncio.run(with_caller(host, lambda caller: many(caller, options.started // 2)))
            halves_mb.append(host.memory_mb())
        asyncio.run(with_caller(host, purge))
    if max(full_mb - empty_mb, halves_mb[1] - halves_mb[0]) > MOST_GROWTH_MB:
        raise SystemExit(f"memory must not grow by more than {MOST_GROWTH_MB} MB")


def measure_starts(host: Host, name: str, count: int) -> float:
    """The host's memory after them, in MB."""
    asyncio.run(with_caller(host, lambda caller: caller.starts(20)))
    [row] = asyncio.run(with_caller(host, lambda caller: caller.starts(count)))
    print(f"| {name} | {host.start_s:.1f} s | {row} | {host.size()} |", flush=True)
    return host.memory_mb()


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--finished", type=int, default=100_000)
    arguments.add_argument("--timers", type=int, default=10_000)
    arguments.add_argument("--started", type=int, default=20_000)
    arguments.add_argument("--starts", type=int, default=100, help="starts that are measured one after another")
    arguments.add_argument("--fill", type=int, help=argparse.SUPPRESS)
    arguments.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = arguments.parse_args()
    if options.fill is not None:
        fill(options.folder, options.fill)
        return
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "function_app.py").write_text(APP)
        (Path(folder) / "host.json").write_text(json.dumps(HOST_JSON))
        measure(Path(folder), options)


if __name__ == "__main__":
    main()
