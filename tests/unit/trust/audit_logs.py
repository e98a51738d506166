"""An audit log in memory whose processes can be ended between any two writes, and whose heads are published."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from shared.adapters.audit_log.log import BlobAudit
from shared.adapters.audit_log.publishers import PublishedContainer
from shared.adapters.audit_log.verified_marks import VerifiedMarks
from shared.ports import Signing
from tests.fakes.ports import HostClock, MemoryHub
from tests.signing import signing

STATE, ELSEWHERE = "signalbox", "tree-heads"
START = datetime(2026, 11, 29, 12, tzinfo=UTC)


class Died(Exception):
    """The process ended here."""


class DyingHub(MemoryHub):
    """Ends the process before or after one of its next writes, or lets somebody else go first."""

    def __init__(self) -> None:
        super().__init__(lambda: START)
        self.dies_at, self.after = -1, False
        self.reads = 0
        self.interruption: tuple[int, Callable[[], object]] | None = None

    def create(self, container, path, data, metadata=None):
        if self.interruption is not None:
            count, act = self.interruption
            self.interruption = None if count == 0 else (count - 1, act)
            if count == 0:
                act()
        if self.dies_at == 0 and not self.after:
            self.dies_at = -1
            raise Died
        created = super().create(container, path, data, metadata)
        if self.dies_at == 0:
            self.dies_at = -1
            raise Died
        self.dies_at -= self.dies_at > 0
        return created

    def read(self, container, path):
        self.reads += 1
        return super().read(container, path)


class Log:
    """The log's container, the place where its heads are published, and processes that share both."""

    def __init__(self, keys: Signing | None = None) -> None:
        self.hub, self.elsewhere = DyingHub(), MemoryHub(lambda: START)
        self.clock, self.keys = HostClock(), keys or signing()
        self.clock.now = lambda: START + timedelta(seconds=len(self.hub.blobs))
        self.process = self.start()

    def copy(self) -> "Log":
        """Another log with the same blobs and a process that has just started."""
        log = Log(self.keys)
        log.hub.blobs.update(self.hub.blobs)
        log.elsewhere.blobs.update(self.elsewhere.blobs)
        return log

    def start(self, keys: Signing | None = None, published: bool = True) -> BlobAudit:
        """A new process, which knows nothing yet."""
        publisher = PublishedContainer(self.elsewhere, ELSEWHERE) if published else None
        signing, log = keys or self.keys, "hub/signalbox"
        marks = VerifiedMarks(self.hub, STATE, signing, log)
        return BlobAudit(self.hub, STATE, self.clock, signing, log, publisher, marks)

    def append(self, *keys: str) -> None:
        for key in keys:
            append(self.process, key)

    def publish(self) -> None:
        self.process.publish()

    def problems(self, since: str = "") -> tuple[str, ...]:
        """What a process that has just started finds."""
        return self.start().verify(since).problems

    def keys_in_order(self) -> list[str]:
        return [entry.key for entry in self.start().entries()]

    def content(self) -> dict[str, bytes]:
        return {path: bytes(data) for (container, path), (_, data) in self.hub.blobs.items() if container == STATE}

    def put(self, path: str, content: bytes) -> None:
        """Write over whatever is there, as somebody with write access does."""
        self.hub.land(f"{STATE}/{path}", content)


def append(process: BlobAudit, key: str):
    return process.append(key, "decision approved", f"model-{len(key) % 3}:1", "ada", {"promotion": key})


def long_log(size: int, published_at: int = 0) -> Log:
    """A log of *size* entries; its head is published at each size that *published_at* divides, and at the end."""
    log = Log()
    for number in range(1, size + 1):
        log.append(f"key {number}")
        if published_at and number % published_at == 0:
            log.publish()
    log.publish()
    return log
