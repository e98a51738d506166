"""Azure DevOps' inputs and outputs across the Durable boundary. Tokens never cross it: they are sealed elsewhere."""

from dataclasses import dataclass
from enum import StrEnum

from shared.contracts.kinds import Activity, Effect, ExternalEvent, Orchestration
from shared.contracts.payloads import Done
from shared.domain.devops.orders import Order
from shared.domain.devops.tasks import PlanSeen as PlanSeen
from shared.domain.devops.tasks import TaskRef as TaskRef


class Followed(StrEnum):
    """What a task waits for: something with a record, an orchestration alone, or nothing any more."""

    RECORD = "record"
    INSTANCE = "instance"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskBeginning:
    key: str
    task: TaskRef
    order: Order


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskBegun:
    """*version* is the plan's, *id* what was started or is followed; *failed* says why nothing was."""

    version: int
    follows: Followed = Followed.NOTHING
    id: str = ""
    failed: str = ""
    because: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskReport:
    key: str
    task: TaskRef
    begun: TaskBegun


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskProgress:
    """*gone*: the pipeline does not wait any more, so nothing is said to it."""

    ended: bool = False
    succeeded: bool = False
    because: str = ""
    gone: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskCompletion:
    key: str
    task: TaskRef
    version: int
    succeeded: bool
    because: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskFollowing:
    """*looks* counts over continuations."""

    task: TaskRef
    order: Order
    begun: TaskBegun | None = None
    looks: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskEnded:
    succeeded: bool
    because: str = ""


BEGIN_TASK = Activity("begin_task", TaskBeginning, TaskBegun, Effect.WRITES)
REPORT_TASK = Activity("report_task", TaskReport, TaskProgress, Effect.WRITES)
COMPLETE_TASK = Activity("complete_task", TaskCompletion, Done, Effect.WRITES)

FOLLOW_TASK = Orchestration("follow_task", TaskFollowing, TaskEnded)

HINTED = ExternalEvent("hinted")
