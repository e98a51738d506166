"""What keeps teams apart: no team names what is another's, and no two owners share an endpoint or a place in the hub.

It is proved at load, from the names and the patterns of all files together; a finding names both places.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from shared.config.document import Document
from shared.config.findings import FileFinding
from shared.config.guard import published_pattern, written_pattern
from shared.config.teams.files import SplitConfiguration, SplitDocument
from shared.domain.configuration import Configuration
from shared.domain.datasets.references import read_reference
from shared.domain.inference.routes import Grouping
from shared.domain.paths.intersection import witness
from shared.domain.paths.patterns import fixed_prefix
from shared.domain.promotion.ladder import Stage
from shared.domain.schedules.due_times import Target
from shared.domain.teams.ownership import PLATFORM, Belonging, Team

_OWN_NAMES = "name what is in the same file: no team uses what belongs to another"


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """*field*, in a section of *owner*, names *value*."""

    owner: str
    field: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointUse(Use):
    """The endpoint *value* of *environment*, or its data asset of that name."""

    environment: str


def with_owners(
    configuration: Configuration, has_permissions: bool, split: SplitConfiguration, platform: str
) -> tuple[Configuration, list[FileFinding]]:
    """*configuration* whose teams own the models that their routes score, and what keeps the teams from being apart.

    *platform* is the name of the platform's own file.
    """
    uses = tuple(_model_uses(configuration))
    configuration = replace(
        configuration, teams=tuple(_with_scored(team, configuration, uses) for team in configuration.teams)
    )
    guard = _Guard(configuration, split.document, platform)
    findings = [*guard.environments(), *guard.names(uses), *guard.endpoints(), *guard.areas()]
    findings += [*guard.hours(), *guard.assets()]
    if not has_permissions:
        problem = "is missing, and the default personas would see what belongs to every team"
        remedy = "say which roles of the platform may do what with the things of all teams"
        findings.append(split.document.finding("permissions", problem, remedy))
    return configuration, findings


def _with_scored(team: Team, configuration: Configuration, uses: tuple[Use, ...]) -> Team:
    """*team* with the models that it uses and that no file describes."""
    described = {name for own in configuration.teams for name in own.names.get(Belonging.MODEL, ())}
    described |= {model.name for model in configuration.ladder.models}
    described |= {rules.model for rules in configuration.retraining} | {watch.model for watch in configuration.drift}
    used = {use.value for use in uses if use.owner == team.name} - described
    models = team.names.get(Belonging.MODEL, frozenset())
    return replace(team, names={**team.names, Belonging.MODEL: models | used})


def _model_uses(configuration: Configuration) -> Iterator[Use]:
    for route in configuration.routes:
        owner = configuration.team_of(Belonging.ROUTE, route.name)
        yield Use(owner=owner, field=f"routes.{route.name}.score.model", value=route.score.model)
    for rule in configuration.answers:
        owner = configuration.team_of(Belonging.ANSWERS, rule.name)
        yield Use(owner=owner, field=f"answers.{rule.name}.model", value=rule.model)
    for stage in configuration.ladder.stages:
        owner = configuration.team_of(Belonging.STAGE, stage.name)
        for training in stage.training:
            yield Use(owner=owner, field=f"ladder.{stage.name}.train.{training.model}", value=training.model)
    for schedule in configuration.schedules:
        if schedule.target is Target.RETRAIN:
            owner = configuration.team_of(Belonging.SCHEDULE, schedule.name)
            yield Use(owner=owner, field=f"schedules.{schedule.name}.retrain", value=schedule.of)


class _Guard:
    def __init__(self, configuration: Configuration, document: Document, platform: str) -> None:
        self._configuration, self._document, self._platform = configuration, document, platform

    def environments(self) -> Iterator[FileFinding]:
        """Uses of an environment that the platform did not give to the team."""
        allowed = {team.name: team.environments for team in self._configuration.teams if team.environments}
        for use in self._environment_uses():
            if use.value and use.value not in allowed.get(use.owner, (use.value,)):
                remedy = f"use {', '.join(allowed[use.owner])}, or ask for it in teams.{use.owner}.environments"
                yield self._document.finding(use.field, f"is {use.value!r}", remedy)

    def _environment_uses(self) -> Iterator[Use]:
        for endpoint_use in self._endpoint_uses():
            section = endpoint_use.field.rpartition(".")[0]
            name = section if section.endswith(".serve") else f"{section}.environment"
            yield Use(owner=endpoint_use.owner, field=name, value=endpoint_use.environment)
        for rules in self._configuration.retraining:
            owner = self._configuration.team_of(Belonging.MODEL, rules.model)
            name = f"models.{rules.model}.retraining.pipeline.environment"
            yield Use(owner=owner, field=name, value=rules.pipeline.workspace.name)
        for dataset in self._configuration.datasets:
            owner = self._configuration.team_of(Belonging.DATASET, dataset.name)
            for workspace in dataset.workspaces:
                yield Use(owner=owner, field=f"datasets.{dataset.name}.environments", value=workspace.name)

    def hours(self) -> Iterator[FileFinding]:
        """Models whose trainings a quota of hours could not count."""
        limited = {team.name for team in self._configuration.teams if team.quotas.training_hours}
        for rules in self._configuration.retraining:
            owner = self._configuration.team_of(Belonging.MODEL, rules.model)
            if owner in limited and not rules.rates.hours:
                problem = f"says no hours, and quota teams.{owner}.quotas.training_hours counts them"
                name = f"models.{rules.model}.retraining.cost"
                yield self._document.finding(name, problem, "say how long a run is expected to use its nodes")

    def names(self, model_uses: tuple[Use, ...]) -> Iterator[FileFinding]:
        """Models, routes and stages that a section names and that belong to another owner."""
        yield from self._foreign(Belonging.MODEL, model_uses)
        yield from self._foreign(Belonging.ROUTE, self._route_uses())
        yield from self._foreign(Belonging.STAGE, self._stage_uses())
        yield from self._foreign(Belonging.DATASET, self._dataset_uses())

    def _foreign(self, kind: Belonging, uses: tuple[Use, ...] | Iterator[Use]) -> Iterator[FileFinding]:
        own_uses: dict[str, str] = {}
        for use in uses:
            owner = self._configuration.team_of(kind, use.value)
            if use.owner == owner:
                own_uses.setdefault(use.value, use.field)
            elif use.value:
                section = f"{kind.value}.{use.value}"
                place = section if self._has(section) else own_uses.get(use.value, section)
                problem = f"is {use.value!r}, which belongs to {_of(owner)} ({self._address(place)})"
                yield self._document.finding(use.field, problem, _OWN_NAMES)

    def _route_uses(self) -> Iterator[Use]:
        for schedule in self._configuration.schedules:
            if schedule.target is Target.SCORE:
                owner = self._configuration.team_of(Belonging.SCHEDULE, schedule.name)
                yield Use(owner=owner, field=f"schedules.{schedule.name}.score", value=schedule.of)
        for stream in self._configuration.streams:
            owner = self._configuration.team_of(Belonging.STREAM, stream.name)
            yield Use(owner=owner, field=f"streams.{stream.name}.route", value=stream.route)
        for watch in self._configuration.drift:
            owner = self._configuration.team_of(Belonging.MODEL, watch.model)
            for route in watch.routes:
                yield Use(owner=owner, field=f"models.{watch.model}.drift.routes", value=route)

    def _stage_uses(self) -> Iterator[Use]:
        for rules in self._configuration.retraining:
            owner = self._configuration.team_of(Belonging.MODEL, rules.model)
            for name, stage in (("promote_to", rules.promote_to), ("candidate", rules.candidate)):
                if stage:
                    yield Use(owner=owner, field=f"models.{rules.model}.retraining.{name}", value=stage)

    def _dataset_uses(self) -> Iterator[Use]:
        """The data sets that hold-outs are versions of. Those of the platform are for every team."""
        for use in self._holdouts():
            reference = read_reference(use.value)
            if reference is not None and self._configuration.team_of(Belonging.DATASET, reference.name) != PLATFORM:
                yield replace(use, value=reference.name)

    def _holdouts(self) -> Iterator[Use]:
        for model in self._configuration.ladder.models:
            owner = self._configuration.team_of(Belonging.MODEL, model.name)
            section = f"models.{model.name}.promotion.holdout"
            for name, path in (("path", model.holdout.path), ("answers", model.holdout.answers)):
                if path:
                    yield Use(owner=owner, field=f"{section}.{name}", value=path)

    def endpoints(self) -> Iterator[FileFinding]:
        """Endpoints that two owners name: each would score, or replace, what the other deployed."""
        first_uses: dict[tuple[str, str], EndpointUse] = {}
        for use in self._endpoint_uses():
            first = first_uses.setdefault((use.environment, use.value), use)
            if first.owner != use.owner:
                problem = f"is {use.value!r}, an endpoint of {_of(first.owner)} ({self._address(first.field)})"
                yield self._document.finding(use.field, problem, "give each team endpoints of its own")

    def assets(self) -> Iterator[FileFinding]:
        """Data assets that two owners make versions of: a reader of the newest would get another team's files."""
        first_uses: dict[tuple[str, str], EndpointUse] = {}
        for use in self._asset_uses():
            first = first_uses.setdefault((use.environment, use.value), use)
            if first.owner != use.owner:
                problem = f"is {use.value!r}, a data asset of {_of(first.owner)} ({self._address(first.field)})"
                yield self._document.finding(use.field, problem, "give each team data assets of its own")

    def _asset_uses(self) -> Iterator[EndpointUse]:
        for dataset in self._configuration.datasets:
            owner = self._configuration.team_of(Belonging.DATASET, dataset.name)
            for workspace in dataset.workspaces:
                yield _endpoint(owner, f"datasets.{dataset.name}", workspace.name, dataset.name)
        for route in self._configuration.routes:
            if route.input_asset:
                owner, place = self._configuration.team_of(Belonging.ROUTE, route.name), f"routes.{route.name}"
                yield _endpoint(owner, f"{place}.register.asset", route.score.workspace.name, route.input_asset)

    def _endpoint_uses(self) -> Iterator[EndpointUse]:
        for route in self._configuration.routes:
            owner = self._configuration.team_of(Belonging.ROUTE, route.name)
            place = f"routes.{route.name}.score.endpoint"
            yield _endpoint(owner, place, route.score.workspace.name, route.score.endpoint)
        for rule in self._configuration.answers:
            owner = self._configuration.team_of(Belonging.ANSWERS, rule.name)
            yield _endpoint(owner, f"answers.{rule.name}.endpoint", rule.workspace.name, rule.endpoint)
        for stage in self._configuration.ladder.stages:
            yield from self._stage_endpoints(stage)

    def _stage_endpoints(self, stage: Stage) -> Iterator[EndpointUse]:
        owner = self._configuration.team_of(Belonging.STAGE, stage.name)
        environment = stage.environment.name if stage.environment else ""
        for name, endpoint in (("online", stage.serving.online), ("batch", stage.serving.batch)):
            if endpoint and environment:
                yield _endpoint(owner, f"ladder.{stage.name}.serve.{name}", environment, endpoint)

    def areas(self) -> Iterator[FileFinding]:
        """Places in the hub that two owners read or write; the path that both mean is the proof."""
        areas = list(self._areas())
        for number, area in enumerate(areas):
            for first in areas[:number]:
                if first.owner == area.owner or not _near(first.value, area.value):
                    continue
                path = witness(first.value, area.value)
                if path is not None:
                    other = f"{_of(first.owner)} ({self._address(first.field)})"
                    problem = f"means files that belong to {other}, such as {path!r}"
                    yield self._document.finding(area.field, problem, "give each team places of its own in the hub")
                    break

    def _areas(self) -> Iterator[Use]:
        configuration = self._configuration
        for hub in configuration.hubs if configuration.teams else ():
            for container in hub.containers:  # All of it, also where nobody reads or writes yet.
                yield Use(owner=hub.team, field=f"hubs.{hub.name}.containers", value=f"{container}/**")
        for route in configuration.routes:
            owner, section = configuration.team_of(Belonging.ROUTE, route.name), f"routes.{route.name}"
            yield Use(owner=owner, field=f"{section}.take", value=route.take)
            if route.group.kind is Grouping.MARKER:
                marker = f"{route.take.rpartition('/')[0]}/{route.group.marker.name}"
                yield Use(owner=owner, field=f"{section}.take", value=marker)
            yield Use(owner=owner, field=f"{section}.publish", value=written_pattern(route))
        for rule in configuration.answers:
            owner = configuration.team_of(Belonging.ANSWERS, rule.name)
            yield Use(owner=owner, field=f"answers.{rule.name}.publish", value=published_pattern(rule))
        for schedule in configuration.schedules:
            if schedule.input:
                owner = configuration.team_of(Belonging.SCHEDULE, schedule.name)
                yield Use(owner=owner, field=f"schedules.{schedule.name}.input", value=_below(schedule.input))
        yield from self._areas_of_models()

    def _areas_of_models(self) -> Iterator[Use]:
        configuration = self._configuration
        for rules in configuration.retraining:
            owner = configuration.team_of(Belonging.MODEL, rules.model)
            for data in rules.data:
                name = f"models.{rules.model}.retraining.data.{data.name}.take"
                yield Use(owner=owner, field=name, value=data.take)
        # A published version is no place in the hub: its name says whose it is.
        yield from (use for use in self._holdouts() if read_reference(use.value) is None)
        for watch in configuration.drift:
            if watch.labels is not None:
                owner = configuration.team_of(Belonging.MODEL, watch.model)
                yield Use(owner=owner, field=f"models.{watch.model}.drift.labels.path", value=f"{watch.labels.path}**")
        for stage in configuration.ladder.stages:
            owner = configuration.team_of(Belonging.STAGE, stage.name)
            for training in stage.training:
                for folder in training.data:
                    name = f"ladder.{stage.name}.train.{training.model}.data.{folder.name}.path"
                    yield Use(owner=owner, field=name, value=_below(folder.path))

    def _has(self, name: str) -> bool:
        document = self._document
        return name in document.lines or (isinstance(document, SplitDocument) and name in document.sources)

    def _address(self, name: str) -> str:
        document = self._document
        return document.source(name).address(self._platform) if isinstance(document, SplitDocument) else name


def _endpoint(owner: str, place: str, environment: str, endpoint: str) -> EndpointUse:
    return EndpointUse(owner=owner, field=place, value=endpoint, environment=environment)


def _below(folder: str) -> str:
    return f"{folder.rstrip('/')}/**"


def _near(first: str, second: str) -> bool:
    """Whether one pattern's fixed beginning begins the other's: only then can a path match both."""
    beginnings = fixed_prefix(first), fixed_prefix(second)
    return beginnings[0].startswith(beginnings[1]) or beginnings[1].startswith(beginnings[0])


def _of(owner: str) -> str:
    return f"team {owner}" if owner else "the platform"
