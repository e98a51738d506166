"""Announcements that say whose they are, so that each team can subscribe to its own events alone.

It stands alone since every capability announces, and none of them knows of teams.
"""

from collections.abc import Mapping
from typing import Any

from shared.domain.configuration import Configuration
from shared.domain.teams.ownership import PLATFORM, Belonging
from shared.ports import Announcer

# Which field of an announcement names something that belongs to somebody, the most telling one first.
_NAMES = (
    ("route", Belonging.ROUTE),
    ("retrained", Belonging.MODEL),
    ("model", Belonging.MODEL),
    ("answers", Belonging.ANSWERS),
    ("dataset", Belonging.DATASET),
)


class TeamAnnouncer:
    """Implements `shared.ports.Announcer`: *announcer*, with the field `team` in what is about something of a team."""

    def __init__(self, announcer: Announcer, configuration: Configuration) -> None:
        self._announcer, self._configuration = announcer, configuration

    def announce(self, event_id: str, kind: str, subject: str, data: Mapping[str, Any]) -> None:
        team = team_of_announcement(self._configuration, data)
        self._announcer.announce(event_id, kind, subject, {**data, "team": team} if team else data)


def with_teams(announcer: Announcer, configuration: Configuration) -> Announcer:
    """*announcer*; one that says whose everything is where the configuration has teams."""
    return TeamAnnouncer(announcer, configuration) if configuration.teams else announcer


def team_of_announcement(configuration: Configuration, data: Mapping[str, Any]) -> str:
    """The team that the announcement with *data* is about; PLATFORM where it is about no team's."""
    for name, kind in _NAMES:
        value = str(data.get(name) or "").partition(":")[0]
        owner = configuration.team_of(kind, value) if value else PLATFORM
        if owner:
            return owner
    return PLATFORM
