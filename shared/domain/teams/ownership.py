"""Which team a route, a model, a stage or another name of the configuration belongs to, and how much each may use.

Records carry no team: a record names a route or a model, and the configuration says whose that is.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

PLATFORM = ""  # The owner of what the platform's own file names, and of what no file names any more.


class Belonging(StrEnum):
    """The kinds of names that belong to a team; each is unique in the whole app."""

    ROUTE = "routes"
    MODEL = "models"
    STAGE = "ladder"
    SCHEDULE = "schedules"
    STREAM = "streams"
    ANSWERS = "answers"
    DATASET = "datasets"


@dataclass(frozen=True, slots=True, kw_only=True)
class Quotas:
    """What a team may use at most; zero means that there is no such quota.

    *bytes_a_day* counts the files that runs score, and both day's quotas begin anew at midnight UTC. *training_hours*
    are hours of nodes that retraining is estimated to use in any thirty days.
    """

    runs_at_once: int = 0
    bytes_a_day: int = 0
    retrainings_a_day: int = 0
    training_hours: float = 0.0

    @property
    def limits_runs(self) -> bool:
        return bool(self.runs_at_once or self.bytes_a_day)

    @property
    def limits_trainings(self) -> bool:
        return bool(self.retrainings_a_day or self.training_hours)


@dataclass(frozen=True, slots=True, kw_only=True)
class Team:
    """*file* is the team's own, *names* what belongs to it; without *environments* it may use all of them."""

    name: str
    file: str
    environments: tuple[str, ...] = ()
    quotas: Quotas = field(default_factory=Quotas)
    names: dict[Belonging, frozenset[str]] = field(default_factory=dict)

    def owns(self, kind: Belonging, name: str) -> bool:
        return name in self.names.get(kind, frozenset())


def owner_of(teams: Iterable[Team], kind: Belonging, name: str) -> str:
    """The team that *name* belongs to; PLATFORM where no team has it."""
    return next((team.name for team in teams if team.owns(kind, name)), PLATFORM)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Whose things a caller may see, or act on: those of *teams*, or everything where it is *whole*."""

    teams: frozenset[str] = frozenset()
    whole: bool = False

    def covers(self, team: str) -> bool:
        """Whether things of *team* are inside; those of the platform are inside the whole scope alone."""
        return self.whole or team in self.teams


WHOLE = Scope(whole=True)
