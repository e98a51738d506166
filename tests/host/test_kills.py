"""SIGKILL for the host and for its workers, at random moments, again and again: nothing is lost, and nothing that is
recorded happens again.

`make chaos` kills 500 times. An activity has its effect before its answer is recorded. A kill in between repeats the
call, which is why the product's effects have names of their own; the test says how often that was.
"""

import os
import random
import signal
import sqlite3
import threading
from collections import Counter
from contextlib import closing
from pathlib import Path

import psutil
import pytest

from signalbox.host.durable.history import Code, from_line
from signalbox.host.durable.storage.tables import history_of, read_instance
from tests.conformance.client import Client
from tests.host.process import Process, wait_until
from tests.host.wellformed import faults

APP = Path(__file__).parent / "apps" / "effects"
KILLS = int(os.environ.get("SIGNALBOX_HOST_KILLS", "25"))
AT_ONCE = 6
LONGEST_PEACE_S = 0.4


class Storm:
    """A host with two workers, which always has work, and somebody who kills."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.process = Process(APP, folder, "--workers", "2")
        self.chance = random.Random(seed)
        self.victims = Counter[str]()
        self.calls_at_record = Counter[str]()
        self.started = 0
        self.url = self.process.start()

    def keep_busy(self) -> None:
        [(unfinished,)] = self.process.rows(
            "SELECT count(*) FROM instances WHERE name = 'tree' AND status <> 'Completed'"
        )
        client = Client(self.url, "")
        for _ in range(AT_ONCE - int(unfinished)):
            # The host itself starts it, since a worker may have just been killed.
            instance = client.start("tree", 1, f"i{self.started}")
            reply = client.durable("POST", f"/instances/{instance}/raiseEvent/finish", {"by": instance})
            assert reply.status == 202
            self.started += 1
        client.close()

    def kill(self) -> None:
        threading.Event().wait(self.chance.uniform(0, LONGEST_PEACE_S) * self.chance.random())
        workers = self._workers()
        if workers and self.chance.random() < 0.5:
            self.victims["worker"] += 1
            self.chance.choice(workers).kill()
            return
        self.victims["host"] += 1
        self.process.end(signal.SIGKILL)
        self._note_recorded()
        self.url = self.process.start()

    def _workers(self) -> list[psutil.Process]:
        [nursery] = psutil.Process(self.process.pid).children()
        return list(nursery.children())

    def _note_recorded(self) -> None:
        """How often each effect that is recorded was called for: never again, from now on."""
        calls = self.process.counted()
        for (events,) in self.process.rows("SELECT events FROM history"):
            for entry in map(from_line, events.split("\n")):
                if entry["EventType"] == Code.TASK_COMPLETED:
                    key = entry["Result"].strip('"')
                    self.calls_at_record.setdefault(key, calls[key])

    def is_done(self) -> bool:
        return not self.process.rows("SELECT 1 FROM instances WHERE status <> 'Completed' LIMIT 1")


def effects_of(number: int) -> set[str]:
    fans = {f"i{number}/{generation}/{step}" for generation in (1, 2) for step in ("first", "fan0", "fan1", "fan2")}
    return fans | {f"i{number}-{generation}-leaf/leaf" for generation in (1, 2)}


@pytest.mark.proof
def test_no_kill_of_host_or_worker_loses_or_repeats_an_effect(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    storm = Storm(tmp_path, seed=20261201)
    try:
        for _ in range(KILLS):
            storm.keep_busy()
            storm.kill()
        wait_until(storm.is_done)
        assert storm.process.end(signal.SIGTERM) == 0
        check(storm, capsys)
    finally:
        storm.process.close()


def check(storm: Storm, capsys: pytest.CaptureFixture[str]) -> None:
    calls = storm.process.counted()
    expected = set[str]().union(*map(effects_of, range(storm.started)))
    repeats = calls.total() - len(calls)
    with capsys.disabled():
        print(
            f"\n{dict(storm.victims)} killed, {storm.started} instances, {len(calls)} effects; "
            f"{repeats} calls came again, of which {sum(calls[k] > n for k, n in storm.calls_at_record.items())} after "
            "their answer was recorded"
        )
    assert set(calls) == expected
    assert {key: calls[key] for key in storm.calls_at_record} == storm.calls_at_record
    for table in ("inbox", "activities", "timers"):
        assert storm.process.rows(f"SELECT count(*) FROM {table}") == [(0,)]
    check_histories(storm)


def check_histories(storm: Storm) -> None:
    connection = sqlite3.connect(storm.process.state / "host.db")
    connection.row_factory = sqlite3.Row
    with closing(connection):
        for row in connection.execute("SELECT * FROM instances").fetchall():
            steps = history_of(connection, row["instance_id"])
            history = [from_line(line) for step in steps for line in step.split("\n")]
            assert not list(faults(history, read_instance(row)))
