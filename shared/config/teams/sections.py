"""The section `teams` and what is in a team's file alone: its quotas, its environments, and who its members are."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Annotated

from shared.config.fields import NAME, Amount, Texts, Words
from shared.config.reading import FilePlace, Report, built, read_file
from shared.config.sections.access import (
    MachineSection,
    PermissionsSection,
    RoleSection,
    permissions_of,
    roles_of,
)
from shared.config.sections.answers import AnswersSection
from shared.config.sections.datasets import DatasetSection
from shared.config.sections.ladder import Gates, ServingSection
from shared.config.sections.models import ModelSection
from shared.config.sections.routes import RouteSection
from shared.config.sections.schedules import ScheduleSection
from shared.config.sections.streams import StreamSection
from shared.config.sections.training.stage import StageTrainingSection
from shared.config.teams.files import ACCESS, SplitDocument, TeamFile
from shared.domain.access.permissions import Permissions
from shared.domain.promotion.approvals import Role
from shared.domain.teams.ownership import Quotas, Team
from shared.validation.rules import Whole

_FILE = r"[A-Za-z0-9_./-]+\.ya?ml"


@dataclass(frozen=True, slots=True, kw_only=True)
class QuotasSection:
    """What a team may use at most. What is beyond a quota waits."""

    runs_at_once: Annotated[int, Whole(least=1, most=10_000)] | None = None
    bytes_a_day: Annotated[int, Whole(least=1, most=10**18)] | None = None
    retrainings_a_day: Annotated[int, Whole(least=1, most=10_000)] | None = None
    training_hours: Amount | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TeamSection:
    """A team: its own file, the environments that it may use, and its quotas."""

    file: Annotated[str, Words(pattern=_FILE, expected="the path of a YAML file: letters, digits, `_`, `-`, `.`, `/`")]
    environments: Texts | None = None
    quotas: QuotasSection = field(default_factory=QuotasSection)


@dataclass(frozen=True, slots=True, kw_only=True)
class TeamStageSection:
    """What a team adds to a stage of the platform: its endpoints, its pipelines, and more gates."""

    serve: ServingSection = field(default_factory=ServingSection)
    train: dict[str, StageTrainingSection] | None = None
    entry: Gates = field(default_factory=dict)
    exit: Gates = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class TeamFileSection:
    """The sections of a team's file."""

    models: dict[str, ModelSection] = field(default_factory=dict)
    routes: dict[str, RouteSection] = field(default_factory=dict)
    streams: dict[str, StreamSection] = field(default_factory=dict)
    schedules: dict[str, ScheduleSection] = field(default_factory=dict)
    answers: dict[str, AnswersSection] = field(default_factory=dict)
    datasets: dict[str, DatasetSection] = field(default_factory=dict)
    ladder: dict[str, TeamStageSection] = field(default_factory=dict)
    roles: dict[str, RoleSection] = field(default_factory=dict)
    permissions: PermissionsSection | None = None
    machines: dict[str, MachineSection] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class _AccessSections:
    """Of a team's file what is not part of the whole: two teams may call their roles alike."""

    roles: dict[str, RoleSection] = field(default_factory=dict)
    permissions: PermissionsSection | None = None
    machines: dict[str, MachineSection] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class TeamMembers:
    """Who the members of *team* are, and what they may do with what is the team's."""

    team: str
    roles: Mapping[str, Role] = field(default_factory=dict)
    permissions: Permissions = field(default_factory=lambda: Permissions(personas=()))


def members_of(team: TeamFile, place: FilePlace, environments: tuple[str, ...]) -> TeamMembers:
    """The roles, permissions and machines of the file; what is wrong with them is reported at their place in it."""
    document = team.source.document
    content = {name: document.content[name] for name in ACCESS if name in document.content}
    alone = SplitDocument(content=content, lines=document.lines, columns=document.columns, sources={"": team.source})
    own = Report(document=alone, home=place.report.home, findings=place.report.findings)
    section, inside = read_file(_AccessSections, own), FilePlace(own)
    if section is None:
        return TeamMembers(team=team.name)
    roles = roles_of(section.roles, inside.inside("roles"))
    permissions = permissions_of(section.permissions, section.machines, inside, environments, roles, team.name)
    return TeamMembers(team=team.name, roles=roles, permissions=permissions)


def teams_of(
    sections: Mapping[str, TeamSection], files: Iterable[TeamFile], place: FilePlace, environments: Iterable[str]
) -> tuple[Team, ...]:
    """Each team with what its file names."""
    names_at_hand, files_by_team = list(environments), {file.name: file for file in files}
    teams = []
    for name, section in sections.items():
        inside, file = place.inside(name), files_by_team.get(name)
        if not NAME.fullmatch(name):
            inside.fail("", "is not a team's name", "use up to 63 lower-case letters, digits and dashes")
        for environment in section.environments or ():
            if environment not in names_at_hand:
                inside.fail("environments", f"names {environment!r}", f"use {', '.join(names_at_hand) or 'none'}")
        names = {} if file is None else {kind: frozenset(names) for kind, names in file.names.items()}
        quotas = built(Quotas, section.quotas)
        teams.append(built(Team, section, name=name, quotas=quotas, names=names))
    return tuple(teams)


def with_members(permissions: Permissions, members: Iterable[TeamMembers]) -> Permissions:
    """*permissions* of the platform, and those of the *members* of each team."""
    all_permissions = [permissions, *(own.permissions for own in members)]
    return Permissions(
        personas=tuple(persona for own in all_permissions for persona in own.personas),
        machines=tuple(machine for own in all_permissions for machine in own.machines),
    )
