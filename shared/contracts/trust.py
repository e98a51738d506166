"""What crosses the Durable boundary of trust: looks at the audit log, and the revocation of a registry's entry."""

from dataclasses import dataclass, field

from shared.contracts.kinds import Activity, Effect, Orchestration
from shared.contracts.payloads import Sweep
from shared.contracts.production.rollback import RollbackRequest
from shared.domain.newer import NEWER
from shared.domain.promotion.models import ModelVersion


@dataclass(frozen=True, slots=True, kw_only=True)
class LogLookOrder:
    """Verify the next part of the audit log: of what is new, or with *reread* of what was verified before."""

    key: str
    reread: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LogPart:
    """*problems* is what does not hold in the part; *is_done* where there is no further part to look at now."""

    is_done: bool
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LogVerified:
    """*problems* of all *parts*; *failed* says why the log could not be read, empty where it could."""

    parts: int
    problems: tuple[str, ...] = ()
    failed: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryRevocation:
    """Revoke *model*. Who has asked for it, and why, is in the statement that the door has signed."""

    id: str
    model: ModelVersion


@dataclass(frozen=True, slots=True, kw_only=True)
class RevocationOrder:
    key: str
    revocation: EntryRevocation


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchDefault:
    """*because* says that the batch endpoint of *stage* goes on with the version, unless a rollback changes it."""

    stage: str
    because: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryRevoked:
    """*rollbacks* are those that are due where the version serves; *because* says where none is possible, and why.

    *batch_defaults* follow the rollbacks of their stages, and go on with the version where these fail.
    """

    rollbacks: tuple[RollbackRequest, ...] = ()
    because: tuple[str, ...] = ()
    batch_defaults: tuple[BatchDefault, ...] = field(default=(), metadata=NEWER)


@dataclass(frozen=True, slots=True, kw_only=True)
class RevocationResult:
    """*rolled_back*: what serves again, in words; *because*: where the version still serves, and why."""

    id: str
    model: ModelVersion
    rolled_back: tuple[str, ...] = ()
    because: tuple[str, ...] = ()


LOOK_AT_LOG = Activity("look_at_log", LogLookOrder, LogPart, Effect.WRITES)

REVOKE_ENTRY = Activity("revoke_entry", RevocationOrder, EntryRevoked, Effect.WRITES)

VERIFY_LOG = Orchestration("verify_log", Sweep, LogVerified)
REREAD_LOG = Orchestration("reread_log", Sweep, LogVerified)
REVOKE = Orchestration("revoke", EntryRevocation, RevocationResult)
