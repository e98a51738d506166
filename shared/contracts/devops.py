"""Azure DevOps' inputs and outputs across the Durable boundary. Tokens never cross it: they are sealed elsewhere."""

from dataclasses import dataclass, field
from enum import StrEnum

from shared.contracts.kinds import Activity, Effect, ExternalEvent, Orchestration
from shared.contracts.payloads import Done
from shared.domain.devops.hooks import Hint as Hint
from shared.domain.devops.orders import TaskOrder
from shared.domain.devops.seen import DevOpsRun as DevOpsRun
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
    order: TaskOrder


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
    """*looks* counts over continuations, *failed* those in a row that came to nothing."""

    task: TaskRef
    order: TaskOrder
    begun: TaskBegun | None = None
    looks: int = 0
    failed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskEnded:
    succeeded: bool
    because: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mirroring:
    """Keep the approvals of *promotion* and of the runs that wait for it the same."""

    key: str
    promotion: str
    looks: int = 0
    failed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Mirrored:
    """*notes* say why a decision was not taken, or could not be told."""

    ended: bool = False
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Hinting:
    key: str
    hint: Hint
    looks: int = 0
    failed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Heeded:
    did: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOfPipeline:
    """A run of a pipeline, the same one for the same *correlation*."""

    key: str
    organisation: str
    project: str
    pipeline: int
    correlation: str
    parameters: dict[str, str] = field(default_factory=dict)
    looks: int = 0
    failed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class DevOpsRunLook:
    organisation: str
    project: str
    pipeline: int
    run: int


BEGIN_TASK = Activity("begin_task", TaskBeginning, TaskBegun, Effect.WRITES, patient=True)
REPORT_TASK = Activity("report_task", TaskReport, TaskProgress, Effect.WRITES, patient=True)
COMPLETE_TASK = Activity("complete_task", TaskCompletion, Done, Effect.WRITES, patient=True)

MIRROR_APPROVALS = Activity("mirror_approvals", Mirroring, Mirrored, Effect.WRITES, patient=True)
HEED_HINT = Activity("heed_hint", Hinting, Heeded, Effect.WRITES, patient=True)
START_DEVOPS_RUN = Activity("start_devops_run", RunOfPipeline, DevOpsRun, Effect.WRITES, patient=True)
LOOK_AT_DEVOPS_RUN = Activity("look_at_devops_run", DevOpsRunLook, DevOpsRun, Effect.READS, patient=True)

FOLLOW_TASK = Orchestration("follow_task", TaskFollowing, TaskEnded)
MIRROR = Orchestration("mirror", Mirroring, Mirrored)
HEED = Orchestration("heed", Hinting, Heeded)
RUN_DEVOPS_PIPELINE = Orchestration("run_devops_pipeline", RunOfPipeline, DevOpsRun)

HINTED = ExternalEvent("hinted")
