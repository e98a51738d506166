"""Records of provisioning: each order with the states that were told of it, and where each team's step stands."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from shared.domain.provisioning.orders import TeamOrder
from shared.domain.provisioning.states import OrderState
from shared.records.provisioning import paths as provisioning_paths
from shared.records.store import LATER, RecordStore

PLATFORM_TEAM = "platform"  # Whose step a look at the platform is, where steps are named.


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderTransition:
    """*attempt* counts how often the order was begun: a resumed one may pass a state again."""

    state: OrderState
    at: str
    because: str
    attempt: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRecord:
    """*plan* is the digest of the plan that counts, *change* the number of the change request about it."""

    order: TeamOrder
    digest: str
    opened: str
    attempt: int = 1
    execution: str = ""
    transitions: tuple[OrderTransition, ...] = ()
    plan: str = field(default="")
    change: str = field(default="")

    @property
    def state(self) -> OrderState | None:
        return self.transitions[-1].state if self.transitions else None


@dataclass(frozen=True, slots=True, kw_only=True)
class TeardownAsked:
    """Who asked for the end of a step, in which role, and who confirmed it; *after* is when it may happen."""

    by: str
    oid: str
    role: str
    reason: str
    at: str
    confirmed_by: str = ""
    confirmed_role: str = ""
    after: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TeamStanding:
    """*order* is at work, or was the last; *ready* is the last order that was verified, empty where none stands.

    *federated* is the digest of the federations that a pipeline has settled; *drift* are the lines of the last look.
    Of the platform only the look is kept, under its name as *step*.
    """

    team: str
    step: str
    order: str = ""
    working: bool = False
    ready: str = ""
    digest: str = ""
    federated: str = ""
    looked: str = ""
    drift: tuple[str, ...] = ()
    teardown: TeardownAsked | None = field(default=None, metadata=LATER)
    gone: str | None = field(default=None, metadata=LATER)


def find_order(store: RecordStore, name: str) -> OrderRecord | None:
    return store.get(OrderRecord, provisioning_paths.order(name))


def find_platform(store: RecordStore, look: str) -> TeamStanding | None:
    return store.get(TeamStanding, provisioning_paths.platform(look))


def find_standing(store: RecordStore, team: str, step: str) -> TeamStanding | None:
    return store.get(TeamStanding, provisioning_paths.standing(team, step))


def standings(store: RecordStore) -> Iterator[TeamStanding]:
    for entry in store.list(TeamStanding, provisioning_paths.STANDINGS):
        yield entry.record
