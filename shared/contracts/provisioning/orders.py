"""Inputs and outputs of carrying out an order across the Durable boundary, its activities and orchestrations."""

from dataclasses import dataclass

from shared.contracts.kinds import Activity, Effect, Orchestration
from shared.contracts.payloads import Done
from shared.domain.provisioning.orders import TeamOrder
from shared.domain.provisioning.plans import ChangeVerdict
from shared.domain.provisioning.rules import ProvisioningRules
from shared.domain.provisioning.set_up import Federation
from shared.domain.provisioning.states import OrderState


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvisioningOrder:
    """An *order*, by the *rules* that were configured when it was begun; *attempt* counts how often it was."""

    id: str
    order: TeamOrder
    rules: ProvisioningRules
    attempt: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderOpening:
    key: str
    execution: str
    request: ProvisioningOrder


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderOpened:
    """*objection* says why nothing is done; *already*: another execution has this attempt."""

    already: bool = False
    objection: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderTelling:
    """The order has come to *state*: *because* says more, and *facts* go into the audit log."""

    key: str
    request: ProvisioningOrder
    state: OrderState
    because: str = ""
    plan: str = ""
    change: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanReading:
    """The plan that *run* has attached."""

    key: str
    request: ProvisioningOrder
    run: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanRead:
    """*changes* counts the lines; the lines themselves are on record."""

    digest: str
    changes: int
    first: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeOpening:
    key: str
    request: ProvisioningOrder
    plan: str
    run: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeOpened:
    number: str
    correlation: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeWaiting:
    """Wait for the verdict on the change with *correlation*, until *deadline*."""

    rules: ProvisioningRules
    correlation: str
    deadline: str
    looks: int = 0
    failed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeSaid:
    verdict: ChangeVerdict
    because: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingUp:
    key: str
    request: ProvisioningOrder


@dataclass(frozen=True, slots=True, kw_only=True)
class SetUpDone:
    """*settled*: a pipeline has told Entra of these very federations before."""

    made: tuple[str, ...] = ()
    federations: tuple[Federation, ...] = ()
    digest: str = ""
    settled: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SetUpLook:
    request: ProvisioningOrder


@dataclass(frozen=True, slots=True, kw_only=True)
class SetUpDiffers:
    """*differences* are those of Azure DevOps, *findings* what the environments themselves are still lacking.

    *proven* is what the roles of each persona's group allow in them, and no more.
    """

    differences: tuple[str, ...] = ()
    findings: tuple[str, ...] = ()
    proven: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderClosing:
    """*state* is the last one; *federated* is the digest of what is settled."""

    key: str
    request: ProvisioningOrder
    state: OrderState
    federated: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderEnd:
    id: str
    state: OrderState
    because: str = ""
    plan: str = ""
    change: str = ""
    federated: str = ""


OPEN_ORDER = Activity("open_order", OrderOpening, OrderOpened, Effect.WRITES)
TELL_ORDER = Activity("tell_order", OrderTelling, Done, Effect.WRITES)
READ_PLAN = Activity("read_plan", PlanReading, PlanRead, Effect.WRITES)
OPEN_CHANGE = Activity("open_change", ChangeOpening, ChangeOpened, Effect.WRITES, patient=True)
LOOK_AT_CHANGE = Activity("look_at_change", ChangeWaiting, ChangeSaid, Effect.READS, patient=True)
SET_UP_DEVOPS = Activity("set_up_devops", SettingUp, SetUpDone, Effect.WRITES, patient=True)
LOOK_AT_SET_UP = Activity("look_at_set_up", SetUpLook, SetUpDiffers, Effect.READS, patient=True)
CLOSE_ORDER = Activity("close_order", OrderClosing, Done, Effect.WRITES)
PROVISION = Orchestration("provision", ProvisioningOrder, OrderEnd)
AWAIT_CHANGE = Orchestration("await_change", ChangeWaiting, ChangeSaid)
