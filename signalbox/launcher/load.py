"""Load for an online endpoint: requests at moments that are drawn beforehand, and what became of each of them.

The load is open: a request is sent at its moment whether or not others were answered, as independent callers do. A
closed loop would send less to a slow service, and so hide its slowness. Nothing is judged here.
"""

import asyncio
import itertools
import random
import ssl
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

import aiohttp
import requests

from signalbox.launcher.endpoints import WORKSPACES, Endpoints
from signalbox.launcher.hub import LocalIdentity

_DEPLOYMENT = "azureml-model-deployment"
_NOBODY = "-"  # In place of a deployment: the service itself answered, or nobody did.
_API = "2024-10-01"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A scoring address, what its callers send with each request, and the authority that signed its certificate."""

    address: str
    headers: Mapping[str, str]
    authority: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """*requests* at *rate* per second on average, with gaps of a Poisson process that *seed* draws.

    *clients* callers keep one connection each and take turns by draw. With 0 each request has a connection of its own.
    Without *requests* it has no end of its own.
    """

    rate: float
    requests: int | None = None
    seed: int = 1
    clients: int = 16
    deployment: str = ""
    timeout_s: float = 30.0

    def moments(self) -> Iterator[float]:
        """Seconds from the beginning, one for each request."""
        draws = random.Random(self.seed)
        numbers = itertools.count() if self.requests is None else range(self.requests)
        return itertools.accumulate(draws.expovariate(self.rate) for _ in numbers)


@dataclass(slots=True, kw_only=True)
class Figures:
    """Of one deployment: answers by status, and milliseconds from each request's moment to its answer."""

    statuses: Counter[int] = field(default_factory=Counter)
    latencies_ms: list[float] = field(default_factory=list)

    @property
    def answered(self) -> int:
        return self.statuses.total()

    @property
    def errors(self) -> int:
        return sum(count for status, count in self.statuses.items() if status >= 400)

    def latency_ms(self, share: float) -> float:
        """The latency that *share* of the answers did not exceed; 0 without answers."""
        ordered = sorted(self.latencies_ms)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


@dataclass(slots=True, kw_only=True)
class LoadReport:
    """*lost* requests had no answer at all; *seconds* is from the first request to the last answer."""

    sent: int = 0
    lost: int = 0
    seconds: float = 0.0
    deployments: dict[str, Figures] = field(default_factory=dict)

    @property
    def answered(self) -> int:
        return sum(figures.answered for figures in self.deployments.values())

    @property
    def errors(self) -> int:
        return sum(figures.errors for figures in self.deployments.values())

    def share(self, deployment: str) -> float:
        """Of the requests that a deployment answered, the share of *deployment*."""
        counts = {name: figures.answered for name, figures in self.deployments.items() if name != _NOBODY}
        return counts.get(deployment, 0) / max(1, sum(counts.values()))


def scoring_target(endpoints: Endpoints, workspace: str, endpoint: str) -> Target:
    """The online endpoint of a workspace, to be asked with its key, or with a token where it takes none."""
    token = LocalIdentity(endpoints).get_token(f"{endpoints.resource_manager}/.default").token
    scope = next(scope for scope in WORKSPACES if scope.name == workspace)
    root = f"{endpoints.resource_manager}{scope.path('workspaces')}/onlineEndpoints/{endpoint}"
    arm = {"Authorization": f"Bearer {token}"}

    def ask(method: str, path: str) -> dict[str, str]:
        answer = requests.request(
            method, f"{root}{path}?api-version={_API}", headers=arm, verify=str(endpoints.ca), timeout=30
        )
        answer.raise_for_status()
        return dict(answer.json())

    properties: Mapping[str, str] = ask("GET", "")["properties"]  # type: ignore[assignment]
    mode = properties["authMode"]
    if mode == "Key":
        credential = ask("POST", "/listKeys")["primaryKey"]
    elif mode == "AMLToken":
        credential = ask("POST", "/token")["accessToken"]
    else:
        credential = LocalIdentity(endpoints).get_token("https://ml.azure.com/.default").token
    headers = {"Authorization": f"Bearer {credential}", "Content-Type": "application/json"}
    return Target(address=properties["scoringUri"], headers=headers, authority=str(endpoints.ca))


def put_load(target: Target, load: Load, bodies: Sequence[bytes]) -> LoadReport:
    """Send *load* and wait for every answer. The *bodies* are sent in turn."""
    report = LoadReport()
    asyncio.run(_put_load(target, load, bodies, report, threading.Event()))
    return report


class RunningLoad:
    """*load* in a thread of its own until `stop`; its *report* grows meanwhile."""

    def __init__(self, target: Target, load: Load, bodies: Sequence[bytes]) -> None:
        self.report, self._end = LoadReport(), threading.Event()
        self._thread = ThreadPoolExecutor(1, "load")
        self._result = self._thread.submit(asyncio.run, _put_load(target, load, bodies, self.report, self._end))

    def __enter__(self) -> "RunningLoad":
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> LoadReport:
        """Send nothing more, and wait for the answers that are outstanding. Raises what has ended it before."""
        self._end.set()
        self._result.result()
        self._thread.shutdown()
        return self.report


async def _put_load(
    target: Target, load: Load, bodies: Sequence[bytes], report: LoadReport, end: threading.Event
) -> None:
    started = time.perf_counter()
    draws = random.Random(f"{load.seed}/clients")
    async with AsyncExitStack() as stack, asyncio.TaskGroup() as group:
        clients = [await stack.enter_async_context(_client(target, load)) for _ in range(max(1, load.clients))]
        for moment, body in zip(load.moments(), itertools.cycle(bodies), strict=False):
            await asyncio.sleep(started + moment - time.perf_counter())
            if end.is_set():
                break
            report.sent += 1
            group.create_task(_send(draws.choice(clients), target.address, body, started + moment, report))
    report.seconds = time.perf_counter() - started


def _client(target: Target, load: Load) -> aiohttp.ClientSession:
    connector = aiohttp.TCPConnector(
        limit=1 if load.clients else 0,
        force_close=not load.clients,
        ssl=ssl.create_default_context(cafile=target.authority),
    )
    headers = {**target.headers, **({_DEPLOYMENT: load.deployment} if load.deployment else {})}
    timeout = aiohttp.ClientTimeout(total=load.timeout_s)
    return aiohttp.ClientSession(connector=connector, headers=headers, timeout=timeout)


async def _send(client: aiohttp.ClientSession, address: str, body: bytes, moment: float, report: LoadReport) -> None:
    try:
        async with client.post(address, data=body) as answer:
            await answer.read()
            deployment, status = answer.headers.get(_DEPLOYMENT, _NOBODY), answer.status
    except (aiohttp.ClientError, TimeoutError):
        report.lost += 1
        return
    figures = report.deployments.setdefault(deployment, Figures())
    figures.statuses[status] += 1
    figures.latencies_ms.append((time.perf_counter() - moment) * 1000)
