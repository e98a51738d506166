"""The host is killed at any moment and loses nothing: a real process, SIGKILL, effects counted from outside."""

import json
import os
import random
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from signalbox.host.errors import HostError
from signalbox.host.testing import LocalHost
from tests.amounts import amount
from tests.host.process import PATIENCE, Process, post, wait_until

APP = Path(__file__).parent / "apps" / "effects"
INSTANCES = amount(4, 8)
KILLS = amount(2, 6)


@pytest.fixture
def process(tmp_path: Path) -> Iterator[Process]:
    running = Process(APP, tmp_path)
    yield running
    running.close()


def recorded(process: Process) -> set[str]:
    """Effects whose completion is in somebody's history: these must never happen again."""
    found: set[str] = set()
    for (events,) in process.rows("SELECT events FROM history"):
        entries = [json.loads("{" + line) for line in events.split("\n")]
        found |= {json.loads(entry["Result"]) for entry in entries if entry["EventType"] == 5}
    return found


def expected() -> set[str]:
    keys = set[str]()
    for number in range(INSTANCES):
        for generation in (1, 2):
            keys |= {f"i{number}/{generation}/{step}" for step in ("first", "fan0", "fan1", "fan2")}
            keys.add(f"i{number}-{generation}-leaf/leaf")
    return keys


def unfinished(process: Process) -> list[tuple[str, ...]]:
    return process.rows("SELECT instance_id, status FROM instances WHERE status <> 'Completed'")


@pytest.mark.long
def test_killed_at_random_moments_every_instance_completes_and_nothing_recorded_repeats(process: Process) -> None:
    moments = random.Random(20260101)
    url = process.start()
    assert {post(f"{url}/api/start/i{number}") for number in range(INSTANCES)} == {202}
    settled: Counter[str] = Counter()
    for _ in range(KILLS):
        more = sum(process.counted().values()) + moments.randrange(9)
        wait_until(lambda more=more: sum(process.counted().values()) >= more or not unfinished(process))
        process.end(signal.SIGKILL)
        counted = process.counted()
        settled |= Counter({key: counted[key] for key in recorded(process)})
        process.start()
    wait_until(lambda: not unfinished(process))
    counted = process.counted()
    assert set(counted) == expected()
    assert {key: counted[key] for key in settled} == dict(settled)
    assert max(counted.values()) <= KILLS + 1
    assert process.end(signal.SIGTERM) == 0


def test_an_accepted_start_survives_a_kill_right_after_the_answer(process: Process) -> None:
    url = process.start()
    assert post(f"{url}/api/start/i0") == 202
    process.end(signal.SIGKILL)
    assert process.rows("SELECT instance_id FROM instances WHERE instance_id = 'i0'") == [("i0",)]


async def test_a_second_host_on_the_same_state_is_refused(tmp_path: Path) -> None:
    async with LocalHost(APP, tmp_path):
        second = LocalHost(APP, tmp_path)
        with pytest.raises(HostError, match=f"in use by another host \\(process {os.getpid()}\\)"):
            await second.host.start()


def test_an_interrupted_host_stops_cleanly(process: Process) -> None:
    process.start()
    assert process.end(signal.SIGINT) == 0


def test_a_taken_port_is_named(process: Process, tmp_path: Path) -> None:
    url = process.start()
    port = url.rpartition(":")[2]
    command = [sys.executable, "-m", "signalbox.host", "start", "--port", port]
    command += ["--app", str(APP), "--state", str(tmp_path / "other")]
    second = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert second.returncode == 8
    assert f"port {port} cannot be used" in second.stderr
