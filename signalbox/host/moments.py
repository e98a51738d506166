"""Times as text. Everything stored or sent is UTC with microseconds and a Z, so that text order is time order.

It stands alone: every part of the host imports it, and it imports nothing.
"""

from __future__ import annotations

from datetime import UTC, datetime


def to_text(moment: datetime) -> str:
    """*moment* as `2026-01-31T12:00:00.000000Z`."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def from_text(text: str) -> datetime:
    """The moment in an ISO 8601 *text*; a time without a zone is UTC. Raises ValueError."""
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
