"""Mixed work for a long time, while host and workers are killed: nothing is lost, doubled or left behind.

`make soak MINUTES=30` runs it long. Orders are started over HTTP, wait for events and timers, call an entity, and are
suspended, terminated and purged. In the last third the host itself is spared, so that what it gathers can be seen.
"""

import asyncio
import contextlib
import json
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import psutil
import pytest

from tests.amounts import amount
from tests.host.process import Process

APP = Path(__file__).parent / "apps" / "soak"
HOOK = "/runtime/webhooks/durabletask"
SECONDS = float(os.environ.get("SIGNALBOX_SOAK_MINUTES", "0")) * 60 or amount(6, 60)
IS_SHORT = SECONDS < 30
USERS = 2 if IS_SHORT else 4
PATIENCE_S = 90.0
REST_S = 0.25  # Of a user between two orders: the rate is modest.
MOST_GROWTH_MB, MOST_FILES, MOST_THREADS = 25, 20, 12
KINDS = ("plain", "ended", "suspended", "plain")
EMPTY = ("instances", "history", "inbox", "activities", "timers", "entities")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """What the host and its processes hold at a moment."""

    age_s: float
    memory_mb: float
    files: int
    threads: int
    disk_mb: float

    def __str__(self) -> str:
        size = f"{self.memory_mb:.0f} MB, {self.files} files, {self.threads} threads, {self.disk_mb:.1f} MB of disk"
        return f"{self.age_s:5.0f} s: {size}"


@dataclass(slots=True)
class Tally:
    """What was done."""

    done: Counter[str] = field(default_factory=Counter)
    victims: Counter[str] = field(default_factory=Counter)
    calls_at_end: dict[str, int] = field(default_factory=dict)


