"""The whole of `signalbox.yaml`: its sections, and the configuration that they are together."""

from dataclasses import dataclass, field
from typing import Annotated, Any

from shared.config.fields import NAME
from shared.config.hubs.section import CentralAccounts, TeamHubSection, hubs_of, refuse_served_experiments
from shared.config.reading import FilePlace, built
from shared.config.sections.access import MachineSection, PermissionsSection, RoleSection, permissions_of, roles_of
from shared.config.sections.answers import AnswersSection, answers_of, refuse_double_counts
from shared.config.sections.datasets import (
    DatasetSection,
    SourcesSection,
    datasets_of,
    judge_holdouts,
    refuse_published_names,
    sources_of,
)
from shared.config.sections.devops import DevOpsSection, devops_of
from shared.config.sections.drift import watches_of
from shared.config.sections.ladder import (
    Around,
    BreakGlassSection,
    RegistrySection,
    StageSection,
    TeamStage,
    ladder_of,
    refuse_unshared_arrivals,
)
from shared.config.sections.models import ModelSection, models_of
from shared.config.sections.notices import KnownNames, NoticesSection, notices_of
from shared.config.sections.provisioning import ProvisioningSection, provisioning_of
from shared.config.sections.routes import (
    EnvironmentSection,
    HubSection,
    ResourceGroupSection,
    RouteSection,
    hub_of,
    routes_of,
    state_account_of,
    workspaces_of,
)
from shared.config.sections.schedules import ScheduleSection, schedules_of, unscheduled
from shared.config.sections.streams import StreamSection, streams_of
from shared.config.sections.training.retraining import retrainings_of
from shared.config.teams.files import TeamFile
from shared.config.teams.sections import TeamMembers, TeamSection, members_of, teams_of, with_members
from shared.domain.configuration import Configuration, TeamHub
from shared.domain.inference.routes import Route
from shared.domain.promotion.approvals import WITNESS
from shared.domain.promotion.ladder import Ladder, Registry
from shared.domain.provisioning.rules import ProvisioningStep
from shared.domain.schedules.due_times import Schedule
from shared.domain.teams.ownership import Team


class _Identifiers:
    """The JSON Schema of names that become part of ids; the code of each section says which name is wrong."""

    def __get_pydantic_json_schema__(self, schema: Any, handler: Any) -> dict[str, Any]:
        own_schema: dict[str, Any] = handler(schema)
        return own_schema | {"propertyNames": {"pattern": f"^{NAME.pattern}$"}}


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalboxFile:
    """The sections of `signalbox.yaml`."""

    environments: dict[str, EnvironmentSection]
    hub: HubSection
    routes: Annotated[dict[str, RouteSection], _Identifiers()]
    hubs: Annotated[dict[str, TeamHubSection], _Identifiers()] = field(default_factory=dict)
    models: dict[str, ModelSection] = field(default_factory=dict)
    streams: Annotated[dict[str, StreamSection], _Identifiers()] = field(default_factory=dict)
    schedules: Annotated[dict[str, ScheduleSection], _Identifiers()] = field(default_factory=dict)
    answers: Annotated[dict[str, AnswersSection], _Identifiers()] = field(default_factory=dict)
    datasets: Annotated[dict[str, DatasetSection], _Identifiers()] = field(default_factory=dict)
    sources: SourcesSection = field(default_factory=SourcesSection)
    devops: DevOpsSection = field(default_factory=DevOpsSection)
    service_bus: ResourceGroupSection = field(default_factory=ResourceGroupSection)
    notices: NoticesSection = field(default_factory=NoticesSection)
    registry: RegistrySection | None = None
    roles: dict[str, RoleSection] = field(default_factory=dict)
    ladder: dict[str, StageSection] = field(default_factory=dict)
    break_glass: BreakGlassSection | None = None
    permissions: PermissionsSection | None = None
    machines: dict[str, MachineSection] = field(default_factory=dict)
    teams: Annotated[dict[str, TeamSection], _Identifiers()] = field(default_factory=dict)
    team_ladder: dict[str, StageSection] = field(default_factory=dict)
    provisioning: ProvisioningSection | None = None


