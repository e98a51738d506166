"""The log in a container on which nothing can be overwritten or deleted, also where it began among the records."""

import pytest

from shared.adapters.audit_log.containers import ContinuedLog
from shared.adapters.audit_log.log import BlobAudit
from shared.domain.failures import Refused
from tests.fakes.ports import HostClock, MemoryHub
from tests.signing import signing
from tests.unit.trust.audit_logs import ELSEWHERE, START, STATE, Log, append, long_log

AUDIT = "signalbox-audit"


class ImmutableHub(MemoryHub):
    """Its container AUDIT is under a locked policy: what is there stays as it is. Others are left as they are."""

    def replace(self, container, path, data, etag, metadata=None):
        _refuse(container, path)
        return super().replace(container, path, data, etag, metadata)

    def delete(self, container, path, etag=""):
        _refuse(container, path)
        return super().delete(container, path, etag)

    def append(self, container, path, data, *more):
        _refuse(container, path)
        return super().append(container, path, data, *more)

    def create(self, container, path, data, metadata=None):
        created = super().create(container, path, data, metadata)
        assert created or self.read(container, path) is not None
        return created


def _refuse(container: str, path: str) -> None:
    if container == AUDIT:
        raise Refused(f"{container}/{path} is immutable due to a policy")


@pytest.fixture
def hub() -> ImmutableHub:
    return ImmutableHub(lambda: START)


def process(hub: MemoryHub, container: str = AUDIT) -> BlobAudit:
    """One that has just started."""
    blobs = ContinuedLog(hub, STATE) if container == AUDIT else hub
    return BlobAudit(blobs, container, HostClock(), signing(), "hub/signalbox")


def test_a_log_grows_in_an_immutable_container(hub: ImmutableHub) -> None:
    log = process(hub)
    for number in range(300):  # More than a tile has.
        append(log, f"key {number}")
    append(process(hub), "key 7")

    report = process(hub).verify()

    assert (report.entries, report.problems) == (300, ())
    assert {container for container, _ in hub.blobs} == {AUDIT}
    assert all(count == 1 for path, count in hub.writes.items()), [p for p, n in hub.writes.items() if n > 1]


@pytest.mark.parametrize("size", [1, 2, 17, 260])
def test_a_log_that_began_among_the_records_goes_on_in_its_own_container(hub: ImmutableHub, size: int) -> None:
    former = process(hub, STATE)
    for number in range(size):
        append(former, f"key {number}")
    before = dict(hub.blobs)

    log = process(hub)
    assert append(log, "key 0").number == 1  # It is known, and not repeated.
    assert append(log, "one more").number == size + 1
    for number in range(20):
        append(log, f"later {number}")

    assert {key: blob for key, blob in hub.blobs.items() if key[0] == STATE} == before
    report = process(hub).verify()
    assert (report.entries, report.problems) == (size + 21, ())
    assert [entry.number for entry in process(hub).entries()] == list(range(1, size + 22))
    assert [entry.number for entry in process(hub).since(START)] == list(range(size + 21, 0, -1))
    numbers = [entry.number for key in ("key 0", "one more") if (entry := process(hub).find(key))]
    assert (numbers, process(hub).find("never")) == ([1, size + 1], None)
    proof = process(hub).prove(1)
    assert (proof.index, proof.size) == (0, size + 21)


def test_a_cut_of_the_former_part_is_found_after_the_move() -> None:
    log = long_log(5)
    hub = ImmutableHub(lambda: START)
    hub.blobs.update(log.hub.blobs)
    append(process(hub), "one more")
    del hub.blobs[STATE, next(path for container, path in hub.blobs if path.startswith("audit/entries/000000000002"))]

    assert any("entry 2 is missing" in problem for problem in process(hub).verify().problems)


def test_published_heads_hold_across_the_move() -> None:
    log: Log = long_log(6, published_at=2)
    continued = BlobAudit(ContinuedLog(log.hub, STATE), AUDIT, log.clock, log.keys, "hub/signalbox")
    append(continued, "one more")

    assert continued.verify().problems == ()
    assert ELSEWHERE not in {container for container, _ in log.hub.blobs}
