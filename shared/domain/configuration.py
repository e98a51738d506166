"""The whole of `signalbox.yaml`, as the product uses it: built and validated by `shared.config`."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from shared.domain.access.permissions import Permissions
from shared.domain.answers.rule import PublishedAnswers
from shared.domain.datasets.rules import DatasetRules
from shared.domain.datasets.sources import SourceRules
from shared.domain.devops.configuration import DevOps
from shared.domain.drift.watch import DriftWatch
from shared.domain.failures import Refused
from shared.domain.inference.arrivals import ArrivalPlace
from shared.domain.inference.routes import HubLayout, Route, Workspace
from shared.domain.inference.streams import Stream
from shared.domain.notices.recipients import NoticeRules
from shared.domain.promotion.ladder import Ladder, Registry
from shared.domain.provisioning.rules import ProvisioningRules
from shared.domain.retraining.rules import Retraining
from shared.domain.rollout.policy import CountSource
from shared.domain.schedules.due_times import Schedule
from shared.domain.teams.ownership import PLATFORM, Belonging, Team, owner_of


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceGroup:
    """Where a resource is managed."""

    subscription: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StateAccount:
    """A storage account for the container of records alone; *group* is where it is managed, for the doctor."""

    name: str
    group: ResourceGroup | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TeamHub:
    """A team's own storage account beside the Data Hub, by its *containers*, whose names no other account here has.

    Only runs in *environments* may read or write there, none of which serves production. *group* is where it is
    managed. *team* owns what lies there, empty for the platform.
    """

    name: str
    account: str
    containers: tuple[str, ...]
    environments: tuple[str, ...]
    group: ResourceGroup
    team: str = PLATFORM

    def may_fill(self, rules: DatasetRules) -> bool:
        """Whether versions of a data set may be published from here: all its environments are the hub's."""
        places = {place.name for place in rules.workspaces}
        return bool(places) and places <= set(self.environments)


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """The whole of `signalbox.yaml`, validated."""

    hub: HubLayout
    routes: tuple[Route, ...]
    workspaces: tuple[Workspace, ...] = ()
    ladder: Ladder = field(default_factory=Ladder)
    retraining: tuple[Retraining, ...] = ()
    devops: DevOps = field(default_factory=DevOps)
    schedules: tuple[Schedule, ...] = ()
    streams: tuple[Stream, ...] = ()
    permissions: Permissions = field(default_factory=Permissions)
    drift: tuple[DriftWatch, ...] = ()
    answers: tuple[PublishedAnswers, ...] = ()
    datasets: tuple[DatasetRules, ...] = ()
    sources: SourceRules = field(default_factory=SourceRules)
    hub_group: ResourceGroup | None = None  # Of the hub's account; only the doctor asks for it.
    state_account: StateAccount | None = None  # Where the container of records is not in the hub's account.
    hubs: tuple[TeamHub, ...] = ()
    bus_group: ResourceGroup | None = None  # Of the Service Bus namespace, where it is not the hub's.
    teams: tuple[Team, ...] = ()
    provisioning: ProvisioningRules | None = None  # Without it nothing may be provisioned.
    notices: NoticeRules = field(default_factory=NoticeRules)

    def hub_of(self, container: str) -> TeamHub | None:
        """The team's hub that *container* is in; None where it is in the central one."""
        return next((hub for hub in self.hubs if container in hub.containers), None)

    @property
    def monitored(self) -> tuple[Workspace, ...]:
        """The environments whose monitors may start a training: in those of a team's hub they watch the team's data."""
        return tuple(workspace for workspace in self.workspaces if not self.is_of_hubs(workspace))

    def is_of_hubs(self, workspace: Workspace) -> bool:
        """Whether teams use hubs of their own in *workspace*, whatever the environment is called that is it."""
        names = {environment for hub in self.hubs for environment in hub.environments}
        return workspace.identity in {own.identity for own in self.workspaces if own.name in names}

    def closed_files(self, route: Route, places: Iterable[ArrivalPlace]) -> str:
        """Why *route* may not score files that have arrived in *places*, empty where it may: they are of a team's hub,
        or were when they came, and it runs or publishes elsewhere. Of files without a place nobody knows that.
        """
        closed = [self._closed_to(route, place) for place in sorted(places, key=lambda place: place.container)]
        if not closed and self.hubs:
            return "no record says where the run's files arrived, which may be a team's hub"
        hub = next(filter(None, closed), "")
        where = f"{route.score.workspace.name}, with results in {route.publish}"
        return hub and f"the run's files are in {hub}, and route {route.name} scores in {where}"

    def _closed_to(self, route: Route, place: ArrivalPlace) -> str:
        hub = self.hub_of(place.container)
        if place.account:
            hub = next((own for own in self.hubs if own.account == place.account), None)
        if hub is None:
            return f"account {place.account}, which is no hub any more" if place.account else ""
        published = self.hub_of(route.publish.partition("/")[0])
        is_open = route.score.workspace.name in hub.environments and published == hub
        return "" if is_open else f"hub {hub.name}"

    def teaches(self, model: str) -> TeamHub | None:
        """A team's hub from whose files *model* learns, None where there is none."""
        places = [
            data.take.partition("/")[0] for rules in self.retraining if rules.model == model for data in rules.data
        ]
        return next((hub for place in places if (hub := self.hub_of(place)) is not None), None)

    def sources_for(self, location: str) -> SourceRules:
        """From where files may be imported to *location*: to a place that is not a team's hub none of the hub's."""
        own = self.hub_of(location.partition("/")[0])
        return replace(self.sources, closed=tuple(hub.account for hub in self.hubs if hub != own))

    def asset_objection(self, workspace: Workspace, storage: tuple[str, str], location: str) -> str:
        """Why files of a data asset of *workspace*, which lie in *storage* (account and container), may not be imported
        to *location*; empty where they may.

        In an environment that teams use with hubs of their own, its storage is theirs to fill; and what Signalbox keeps
        there of the Data Hub may have come from a hub: pinned files, training sets, data sets.
        """
        own, (account, container) = self.hub_of(location.partition("/")[0]), storage
        is_arrived = account.lower() == self.hub.account.lower() and container not in self.hub.reserved
        if own is None and self.is_of_hubs(workspace) and not is_arrived:
            where = f"{workspace.name}, where teams use hubs of their own"
            return f"it lies in {account}/{container} of {where}; import into a container of such a hub"
        if closed := self.sources_for(location).closed_account(account):
            return f"it lies in account {closed}, a team's own hub; import into a container of that hub"
        return ""

    def closed_training(self, rules: Retraining, location: str) -> str:
        """Why *rules* may not train on files at *location*, empty where they may: they are of a team's hub, and the
        training runs elsewhere or ships what it makes."""
        hub = self.hub_of(location.partition("/")[0])
        if hub is None:
            return ""
        if rules.pipeline.workspace.name not in hub.environments:
            return f"{location} is in hub {hub.name}, and {rules.model} is trained in {rules.pipeline.workspace.name}"
        target = rules.promote_to or rules.candidate
        return target and f"{location} is in hub {hub.name}, and what {rules.model} is trained on goes to {target}"

    def account_of(self, container: str) -> str:
        """The storage account in which files of *container* arrive."""
        hub = self.hub_of(container)
        return self.hub.account if hub is None else hub.account

    @property
    def accounts_elsewhere(self) -> dict[str, str]:
        """The account of each container that is in a team's hub."""
        return {container: hub.account for hub in self.hubs for container in hub.containers}

    def team_of(self, kind: Belonging, name: str) -> str:
        """The team that *name* belongs to; PLATFORM for the platform's own, and for what is not configured."""
        return owner_of(self.teams, kind, name)

    def workspace(self, name: str) -> Workspace:
        """The environment called *name*. Raises Refused naming those there are."""
        for workspace in self.workspaces:
            if workspace.name == name:
                return workspace
        names = ", ".join(environment.name for environment in self.workspaces)
        raise Refused(f"environment {name!r} is not configured; there are: {names}")

    def origin(self, name: str) -> Workspace | Registry:
        """Where a promotion from *name* begins: an environment, or the registry if a stage of this name leads there.

        Raises Refused naming the environments.
        """
        registries = (stage.registry for stage in self.ladder.stages if stage.name == name)
        return next(filter(None, registries), None) or self.workspace(name)

    def retrained(self, model: str) -> Retraining:
        """How *model* is retrained. Raises Refused naming the models that are."""
        for rules in self.retraining:
            if rules.model == model:
                return rules
        models = ", ".join(rules.model for rules in self.retraining) or "none"
        raise Refused(f"model {model!r} has no `retraining` section in the configuration; those that have: {models}")

    def is_retrained(self, model: str) -> bool:
        """Whether causes to retrain *model* are weighed at all; otherwise they are kept for people to see."""
        return any(rules.model == model for rules in self.retraining)

    def watch(self, model: str) -> DriftWatch | None:
        """How *model* is watched for drift, None where it is not."""
        return next((watch for watch in self.drift if watch.model == model), None)

    def collections(self, workspace: Workspace, endpoint: str) -> tuple[str, ...]:
        """What the data collector of *endpoint*'s deployments keeps, so that it can be published, or counted."""
        rules = (rule for rule in self.answers if (rule.workspace, rule.endpoint) == (workspace, endpoint))
        published = next(((rule.inputs, rule.outputs) for rule in rules), ())
        is_counted = any(
            stage.rollout is not None
            and stage.rollout.look.counts is CountSource.COLLECTOR
            and (stage.environment, stage.serving.online) == (workspace, endpoint)
            for stage in self.ladder.stages
        )
        return tuple(dict.fromkeys((*published, *(("request", "response") if is_counted else ()))))

    def dataset(self, name: str) -> DatasetRules:
        """The data set called *name*. Raises Refused naming those there are."""
        for rules in self.datasets:
            if rules.name == name:
                return rules
        names = ", ".join(rules.name for rules in self.datasets) or "none"
        raise Refused(f"data set {name!r} is not configured; add it under `datasets`; there are: {names}")

    def provisioned(self) -> ProvisioningRules:
        """How environments are provisioned. Raises Refused where the configuration does not say."""
        if self.provisioning is None:
            raise Refused("nothing can be provisioned here: the configuration has no section `provisioning`")
        return self.provisioning

    def stream(self, name: str) -> Stream:
        """The stream called *name*. Raises Refused naming those there are."""
        for stream in self.streams:
            if stream.name == name:
                return stream
        names = ", ".join(candidate.name for candidate in self.streams) or "none"
        raise Refused(f"stream {name!r} is not configured; there are: {names}")

    def route(self, name: str) -> Route:
        """The route called *name*; raises KeyError naming those there are."""
        for route in self.routes:
            if route.name == name:
                return route
        raise KeyError(f"route {name!r} is not configured; there are: {', '.join(r.name for r in self.routes)}")
