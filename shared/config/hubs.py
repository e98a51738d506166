"""The section `hubs`: storage accounts of teams beside the Data Hub, and the proof that none reaches production.

What arrives there may be scored, learned from and answered in the hub's own environments. It judges nothing, and no
training on it ships: that is proved at load, from the whole configuration, as the loop guard proves that nothing loops.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from shared.config.document import Document
from shared.config.fields import ContainerName, Text
from shared.config.findings import FileFinding
from shared.config.reading import FilePlace
from shared.config.sections.routes import HubAccount
from shared.domain.configuration import Configuration, ResourceGroup, StateAccount, TeamHub
from shared.domain.inference.routes import HubLayout, Workspace
from shared.domain.promotion.ladder import Ladder
from shared.domain.retraining.rules import Retraining


@dataclass(frozen=True, slots=True, kw_only=True)
class TeamHubSection:
    """A team's own storage account, where it is managed, its containers, and the environments that may use them."""

    account: HubAccount
    subscription: Text
    resource_group: Text
    containers: tuple[ContainerName, ...]
    environments: tuple[Text, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CentralAccounts:
    """The accounts that are not a team's."""

    layout: HubLayout
    state: StateAccount | None


def hubs_of(
    sections: Mapping[str, TeamHubSection],
    place: FilePlace,
    workspaces: Mapping[str, Workspace],
    central: CentralAccounts,
    ladder: Ladder,
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
        _check_environments(section.environments, inside, workspaces, ladder)
        hubs.append(
            TeamHub(
                name=name,
                account=section.account,
                containers=section.containers,
                environments=section.environments,
                group=ResourceGroup(subscription=section.subscription, name=section.resource_group),
            )
        )
    return tuple(hubs)


def _check_environments(
    names: tuple[str, ...], place: FilePlace, workspaces: Mapping[str, Workspace], ladder: Ladder
) -> None:
    if not names:
        place.fail("environments", "are missing", "name those of experimentation and development that may use it")
    for name in names:
        if name not in workspaces:
            place.fail("environments", f"have {name!r}", f"use {', '.join(workspaces)}")
        elif ladder.is_above_development(name):
            problem = f"have {name!r}, to which the ladder leads from development or for callers"
            place.fail("environments", problem, "name experimentation and development alone")


def hub_findings(configuration: Configuration, document: Document) -> list[FileFinding]:
    """A finding for every field by which files of a team's hub would reach an environment that is not the hub's."""
    guard = _HubGuard(configuration, document)
    return [*guard.routes(), *guard.trainings(), *guard.retrainings(), *guard.judges()]


class _HubGuard:
    def __init__(self, configuration: Configuration, document: Document) -> None:
        self._configuration, self._document = configuration, document

    def routes(self) -> Iterator[FileFinding]:
        """Routes that take or publish there, and answers that are published there."""
        for route in self._configuration.routes:
            environment = route.score.workspace.name
            yield from self._outside(f"routes.{route.name}.take", route.take, environment)
            yield from self._outside(f"routes.{route.name}.publish", route.publish, environment)
        for rule in self._configuration.answers:
            yield from self._outside(f"answers.{rule.name}.publish", rule.publish, rule.workspace.name)

    def trainings(self) -> Iterator[FileFinding]:
        """Stages that train on files of a hub."""
        for stage in self._configuration.ladder.stages:
            for training in stage.training:
                for folder in training.data:
                    field = f"ladder.{stage.name}.train.{training.model}.data.{folder.name}.path"
                    yield from self._outside(field, folder.path, stage.place)

    def retrainings(self) -> Iterator[FileFinding]:
        """Retraining that runs elsewhere, or of which a better challenger would ship by itself."""
        for rules in self._configuration.retraining:
            for data in rules.data:
                field = f"models.{rules.model}.retraining.data.{data.name}.take"
                yield from self._outside(field, data.take, rules.pipeline.workspace.name)
                yield from self._shipped(field, data.take, rules)

    def _shipped(self, field: str, take: str, rules: Retraining) -> Iterator[FileFinding]:
        hub = self._hub(take)
        if hub is None:
            return
        stages = {stage.name: stage for stage in self._configuration.ladder.stages}
        for name, target in (("candidate", rules.candidate), ("promote_to", rules.promote_to)):
            if target in stages and stages[target].place not in hub.environments:
                problem = f"is {take!r} in hub {hub.name}, and `{name}` carries what is trained on it to {target}"
                remedy = f"train from the Data Hub, or leave `{name}` out: people ask for the promotion then"
                yield self._document.finding(field, problem, remedy)

    def judges(self) -> Iterator[FileFinding]:
        """Hold-outs: what judges every promotion is not the team's to write."""
        for model in self._configuration.ladder.models:
            for name, path in (("path", model.holdout.path), ("answers", model.holdout.answers)):
                hub = self._hub(path)
                if hub is not None:
                    field = f"models.{model.name}.promotion.holdout.{name}"
                    problem = f"is {path!r} in hub {hub.name}, and a hold-out judges what goes to production"
                    yield self._document.finding(field, problem, "keep it in the Data Hub, or publish it as a data set")

    def _outside(self, field: str, location: str, environment: str) -> Iterator[FileFinding]:
        hub = self._hub(location)
        if hub is not None and environment and environment not in hub.environments:
            problem = f"is {location!r} in hub {hub.name}, which {environment} may not use"
            names = ", ".join(hub.environments) or "(none)"
            yield self._document.finding(field, problem, f"use the Data Hub, or one of the hub's environments: {names}")

    def _hub(self, location: str) -> TeamHub | None:
        return self._configuration.hub_of(location.partition("/")[0])
