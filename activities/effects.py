"""Do an effect once: its key in the ledger says that, and with what result, it was done."""

from collections.abc import Callable
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


def stamp(clients: Clients) -> str:
    """The time now, as records carry it (ISO 8601, UTC)."""
    return clients.clock.now().isoformat(timespec="milliseconds")
