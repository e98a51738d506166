"""How long a waiting check of Azure DevOps waits for its answer while the local cloud is loaded.

Each call is a task of its own, which Azure DevOps then does not confirm: the host starts, asks and refuses every one.
A check must be answered within 3 seconds. `--rate` calls in a second for `--seconds`.
"""

import argparse
import asyncio
import statistics
import tempfile
import time
import uuid
from pathlib import Path

import aiohttp

from signalbox.launcher.cloud import LocalCloud
from signalbox.launcher.endpoints import Endpoints

PROJECT = Path(__file__).parents[1]
LIMIT_S = 3.0


async def call(session: aiohttp.ClientSession, ends: Endpoints, took: list[float], refusals: list[int]) -> None:
    ids = {name: str(uuid.uuid4()) for name in ("PlanId", "JobId", "TimelineId", "TaskInstanceId")}
    place = {"PlanUrl": f"{ends.azure_devops}/contoso/", "ProjectId": str(uuid.uuid4()), "HubName": "checks"}
    headers = {**ids, **place, "AuthToken": "t", "Content-Type": "application/json"}
    began = time.perf_counter()
    url = f"{ends.app}/api/v1/devops/checks"
    async with session.post(
        url, params={"code": ends.devops_key}, headers=headers, data=b'{"follow": "nothing"}'
    ) as answer:
        await answer.read()
        if answer.status != 200:
            refusals.append(answer.status)
    took.append(time.perf_counter() - began)


async def load(ends: Endpoints, rate: int, seconds: int) -> tuple[list[float], list[int]]:
    took: list[float] = []
    refusals: list[int] = []
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session, asyncio.TaskGroup() as group:
        began = time.perf_counter()
        for number in range(rate * seconds):
            await asyncio.sleep(max(0.0, began + number / rate - time.perf_counter()))
            group.create_task(call(session, ends, took, refusals))
    return took, refusals


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rate", type=int, default=10)
    arguments.add_argument("--seconds", type=int, default=30)
    options = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder, LocalCloud(PROJECT, Path(folder)) as cloud:
        took, refusals = asyncio.run(load(cloud.endpoints, options.rate, options.seconds))
    cuts = statistics.quantiles(took, n=100)
    print(f"{len(took)} calls at {options.rate}/s, {len(refusals)} not answered by 200")
    print(f"median {cuts[49] * 1000:.0f} ms, p99 {cuts[98] * 1000:.0f} ms, longest {max(took) * 1000:.0f} ms")
    assert cuts[98] < LIMIT_S, f"p99 must stay below {LIMIT_S:.0f} s"


if __name__ == "__main__":
    main()
