"""A rehearsal on demand across the Durable boundary: a rollback that is tried, timed, and put back."""

from dataclasses import dataclass, field

from shared.contracts.kinds import Activity, Effect, Orchestration
from shared.contracts.promotion import Moved
from shared.contracts.rollback import RollbackCourse


@dataclass(frozen=True, slots=True, kw_only=True)
class RehearsalRequest:
    """Try a rollback of the model *name* at *stage*.

    Warm: all traffic goes to the version before, and back again. *cold*: *version* (empty: what a rollback would bring
    back) is recovered from the central registry and deployed without traffic. *by* is the verified person.
    """

    id: str
    name: str
    stage: str
    by: str
    reason: str
    version: str = ""
    cold: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RehearsalOpening:
    key: str
    rehearsal: RehearsalRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class RehearsalCourse:
    """What was decided once: the *way* back that is tried. Its `because` says why nothing is tried, else it is empty.

    *traffic* is what the endpoint gets back at the end, *left_digest* that of the bundle that serves.
    """

    way: RollbackCourse
    left_digest: str = ""
    traffic: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class RehearsalStep:
    key: str
    rehearsal: RehearsalRequest
    course: RehearsalCourse


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsed:
    """*seconds* from the order to the last answer; of a cold one without *deployed_s*, which its deployment took."""

    restored: bool
    because: str
    seconds: float = 0.0
    deployed_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RehearsalClosing:
    """*outcome* says what was found, or why nothing was."""

    key: str
    rehearsal: RehearsalRequest
    course: RehearsalCourse
    outcome: Rehearsed


@dataclass(frozen=True, slots=True, kw_only=True)
class RehearsalResult:
    """What was found, as the operation's status shows it; *restored* is the word for how it ended."""

    id: str
    restored: bool
    because: str
    seconds: float = 0.0
    deployed_s: float | None = None


OPEN_REHEARSAL = Activity("open_rehearsal", RehearsalOpening, RehearsalCourse, Effect.WRITES)
SWITCH_REHEARSED = Activity("switch_rehearsed", RehearsalStep, Moved, Effect.WRITES)
DEPLOY_REHEARSED = Activity("deploy_rehearsed", RehearsalStep, Moved, Effect.WRITES)
TRY_REHEARSED = Activity("try_rehearsed", RehearsalStep, Rehearsed, Effect.WRITES)
CLOSE_REHEARSAL = Activity("close_rehearsal", RehearsalClosing, Moved, Effect.WRITES)

REHEARSE = Orchestration("rehearse", RehearsalRequest, RehearsalResult)
