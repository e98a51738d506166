"""Service Bus triggers: arguments by the SDK's converters, settlement, order in sessions, redelivery after a kill."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from azure.servicebus import ServiceBusClient, ServiceBusMessage, ServiceBusSubQueue

from signalbox.host.errors import HostError
from signalbox.host.testing import LocalHost
from tests.service_bus.conftest import Served, served  # noqa: F401 (a fixture)

APP = Path(__file__).parent / "apps" / "bus"
PATIENCE = 60.0


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        threading.Event().wait(0.02)


class Process:
    """The host in a process of its own, which a test may kill."""

    def __init__(self, folder: Path, served: Served) -> None:  # noqa: F811
        self.effects = folder / "effects"
        self._command = [sys.executable, "-m", "signalbox.host", "start", "--port", "0"]
        self._command += ["--app", str(APP), "--state", str(folder / "host")]
        ours = {"BUS": served.connection_string, "ORDERS": "handled", "EFFECTS": str(self.effects)}
        self._environment = {**os.environ, **ours}
        self._log = (folder / "log").open("a")
        self.start()

    def start(self) -> None:
        self._child = subprocess.Popen(self._command, env=self._environment, stdout=self._log, stderr=self._log)

    def end(self, number: int) -> int:
        self._child.send_signal(number)
        return self._child.wait(20)

    def close(self) -> None:
        if self._child.poll() is None:
            self.end(signal.SIGKILL)
        self._log.close()

    def done(self, function: str) -> list[Any]:
        lines = self.effects.read_text().splitlines() if self.effects.exists() else []
        return [entry[1:] for line in lines if (entry := json.loads(line))[0] == function]


@pytest.fixture(scope="module")
def client(served: Served) -> Iterator[ServiceBusClient]:  # noqa: F811
    with ServiceBusClient.from_connection_string(served.connection_string, retry_total=0) as made:
        yield made


@pytest.fixture
def process(tmp_path: Path, served: Served) -> Iterator[Process]:  # noqa: F811
    running = Process(tmp_path, served)
    yield running
    running.close()


def send(client: ServiceBusClient, *messages: ServiceBusMessage, queue: str = "handled") -> None:
    with client.get_queue_sender(queue) as sender:
        sender.send_messages(list(messages))


def test_success_completes_failure_abandons_and_the_last_try_dead_letters(
    client: ServiceBusClient, process: Process
) -> None:
    given = ServiceBusMessage("fine", message_id="m", application_properties={"kind": "a", "n": 2})
    send(client, given, *(ServiceBusMessage(text) for text in ("once", "poison", "slow")))
    with client.get_topic_sender("news") as sender:
        sender.send_messages([ServiceBusMessage(text) for text in ("x", "y")])
    wait_until(lambda: len(process.done("take")) == 3)
    assert ["fine", 1, "m", {"kind": "a", "n": 2}] in process.done("take")
    assert [entry[:2] for entry in process.done("take") if entry[0] != "fine"] == [["once", 2], ["slow", 1]]
    assert sorted(text for call in process.done("batch") for text in call) == ["x", "y"]
    with client.get_queue_receiver("handled", sub_queue=ServiceBusSubQueue.DEAD_LETTER) as receiver:
        (dead,) = receiver.receive_messages(5, max_wait_time=5)
        assert (str(dead), dead.dead_letter_reason) == ("poison", "MaxDeliveryCountExceeded")
        receiver.complete_message(dead)
    assert process.end(signal.SIGTERM) == 0
    with client.get_queue_receiver("handled") as receiver:
        assert receiver.peek_messages(10, sequence_number=1) == []


def test_after_kills_every_message_of_every_session_is_handled_in_order(
    client: ServiceBusClient, process: Process
) -> None:
    wanted = [(f"s{number % 3}", number) for number in range(40)]
    send(client, *(ServiceBusMessage(str(n), session_id=session) for session, n in wanted), queue="ordered")
    for share in (15,):
        wait_until(lambda share=share: len(process.done("in_order")) >= share)
        process.end(signal.SIGKILL)
        process.start()
    wait_until(lambda: {int(text) for _, text in process.done("in_order")} == set(range(40)))
    for session in ("s0", "s1", "s2"):
        first = dict.fromkeys(int(text) for which, text in process.done("in_order") if which == session)
        assert list(first) == sorted(first)
    assert len(process.done("in_order")) <= 40 + 4


async def test_a_missing_connection_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORDERS", "handled")
    with pytest.raises(HostError, match=r"neither BUS .* nor BUS__fullyQualifiedNamespace is set"):
        async with LocalHost(APP, tmp_path):
            pass
