"""The audit log: appends per second with 100 and with 1,000,000 entries, a proof's size, and verifying one day.

Blobs are in memory and the key in a file, so that it is our own work that is measured: on Azure each append adds five
conditional writes, two or three reads, and one signature in Key Vault. `python bench/audit_log.py [ENTRIES]`.
"""

import json
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from shared.adapters.audit_log.growing_tiles import GrowingTiles
from shared.adapters.audit_log.heads import TreeHeads
from shared.adapters.audit_log.layout import entry_path, key_path, subject_path
from shared.adapters.audit_log.log import BlobAudit
from shared.codec import encode
from shared.domain.promotion.audit import GENESIS, Entry, sealed
from shared.domain.trust.merkle import Frontier, leaf_hash
from shared.ports import Blob
from tests.signing import signing_in

STATE, LOG = "signalbox", "hub/signalbox"
DAY = 500  # Entries: ten promotions through three stages leave about as many.
APPENDS = 500
NOW = datetime(2026, 11, 29, tzinfo=UTC)


class Clock:
    def now(self) -> datetime:
        return NOW


class Blobs:
    """What the audit log needs of a hub, in a dictionary; *calls* counts reads and writes."""

    def __init__(self) -> None:
        self.blobs = dict[str, bytes]()
        self.calls = 0

    def create(self, container: str, path: str, data: bytes) -> bool:
        assert container == STATE
        self.calls += 1
        return self.blobs.setdefault(path, data) is data

    def read(self, container: str, path: str) -> bytes | None:
        assert container == STATE
        self.calls += 1
        return self.blobs.get(path)

    def find(self, container: str, path: str) -> Blob | None:
        self.calls += 1
        return Blob(container=container, path=path, etag="", size=0, modified=NOW) if path in self.blobs else None

    def list(self, container: str, prefix: str) -> Iterator[Blob]:
        """A page of the service is one call; ours sorts what it needs, outside of what is measured elsewhere."""
        for path in sorted(path for path in self.blobs if path.startswith(prefix)):
            yield Blob(container=container, path=path, etag="", size=0, modified=NOW)


def entry(number: int, before: str) -> Entry:
    facts = {"promotion": f"churn-{number}", "stage": "preprod", "move": "deploy", "digest": before}
    return sealed(
        Entry(
            number=number,
            before=before,
            key=f"promotions/churn-{number}/moves/deploy",
            at=NOW.isoformat(timespec="milliseconds"),
            kind="moved",
            subject=f"churn:{number}",
            who="signalbox",
            facts=facts,
        )
    )


def fill(blobs: Blobs, size: int, heads: TreeHeads) -> None:
    """A log of *size* entries. Only what is read afterwards is kept: a few entries, the newest head, the tiles."""
    frontier, tiles, before = Frontier(), GrowingTiles(), GENESIS
    for number in range(1, size + 1):
        current = entry(number, before)
        content = json.dumps(encode(current)).encode()
        if number == size:
            heads.create(heads.sign(frontier, content))
        leaf = leaf_hash(content)
        frontier, before = frontier.append(leaf), current.hash
        for path, tile in tiles.append(leaf):
            if len(tile) == 8192 or size - number < 70_000:
                blobs.blobs[path] = tile
        if number in (1, size // 2) or number > size - 2 * APPENDS:
            blobs.blobs[entry_path(number)] = content
        if number > size - 10:
            blobs.blobs[key_path(current.key)] = json.dumps(entry_path(number)).encode()
            blobs.blobs[subject_path(current.subject, number)] = b""


def measure(size: int, folder: Path) -> None:
    blobs, signing = Blobs(), signing_in(folder)
    heads = TreeHeads(blobs, STATE, signing, LOG, Clock())  # type: ignore[arg-type]
    started = time.perf_counter()
    fill(blobs, size, heads)
    print(f"\n{size:,} entries (hashed in {time.perf_counter() - started:.0f} s)")
    audit = BlobAudit(blobs, STATE, Clock(), signing, LOG)  # type: ignore[arg-type]
    first = audit.head()
    assert first is not None
    times, blobs.calls = [], 0
    for number in range(APPENDS):
        started = time.perf_counter()
        audit.append(
            f"key {size}-{number}", "moved", "churn:1", "signalbox", {"stage": "preprod", "digest": first.hash}
        )
        times.append((time.perf_counter() - started) * 1000)
    times.sort()
    print(
        f"  append: {1000 / statistics.fmean(times):,.0f} a second; median {times[len(times) // 2]:.2f} ms, "
        f"99th percentile {times[len(times) * 99 // 100]:.2f} ms, longest {times[-1]:.2f} ms; "
        f"{blobs.calls / APPENDS:.1f} calls of the store each"
    )
    for number in (1, size // 2, size + APPENDS):
        blobs.calls, started = 0, time.perf_counter()
        proof = audit.prove(number)
        duration = (time.perf_counter() - started) * 1000
        length = len(json.dumps(encode(proof), indent=2))
        print(f"  proof of entry {number:,}: {length:,} bytes, {duration:.1f} ms, {blobs.calls} calls")
    blobs.calls, started = 0, time.perf_counter()
    report = audit.verify(str(size + APPENDS - DAY) if size + APPENDS - DAY >= size else str(size))
    assert not report.problems, report.problems[:3]
    duration = time.perf_counter() - started
    print(f"  verify of one day ({DAY} entries): {duration:.2f} s, {blobs.calls:,} calls")


def main() -> None:
    sizes = [int(argument) for argument in sys.argv[1:]] or [100, 1_000_000]
    with tempfile.TemporaryDirectory() as folder:
        for size in sizes:
            measure(size, Path(folder))


if __name__ == "__main__":
    main()
