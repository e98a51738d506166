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
CHECKS_PER_S = 2
PATIENCE_S = 480


def land(ends: Endpoints) -> None:
    rows = "\n".join(f"patient-{n:04d},{40 + n % 30},{1 + n % 2},25,90,180,110,50,4,5,90" for n in range(50))
    container, _, path = FILE.partition("/")
    with hub_client(ends) as hub:
        hub.get_blob_client(container, path).upload_blob(f"id,age,sex,bmi,bp,s1,s2,s3,s4,s5,s6\n{rows}\n".encode())


async def start(ends: Endpoints, rate: int, seconds: int) -> dict[str, Any]:
    """What the generator saw: `rate` starts in a second, by whoever may check data."""
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


async def load(ends: Endpoints, rate: int, seconds: int) -> tuple[dict[str, Any], list[float], list[int]]:
    starting = asyncio.create_task(start(ends, rate, seconds))
    took, refused = await check_answers.load(ends, CHECKS_PER_S, seconds)
    return await starting, took, refused


def states(ends: Endpoints, key: str) -> Counter[str]:
    """How many checks of data the host knows, by their status."""
    found, headers = Counter[str](), {"x-functions-key": key}
    while True:
        url = f"{ends.app}/runtime/webhooks/durabletask/instances"
        query = {"instanceIdPrefix": "check-", "top": "1000", "showInput": "false"}
        answer = requests.get(url, params=query, headers=headers, timeout=60)
        answer.raise_for_status()
        found.update(str(each["runtimeStatus"]) for each in answer.json())
        following = answer.headers.get("x-ms-continuation-token", "")
        if not following:
            return found
        headers["x-ms-continuation-token"] = following


def reports(ends: Endpoints) -> int:
    with hub_client(ends) as hub:
        names = hub.get_container_client("signalbox").list_blob_names(name_starts_with="checks/")
        return sum(1 for name in names if name.endswith("report.json"))


def ended(cloud: LocalCloud, accepted: int) -> tuple[Counter[str], float]:
    """The states once nothing runs any more, and how long that took. Raises TimeoutError."""
    key, began = json.loads((cloud.state / "host" / "keys.json").read_text())["master"], time.monotonic()
    deadline = began + PATIENCE_S
    while time.monotonic() < deadline:
        found = states(cloud.endpoints, key)
        if found["Completed"] + found["Failed"] >= accepted and not found["Running"] + found["Pending"]:
            return found, time.monotonic() - began
        asyncio.run(asyncio.sleep(2))
    raise TimeoutError(f"{accepted} were accepted; after {PATIENCE_S} s they are {dict(found)}")


def worked() -> dict[str, float]:
    """Seconds of processor that each part of the local cloud has used so far."""
    used = dict.fromkeys(("signalbox.host", "signalbox.emulators", "azurite"), 0.0)
    for child in psutil.Process().children(recursive=True):
        line, times = " ".join(child.cmdline()), child.cpu_times()
        for part in used:
            used[part] += (times.user + times.system) * (part in line)
    return used


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rate", type=int, default=50)
    arguments.add_argument("--seconds", type=int, default=60)
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder, LocalCloud(PROJECT, Path(folder)) as cloud:
        land(cloud.endpoints)
        asyncio.run(load(cloud.endpoints, rate=1, seconds=1))
        ended(cloud, 1)
        before = worked()
        seen, took, refused = asyncio.run(load(cloud.endpoints, given.rate, given.seconds))
        accepted = int(seen["2xx"])
        found, rest_s = ended(cloud, accepted + 1)
        kept = reports(cloud.endpoints)
        spent = ", ".join(f"{part} {now - before[part]:.0f} s" for part, now in worked().items())
    asked, cuts = given.rate * given.seconds, statistics.quantiles(took, n=100)
    latency = seen["latency"]
    print(f"{asked} starts at {given.rate}/s: {accepted} accepted, {seen['non2xx']} refused, {seen['errors']} errors")
    print(f"start: median {latency['p50']} ms, p99 {latency['p99']} ms; took {seen['duration']:.0f} s in all")
    print(f"ended: {dict(found)}, {kept} reports; the last {rest_s:.0f} s after the last start")
    print(f"processor: {spent}")
    print(
        f"check: median {cuts[49] * 1000:.0f} ms, p99 {cuts[98] * 1000:.0f} ms, {len(refused)} of {len(took)} refused"
    )
    assert accepted + 1 == asked + 1 == found["Completed"] == kept == found.total(), (
        "some were refused, lost or repeated"
    )
    assert not refused, "every check must be answered"
    assert cuts[98] < check_answers.LIMIT_S, f"a check's p99 must stay below {check_answers.LIMIT_S:.0f} s"


if __name__ == "__main__":
    main()
