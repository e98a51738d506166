"""What the app itself has verified of the audit log: how far, and which entries are on which subject up to there.

The log's key signs it, so that a reader may believe an index of names as far as this mark vouches for it.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field

from shared.domain.trust.envelopes import canonical_json

VERIFIED_LOG_TYPE = "application/vnd.signalbox.verified-log+json"


@dataclass(frozen=True, slots=True, kw_only=True)
class FiledEntries:
    """How many entries there are on one subject, and a digest over their numbers in order."""

    count: int = 0
    digest: str = ""

    def extended(self, numbers: Iterable[int]) -> "FiledEntries":
        count, digest = self.count, self.digest
        for number in numbers:
            count, digest = count + 1, hashlib.sha256(f"{digest}{number:012d}".encode()).hexdigest()
        return FiledEntries(count=count, digest=digest)


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedMark:
    """The log called *log* was verified up to the tree head *head*, `SIZE:ROOT`.

    *subjects* has what was filed up to there, by the folder of the subject. Older parts are read again in turns:
    *reread* entries of this round have been.
    """

    log: str
    size: int
    head: str
    at: str
    subjects: dict[str, FiledEntries] = field(default_factory=dict)
    reread: int = 0

    def payload(self) -> bytes:
        """The canonical JSON that is signed."""
        return canonical_json(asdict(self))
