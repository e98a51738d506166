"""The whole of `signalbox.yaml`: its sections, and the configuration that they are together."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

from shared.config.contracts import named_contract
from shared.config.fields import NAME, Text
from shared.config.reading import FilePlace, built
from shared.config.sections.access import MachineSection, PermissionsSection, RoleSection, permissions_of, roles_of
from shared.config.sections.answers import AnswersSection, answers_of, refuse_double_counts
from shared.config.sections.datasets import DatasetSection, datasets_of, judge_holdouts
from shared.config.sections.devops import DevOpsSection, devops_of
from shared.config.sections.drift import DriftSection, watches_of
from shared.config.sections.ladder import (
    Around,
    BreakGlassSection,
    PromotionSection,
    RegistrySection,
    StageSection,
    ladder_of,
    promotable_of,
    refuse_unshared_arrivals,
)
from shared.config.sections.retraining import RetrainingSection, retrainings_of
from shared.config.sections.routes import (
    VERSION,
    EnvironmentSection,
    HubSection,
    ModelContracts,
    ResourceGroupSection,
    RouteSection,
    hub_of,
    routes_of,
    state_account_of,
    workspaces_of,
)
from shared.config.sections.schedules import ScheduleSection, schedules_of, unscheduled
from shared.config.sections.streams import StreamSection, streams_of
from shared.domain.configuration import Configuration
from shared.domain.inference.routes import VersionContract
from shared.domain.promotion.ladder import Promotable, Registry


class _Identifiers:
    """The JSON Schema of names that become part of ids; the code of each section says which name is wrong."""

    def __get_pydantic_json_schema__(self, schema: Any, handler: Any) -> dict[str, Any]:
        own_schema: dict[str, Any] = handler(schema)
        return own_schema | {"propertyNames": {"pattern": f"^{NAME.pattern}$"}}


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSection:
    """A model: its owner, the data contract that its routes use unless they name another, and what is done with it.

    *contracts* names that of each version whose data differs, *output_contract* what its predictions must look like.
    """

    owner: Text | None = None
    contract: Text | None = None
    output_contract: Text | None = None
    contracts: dict[str, Text] = field(default_factory=dict)
    promotion: PromotionSection | None = None
    retraining: RetrainingSection | None = None
    drift: DriftSection | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalboxFile:
    """The sections of `signalbox.yaml`."""

    environments: dict[str, EnvironmentSection]
    hub: HubSection
    routes: Annotated[dict[str, RouteSection], _Identifiers()]
    models: dict[str, ModelSection] = field(default_factory=dict)
    streams: Annotated[dict[str, StreamSection], _Identifiers()] = field(default_factory=dict)
    schedules: Annotated[dict[str, ScheduleSection], _Identifiers()] = field(default_factory=dict)
    answers: Annotated[dict[str, AnswersSection], _Identifiers()] = field(default_factory=dict)
    datasets: Annotated[dict[str, DatasetSection], _Identifiers()] = field(default_factory=dict)
    devops: DevOpsSection = field(default_factory=DevOpsSection)
    service_bus: ResourceGroupSection = field(default_factory=ResourceGroupSection)
    registry: RegistrySection | None = None
    roles: dict[str, RoleSection] = field(default_factory=dict)
    ladder: dict[str, StageSection] = field(default_factory=dict)
    break_glass: BreakGlassSection | None = None
    permissions: PermissionsSection | None = None
    machines: dict[str, MachineSection] = field(default_factory=dict)


def configuration_of(file: SignalboxFile, place: FilePlace) -> Configuration:
    """The whole configuration; where the report of *place* has errors it is incomplete and must not be used."""
    workspaces, models = workspaces_of(file.environments), place.inside("models")
    contracts, promotable = _models(file.models, models)
    hub, roles = hub_of(file.hub, place.inside("hub")), roles_of(file.roles, place.inside("roles"))
    routes = routes_of(file.routes, place.inside("routes"), workspaces, contracts)
    registry = built(Registry, file.registry) if file.registry else None
    around = Around(workspaces=workspaces, roles=roles, registry=registry, hub=hub)
    ladder = ladder_of(file.ladder, file.break_glass, place, promotable, around)
    refuse_unshared_arrivals(place.inside("ladder"), ladder, routes)
    trained = {name: model.retraining for name, model in file.models.items() if model.retraining is not None}
    retraining = retrainings_of(trained, models, workspaces, ladder)
    schedules = schedules_of(file.schedules, place.inside("schedules"), retraining, routes, hub)
    for name in unscheduled(schedules, routes):
        remedy = "add one under `schedules`"
        place.inside(f"routes.{name}").fail("group", "is schedule, and no schedule scores it", remedy)
    watched = {name: model.drift for name, model in file.models.items() if model.drift is not None}
    watches = watches_of(watched, models, routes)
    answers = answers_of(file.answers, place.inside("answers"), workspaces, contracts)
    refuse_double_counts(answers, watches, routes, models)
    datasets = datasets_of(file.datasets, place.inside("datasets"), workspaces)
    judge_holdouts(promotable, datasets, models)
    return Configuration(
        hub=hub,
        routes=routes,
        workspaces=tuple(workspaces.values()),
        ladder=ladder,
        retraining=retraining,
        schedules=schedules,
        streams=streams_of(file.streams, place.inside("streams"), routes),
        devops=devops_of(file.devops, place.inside("devops"), ladder),
        permissions=permissions_of(file.permissions, file.machines, place, tuple(workspaces), roles),
        drift=watches,
        answers=answers,
        datasets=datasets,
        hub_group=file.hub.group(place.inside("hub")),
        state_account=state_account_of(file.hub, place.inside("hub")),
        bus_group=file.service_bus.group(place.inside("service_bus")),
    )


def _models(
    sections: Mapping[str, ModelSection], place: FilePlace
) -> tuple[dict[str, ModelContracts], tuple[Promotable, ...]]:
    """Each model's own data contracts, and the models that may climb."""
    contracts, promotable = {}, []
    for name, section in sections.items():
        model_place = place.inside(name)
        if section.promotion is not None and section.contract is None:
            model_place.fail("contract", "is missing", "name a data contract: the hold-out is checked against it")
        contract = named_contract(model_place, section.contract or "")
        output = named_contract(model_place, section.output_contract or "", "output_contract")
        versions = _version_contracts(section, model_place)
        contracts[name] = ModelContracts(contract=contract, versions=versions, output=output)
        promotable.append(promotable_of(section.promotion, name, model_place, contract, section.owner or ""))
    return contracts, tuple(model for model in promotable if model is not None)


def _version_contracts(section: ModelSection, place: FilePlace) -> tuple[VersionContract, ...]:
    inside = place.inside("contracts")
    for version in section.contracts:
        if not VERSION.fullmatch(version):
            inside.fail(version, "is no exact version", "write a version, like 3; `latest` and ranges are refused")
    return tuple(
        VersionContract(version=version, contract=named_contract(inside, path, version))
        for version, path in section.contracts.items()
    )
