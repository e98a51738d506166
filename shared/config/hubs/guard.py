"""The proof that files of a team's hub reach no environment but the hub's, and decide about nothing that ships."""

from collections.abc import Iterator

from shared.config.document import Document
from shared.config.findings import FileFinding
from shared.config.guard import published_pattern
from shared.config.hubs.uses import DataUse, data_uses, holdout_uses, route_inputs, stage_uses
from shared.domain.configuration import Configuration, TeamHub
from shared.domain.datasets.references import read_reference
from shared.domain.paths.intersection import witness

_CENTRAL = "keep it in the Data Hub"
# The folders of staging that stages may train on, as `shared.records` makes them.
TRAINING_SETS, DATASETS = "training-sets/{model}/{data}/**", "datasets/{name}/**"


def hub_findings(configuration: Configuration, document: Document) -> list[FileFinding]:
    """A finding for every field by which files of a team's hub would reach what is not the hub's."""
    if not configuration.hubs:
        return []
    guard = _HubGuard(configuration, document)
    rules = (
        guard.places,
        guard.results,
        guard.assets,
        guard.answers,
        guard.retrainings,
        guard.datasets,
        guard.trainings,
    )
    return [finding for rule in rules for finding in rule()]


class _HubGuard:
    def __init__(self, configuration: Configuration, document: Document) -> None:
        self._configuration, self._document = configuration, document

    def places(self) -> Iterator[FileFinding]:
        """Uses of a hub outside its environments, and by what decides about production."""
        for use in data_uses(self._configuration):
            hub = self._hub(use.location)
            if hub is None:
                continue
            if use.workspace is None:
                yield self._refused(use, hub, "and decides about what goes to production", _CENTRAL)
            elif use.workspace.name and use.workspace.name not in hub.environments:
                remedy = f"use the Data Hub, or an environment of the hub: {', '.join(hub.environments) or '(none)'}"
                yield self._refused(use, hub, f"which {use.workspace.name} may not use", remedy)

    def results(self) -> Iterator[FileFinding]:
        """Results of a hub's files that lie elsewhere, where they would be taken for files of the Data Hub."""
        for use in route_inputs(self._configuration):
            hub = self._hub(use.location)
            if hub is not None and self._hub(use.route.publish) != hub:
                behind = f"and route {use.route.name} publishes to {use.route.publish!r}, outside the hub"
                yield self._refused(use, hub, behind, f"publish to a container of the hub: {', '.join(hub.containers)}")

    def assets(self) -> Iterator[FileFinding]:
        """Data assets of which files of a hub and others become versions: who reads the newest gets either."""
        for use in route_inputs(self._configuration):
            hub, route = self._hub(use.location), use.route
            others = [
                other.name
                for other in self._configuration.routes
                if route.input_asset
                and other.input_asset == route.input_asset
                and self._hub(other.take) != hub
                and other.score.workspace.identity == route.score.workspace.identity
            ]
            if hub is not None and others:
                problem = (
                    f"is {route.input_asset!r}, as that of route {others[0]}, whose files are not in hub {hub.name}"
                )
                field = f"routes.{route.name}.register.asset"
                yield self._document.finding(field, problem, "give the files of the hub a data asset of their own")

    def answers(self) -> Iterator[FileFinding]:
        """Answers of a hub's environments that lie where something decides about production: people ask there what they
        want, and the inputs are published beside the answers."""
        judges = [use for use in data_uses(self._configuration) if use.workspace is None]
        for rule in self._configuration.answers:
            for use in judges if self._configuration.is_of_hubs(rule.workspace) else ():
                places = (use.location, f"{use.location.rstrip('/')}/**") if use.is_folder else (use.location,)
                path = next(filter(None, (witness(published_pattern(rule), place) for place in places)), None)
                if path is not None:
                    where = f"of {rule.workspace.name}, where teams use hubs of their own"
                    problem = f"is {rule.publish!r} {where}, and {use.field} means the same files, such as {path!r}"
                    yield self._document.finding(f"answers.{rule.name}.publish", problem, "publish them elsewhere")

    def retrainings(self) -> Iterator[FileFinding]:
        """Retraining of which a better challenger would leave the hub's environments by itself."""
        for rules in self._configuration.retraining:
            targets = {"candidate": rules.candidate, "promote_to": rules.promote_to}
            for data in rules.data:
                hub = self._hub(data.take)
                for name, target in targets.items():
                    if hub is not None and target:
                        field = f"models.{rules.model}.retraining.data.{data.name}.take"
                        use = DataUse(field=field, location=data.take)
                        behind = f"and `{name}` carries what is trained on it to {target}"
                        remedy = f"train from the Data Hub, or leave `{name}` out: people ask for the promotion then"
                        yield self._refused(use, hub, behind, remedy)

    def datasets(self) -> Iterator[FileFinding]:
        """Hold-outs that are versions of a data set which may be published from a hub."""
        for model in self._configuration.ladder.models:
            for use in holdout_uses(model):
                reference = read_reference(use.location)
                if reference is not None and self._may_be_of_hub(reference.name):
                    problem = f"is {use.location!r}, which may be published from a team's hub, and judges promotions"
                    remedy = f"add an environment of no hub to datasets.{reference.name}.environments, or name another"
                    yield self._document.finding(use.field, problem, remedy)

    def trainings(self) -> Iterator[FileFinding]:
        """Folders of staging on which stages train, unless nothing in them can be of a hub; and a hub's datastores."""
        staging = self._configuration.hub.staging
        for use in stage_uses(self._configuration):
            if use.location.partition("/")[0] == staging and not self._is_central(use.location):
                problem = f"is {use.location!r}, where files of a team's hub may lie"
                remedy = "name a training set or a published data set that is collected from the Data Hub alone"
                yield self._document.finding(use.field, problem, remedy)
        names = {container.replace("-", "_") for hub in self._configuration.hubs for container in hub.containers}
        for stage in self._configuration.ladder.stages:
            for training in stage.training:
                for folder in training.data:
                    if folder.datastore.lower().replace("-", "_") in names:
                        field = f"ladder.{stage.name}.train.{training.model}.data.{folder.name}.datastore"
                        problem = f"is {folder.datastore!r}, named after a container of a team's hub"
                        yield self._document.finding(field, problem, "name the datastore of the container in `path`")

    def _is_central(self, location: str) -> bool:
        """Whether all that lies in a folder of staging comes from the Data Hub."""
        below, staging = f"{location}/**", self._configuration.hub.staging
        sets = [
            (TRAINING_SETS.format(model=rules.model, data=data.name), self._hub(data.take) is not None)
            for rules in self._configuration.retraining
            for data in rules.data
        ]
        sets += [
            (DATASETS.format(name=rules.name), self._may_be_of_hub(rules.name))
            for rules in self._configuration.datasets
        ]
        meant = [is_of_hub for pattern, is_of_hub in sets if witness(below, f"{staging}/{pattern}") is not None]
        return bool(meant) and not any(meant)

    def _may_be_of_hub(self, dataset: str) -> bool:
        rules = next((own for own in self._configuration.datasets if own.name == dataset), None)
        return rules is not None and any(hub.may_fill(rules) for hub in self._configuration.hubs)

    def _refused(self, use: DataUse, hub: TeamHub, behind: str, remedy: str) -> FileFinding:
        return self._document.finding(use.field, f"is {use.location!r} in hub {hub.name}, {behind}", remedy)

    def _hub(self, location: str) -> TeamHub | None:
        return self._configuration.hub_of(location.partition("/")[0])
