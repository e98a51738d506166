"""What served an endpoint, when, and because of whom: exact intervals, derived from the changes of its traffic."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum


class ChangeKind(StrEnum):
    """What changed the traffic."""

    SHIFT = "shift"  # A promotion gave a version more of it, or all.
    UNDO = "undo"  # A promotion was put back.
    ROLLBACK = "rollback"
    FOREIGN = "foreign"  # Somebody else; it was noticed later.
    REHEARSAL = "rehearsal"  # A rollback was tried before the traffic was switched for good.


# Of changes at one moment.
_ORDER = (ChangeKind.REHEARSAL, ChangeKind.SHIFT, ChangeKind.FOREIGN, ChangeKind.UNDO, ChangeKind.ROLLBACK)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrafficChange:
    """From *at* on *traffic* was the share of each deployment in percent; *versions* are the models they serve.

    *cause* is the promotion or the rollback that changed it, *by* who asked for it, *because* why.
    """

    kind: ChangeKind
    environment: str
    endpoint: str
    at: datetime
    traffic: dict[str, int]
    versions: dict[str, str] = field(default_factory=dict)
    cause: str = ""
    by: str = ""
    because: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedInterval:
    """*model* (deployment *deployment*) had *share* percent from *since* until *until*, None where it still has.

    *began* and *ended* say what changed the traffic then; *by* and *because* are of the change that began it.
    """

    deployment: str
    model: str
    share: int
    since: datetime
    until: datetime | None
    began: ChangeKind
    ended: ChangeKind | None
    by: str
    because: str

    def seconds(self, now: datetime) -> float:
        """How long it lasted until *now*."""
        return ((self.until or now) - self.since).total_seconds()


def intervals(changes: Iterable[TrafficChange]) -> tuple[ServedInterval, ...]:
    """The intervals of one endpoint: those that ended in their order, then what serves. A share that stays is one."""
    finished, running = list[ServedInterval](), dict[str, ServedInterval]()
    for change in sorted(changes, key=lambda change: (change.at, _ORDER.index(change.kind))):
        traffic = {deployment: share for deployment, share in change.traffic.items() if share}
        for deployment in [name for name, interval in running.items() if traffic.get(name) != interval.share]:
            finished.append(replace(running.pop(deployment), until=change.at, ended=change.kind))
        for deployment, share in traffic.items():
            if deployment not in running:
                running[deployment] = _begun(deployment, share, change)
    by_time = sorted(finished, key=lambda interval: (interval.since, interval.until, interval.deployment))
    return (*by_time, *sorted(running.values(), key=lambda interval: (interval.since, interval.deployment)))


def serving_at(served: Iterable[ServedInterval], moment: datetime) -> Iterator[ServedInterval]:
    """The intervals that cover *moment*."""
    return (
        interval
        for interval in served
        if interval.since <= moment and (interval.until is None or moment < interval.until)
    )


def _begun(deployment: str, share: int, change: TrafficChange) -> ServedInterval:
    return ServedInterval(
        deployment=deployment,
        model=change.versions.get(deployment, ""),
        share=share,
        since=change.at,
        until=None,
        began=change.kind,
        ended=None,
        by=change.by,
        because=change.because,
    )
