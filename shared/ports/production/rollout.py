"""Ports of a rollout: what an endpoint's requests came to, minute by minute, and which alerts fire on it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from shared.domain.inference.routes import Workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedEndpoint:
    """An online endpoint of an environment."""

    workspace: Workspace
    endpoint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentMinute:
    """What *deployment* answered in one *minute* (whole minutes since 1970, UTC): *requests*, of which *bad* failed.

    Bad are those that are the deployment's own fault: 408, 424, 429 and 5xx. *slow* is None where nobody measured it.
    """

    deployment: str
    minute: int
    requests: int
    bad: int
    slow: int | None = None


class TrafficFigures(Protocol):
    """The counts of an endpoint's requests. A minute that is missing was not measured: it had no zero requests."""

    def minutes(
        self, served: ServedEndpoint, first: int, last: int, slow_over_ms: float | None = None, block_s: int = 60
    ) -> Iterator[DeploymentMinute]:
        """Those of the minutes *first* to *last*, in any order. Raises Transient while the service does not answer.

        With another *block_s* the numbers count blocks of so many seconds since 1970; Refused where the source has
        minutes only.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class FiringAlert:
    """An alert that is in force: its *rule*'s name, since when, and the deployment it is about, if it says.

    *id* is the alert's own name, the last part of Azure's id. *window_start* begins the data that the rule looked at.
    """

    id: str
    rule: str
    since: datetime
    deployment: str = ""
    window_start: datetime | None = None
    description: str = ""


class Alerts(Protocol):
    """The alerts that fire now."""

    def firing(self, served: ServedEndpoint) -> tuple[FiringAlert, ...]: ...
