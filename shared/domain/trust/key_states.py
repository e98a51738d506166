"""What is known about a private key without reading it, and what is wrong with it.

It stands alone: adapters fill it, the doctor judges it, and neither needs the other.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyState:
    """*jwk* is the public half (RFC 7517). *exportable*: whether anybody who may read where it is kept has the key."""

    jwk: dict[str, str]
    enabled: bool = True
    exportable: bool = False
    not_before: datetime | None = None
    expires: datetime | None = None

    def objections(self, now: datetime) -> Iterator[str]:
        """Why nothing can be signed with the key at *now*, in sentences."""
        if not self.enabled:
            yield "it is disabled"
        if self.not_before is not None and now < self.not_before:
            yield f"it cannot be used before {self.not_before.isoformat()}"
        if self.expires is not None and now >= self.expires:
            yield f"it expired at {self.expires.isoformat()}"
