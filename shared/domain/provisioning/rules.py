"""The section `provisioning` of `signalbox.yaml`: what a request of ServiceNow may become, and by which pipelines."""

from dataclasses import dataclass, field
from enum import StrEnum

# As ServiceNow has them by default: Scheduled and Implement; Closed and Canceled.
APPROVED_STATES, STOPPED_STATES = ("-2", "-1"), ("3", "4")


class ProvisioningStep(StrEnum):
    """The two steps: nobody gets the second before the first is verified."""

    EXPERIMENTATION = "experimentation"
    PRODUCTIONISATION = "productionisation"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvisioningPipelines:
    """The numbers of the pipelines of `pipelines/infra`, the only ones that read and write Azure for this."""

    plan: int
    apply: int
    settle: int
    drift: int
    teardown: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvisionedEnvironment:
    """An environment of *team* that *step* makes: *identity* is the client id of its deployment identity.

    *approvers* are ids of groups in Azure DevOps that approve what runs there.
    """

    name: str
    team: str
    step: ProvisioningStep
    subscription: str
    identity: str
    approvers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatformLook:
    """Steps of the platform that one *reader* may look at every night: the registry's subscription has its own."""

    name: str
    installation: str
    steps: tuple[str, ...]
    reader: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeRules:
    """A stage asks for a change request of its own: which group it goes to, and which states end the waiting."""

    assignment_group: str = ""
    give_up_after_s: int = 30 * 86400
    approved_states: tuple[str, ...] = APPROVED_STATES
    stopped_states: tuple[str, ...] = STOPPED_STATES


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvisioningRules:
    """*installation* is the file of parameters, with `{team}` in it; *reader* and *writer* are service connections.

    *gate* is the environment of Azure DevOps in which `apply` and `teardown` run; *settled_ref* is the branch that may
    use the connections of a team. *groups* are the directory's groups of the personas, by object id. *platform* is what
    no order has made, and the night looks at all the same.
    """

    organisation: str
    project: str
    tenant: str
    pipelines: ProvisioningPipelines
    installation: str
    reader: str
    writer: str
    gate: str
    environments: tuple[ProvisionedEnvironment, ...]
    regions: tuple[str, ...]
    settled_ref: str = "refs/heads/main"
    assignment_group: str = ""
    retention_s: int = 30 * 86400
    give_up_after_s: int = 30 * 86400
    approved_states: tuple[str, ...] = APPROVED_STATES
    stopped_states: tuple[str, ...] = STOPPED_STATES
    groups: dict[str, str] = field(default_factory=dict)
    platform: tuple[PlatformLook, ...] = ()

    def of_step(self, team: str, step: ProvisioningStep) -> tuple[ProvisionedEnvironment, ...]:
        return tuple(each for each in self.environments if (each.team, each.step) == (team, step))
