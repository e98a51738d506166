"""Each team's hub as it is configured: its account, its containers, and the experiments that may use it."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from shared.config.fields import ContainerName, Text
from shared.config.reading import FilePlace
from shared.config.sections.routes import EnvironmentSection, HubAccount
from shared.domain.configuration import ResourceGroup, StateAccount, TeamHub
from shared.domain.inference.routes import HubLayout
from shared.domain.promotion.ladder import Ladder
from shared.domain.teams.ownership import PLATFORM, Team


@dataclass(frozen=True, slots=True, kw_only=True)
class TeamHubSection:
    """A team's own storage account, where it is managed, its containers, and the environments that may use them.

    *team* is whose it is where several share the app.
    """

    account: HubAccount
    subscription: Text
    resource_group: Text
    containers: tuple[ContainerName, ...]
    environments: tuple[Text, ...]
    team: Text | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CentralAccounts:
    """The accounts that are not a team's."""

    layout: HubLayout
    state: StateAccount | None


def hubs_of(
    sections: Mapping[str, TeamHubSection],
    place: FilePlace,
    environments: Mapping[str, EnvironmentSection],
    central: CentralAccounts,
    teams: tuple[Team, ...] = (),
) -> tuple[TeamHub, ...]:
    """Every hub of the section; an account or a container that two of them name is reported."""
    accounts = {central.layout.account: "the Data Hub"}
    if central.state is not None:
        accounts[central.state.name] = "the records"
    containers = dict.fromkeys(central.layout.reserved, "Signalbox itself")
    hubs = []
    for name, section in sections.items():
        inside = place.inside(name)
        owner = accounts.setdefault(section.account, f"hub {name}")
        if owner != f"hub {name}":
            inside.fail("account", f"is {section.account!r}, the account of {owner}", "name the team's own account")
        if not section.containers:
            inside.fail("containers", "are missing", "name the containers in which the team's files arrive")
        for container in section.containers:
            owner = containers.setdefault(container, f"hub {name}")
            if owner != f"hub {name}":
                remedy = "choose a name that no other account here uses: a path says container/path and no account"
                inside.fail("containers", f"have {container!r}, a container of {owner}", remedy)
        _check_environments(section.environments, inside, environments)
        _check_team(section, inside, teams)
        hubs.append(
            TeamHub(
                name=name,
                account=section.account,
                containers=section.containers,
                environments=section.environments,
                group=ResourceGroup(subscription=section.subscription, name=section.resource_group),
                team=section.team or PLATFORM,
            )
        )
    return tuple(hubs)


def _check_environments(
    names: tuple[str, ...], place: FilePlace, environments: Mapping[str, EnvironmentSection]
) -> None:
    if not names:
        place.fail("environments", "are missing", "name those that may use it, each of which says experiment: true")
    for name in names:
        if name not in environments:
            place.fail("environments", f"have {name!r}", f"use {', '.join(environments)}")
        elif not environments[name].experiment:
            remedy = f"name experiments alone, or write environments.{name}.experiment: true if it is one"
            place.fail("environments", f"have {name!r}, which does not say that it is an experiment", remedy)


def _check_team(section: TeamHubSection, place: FilePlace, teams: tuple[Team, ...]) -> None:
    if section.team is None:
        return
    team = next((team for team in teams if team.name == section.team), None)
    if team is None:
        names = ", ".join(team.name for team in teams)
        place.fail("team", f"is {section.team!r}", f"use {names}" if names else "leave it out: `teams` has none")
    elif team.environments and (strange := set(section.environments) - set(team.environments)):
        problem = f"have {', '.join(sorted(strange))}, which team {team.name} may not use"
        place.fail("environments", problem, f"use {', '.join(team.environments)}")


def refuse_served_experiments(
    environments: Mapping[str, EnvironmentSection], ladder: Ladder, shipping: Collection[str], place: FilePlace
) -> None:
    """No environment is an experiment whose workspace, by whatever name, is where the ladder leads or is none too.

    Nor is one of *shipping*, the environments that the step productionisation makes, unless versions begin there.
    """
    for name, section in environments.items():
        if section.experiment:
            place.inside(name).fail_all("experiment", _reasons(name, environments, ladder, shipping))


def _reasons(
    name: str, environments: Mapping[str, EnvironmentSection], ladder: Ladder, shipping: Collection[str]
) -> Iterator[tuple[str, str]]:
    section = environments[name]
    twins = {other for other, twin in environments.items() if twin.identity == section.identity}
    for stage in ladder.stages:
        if stage.environment is not None and stage.environment.name in twins:
            problem = f"is true, and stage {stage.name} of the ladder places versions in the workspace of {name}"
            yield problem, "use a workspace to which no stage leads"
    # Routes alone may use production: the step says so where no stage does.
    for other in sorted(twins.intersection(shipping).difference(stage.source for stage in ladder.stages)):
        problem = f"is true, and productionisation makes {other}, from which no stage of the ladder leads"
        yield problem, "use an environment of experimentation"
    for other in sorted(twins):
        if not environments[other].experiment:
            yield f"is true, and {other} is the same workspace and says otherwise", "give each a workspace of its own"
