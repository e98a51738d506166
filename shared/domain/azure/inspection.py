"""What an inspection of Azure sees: grants, locks, event subscriptions, what stands where. No vendor's field names."""

import math
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from fnmatch import fnmatchcase

from shared.domain.failures import Refused


class Hidden(Refused):
    """The app's identity may not look: whether it is right or wrong stays unknown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What one role assignment allows, in Azure's patterns; *data* actions are those on content."""

    actions: tuple[str, ...] = ()
    not_actions: tuple[str, ...] = ()
    data_actions: tuple[str, ...] = ()
    not_data_actions: tuple[str, ...] = ()

    def allows(self, action: str, *, data: bool = False) -> bool:
        """`*` stands for anything, slashes included, and case does not matter."""
        granted_patterns, excluded_patterns = (
            (self.data_actions, self.not_data_actions) if data else (self.actions, self.not_actions)
        )
        return _matches_any(action, granted_patterns) and not _matches_any(action, excluded_patterns)


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleGiven:
    """A role assignment: *principal* is an object id, *kind* what it is (User, Group, ServicePrincipal), and *scope*
    the ARM id where the role was given, from where everything below inherits it."""

    principal: str
    kind: str
    role: str
    scope: str
    grants: tuple[Grant, ...]

    def allows(self, action: str, *, data: bool = False) -> bool:
        return any(grant.allows(action, data=data) for grant in self.grants)


class LockLevel(StrEnum):
    READ_ONLY = "ReadOnly"
    CANNOT_DELETE = "CanNotDelete"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lock:
    """*scope* is the ARM id that is locked, with everything below it."""

    name: str
    level: LockLevel
    scope: str

    def covers(self, resource: str) -> bool:
        return f"{resource.lower().rstrip('/')}/".startswith(f"{self.scope.lower().rstrip('/')}/")


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """An event subscription. *function* is the ARM id of an Azure function, *host* that of a webhook's address."""

    name: str
    event_types: tuple[str, ...] = ()
    begins_with: str = ""
    ends_with: str = ""
    subject_prefixes: tuple[str, ...] = ()  # Of an advanced filter: the subject begins with one; empty for any.
    apis: tuple[str, ...] = ()  # The only values of data.api that it lets through; empty for all.
    function: str = ""
    host: str = ""
    dead_letter_account: str = ""
    dead_letter_container: str = ""
    state: str = "Succeeded"


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueSeen:
    """A queue or a topic's subscription of Service Bus; *life_s* is how long a message lives there."""

    name: str
    active: bool = True
    sessions: bool = False
    deliveries: int = 10
    life_s: float = math.inf
    keeps_expired: bool = False  # Expired messages become dead letters.
    sends_on: str = ""  # Where its dead letters are forwarded to.
    dead: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicSeen:
    name: str
    active: bool = True
    drops_repeats: bool = False
    subscriptions: tuple[QueueSeen, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AzureResource:
    """A resource as it stands; *storage* is the ARM id of a workspace's own account."""

    id: str
    state: str = ""
    storage: str = ""
    public: bool = True  # Reachable from the public internet.
    shared_key: bool = False  # A storage account's own keys open it, besides roles.
    immutability: str = ""  # Of a container's time-based retention policy: `Locked`, `Unlocked`, empty without one.
    facts: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class DatastoreSeen:
    account: str
    container: str


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuerSeen:
    """What a token issuer's metadata says of itself, and how many keys it publishes."""

    issuer: str
    keys: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockSeen:
    """Azure's time and ours, at one moment."""

    azure_time: datetime
    local_time: datetime

    @property
    def skew_s(self) -> float:
        return abs((self.local_time - self.azure_time).total_seconds())


def _matches_any(action: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(action.lower(), pattern.lower().replace("[", "[[]")) for pattern in patterns)
