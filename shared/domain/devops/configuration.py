"""The section `devops` of `signalbox.yaml`: whose pipelines may call, whose approvals count, what merges start."""

from dataclasses import dataclass, field

from shared.domain.devops.orders import TaskOrder


@dataclass(frozen=True, slots=True, kw_only=True)
class StageApprovals:
    """Who approves *stage* in Azure DevOps: *approvers* names, for a role, the approver of a waiting run's approval.

    Approvals count of the pipeline's stage called *pipeline_stage*, or else of the one where the task itself waits.
    """

    stage: str
    organisation: str
    project: str
    approvers: dict[str, str] = field(default_factory=dict)
    pipeline_stage: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MergeStart:
    """What a pull request merged into *branch* (`refs/heads/...`) of *repository* starts."""

    organisation: str
    project: str
    repository: str
    branch: str
    order: TaskOrder


@dataclass(frozen=True, slots=True, kw_only=True)
class DevOps:
    """*unknown_requesters*: promotions that people must approve may start though nobody can be kept from their own."""

    organisations: tuple[str, ...] = ()
    projects: tuple[str, ...] = ()  # Where an approval is looked for that a hook says no project of.
    approvals: tuple[StageApprovals, ...] = ()
    merges: tuple[MergeStart, ...] = ()
    unknown_requesters: bool = False

    def asks(self, stage: str) -> StageApprovals | None:
        return next((approval for approval in self.approvals if approval.stage == stage), None)
