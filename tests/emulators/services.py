"""The local cloud without its host, what tests ask of it, and a wire to Azurite that can be cut."""

import json
import select
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import requests
from azure.storage.blob import BlobServiceClient

from signalbox.launcher.emulator_settings import settings_file
from signalbox.launcher.endpoints import Endpoints
from signalbox.launcher.hub import LocalIdentity
from tests.warm_clouds import WarmServices

PROJECT = Path(__file__).parents[2]


@contextmanager
def running(state: Path, time_scale: float = 0.05, *, vault: bool = False) -> Iterator[WarmServices]:
    """Azurite and the emulators, with time twenty times as fast for retries, and no host that looks at them."""
    cloud = WarmServices(PROJECT, state, time_scale=time_scale, vault=vault)
    try:
        cloud.start_services()
        yield cloud
    finally:
        cloud.stop()


def storage(endpoints: Endpoints, account: str = "datahub") -> BlobServiceClient:
    return BlobServiceClient(
        f"https://localhost:{endpoints.storage}/{account}",
        credential=LocalIdentity(endpoints),
        connection_verify=str(endpoints.ca),
        retry_total=0,
    )


def control(endpoints: Endpoints, path: str, body: Any = None) -> Any:
    method, address = ("GET" if body is None else "POST"), f"https://localhost:{endpoints.eventgrid}{path}"
    answer = requests.request(method, address, json=body, verify=str(endpoints.ca), timeout=30)
    answer.raise_for_status()
    return answer.json()


def events_of(endpoints: Endpoints, container: str, path: str, topic: str = "hub") -> list[dict[str, Any]]:
    subject = f"/blobServices/default/containers/{container}/blobs/{path}"
    found = [row["event"] for row in control(endpoints, f"/_events?topic={topic}")]
    return [event for event in found if event["subject"] == subject]


def eventually(look: Callable[[], Any], within: float = 30.0) -> Any:
    """What *look* gives once it is true. Raises TimeoutError."""
    deadline = time.monotonic() + within
    while not (seen := look()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"{look} was never true")
        time.sleep(0.05)  # noqa: TID251 - Polls with a deadline.
    return seen


class Wire:
    """A TCP relay to *port*; once `hold()` was called, what comes back from there is withheld, and seen in `held`."""

    def __init__(self, port: int) -> None:
        self._target, self._listener = port, socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self.held, self._holding, self._closed = threading.Event(), threading.Event(), threading.Event()
        self._threads = [threading.Thread(target=self._listen)]
        self._threads[0].start()

    def hold(self) -> None:
        self.held.clear()
        self._holding.set()

    def release(self) -> None:
        self._holding.clear()

    def close(self) -> None:
        self._closed.set()
        for thread in self._threads:
            thread.join(10)
        self._listener.close()

    def _listen(self) -> None:
        while not self._closed.is_set():
            if select.select([self._listener], [], [], 0.05)[0]:
                thread = threading.Thread(target=self._relay, args=(self._listener.accept()[0],))
                self._threads.append(thread)
                thread.start()

    def _relay(self, near: socket.socket) -> None:
        with near, socket.create_connection(("127.0.0.1", self._target)) as far, suppress(OSError):
            while not self._closed.is_set():
                for source in select.select([near, far], [], [], 0.05)[0]:
                    data = source.recv(65536)
                    if not data:
                        return
                    if source is near:
                        far.sendall(data)
                    elif self._holding.is_set():
                        self.held.set()
                    else:
                        near.sendall(data)


def read_settings(endpoints: Endpoints) -> Any:
    return json.loads(settings_file(Path(endpoints.state)).read_text())
