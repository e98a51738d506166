"""Ports of Azure DevOps: tasks that wait for a callback, pipelines, approvals, and facts that are read again.

A *token* is a task's own; without one the app's identity is used.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from shared.domain.devops.seen import ApprovalSeen, DevOpsRun, HookSeen, PipelineOrder, PullRequest
from shared.domain.devops.tasks import PlanSeen, TaskRef
from shared.domain.devops.timelines import PipelineStage
from shared.domain.promotion.approvals import Person


class ServerTasks(Protocol):
    """Tasks and checks of pipelines that wait for us."""

    def plan(self, task: TaskRef, token: str) -> PlanSeen:
        """Refused where the organisation does not know the plan, or does not take this very token."""
        ...

    def say(self, task: TaskRef, token: str, lines: Sequence[str]) -> None:
        """Append *lines* to what a person sees of the task while it runs."""
        ...

    def keep_log(self, task: TaskRef, token: str, lines: Sequence[str]) -> None:
        """Attach *lines* as the task's log."""
        ...

    def state(self, task: TaskRef, token: str) -> str:
        """`pending`, `inProgress` or `completed`; empty where the task is not in its plan."""
        ...

    def complete(self, task: TaskRef, token: str, version: int, succeeded: bool) -> None: ...
    def stage(self, task: TaskRef, token: str, run: int) -> PipelineStage:
        """Where in *run* the task waits; nameless where the run does not show it."""
        ...


class DevOpsPipelines(Protocol):
    """Pipelines that we start; they must declare the template parameter `signalbox`."""

    def start(self, order: PipelineOrder) -> DevOpsRun:
        """The run with the order's correlation, found or created. Safe to repeat."""
        ...

    def look(self, organisation: str, project: str, pipeline: int, run: int) -> DevOpsRun: ...
    def cancel(self, organisation: str, project: str, run: int) -> None: ...


class DevOpsApprovals(Protocol):
    def find(self, organisation: str, project: str, approval: str) -> ApprovalSeen | None: ...
    def of_run(self, organisation: str, project: str, run: int) -> tuple[ApprovalSeen, ...]:
        """Every approval that the run has come to, decided or not, with its stage."""
        ...

    def address(self, organisation: str, project: str, approval: str) -> str:
        """Where `find` reads it."""
        ...

    def decide(self, organisation: str, project: str, approval: str, approved: bool, comment: str) -> None:
        """Nothing happens where it is decided already."""
        ...


class DevOpsFacts(Protocol):
    def pull_request(self, organisation: str, project: str, repository: str, number: int) -> PullRequest | None: ...
    def person(self, organisation: str, descriptor: str) -> Person | None:
        """The person of the directory behind *descriptor*; None for an app, a group or nobody."""
        ...

    def project_id(self, organisation: str, project: str) -> str:
        """By name or by id; empty where it is not there."""
        ...

    def hooks(self, organisation: str) -> tuple[HookSeen, ...]:
        """The organisation's service hooks to web addresses."""
        ...


class Secrets(Protocol):
    """Secrets that must outlive a process and never enter history: sealed at rest, dropped after use."""

    def keep(self, name: str, secret: str, until: datetime) -> None: ...
    def recall(self, name: str, now: datetime) -> str:
        """Empty where it was never kept, was dropped, or its time is over."""
        ...

    def drop(self, name: str) -> None: ...
    def drop_expired(self, now: datetime) -> None:
        """Every one whose time is over."""
        ...
