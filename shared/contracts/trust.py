"""What crosses the Durable boundary of trust: looks at the audit log."""

from dataclasses import dataclass

from shared.contracts.kinds import Activity, Effect, Orchestration
from shared.contracts.payloads import Sweep


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


LOOK_AT_LOG = Activity("look_at_log", LogLookOrder, LogPart, Effect.WRITES)

VERIFY_LOG = Orchestration("verify_log", Sweep, LogVerified)
REREAD_LOG = Orchestration("reread_log", Sweep, LogVerified)
