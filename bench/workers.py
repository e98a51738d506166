"""What a second worker process gains where activities compute: one orchestration, with `--workers 1` and 2 in turns.

An orchestration fans out over activities that only compute, in plain Python under the interpreter's lock. The host is
a process of its own, as `signalbox.host start` makes it; without workers, threads share one lock. Processor time is
that of the host and all that it forked.

    python bench/workers.py --rounds 3
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import psutil

APP = """
import azure.durable_functions as df

app = df.DFApp()


@app.activity_trigger(input_name="size")
def compute(size: int) -> int:
    total = 0
    for number in range(size):
        total = (total * 31 + number) % 1_000_003
    return total


@app.orchestration_trigger(context_name="context")
def fan(context):
    tasks = [context.call_activity("compute", context.get_input()["size"]) for _ in range(context.get_input()["count"])]
    return len((yield context.task_all(tasks)))
"""
WAYS = (0, 1, 2)


def measure(folder: Path, workers: int, given: dict[str, int]) -> tuple[float, float]:
    """Seconds by the clock and of the processor, from the start of the orchestration to its end."""
    command = [sys.executable, "-m", "signalbox.host", "start", "--port", "0", "--app", str(folder)]
    with tempfile.TemporaryDirectory() as state:
        options = ["--state", state, "--workers", str(workers)] if workers else ["--state", state]
        host = subprocess.Popen([*command, *options], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        assert host.stdout is not None
        url = host.stdout.readline().removeprefix("listening on ").strip()
        try:
            ask(f"{url}/runtime/webhooks/durabletask/orchestrators/fan?timeout=60", {"size": 10, "count": 8})
            before, start = worked(host.pid), time.perf_counter()
            answer = ask(
                f"{url}/runtime/webhooks/durabletask/orchestrators/fan?timeout=120&pollingInterval=0.02", given
            )
            took = time.perf_counter() - start, worked(host.pid) - before
            assert answer == given["count"], answer
        finally:
            host.terminate()
            host.wait()
            host.stdout.close()
    return took


def ask(url: str, body: object) -> object:
    request = urllib.request.Request(
        url, json.dumps(body).encode(), {"Content-Type": "application/json"}, method="POST"
    )
    with urllib.request.urlopen(request, timeout=180) as answer:
        return json.loads(answer.read())


def worked(pid: int) -> float:
    host = psutil.Process(pid)
    times = [process.cpu_times() for process in (host, *host.children(recursive=True))]
    return sum(each.user + each.system for each in times)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--count", type=int, default=40, help="activities")
    arguments.add_argument("--size", type=int, default=1_500_000, help="rounds of each, some 100 ms")
    arguments.add_argument("--rounds", type=int, default=3)
    options = arguments.parse_args()
    took: dict[int, list[tuple[float, float]]] = {workers: [] for workers in WAYS}
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "function_app.py").write_text(APP)
        (Path(folder) / "host.json").write_text('{"version": "2.0"}')
        for _ in range(options.rounds):
            for workers in WAYS:
                given = {"size": options.size, "count": options.count}
                took[workers].append(measure(Path(folder), workers, given))
    print("| workers | clock | processor | gain |\n|---|---|---|---|")
    medians = {
        workers: [statistics.median(values) for values in zip(*pairs, strict=True)] for workers, pairs in took.items()
    }
    for workers, (clock, processor) in medians.items():
        print(f"| {workers or 'none, threads'} | {clock:.1f} s | {processor:.1f} s | {medians[1][0] / clock:.2f} |")


if __name__ == "__main__":
    main()
