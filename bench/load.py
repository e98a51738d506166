"""Orchestrations started over HTTP at a fixed rate on the running local cloud, none lost, while checks are answered.

autocannon sends data checks through the start door, with a token of the local issuer, and keeps its rate whatever the
answers take; beside it tasks of Azure DevOps are waited for. Every accepted start must end once, with its report. One
of each goes before: what the app imports at its first check is no load.
"""

import argparse
import asyncio
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import psutil
import requests

sys.path.insert(0, str(Path(__file__).parent))
import check_answers

from signalbox.launcher.cloud import LocalCloud
from signalbox.launcher.endpoints import Endpoints
from signalbox.launcher.hub import hub_client
from signalbox.launcher.people import sign_in

PROJECT = Path(__file__).parents[1]
GENERATOR = PROJECT / "node_modules" / ".bin" / "autocannon"
FILE = "landing/load/patients.csv"
PATIENCE_S = 480


def land(ends: Endpoints) -> None:
    rows = "\n".join(f"patient-{n:04d},{40 + n % 30},{1 + n % 2},25,90,180,110,50,4,5,90" for n in range(50))
    container, _, path = FILE.partition("/")
    with hub_client(ends) as hub:
        hub.get_blob_client(container, path).upload_blob(f"id,age,sex,bmi,bp,s1,s2,s3,s4,s5,s6\n{rows}\n".encode())


async def start(ends: Endpoints, rate: int, seconds: int) -> dict[str, Any]:
    """What the generator saw: `rate` starts in a second, by a caller who may check data."""
    body = json.dumps({"path": FILE, "route": "diabetes-each"})
    command = [str(GENERATOR), "--json", "--no-progress", "--method", "POST", "--overallRate", str(rate)]
    command += ["--amount", str(rate * seconds), "--connections", "50", "--timeout", "60", "--body", body]
    command += ["--headers", f"Authorization=Bearer {sign_in(ends, 'ada@example.org')}"]
    command += ["--headers", "Content-Type=application/json", f"{ends.app}/api/v1/data-checks"]
    child = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    output, error = await child.communicate()
    if child.returncode:
        raise RuntimeError(f"{GENERATOR.name} failed: {error.decode()[-500:]}")
    return dict(json.loads(output))


async def load(
    ends: Endpoints, rate: int, seconds: int, checks_per_s: int
) -> tuple[dict[str, Any], list[float], list[int]]:
    starting = asyncio.create_task(start(ends, rate, seconds))
    took, refusals = await check_answers.load(ends, checks_per_s, seconds)
    return await starting, took, refusals


def states(ends: Endpoints, key: str) -> Counter[str]:
    """How many checks of data the host knows, by their status."""
    counts, headers = Counter[str](), {"x-functions-key": key}
    while True:
        url = f"{ends.app}/runtime/webhooks/durabletask/instances"
        query = {"instanceIdPrefix": "check-", "top": "1000", "showInput": "false"}
        answer = requests.get(url, params=query, headers=headers, timeout=60)
        answer.raise_for_status()
        counts.update(str(instance["runtimeStatus"]) for instance in answer.json())
        following = answer.headers.get("x-ms-continuation-token", "")
        if not following:
            return counts
        headers["x-ms-continuation-token"] = following


def reports(ends: Endpoints) -> int:
    with hub_client(ends) as hub:
        names = hub.get_container_client("signalbox").list_blob_names(name_starts_with="checks/")
        return sum(1 for name in names if name.endswith("report.json"))


def ended(cloud: LocalCloud, expected_count: int) -> tuple[Counter[str], float]:
    """The states once nothing runs any more, and how long that took. Raises TimeoutError."""
    key, began = json.loads((cloud.state / "host" / "keys.json").read_text())["master"], time.monotonic()
    deadline = began + PATIENCE_S
    while time.monotonic() < deadline:
        counts = states(cloud.endpoints, key)
        if counts["Completed"] + counts["Failed"] >= expected_count and not counts["Running"] + counts["Pending"]:
            return counts, time.monotonic() - began
        asyncio.run(asyncio.sleep(2))
    raise TimeoutError(f"{expected_count} were accepted; after {PATIENCE_S} s they are {dict(counts)}")


def worked() -> dict[str, float]:
    """Seconds of processor that each part of the local cloud has used so far, with the processes that it started."""
    seconds_by_part = dict.fromkeys(("signalbox.host", "signalbox.emulators", "azurite"), 0.0)
    for process in psutil.Process().children():
        line, own = " ".join(process.cmdline()), process.cpu_times()
        times = [own, *(child.cpu_times() for child in process.children(recursive=True))]
        of_ended = own.children_user + own.children_system
        for part in seconds_by_part:
            seconds_by_part[part] += (of_ended + sum(each.user + each.system for each in times)) * (part in line)
    return seconds_by_part


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rate", type=int, default=50)
    arguments.add_argument("--seconds", type=int, default=60)
    arguments.add_argument(
        "--checks", type=int, default=2, help="checks of Azure DevOps in a second; 0 measures starts"
    )
    options = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder, LocalCloud(PROJECT, Path(folder)) as cloud:
        land(cloud.endpoints)
        asyncio.run(load(cloud.endpoints, rate=1, seconds=1, checks_per_s=1))
        ended(cloud, 1)
        before = worked()
        report, took, refusals = asyncio.run(load(cloud.endpoints, options.rate, options.seconds, options.checks))
        accepted_count = int(report["2xx"])
        counts, rest_s = ended(cloud, accepted_count + 1)
        report_count = reports(cloud.endpoints)
        usage = ", ".join(
            f"{part} {(now - before[part]) / max(accepted_count, 1) * 1000:.1f} ms" for part, now in worked().items()
        )
    request_count = options.rate * options.seconds
    latency = report["latency"]
    outcomes = f"{accepted_count} accepted, {report['non2xx']} refused, {report['errors']} errors"
    print(f"{request_count} starts at {options.rate}/s: {outcomes}")
    print(f"start: median {latency['p50']} ms, p99 {latency['p99']} ms; took {report['duration']:.0f} s in all")
    print(f"ended: {dict(counts)}, {report_count} reports; the last {rest_s:.0f} s after the last start")
    print(f"processor time for each start, the checks of Azure DevOps included: {usage}")
    assert accepted_count + 1 == request_count + 1 == counts["Completed"] == report_count == counts.total(), (
        "some were refused, lost or repeated"
    )
    if took:
        judge_checks(took, refusals)


def judge_checks(took: list[float], refusals: list[int]) -> None:
    cuts = statistics.quantiles(took, n=100)
    median, longest = cuts[49] * 1000, cuts[98] * 1000
    print(f"check: median {median:.0f} ms, p99 {longest:.0f} ms, {len(refusals)} of {len(took)} refused")
    assert not refusals, "every check must be answered"
    assert cuts[98] < check_answers.LIMIT_S, f"a check's p99 must stay below {check_answers.LIMIT_S:.0f} s"


if __name__ == "__main__":
    main()
