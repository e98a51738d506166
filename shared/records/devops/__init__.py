"""Records of Azure DevOps: which call has a task, what a task was told, what waits for what, and what must run on.

Tokens are no records: they are sealed elsewhere (`shared.ports.Secrets`).
"""

from dataclasses import dataclass
from typing import Any

from shared.domain.devops.orders import TaskOrder
from shared.records.devops import paths as devops_paths
from shared.records.store import RecordStore


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskClaim:
    """A call that Azure DevOps has confirmed for a waiting task, and what it asks for."""

    call: str
    order: TaskOrder


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskFeed:
    """What a task has been told: the *steps* by their names, the state it was *shown* last, and every line."""

    steps: tuple[str, ...] = ()
    shown: str = ""
    lines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskLink:
    """A task that waits in *stage* (by its id) of a pipeline's run for what it *started*."""

    organisation: str
    project: str
    run: int
    started: str = ""  # The folder says it too.
    stage: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunWaiter:
    """What waits for a run of a pipeline: hints of the run are for *started* too."""

    started: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenInstance:
    """An orchestration that stands in for Azure DevOps, and must run until it has ended by itself."""

    orchestration: str
    input: dict[str, Any]
    since: str


def task_feed(store: RecordStore, task: str) -> TaskFeed:
    """The messages that the task called *task* has received; none before the first."""
    return store.get(TaskFeed, devops_paths.told(task)) or TaskFeed()


def first_stage(store: RecordStore, promotion: str, approval: str, person: str, stage: str) -> str:
    """For which stage a decision of Azure DevOps counts: for *stage* from now on, unless it counts for another.

    The record is the stage's name alone.
    """
    path = devops_paths.taken_decision(promotion, approval, person)
    # Create, then read: whether this create won or another one did, what lies there is the answer for everybody.
    store.create_file(path, stage.encode())
    return (store.read_file(path) or b"").decode()
