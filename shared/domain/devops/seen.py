"""Runs, approvals and pull requests of Azure DevOps as they were read: the truth that a hook only hints at."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from shared.domain.devops.timelines import PipelineStage

CORRELATION = "signalbox"  # The template parameter by which a run that we started is found again.


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelineOrder:
    """A run to be started once: *correlation* goes into the template parameter CORRELATION."""

    organisation: str
    project: str
    pipeline: int
    correlation: str
    parameters: Mapping[str, str] = field(default_factory=dict)
    branch: str = ""


class RunResult(StrEnum):
    UNKNOWN = "unknown"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"


@dataclass(frozen=True, slots=True, kw_only=True)
class HookSeen:
    """A service hook to a web address; *secret*: it sends a password or headers, which are never shown."""

    event: str
    url: str
    secret: bool
    enabled: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class DevOpsRun:
    """*finished*: the state is completed; only then does *result* mean anything."""

    id: int
    finished: bool = False
    result: RunResult = RunResult.UNKNOWN
    page: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalStep:
    """One step of an approval: *approver* is whom it was assigned to, *decider* the one who decided.

    A person is named by the unique name, a group as it is displayed: `[project]\\Name`, which nobody chooses freely.
    """

    approver: str
    status: str
    decider: str = ""  # A descriptor, empty while nobody has.
    comment: str = ""
    at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalSeen:
    """*run* is the run that waits, 0 where Azure DevOps does not say; *stage* is read from the run's timeline."""

    id: str
    status: str
    run: int = 0
    stage: PipelineStage = field(default_factory=PipelineStage)
    steps: tuple[ApprovalStep, ...] = ()

    @property
    def pending(self) -> bool:
        return self.status in ("pending", "uninitiated", "deferred")


@dataclass(frozen=True, slots=True, kw_only=True)
class PullRequest:
    """*merged*: completed, and the merge succeeded; *author* is a descriptor or, without one, a unique name."""

    number: int
    target: str
    merged: bool
    commit: str
    description: str
    author: str
