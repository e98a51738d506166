"""Do an effect once: its key in the ledger says that, and with what result, it was done; an alarm by its log entry."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from shared.clients import Clients
from shared.codec import decode, encode

T = TypeVar("T")


def once(clients: Clients, key: str, kind: type[T], act: Callable[[], T]) -> T:
    """The recorded result of *key*, or that of *act*, recorded now.

    Between an effect and its record a host may die: *act* must find its own earlier effect and give the same result.
    """
    done = clients.ledger.find(key)
    if done is None:
        # The act comes first. The other order would lose an effect whenever a host dies between the record and the act.
        done = clients.ledger.record(key, encode(act()))
    return decode(kind, done)


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """An entry of the audit log of the *kind*, on *subject*, which is announced as *event* on *about*."""

    key: str
    kind: str
    subject: str
    event: str
    about: str
    facts: Mapping[str, str]


def raise_alarm(clients: Clients, alarm: Alarm) -> None:
    """Announce *alarm* and write it to the audit log, once for each key.

    The log says whether it was raised, and not the ledger: anybody who may write the ledger could keep it quiet. It
    is announced first, under an id of its own, so that a crash between the two announces it again.
    """
    if clients.audit.find(alarm.key) is None:
        data = {"model": alarm.subject, **alarm.facts}
        clients.announcer.announce(alarm.key, alarm.event, alarm.about, data)
        clients.audit.append(alarm.key, alarm.kind, alarm.subject, "signalbox", alarm.facts)


def stamp(clients: Clients) -> str:
    """The time now, as records carry it (ISO 8601, UTC)."""
    return clients.clock.now().isoformat(timespec="milliseconds")
