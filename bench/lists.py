"""How long a page of runs takes, and a poll to which nothing happened, with the records really there.

`python bench/lists.py [ROWS] [--storage CONNECTION]` writes ROWS runs (10,000 without it) and asks a hosted app for
pages over HTTP: the first one, one behind a cursor, those of a route, of an outcome and a model, and polls with
If-None-Match, while one run in ten requests changes. With --storage the records lie in the Azurite of that connection,
else in memory. It prints milliseconds: the median and the 95th percentile
of the time, and the CPU that server, client and memory took on average.

`bench/console.py` takes the rows, the measurement and the index in an Azurite from here.
"""

import argparse
import asyncio
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest

sys.path.insert(0, str(Path(__file__).parent.parent))

from shared.records.lists.folding import fold_list
from shared.records.lists.rows import RUNS, keep_listed
from signalbox.host.clock import VirtualClock
from signalbox.launcher.endpoints import free_ports, listens
from signalbox.launcher.storage.azurite import find_azurite
from tests.fakes.ports import OPERATOR_KEY, FakeClients, MemoryHub
from tests.hosted import hosted
from tests.inference.conftest import CONFIGURATION

OUTCOMES = ("completed", "completed", "completed", "failed", "quarantined", "")
BEGUN = datetime(2026, 1, 1, tzinfo=UTC)
LOOKS = 60


def row_of(number: int) -> dict[str, str]:
    opened = (BEGUN + timedelta(seconds=30 * number)).isoformat(timespec="milliseconds")
    outcome = OUTCOMES[number % len(OUTCOMES)]
    closed = opened if outcome in ("completed", "failed") else ""
    row = {"route": f"route-{number % 25}", "opened": opened, "outcome": outcome, "model": f"model-{number % 40}:3"}
    return row | ({"closed": closed} if closed else {})


def fill(clients: FakeClients, count: int) -> None:
    hub, state = clients.hub, clients.configuration.hub.state

    def keep(number: int) -> None:
        keep_listed(hub, state, RUNS, f"route-{number % 25}-{number:06d}", row_of(number))

    with ThreadPoolExecutor(16) as pool:
        for start in range(0, count, 5_000):  # The sweep folds the journal every minute.
            list(pool.map(keep, range(start, min(start + 5_000, count))))
            fold_list(hub, state, RUNS, datetime.now(UTC))
    started = time.perf_counter()
    fold_list(hub, state, RUNS, datetime.now(UTC), rebuild=True)
    print(f"{count} rows; the index is made in {time.perf_counter() - started:.1f} s")


class IndexInStorage:
    """The rows in memory, and what a page reads of them in storage: the index, with its manifest and its journal.

    To write a hundred thousand rows one by one takes Azurite a quarter of an hour, and no page reads them.
    """

    def __init__(self, memory: MemoryHub, stored: Any, container: str) -> None:
        self._memory, self._stored = memory, stored
        for (of, path), (_, data) in list(memory.blobs.items()):
            if of == container and path.startswith("index"):
                stored.create(container, path, bytes(data))

    def __getattr__(self, name: str) -> Any:
        def act(container: str, path: str, *more: Any, **named: Any) -> Any:
            hub = self._stored if path.startswith("index") else self._memory
            return getattr(hub, name)(container, path, *more, **named)

        return act


@contextmanager
def azurite() -> Iterator[str]:
    """The connection string of an Azurite that keeps everything in memory, until the end."""
    (port,) = free_ports(1)
    options = ["--inMemoryPersistence", "--skipApiVersionCheck", "--disableTelemetry", "--silent"]
    command = ["node", str(find_azurite(print)), "--blobHost", "127.0.0.1", "--blobPort", str(port), *options]
    process = subprocess.Popen(command)
    try:
        while not listens(port):
            assert process.poll() is None, "Azurite has ended"
            threading.Event().wait(0.05)
        key = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
        endpoint = f"http://127.0.0.1:{port}/devstoreaccount1"
        account = f"DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;AccountKey={key}"
        yield f"{account};BlobEndpoint={endpoint};"
    finally:
        process.terminate()
        process.wait()


async def measure(name: str, act: Callable[[int], Awaitable[int]], status: int = 200) -> float:
    """The 95th percentile of the milliseconds that *act* takes."""
    times, statuses, cpu = list[float](), set[int](), time.process_time()
    for look in range(LOOKS):
        started = time.perf_counter()
        statuses.add(await act(look))
        times.append((time.perf_counter() - started) * 1000)
    cpu = (time.process_time() - cpu) * 1000 / LOOKS
    assert statuses == {status}, (name, statuses)
    p95 = statistics.quantiles(times, n=20)[-1]
    median = statistics.median(times)
    print(f"{name:<24} first {times[0]:7.1f}  median {median:7.1f}  p95 {p95:7.1f}  CPU {cpu:7.1f} ms", flush=True)
    return p95


async def bench(count: int, service: str) -> None:
    clock = VirtualClock()
    clients = FakeClients(CONFIGURATION, clock.now)
    if service:
        vars(clients)["hub"] = stored_hub(service, clients.configuration.hub.state)
    await asyncio.to_thread(fill, clients, count)
    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory() as folder:
        async with hosted(clients, clock, Path(folder), patch) as host, aiohttp.ClientSession() as session:
            headers = {"x-functions-key": OPERATOR_KEY}

            async def page(query: str, **more: str) -> int:
                url = f"{host.url}/api/v1/runs?{query}"
                async with session.get(url, headers=headers | more) as answer:
                    etags[query] = answer.headers.get("ETag", "")
                    cursors[query] = (await answer.json())["next"] if answer.status == 200 else ""
                    return answer.status

            async def changing(look: int) -> int:
                if look % 10 == 9:
                    number = count - 1 - look
                    changed = {"outcome": "failed"}
                    name = f"route-{number % 25}-{number:06d}"
                    state = clients.configuration.hub.state
                    await asyncio.to_thread(keep_listed, clients.hub, state, RUNS, name, changed)
                return await page("limit=100")

            etags, cursors = dict[str, str](), dict[str, str]()
            await measure("newest 100", lambda _: page("limit=100"))
            behind = f"limit=100&cursor={cursors['limit=100']}"
            await measure("next 100", lambda _: page(behind))
            await measure("of a route", lambda look: page(f"route=route-{look % 25}"))
            await measure("failed, of a model", lambda look: page(f"outcome=failed&model=model-{look % 40}:3"))
            await measure("under way since a day", lambda _: page("state=open&since=2026-01-02"))
            await measure("newest 100, rows change", changing)
            await measure("poll, unchanged", lambda _: page("limit=100", **{"If-None-Match": etags["limit=100"]}), 304)


def stored_hub(service: str, container: str) -> object:
    """The adapter of Azure Storage on an Azurite at *service*, with a container that is empty."""
    from azure.storage.blob import BlobServiceClient

    from shared.adapters.azure_storage.hub import BlobHub

    client = BlobServiceClient.from_connection_string(service)
    client.create_container(container)
    return BlobHub(client)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", nargs="?", type=int, default=10_000)
    parser.add_argument("--storage", default="", help="the connection string of an Azurite; in memory without it")
    arguments = parser.parse_args()
    asyncio.run(bench(arguments.rows, arguments.storage))
