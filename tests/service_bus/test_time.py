"""What time and death do to messages, seen by the unmodified client: lives, locks, renewal, kills of the server."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from azure.servicebus import (
    NEXT_AVAILABLE_SESSION,
    ServiceBusClient,
    ServiceBusMessage,
    ServiceBusReceiver,
    ServiceBusSubQueue,
)
from azure.servicebus.exceptions import MessageLockLostError

from signalbox.launcher.endpoints import free_ports
from tests.service_bus.conftest import Served, connection_string

SERVER = """
import asyncio, sys
from pathlib import Path
from signalbox.emulators.service_bus.server import ServiceBus
from tests.service_bus.conftest import SETTINGS

async def main():
    bus = ServiceBus(Path(sys.argv[1]), SETTINGS, lambda *_: False)
    await bus.listen(int(sys.argv[2]))
    print("ready", flush=True)
    await bus.run()

asyncio.run(main())
"""


def one(receiver: ServiceBusReceiver):  # type: ignore[no-untyped-def]
    (message,) = receiver.receive_messages(1, max_wait_time=8)
    return message


def test_lives_end_locks_run_out_and_renewed_ones_do_not(served: Served) -> None:
    with ServiceBusClient.from_connection_string(served.connection_string, retry_total=0) as client:
        with client.get_queue_sender("mortal") as sender:
            sender.send_messages(ServiceBusMessage("brief", time_to_live=timedelta(seconds=1)))
        with client.get_queue_sender("impatient") as sender:
            sender.send_messages([ServiceBusMessage("kept"), ServiceBusMessage("left")])
        with client.get_queue_receiver("impatient") as receiver:
            kept, left = receiver.receive_messages(2, max_wait_time=2)
            while not (found := receiver.receive_messages(1, max_wait_time=0.2)):
                receiver.renew_message_lock(kept)
            (again,) = found
            assert (str(again), again.delivery_count) == ("left", 1)
            with pytest.raises(MessageLockLostError):
                receiver.complete_message(left)
            receiver.complete_message(kept)
            receiver.complete_message(again)
        with client.get_queue_receiver("mortal", sub_queue=ServiceBusSubQueue.DEAD_LETTER) as receiver:
            dead = one(receiver)
            assert (str(dead), dead.dead_letter_reason) == ("brief", "TTLExpiredException")
            receiver.complete_message(dead)


def test_a_killed_server_forgets_nothing_that_it_answered(tmp_path: Path) -> None:
    pytest.importorskip("proton", reason="the emulator needs Qpid Proton, which is built with a C compiler")
    port = free_ports(1)[0]
    due = datetime.now(UTC) + timedelta(seconds=4)
    with server(tmp_path, port), client_of(port) as client:
        with client.get_queue_sender("orders") as sender:
            sender.send_messages([ServiceBusMessage(text, message_id=text) for text in ("locked", "done", "waiting")])
            sender.schedule_messages(ServiceBusMessage("later", message_id="later"), due)
        with client.get_queue_sender("ordered") as sender:
            sender.send_messages([ServiceBusMessage(f"s{n}", session_id="a") for n in range(2)])
        with client.get_queue_receiver("ordered", session_id=NEXT_AVAILABLE_SESSION, max_wait_time=2) as receiver:
            receiver.session.set_state("seen")
            receiver.complete_message(one(receiver))
        receiver = client.get_queue_receiver("orders")
        _, done = receiver.receive_messages(2, max_wait_time=2)
        receiver.complete_message(done)

    with server(tmp_path, port), client_of(port) as client:
        with client.get_queue_sender("orders") as sender:
            sender.send_messages(ServiceBusMessage("again", message_id="waiting"))  # Still a duplicate.
        with client.get_queue_receiver("ordered", session_id="a", max_wait_time=2) as receiver:
            assert receiver.session.get_state() == b"seen"
            assert str(one(receiver)) == "s1"
        found = dict[str, int]()
        with client.get_queue_receiver("orders") as receiver:
            peeked = {str(message) for message in receiver.peek_messages(10)}
            while len(found) < 2:
                message = one(receiver)
                found[str(message)] = message.delivery_count
                receiver.complete_message(message)
        assert peeked == {"locked", "waiting", "later"}  # What was locked comes again once its lock is over.
        assert found.keys() == {"waiting", "later"}
        assert datetime.now(UTC) >= due


@contextmanager
def server(folder: Path, port: int) -> Iterator[None]:
    child = subprocess.Popen([sys.executable, "-c", SERVER, str(folder), str(port)], stdout=subprocess.PIPE)
    assert child.stdout is not None
    try:
        assert child.stdout.readline() == b"ready\n"
        yield
    finally:
        child.send_signal(signal.SIGKILL)
        child.wait(10)
        child.stdout.close()


@contextmanager
def client_of(port: int) -> Iterator[ServiceBusClient]:
    with ServiceBusClient.from_connection_string(connection_string(port), retry_total=0) as client:
        yield client
