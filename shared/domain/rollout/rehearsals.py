"""A rehearsal of a rollback: away from a version and back to the one before, timed. It is evidence, and no rollback.

It stands alone because gates, known good and the plan of a rollback read it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsal:
    """All traffic went from *left* back to *restored_to*, which answered as before (*restored*) after *seconds*.

    *restored_to* is empty where nothing served before: then nothing had to answer. *deployed_s* is how long the
    deployment of *left* took, None where nobody knows. *cause* is the promotion that rehearsed, or the order.

    A cold one leaves nothing: *left* is empty, *digest* is that of *restored_to*, *deployed_s* is how long it took to
    bring it back from the registry, and *seconds* how long its answers took.
    """

    cause: str
    environment: str
    endpoint: str
    left: str
    digest: str
    restored_to: str
    restored: bool
    because: str
    seconds: float
    at: datetime
    deployed_s: float | None = None

    @property
    def is_cold(self) -> bool:
        return not self.left

    @property
    def subject(self) -> str:
        """The version, as `name:version`, whose bundle *digest* is."""
        return self.left or self.restored_to


def newest_rehearsal(rehearsals: Iterable[Rehearsal]) -> Rehearsal | None:
    """The last one, of two at one moment the one that failed; None where nothing was rehearsed."""
    return max(rehearsals, key=lambda rehearsal: (rehearsal.at, not rehearsal.restored), default=None)
