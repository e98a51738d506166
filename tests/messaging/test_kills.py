"""Messages with random kills of the host: each file and each record is scored once, and each asker hears once."""

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from azure.servicebus import ServiceBusMessage

from tests.messaging.conftest import MESSAGES, RECORDS, Bus
from tests.messaging.kept import KeptHub
from tests.service_bus.conftest import Served, served  # noqa: F401 (a fixture)

COUNT = int(os.environ.get("SIGNALBOX_CHAOS_MESSAGES", "16"))
KILLS = max(2, COUNT // 500)
SESSIONS = 8
SENT = COUNT // 2  # Messages of two records each, beside those that name files.
TOTAL = COUNT + SENT
PATIENCE_S = 120 + TOTAL


@contextmanager
def host(folder: Path, served: Served) -> Iterator[subprocess.Popen[bytes]]:  # noqa: F811
    command = [sys.executable, "-m", "signalbox.host", "start", "--port", "0", "--synchronous", "NORMAL"]
    command += ["--app", str(Path(__file__).parent / "app"), "--state", str(folder / "host")]
    given = {
        "SERVICE_BUS": served.connection_string,
        "SIGNALBOX_MESSAGES_QUEUE": MESSAGES,
        "SIGNALBOX_RECORDS_QUEUE": RECORDS,
        "KEPT": str(folder / "kept"),
    }
    with (folder / "log").open("a") as log:
        child = subprocess.Popen(command, env={**os.environ, **given}, stdout=log, stderr=log)
        try:
            yield child
        finally:
            child.send_signal(signal.SIGKILL)
            child.wait(20)


def test_every_message_counts_once_whatever_is_killed(tmp_path: Path, served: Served, bus: Bus):  # noqa: F811
    hub, chance, tag = KeptHub(lambda: datetime.now(UTC), tmp_path / "kept"), random.Random(7), uuid.uuid4().hex[:8]
    places = [f"landing/each/{tag}/{number}.csv" for number in range(COUNT)]
    for place in places:
        hub.land(place, b"id,x\n1,2\n")
    hub.close()
    with bus.client.get_queue_sender(MESSAGES) as sender:
        for number, place in enumerate(places):
            body = f'{{"paths": ["{place}"]}}'
            sender.send_messages(
                ServiceBusMessage(body, message_id=f"{tag}-{number}", session_id=f"{tag}-{number % SESSIONS}")
            )
    with bus.client.get_queue_sender(RECORDS) as sender:
        for number in range(SENT):
            rows = [{"id": f"{tag}-{number}-{each}", "x": 1} for each in (1, 2)]
            body, message = json.dumps({"stream": "visits", "records": rows}), f"{tag}-r{number}"
            sender.send_messages(ServiceBusMessage(body, message_id=message, session_id=f"{tag}-{number % 2}"))
    heard, over = Counter[str](), threading.Event()
    listener = threading.Thread(target=listen, args=(bus, heard, over))
    listener.start()
    deadline = time.monotonic() + PATIENCE_S
    try:
        for kill in range(1, KILLS + 1):
            with host(tmp_path, served):
                while len(heard) < TOTAL * kill // (KILLS + 1) and time.monotonic() < deadline:
                    over.wait(0.05)
                over.wait(chance.random())
        with host(tmp_path, served):
            while len(heard) < TOTAL and time.monotonic() < deadline:
                over.wait(0.05)
            over.wait(1)  # Whatever would be told twice is told by now.
    finally:
        over.set()
        listener.join(20)
    after = KeptHub(lambda: datetime.now(UTC), tmp_path / "kept")
    after.close()
    jobs = [path for (container, path) in after.blobs if container == "jobs"]
    rows = [row.split(",")[0] for _, data in batches(after, tag) for row in data.decode().splitlines()[1:]]
    files, asked = COUNT + len(batches(after, tag)), [*range(COUNT), *(f"r{number}" for number in range(SENT))]

    assert heard == Counter({f"{tag}-{each}": 1 for each in asked})
    assert Counter(rows) == Counter({f"{tag}-{number}-{each}": 1 for number in range(SENT) for each in (1, 2)})
    for key in (0, 1):
        numbers = [int(row.split("-")[1]) for row in rows if int(row.split("-")[1]) % 2 == key]
        assert numbers == sorted(numbers)
    assert len(jobs) == files
    assert {after.writes[f"jobs/{path}"] for path in jobs} == {1}
    published = [path for (container, path) in after.blobs if container == "predictions" and "manifest" in path]
    assert len(published) == files
    assert not [path for (container, path) in after.blobs if container == "dead-letters"]


def batches(hub: KeptHub, tag: str) -> list[tuple[str, bytes]]:
    """The files that records became, in the order of each key."""
    found = hub.blobs.items()
    return sorted((path, data) for (_, path), (_, data) in found if path.startswith(f"each/{tag}-"))


def listen(bus: Bus, heard: Counter[str], over: threading.Event) -> None:
    """Count what the topic tells, by correlation."""
    with bus.client.get_subscription_receiver("results", "all") as receiver:
        while not over.is_set():
            for message in receiver.receive_messages(100, max_wait_time=0.5):
                heard[str(message.correlation_id)] += 1
                receiver.complete_message(message)
