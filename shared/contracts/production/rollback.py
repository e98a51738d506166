"""What crosses the Durable boundary for a rollback to a version that is known to be good, and for its rehearsal."""

from dataclasses import dataclass, field

from shared.contracts.kinds import Activity, Effect, Orchestration
from shared.contracts.payloads import Done, Sweep, Swept
from shared.contracts.promotion import Moved
from shared.domain.promotion.models import ModelVersion
from shared.domain.rollout.causes import RollbackCause


@dataclass(frozen=True, slots=True, kw_only=True)
class RollbackRequest:
    """Bring back *to* (empty: the newest known good) of the model *name* at *stage*.

    *by* and *oid* are the verified person's; of an alert, *alert* is its id. *override* lets a person go back to a
    version of which conditions are not met that can be overridden. *leaving* (`name:version`) must have traffic still,
    or nothing is brought back; empty for whatever serves.
    """

    id: str
    name: str
    stage: str
    by: str
    reason: str
    oid: str = ""
    to: str = ""
    alert: str = ""
    override: bool = False
    cause: RollbackCause = RollbackCause.PERSON
    leaving: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RollbackOpening:
    key: str
    rollback: RollbackRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class RollbackCourse:
    """What was decided once: from the version *left* to *target*, which is deployed as *deployment*.

    *target* is None where nothing can be gone back to, and *because* says why. *warm*: its deployment is there. The
    rollout *giving_way* was told to give the traffic back.
    """

    target: ModelVersion | None = None
    left: str = ""
    digest: str = ""
    environment: str = ""
    endpoint: str = ""
    deployment: str = ""
    warm: bool = False
    because: str = ""
    giving_way: str = ""
    within_s: int = 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class RollbackStep:
    """A step of the rollback on its course; the activities read what else they need from records."""

    key: str
    rollback: RollbackRequest
    course: RollbackCourse


@dataclass(frozen=True, slots=True, kw_only=True)
class RollbackClosing:
    key: str
    rollback: RollbackRequest
    course: RollbackCourse
    done: bool
    because: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RollbackResult:
    id: str
    done: bool
    to: str
    because: str


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


OPEN_ROLLBACK = Activity("open_rollback", RollbackOpening, RollbackCourse, Effect.WRITES)
DEPLOY_TARGET = Activity("deploy_target", RollbackStep, Moved, Effect.WRITES)
TRY_TARGET = Activity("try_target", RollbackStep, Moved, Effect.READS)
SHIFT_BACK = Activity("shift_back", RollbackStep, Moved, Effect.WRITES)
CLOSE_ROLLBACK = Activity("close_rollback", RollbackClosing, Done, Effect.WRITES)
SWEEP_ALERTS = Activity("sweep_alerts", Sweep, Swept, Effect.WRITES)
SWEEP_PRODUCTION = Activity("sweep_production", Sweep, Swept, Effect.WRITES)
OPEN_REHEARSAL = Activity("open_rehearsal", RehearsalOpening, RehearsalCourse, Effect.WRITES)
SWITCH_REHEARSED = Activity("switch_rehearsed", RehearsalStep, Moved, Effect.WRITES)
DEPLOY_REHEARSED = Activity("deploy_rehearsed", RehearsalStep, Moved, Effect.WRITES)
TRY_REHEARSED = Activity("try_rehearsed", RehearsalStep, Rehearsed, Effect.WRITES)
CLOSE_REHEARSAL = Activity("close_rehearsal", RehearsalClosing, Moved, Effect.WRITES)

ROLL_BACK = Orchestration("roll_back", RollbackRequest, RollbackResult)
RECONCILE_PRODUCTION = Orchestration("reconcile_production", Sweep, Swept)
REHEARSE = Orchestration("rehearse", RehearsalRequest, RehearsalResult)
