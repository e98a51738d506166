"""Inputs and outputs of what stands across the Durable boundary: the look at its drift, and its end."""

from dataclasses import dataclass

from shared.contracts.kinds import Activity, Effect, Orchestration
from shared.contracts.payloads import Done, Sweep
from shared.domain.provisioning.rules import ProvisioningRules


@dataclass(frozen=True, slots=True, kw_only=True)
class StandingRow:
    """A step of a team that is ready by *order*, with the *variables* that it was made with, as pipelines take them.

    Without an order it is what the platform looks at under the name *step*.
    """

    team: str
    step: str
    order: str
    variables: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StandingList:
    """What is looked at: empty where nothing is provisioned here."""

    rules: ProvisioningRules | None = None
    rows: tuple[StandingRow, ...] = ()
    day: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftReading:
    """What the drift run *run* of a team's step has attached."""

    key: str
    rules: ProvisioningRules
    row: StandingRow
    run: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftRead:
    lines: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftSwept:
    looked: int = 0
    drifted: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Teardown:
    """The end of what *order* has made, that two people want; *after* is when the retention is over (ISO 8601)."""

    id: str
    rules: ProvisioningRules
    team: str
    step: str
    order: str
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TeardownStep:
    key: str
    teardown: Teardown


@dataclass(frozen=True, slots=True, kw_only=True)
class TeardownStands:
    """Whether it is still wanted, or why not: somebody may have taken it back while it waited."""

    wanted: bool
    because: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TeardownClosing:
    key: str
    teardown: Teardown
    gone: bool
    because: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TeardownEnd:
    id: str
    gone: bool
    because: str = ""


DRIFT_LOOK = "provisioning-look-"  # How the sweep of a person's look is called, before its moment.
LIST_STANDINGS = Activity("list_standings", Sweep, StandingList, Effect.READS)
READ_DRIFT = Activity("read_drift", DriftReading, DriftRead, Effect.WRITES)
LOOK_AT_TEARDOWN = Activity("look_at_teardown", TeardownStep, TeardownStands, Effect.READS)
CLOSE_TEARDOWN = Activity("close_teardown", TeardownClosing, Done, Effect.WRITES)
RECONCILE_PROVISIONING = Orchestration("reconcile_provisioning", Sweep, DriftSwept)
TEAR_DOWN = Orchestration("tear_down", Teardown, TeardownEnd)
