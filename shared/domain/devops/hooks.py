"""What a service hook of Azure DevOps hints at: only ids, since the truth is read again by REST.

It stands alone since contracts carry it; `triggers.events.service_hooks` reads it.
"""

from dataclasses import dataclass
from enum import StrEnum


class HintKind(StrEnum):
    APPROVAL = "approval"
    RUN = "run"
    PULL_REQUEST = "pull_request"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hint:
    """*id* is an approval's GUID, a run's or a pull request's number; *repository* its id or name."""

    kind: HintKind
    id: str
    repository: str = ""
