"""What the host itself takes for a start by HTTP: processor time, and from the request to the orchestration's end.

The app is as small as one can be: an orchestration of three trivial activities. It is started through the durable API
(`webhook`), and through an HTTP function with a durable client (`function`), whose SDK client calls the host once more.
The host is a process of its own, as `signalbox.host start` makes it; its processor time includes the whole
orchestration. Requests come at a fixed rate; then some come alone, each once the one before has ended.

    python bench/starts.py --rounds 3
"""

import argparse
import asyncio
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import aiohttp
import psutil

APP = """
import azure.durable_functions as df
import azure.functions as func

app = df.DFApp(http_auth_level=func.AuthLevel.FUNCTION)


@app.activity_trigger(input_name="number")
def add_one(number: int) -> int:
    return number + 1


@app.orchestration_trigger(context_name="context")
def three(context):
    value = context.get_input()
    for _ in range(3):
        value = yield context.call_activity("add_one", value)
    return value


@app.route("orders", methods=["POST"])
@app.durable_client_input(client_name="client")
async def start(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    instance_id = await client.start_new("three", client_input=req.get_json())
    return client.create_check_status_response(req, instance_id)
"""
PATHS = {"webhook": "/runtime/webhooks/durabletask/orchestrators/three", "function": "/api/orders"}
WAIT = "?timeout=60&pollingInterval=0.01"


class Host:
    """The host of APP in a process of its own."""

    def __init__(self, folder: Path, state: str, arguments: list[str]) -> None:
        command = [sys.executable, "-m", "signalbox.host", "start", "--port", "0", "--app", str(folder)]
        self._process = subprocess.Popen(
            [*command, "--state", state, *arguments], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        assert self._process.stdout is not None
        self.url = self._process.stdout.readline().removeprefix("listening on ").strip()

    def worked(self) -> float:
        """Seconds of processor time so far, those of workers included."""
        host = psutil.Process(self._process.pid)
        times = [process.cpu_times() for process in (host, *host.children(recursive=True))]
        return sum(each.user + each.system for each in times)

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()


async def flood(session: aiohttp.ClientSession, url: str, count: int, rate: int) -> None:
    """Send *count* starts, *rate* in a second whatever the answers take."""

    async def send(number: int) -> None:
        async with session.post(url, json=number) as answer:
            assert answer.status == 202, await answer.text()

    began, sent = time.perf_counter(), []
    for number in range(count):
        await asyncio.sleep(max(0.0, began + number / rate - time.perf_counter()))
        sent.append(asyncio.create_task(send(number)))
    await asyncio.gather(*sent)


async def all_ended(session: aiohttp.ClientSession, url: str) -> None:
    """Wait until nothing runs any more, by requests that cost next to nothing."""
    instances = f"{url}/runtime/webhooks/durabletask/instances?showInput=false"
    while await (await session.get(f"{instances}&top=1&runtimeStatus=Pending,Running")).json():
        await asyncio.sleep(0.2)


async def check(session: aiohttp.ClientSession, url: str, expected_count: int) -> None:
    answer = await session.get(f"{url}/runtime/webhooks/durabletask/instances?showInput=false&top={expected_count + 1}")
    states = [instance["runtimeStatus"] for instance in await answer.json()]
    assert states == ["Completed"] * expected_count, set(states)


async def latencies(session: aiohttp.ClientSession, url: str, count: int) -> list[float]:
    """Milliseconds from each start to its orchestration's end, one after the other."""
    took = []
    for number in range(count):
        start = time.perf_counter()
        async with session.post(f"{url}{PATHS['webhook']}{WAIT}", json=number) as answer:
            assert await answer.json() == number + 3
        took.append((time.perf_counter() - start) * 1000)
    return took


async def measure(host: Host, way: str, options: argparse.Namespace) -> tuple[float, list[float]]:
    """Milliseconds of processor time for each start, and what single ones took by the clock."""
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=300)) as session:
        await flood(session, host.url + PATHS[way], 20, options.rate)
        await all_ended(session, host.url)
        before = host.worked()
        await flood(session, host.url + PATHS[way], options.count, options.rate)
        await all_ended(session, host.url)
        worked = host.worked() - before
        await check(session, host.url, 20 + options.count)
        took = await latencies(session, host.url, options.single)
    return worked / options.count * 1000, took


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--count", type=int, default=1000, help="starts of one round")
    arguments.add_argument("--rate", type=int, default=100, help="starts in a second")
    arguments.add_argument("--single", type=int, default=200, help="starts that come alone")
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--workers", type=int, default=0)
    options = arguments.parse_args()
    print("| way | workers | processor for each start | alone, median | alone, p99 |\n|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "function_app.py").write_text(APP)
        (Path(folder) / "host.json").write_text('{"version": "2.0"}')
        for way in PATHS:
            rounds = [run(Path(folder), way, options) for _ in range(options.rounds)]
            worked, took = statistics.median(each for each, _ in rounds), [ms for _, many in rounds for ms in many]
            cuts = statistics.quantiles(took, n=100)
            print(f"| {way} | {options.workers} | {worked:.2f} ms | {cuts[49]:.1f} ms | {cuts[98]:.1f} ms |")


def run(folder: Path, way: str, options: argparse.Namespace) -> tuple[float, list[float]]:
    with tempfile.TemporaryDirectory() as state:
        host = Host(folder, state, ["--workers", str(options.workers)] if options.workers else [])
        try:
            return asyncio.run(measure(host, way, options))
        finally:
            host.stop()


if __name__ == "__main__":
    main()