class Soak:
    """A host with two workers, users who order, and somebody who kills."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.process = Process(APP, folder, "--workers", "2", "--log-level", "ERROR")
        self.chance = random.Random(seed)
        self.tally = Tally()
        self.samples: list[Sample] = []
        self.is_over = False
        self.process.start()
        self.began = time.monotonic()

    @property
    def age_s(self) -> float:
        return time.monotonic() - self.began

    async def run(self) -> None:
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=20)) as self.session:
            killer = asyncio.ensure_future(self._kill())
            await asyncio.gather(*(self._use(f"u{number}") for number in range(USERS)))
            self.is_over = True
            await killer
            await self._sample()
            async with asyncio.timeout(PATIENCE_S):
                while any(self._left().values()):
                    await asyncio.sleep(0.1)

    def _left(self) -> dict[str, int]:
        return {table: int(self.process.rows(f"SELECT count(*) FROM {table}")[0][0]) for table in EMPTY}

    # Users

    async def ask(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        """The answer, once there is one: the host may be killed meanwhile, and a worker with the call in it."""
        deadline = time.monotonic() + PATIENCE_S
        while True:
            with contextlib.suppress(aiohttp.ClientError, TimeoutError, OSError, ValueError):
                async with self.session.request(method, self.process.url + path, json=body) as answer:
                    text = await answer.text()
                    if answer.status < 500:
                        return answer.status, json.loads(text) if text.startswith(("{", "[")) else text
            assert time.monotonic() < deadline, f"no answer to {method} {path}"
            await asyncio.sleep(0.05)

    async def _use(self, name: str) -> None:
        number = 0
        while self.age_s < SECONDS:
            number += 1
            await self._order(f"{name}-{number}", name, KINDS[number % len(KINDS)])
            await asyncio.sleep(self.chance.uniform(0, 2 * REST_S))

    async def _order(self, instance: str, ledger: str, kind: str) -> None:
        await self._start(instance, ledger)
        if kind == "suspended":
            await self._control(instance, "suspend")
        await self.ask("POST", f"{HOOK}/instances/{instance}/raiseEvent/go", {"for": instance})
        if kind == "suspended":
            await self._control(instance, "resume")
        if kind == "ended":
            await self._control(instance, "terminate")
        status = await self._end(instance)
        self.tally.done[f"{kind}, {status['runtimeStatus']}"] += 1
        if status["runtimeStatus"] != "Terminated":
            assert (status["runtimeStatus"], status["output"]) == ("Completed", [1, {"for": instance}]), status
            keys = [f"{instance}/first", f"{instance}/fan0", f"{instance}/fan1", f"{instance}-leaf"]
            self._note_calls(keys)
        await self._clean(instance, ledger)

    async def _start(self, instance: str, ledger: str) -> None:
        """Start it once, by the host or by a function in a worker; a repeated start hears that it is there."""
        if self.chance.random() < 0.5:
            code, answer = await self.ask("POST", f"{HOOK}/orchestrators/order/{instance}", ledger)
            assert code in (202, 409), answer
            return
        while (await self.ask("GET", f"{HOOK}/instances/{instance}"))[0] == 404:
            with contextlib.suppress(aiohttp.ClientError, TimeoutError, OSError):
                async with self.session.post(f"{self.process.url}/api/start/{instance}/{ledger}") as answer:
                    await answer.read()

    async def _control(self, instance: str, verb: str) -> None:
        code, answer = await self.ask("POST", f"{HOOK}/instances/{instance}/{verb}")
        assert code in (202, 410), answer

    async def _end(self, instance: str) -> dict[str, Any]:
        deadline = time.monotonic() + PATIENCE_S
        while True:
            code, status = await self.ask("GET", f"{HOOK}/instances/{instance}")
            assert code in (200, 202), f"{instance} was accepted and is lost"
            if code == 200:
                return dict(status)
            assert time.monotonic() < deadline, status
            await asyncio.sleep(0.05)

    def _note_calls(self, keys: list[str]) -> None:
        calls = self.process.counted()
        for key in keys:
            assert calls[key] >= 1, f"{key} is recorded and never happened"
            self.tally.calls_at_end[key] = calls[key]

    async def _clean(self, instance: str, ledger: str) -> None:
        """Forget the order: its key, itself and its child. The child of an order that was ended may go on."""
        await self.ask("POST", f"{HOOK}/entities/ledger/{ledger}?op=remove", instance)
        for one in (f"{instance}-leaf", instance):
            if (await self.ask("GET", f"{HOOK}/instances/{one}"))[0] != 404:
                await self._end(one)
                await self.ask("DELETE", f"{HOOK}/instances/{one}")
                assert (await self.ask("GET", f"{HOOK}/instances/{one}"))[0] == 404

    # Kills

    async def _kill(self) -> None:
        pause_s = 1.5 if IS_SHORT else 6.0
        while not self.is_over:
            await asyncio.sleep(self.chance.uniform(0.5, 1.5) * pause_s)
            if self.is_over:
                return
            await self._sample()
            may_hit_host = self.age_s < SECONDS * 2 / 3 and self.chance.random() < 0.4
            if may_hit_host or not self.tally.victims["host"]:
                self.tally.victims["host"] += 1
                await asyncio.to_thread(self._restart)
            elif workers := list(self._workers()):
                self.tally.victims["worker"] += 1
                self.chance.choice(workers).kill()

    def _restart(self) -> None:
        self.process.end(signal.SIGKILL)
        self.process.start()

    def _workers(self) -> Iterator[psutil.Process]:
        with contextlib.suppress(psutil.NoSuchProcess):
            for nursery in psutil.Process(self.process.pid).children():
                yield from nursery.children()

    # Measures

    async def _sample(self) -> None:
        """Workers are replaced all the time, so the memory is the host's own; processes that stay behind are files."""
        host = psutil.Process(self.process.pid)
        disk = sum(path.stat().st_size for path in self.process.state.iterdir()) / 1e6
        self.samples.append(
            Sample(
                age_s=self.age_s,
                memory_mb=host.memory_info().rss / 1e6,
                files=host.num_fds() + 10 * max(len(list(self._workers())) - 2, 0),
                threads=host.num_threads(),
                disk_mb=disk,
            )
        )


@pytest.mark.long
async def test_mixed_work_and_kills_leave_nothing_behind(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    soak = Soak(tmp_path, seed=20261201)
    try:
        await soak.run()
        assert soak.process.end(signal.SIGTERM) == 0
        with capsys.disabled():
            tell(soak)
        check(soak)
    finally:
        soak.process.close()


def tell(soak: Soak) -> None:
    print(f"\n{dict(soak.tally.done)}; killed: {dict(soak.tally.victims)}")
    step = max(len(soak.samples) // 12, 1)
    for sample in [*soak.samples[:-1:step], soak.samples[-1]]:
        print(sample)


def check(soak: Soak) -> None:
    calls = soak.process.counted()
    assert {key: calls[key] for key in soak.tally.calls_at_end} == soak.tally.calls_at_end
    assert soak.tally.victims["host"]
    calm = [sample for sample in soak.samples if sample.age_s > SECONDS * (0.75 if not IS_SHORT else 0.9)]
    assert calm[-1].memory_mb - calm[0].memory_mb < MOST_GROWTH_MB, calm
    assert calm[-1].files - calm[0].files < MOST_FILES, calm
    assert calm[-1].threads - calm[0].threads < MOST_THREADS, calm
    assert calm[-1].disk_mb < 30, "what was purged has not been given back"