def configuration_of(file: SignalboxFile, place: FilePlace, team_files: tuple[TeamFile, ...] = ()) -> Configuration:
    """The whole configuration; where the report of *place* has errors it is incomplete and must not be used.

    The sections of *team_files* are in *file* already, but for those that say who the members of a team are.
    """
    workspaces, models = workspaces_of(file.environments), place.inside("models")
    contracts, promotable = models_of(file.models, models)
    members = tuple(members_of(team_file, place, tuple(workspaces)) for team_file in team_files)
    hub, roles = hub_of(file.hub, place.inside("hub")), roles_of(file.roles, place.inside("roles"))
    permissions = permissions_of(file.permissions, file.machines, place, tuple(workspaces), roles)
    routes = routes_of(file.routes, place.inside("routes"), workspaces, contracts)
    registry, team_stages = built(Registry, file.registry) if file.registry else None, _team_stages(team_files, members)
    around = Around(workspaces=workspaces, roles=roles, registry=registry, hub=hub, team_stages=team_stages)
    ladder = ladder_of(file.ladder, file.break_glass, place, promotable, around)
    refuse_unshared_arrivals(place.inside("ladder"), ladder, routes)
    trained = {name: model.retraining for name, model in file.models.items() if model.retraining is not None}
    retraining = retrainings_of(trained, models, workspaces, ladder)
    schedules = schedules_of(file.schedules, place.inside("schedules"), retraining, routes, hub)
    _refuse_unscheduled(place, schedules, routes)
    watched = {name: model.drift for name, model in file.models.items() if model.drift is not None}
    watches = watches_of(watched, models, routes)
    answers = answers_of(file.answers, place.inside("answers"), workspaces, contracts)
    refuse_double_counts(answers, watches, routes, models)
    datasets = datasets_of(file.datasets, place.inside("datasets"), workspaces)
    refuse_published_names(routes, datasets, place.inside("routes"))
    teams = teams_of(file.teams, team_files, place.inside("teams"), workspaces)
    judge_holdouts(promotable, datasets, models, teams)
    central = CentralAccounts(layout=hub, state=state_account_of(file.hub, place.inside("hub")))
    return Configuration(
        hub=hub,
        routes=routes,
        workspaces=tuple(workspaces.values()),
        ladder=ladder,
        retraining=retraining,
        schedules=schedules,
        streams=streams_of(file.streams, place.inside("streams"), routes),
        devops=devops_of(file.devops, place.inside("devops"), ladder),
        permissions=with_members(permissions, members),
        drift=watches,
        answers=answers,
        datasets=datasets,
        sources=sources_of(file.sources, place.inside("sources")),
        hub_group=file.hub.group(place.inside("hub")),
        state_account=central.state,
        hubs=_hubs(file, place, central, ladder, teams),
        bus_group=file.service_bus.group(place.inside("service_bus")),
        teams=teams,
        provisioning=provisioning_of(file.provisioning, place, workspaces, file.devops.organisations, permissions),
        notices=notices_of(file.notices, place.inside("notices"), _names_of(file), _owners_of(file)),
    )


def _hubs(
    file: SignalboxFile, place: FilePlace, central: CentralAccounts, ladder: Ladder, teams: tuple[Team, ...]
) -> tuple[TeamHub, ...]:
    """The teams' own accounts, and that only experiments are called so: nothing else keeps them from production."""
    made = file.provisioning.environments if file.provisioning else {}
    shipping = [name for name, row in made.items() if row.step is ProvisioningStep.PRODUCTIONISATION]
    refuse_served_experiments(file.environments, ladder, shipping, place.inside("environments"))
    return hubs_of(file.hubs, place.inside("hubs"), file.environments, central, teams)


def _refuse_unscheduled(place: FilePlace, schedules: tuple[Schedule, ...], routes: tuple[Route, ...]) -> None:
    for name in unscheduled(schedules, routes):
        place.fail(f"routes.{name}.group", "is schedule, and no schedule scores it", "add one under `schedules`")


def _names_of(file: SignalboxFile) -> KnownNames:
    """What those who are told things may name; a witness is no role of its own, and is asked like one."""
    subjects = (*file.models, *file.routes, *file.answers, *file.datasets)
    return KnownNames(roles=(*file.roles, WITNESS), subjects=subjects, teams=tuple(file.teams))


def _owners_of(file: SignalboxFile) -> dict[str, str]:
    return {name: model.owner for name, model in file.models.items() if model.owner}


def _team_stages(team_files: tuple[TeamFile, ...], members: tuple[TeamMembers, ...]) -> tuple[TeamStage, ...]:
    """The stages that teams have made of the platform's, each with the roles of its team."""
    return tuple(
        TeamStage(name=name, pattern=pattern, roles=own.roles)
        for team_file, own in zip(team_files, members, strict=True)
        for pattern, name in team_file.stages.items()
    )
