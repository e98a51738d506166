"""What the storage has answered is there after SIGKILL of the whole local cloud: every kind of write, under load."""

import os
import random
import subprocess
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from azure.core.exceptions import AzureError, ResourceNotFoundError
from azure.storage.blob import BlobBlock, BlobClient, ContainerClient

from signalbox.launcher.cloud import LocalCloud
from signalbox.launcher.endpoints import Endpoints
from tests.emulators.services import running, storage

pytestmark = [
    pytest.mark.chaos,
    pytest.mark.xdist_group("storage-emulator"),
    pytest.mark.filterwarnings("ignore:.*ssl.SSLSocket.*:pytest.PytestUnraisableExceptionWarning"),  # Cut by the kill.
]

WRITERS, LEAST = 4, 40
KILLS = int(os.environ.get("SIGNALBOX_STORAGE_KILLS", "2"))
CONTAINER = "landing"


@pytest.fixture
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    with running(tmp_path_factory.mktemp("state")) as cloud:
        yield cloud


@dataclass(frozen=True, slots=True)
class Stored:
    """What a blob is, as far as the writes that were answered say; *content* None: it is not there."""

    content: bytes | None = None
    metadata: dict[str, str] = field(default_factory=dict)
    staged: tuple[str, ...] = ()


class Writer:
    """One client with blobs of its own. It knows what was answered, and what may have happened besides."""

    def __init__(self, ends: Endpoints, number: int) -> None:
        self._ends, self._chance = ends, random.Random(number)
        self._names = [f"w{number}/{name}" for name in ("whole", "listed", "appended", "copied")]
        self.known = {name: Stored() for name in self._names}
        self.maybe: dict[str, Stored] = {}
        self.answered = 0

    def write_until(self, killed: threading.Event) -> None:
        with storage(self._ends) as client:
            container = client.get_container_client(CONTAINER)
            while not killed.is_set():
                name = self._chance.choice(self._names)
                try:
                    self._write(container, name, self._chance.randbytes(self._chance.randrange(1, 2000)))
                except AzureError:
                    return  # Cut off: `maybe` says what it may have done.

    def _write(self, container: ContainerClient, name: str, content: bytes) -> None:
        blob, now = container.get_blob_client(name), self.known[name]
        if now.content is not None and self._chance.random() < 0.15:
            self._answered(name, Stored(), blob.delete_blob)
        elif now.content is not None and self._chance.random() < 0.2:
            marks = {"mark": str(self._chance.random())}
            self._answered(name, replace(now, metadata=marks), lambda: blob.set_blob_metadata(marks))
        elif name.endswith("appended"):
            self._append(blob, name, now, content)
        elif name.endswith("listed"):
            self._list_blocks(blob, name, now, content)
        elif name.endswith("copied"):
            self._copy(container, blob, name)
        else:
            self._answered(name, Stored(content), lambda: blob.upload_blob(content, overwrite=True))

    def _append(self, blob: BlobClient, name: str, now: Stored, content: bytes) -> None:
        if now.content is None:
            self._answered(name, Stored(b""), blob.create_append_blob)
        else:
            self._answered(name, replace(now, content=now.content + content), lambda: blob.append_block(content))

    def _list_blocks(self, blob: BlobClient, name: str, now: Stored, content: bytes) -> None:
        if len(now.staged) < 2:
            block = content.hex()[:40]
            staged = replace(now, staged=(*now.staged, block))
            self._answered(name, staged, lambda: blob.stage_block(f"{len(now.staged):04}", block.encode()))
        else:
            listed = [BlobBlock(f"{number:04}") for number in range(len(now.staged))]
            whole = Stored("".join(now.staged).encode())
            self._answered(name, whole, lambda: blob.commit_block_list(listed))

    def _copy(self, container: ContainerClient, blob: BlobClient, name: str) -> None:
        source = name.replace("copied", "whole")
        if self.known[source].content is not None:
            origin = container.get_blob_client(source)
            copied = Stored(self.known[source].content, self.known[source].metadata)
            self._answered(name, copied, lambda: blob.start_copy_from_url(origin.url))

    def _answered(self, name: str, after: Stored, act: Any) -> None:
        self.maybe = {name: after}
        act()
        self.known[name], self.maybe = after, {}
        self.answered += 1

    def check(self) -> None:
        """Every blob is what was answered; the one write without an answer happened whole or not at all."""
        with storage(self._ends) as client:
            container = client.get_container_client(CONTAINER)
            for name, known in self.known.items():
                blob = _read(container.get_blob_client(name))
                allowed = [known, *([self.maybe[name]] if name in self.maybe else [])]
                matches = [stored for stored in allowed if _comparable(stored) == blob]
                assert matches, (name, blob, allowed)
                self.known[name] = matches[0]  # With its staged blocks, which a later commit joins.
        self.maybe = {}


def _read(blob: BlobClient) -> Stored:
    try:
        _, uncommitted = blob.get_block_list("all")
        staged = len(uncommitted)
    except AzureError:  # An append blob has none, and a blob that is not there has none either.
        staged = 0
    try:
        download = blob.download_blob()
        content, metadata = download.readall(), dict(download.properties.metadata)
    except ResourceNotFoundError:
        content, metadata = None, {}
    return Stored(content, metadata, ("",) * staged)


def _comparable(stored: Stored) -> Stored:
    """What can be read back: of staged blocks, only their number."""
    return replace(stored, staged=("",) * len(stored.staged))


def _tear(cloud: LocalCloud) -> None:
    """Leave half a line in each journal, as a kill in the middle of a write does."""
    for part in (cloud.state / "azurite").glob("*.journal.*"):
        with part.open("ab") as journal:
            journal.write(b'["put","$BLOBS_COLLECTION$",{"acc')


def test_every_answered_write_is_there_after_sigkill_at_random_moments(cloud: LocalCloud) -> None:
    writers = [Writer(cloud.endpoints, number) for number in range(WRITERS)]
    moments = random.Random(20261129)
    for _ in range(KILLS):
        killed, before = threading.Event(), sum(writer.answered for writer in writers)
        with ThreadPoolExecutor(WRITERS) as pool:
            going = [pool.submit(writer.write_until, killed) for writer in writers]
            enough = before + LEAST + moments.randrange(40)
            while sum(writer.answered for writer in writers) < enough:
                assert not any(each.done() for each in going), [each.exception() for each in going if each.done()]
                threading.Event().wait(0.001)
            cloud.kill()
            killed.set()
        _tear(cloud)
        assert not any(each.exception() for each in going)
        cloud.start_services()
        for writer in writers:
            writer.check()


def test_azurite_loads_no_library_for_telemetry_or_databases() -> None:
    preloaded = Path("signalbox/emulators/storage/without_unused.js").resolve()
    script = "console.log(require('./node_modules/azurite/dist/src/blob/BlobServerFactory.js') !== undefined);"
    script += "console.log(Object.keys(require.cache).filter((n) => /applicationinsights|sequelize/.test(n)).length)"

    shown = subprocess.run(["node", "--require", preloaded, "-e", script], capture_output=True, text=True, check=True)

    assert shown.stdout.split() == ["true", "0"]
