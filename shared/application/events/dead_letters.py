"""Keep what cannot be taken in, with the reason; `triggers.http.letters.dead_letters` shows and replays it.

It stands alone since events, messages of every queue and decisions are all kept here.
"""

import json
from typing import Any, Protocol

from shared.domain import identity
from shared.domain.configuration import Configuration
from shared.ports import Clock, DataHub


class LetterClients(Protocol):
    """Where letters are kept, and the time at which they are."""

    @property
    def configuration(self) -> Configuration: ...
    @property
    def hub(self) -> DataHub: ...
    @property
    def clock(self) -> Clock: ...


def store_letter(clients: LetterClients, raw: Any, reason: str) -> str:
    """Store *raw* and why it was not taken in; returns where. What was stored today is not stored again."""
    now = clients.clock.now()
    stored_at = now.isoformat(timespec="milliseconds")
    content = json.dumps({"reason": reason, "stored": stored_at, "event": raw}, default=str, indent=2)
    # Named by content within a day: Event Grid delivers the same poison again for as long as a day (its default time to
    # live), and each delivery would be a letter of its own.
    digest = identity.digest(json.dumps(raw, default=str, sort_keys=True))
    container, path = clients.configuration.hub.dead_letters, f"events/{now.date().isoformat()}/{digest}.json"
    clients.hub.create(container, path, content.encode())
    return f"{container}/{path}"
