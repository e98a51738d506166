"""The clock of this machine. It stands alone: it belongs to no vendor's service, and tests have another."""

from datetime import UTC, datetime


class SystemClock:
    """Implements `shared.ports.Clock`."""

    def now(self) -> datetime:
        return datetime.now(UTC)
