"""Who needs which roles where, for one configuration: the least that its environments, routes and ladder call for."""

from collections.abc import Iterator
from dataclasses import dataclass

from shared.domain.azure import resources
from shared.domain.configuration import Configuration
from shared.domain.datasets.references import read_reference
from shared.domain.inference.routes import Workspace
from shared.domain.notices.recipients import ChannelKind
from shared.domain.promotion.plans import StagePlan
from shared.domain.rollout.policy import CountSource
from shared.domain.trust.keys import Purpose
from shared.operations.roles.catalogue import BuiltIn, roles_for
from shared.operations.roles.needs import RECEIVE, Need, ResourceKind, needs_of

APP, COMPUTE, GRID, HOST = "the app", "each workspace's compute", "the Event Grid system topic", "the app (its host)"
_RECORDS = ("DataHub", "Ledger", "AuditLog", "Secrets", "DataChecks", "DriftFiles")
_BLOBS = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs"


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """*scope* in words; *resource* is its ARM id, empty where the configuration does not name it.

    *target* is what the infrastructure's templates call the scope, as KIND or KIND:NAME (`container:landing`).
    *only_doctor*: nothing but the doctor stops without it.
    """

    identity: str
    scope: str
    need: Need
    why: str
    target: str
    resource: str = ""
    only_doctor: bool = False

    @property
    def roles(self) -> tuple[BuiltIn, ...]:
        return roles_for(self.need)


def assignments(configuration: Configuration) -> tuple[Assignment, ...]:
    """Every assignment, the app's own first."""
    return (
        *_hub(configuration),
        *_topic(),
        *_mail(configuration),
        *(
            assignment
            for workspace in configuration.workspaces
            for assignment in _environment(configuration, workspace)
        ),
        *_registry(configuration),
        *_other_identities(configuration),
        *_doctor(configuration),
    )


def containers(configuration: Configuration) -> dict[str, tuple[Need, str]]:
    """What the app does in each container of the hub, and why."""
    hub, needs = configuration.hub, dict[str, tuple[Need, str]]()
    for name in (hub.state, hub.staging, hub.quarantine, hub.dead_letters):
        needs[name] = (
            needs_of(ResourceKind.HUB, *_RECORDS),
            "its own records, staged and quarantined files, dead letters",
        )
    if hub.audit:
        needs[hub.audit] = (_blobs("read", "write"), "the audit log, of which nothing is replaced or deleted")
    for route in configuration.routes:
        needs.setdefault(_container(route.publish), (_blobs("read", "write"), "publishes predictions"))
    for route in configuration.routes:
        needs.setdefault(_container(route.take), (_blobs("read", "delete"), "reads what arrives, moves bad files out"))
    for path in (*_training(configuration), *_holdouts(configuration)):
        needs.setdefault(_container(path), (_blobs("read"), "reads training data and hold-outs"))
    for container in configuration.accounts_elsewhere:
        needs.setdefault(container, (_blobs("read"), "reads what a team keeps there"))
    return needs


def consequence(configuration: Configuration, name: str) -> str:
    """What does not work while container *name* of the hub cannot be used."""
    hub = configuration.hub
    own = {
        hub.state: "nothing is recorded, so nothing can start",
        hub.audit: "nothing can be decided or moved, since it could not be logged",
        hub.staging: "no run or training can be given its files",
        hub.quarantine: "bad data cannot be set aside, so its runs fail",
        hub.dead_letters: "an event that cannot be read is delivered for a day, and then lost",
    }
    routes = configuration.routes
    feeding = [route.name for route in routes if _container(route.take) == name]
    publishing = [route.name for route in routes if _container(route.publish) == name]
    data = [(rules.model, data.take) for rules in configuration.retraining for data in rules.data]
    models = [model for model, take in data if _container(take) == name]
    parts = [
        own.get(name, ""),
        f"files of {_names(feeding, 'route')} are not found" if feeding else "",
        f"results of {_names(publishing, 'route')} cannot be published" if publishing else "",
        f"training data of {_names(models, 'model')} are not found" if models else "",
    ]
    return "; ".join(part for part in parts if part) or "what is read there is missing"


def _names(names: list[str], kind: str) -> str:
    different = sorted(set(names))
    return f"{kind}{'s' if len(different) > 1 else ''} {', '.join(different)}"


def _hub(configuration: Configuration) -> Iterator[Assignment]:
    for name, (need, reason) in containers(configuration).items():
        yield Assignment(
            identity=APP,
            scope=f"container {name} of {resources.account_name(configuration, name)}",
            resource=resources.container(configuration, name),
            target=f"{'container' if configuration.hub_of(name) is None else 'team-container'}:{name}",
            need=need,
            why=reason,
        )


def _topic() -> Iterator[Assignment]:
    yield Assignment(
        identity=APP,
        scope="the topic",
        target="topic",
        need=needs_of(ResourceKind.TOPIC, "Announcer"),
        why="announces results",
    )
    reason = "tells results, where SIGNALBOX_RESULTS_TOPIC is set"
    yield Assignment(
        identity=APP,
        scope="the results topic",
        target="results-topic",
        need=needs_of(ResourceKind.BUS, "Messenger"),
        why=reason,
    )
    reason = "triggers, where SIGNALBOX_*_QUEUE are set"
    yield Assignment(identity=HOST, scope="each queue of Service Bus", target="queues", need=RECEIVE, why=reason)


def _mail(configuration: Configuration) -> Iterator[Assignment]:
    if configuration.notices.mail_by is ChannelKind.COMMUNICATION_SERVICES:
        yield Assignment(
            identity=APP,
            scope="the Communication Services resource, and the Email one that is linked to it",
            target="mail",
            need=needs_of(ResourceKind.MAIL, "NoticeChannel"),
            why="sends notices by mail",
        )


def _environment(configuration: Configuration, workspace: Workspace) -> Iterator[Assignment]:
    """The assignments of one environment; none if no route or stage uses its workspace."""
    ports = dict[str, str]()
    scorings = [route.score for route in configuration.routes if route.score.workspace == workspace]
    if any(not score.online for score in scorings):
        ports |= dict.fromkeys(("Jobs", "JobLogs"), "scores")
    if any(
        StagePlan(stage=stage).tries_batch and stage.environment == workspace for stage in configuration.ladder.stages
    ):
        ports |= {name: ports.get(name, "tries batch deployments") for name in ("Jobs", "JobLogs")}
    if any(score.online for score in scorings):
        ports |= dict.fromkeys(("Endpoints.find", "Endpoints.deployment", "Endpoints.invoke"), "scores")
    if any(rules.pipeline.workspace == workspace for rules in configuration.retraining):
        ports |= dict.fromkeys(("Pipelines", "DataAssets.register"), "trains")
    stages = configuration.ladder.stages
    if any(training.pipeline.workspace == workspace for stage in stages for training in stage.training):
        ports |= dict.fromkeys(("Pipelines", "DataAssets.storage"), "trains")
    if any(workspace.name in (stage.source, stage.environment and stage.environment.name) for stage in stages):
        ports |= dict.fromkeys(("Models", "Endpoints", "BundleStore"), "promotes")
    if any(stage.rollout is not None and stage.environment == workspace for stage in stages):
        ports["TrafficFigures"] = "compares versions in production"
    if any(
        stage.environment == workspace and stage.rollout and stage.rollout.look.counts is CountSource.COLLECTOR
        for stage in stages
    ):
        ports["OutputFigures"] = "counts requests in production"
    if any(workspace in rules.workspaces for rules in configuration.datasets):
        ports.setdefault("DataAssets.register", "registers published data sets")
    if any(route.input_asset and route.score.workspace == workspace for route in configuration.routes):
        ports.setdefault("DataAssets.register", "registers what arrives")
    if configuration.sources.assets and scorings:
        ports |= dict.fromkeys(("DataAssets.files", "DataAssets.fetch"), "imports data assets")
    if any(rule.workspace == workspace for rule in configuration.answers):
        ports |= dict.fromkeys(("CollectedFiles", "Endpoints.deployment"), "publishes answers")
    reason = ", ".join(dict.fromkeys(ports.values()))
    for kind, scope, target, resource in (
        (ResourceKind.WORKSPACE, f"workspace {workspace.workspace}", "workspace", resources.workspace(workspace)),
        (ResourceKind.STORE, f"the storage account of {workspace.workspace}", "store", ""),
    ):
        need = needs_of(kind, *ports)
        if need.actions or need.data_actions:
            place = f"{target}:{workspace.name}"
            yield Assignment(identity=APP, scope=scope, target=place, resource=resource, need=need, why=reason)
    yield from _monitoring(configuration, workspace)


def _monitoring(configuration: Configuration, workspace: Workspace) -> Iterator[Assignment]:
    """What rollouts in *workspace* read besides its endpoints: alerts in force, and the traffic log."""
    policies = [stage.rollout for stage in configuration.ladder.stages if stage.environment == workspace]
    rollouts = [policy for policy in policies if policy is not None]
    if any(policy.alerts.rules for policy in rollouts):
        yield Assignment(
            identity=APP,
            scope=f"resource group {workspace.resource_group}",
            target=f"group:{workspace.name}",
            need=needs_of(ResourceKind.GROUP, "Alerts", "MonitoringSetUp"),
            why="brings production back where alerts fire",
        )
    if any(policy.look.counts is CountSource.TRAFFIC_LOG for policy in rollouts):
        yield Assignment(
            identity=APP,
            scope=f"the Log Analytics workspace of {workspace.name}",
            target=f"logs:{workspace.name}",
            need=needs_of(ResourceKind.LOGS, "TrafficFigures"),
            why="counts requests in production",
        )


def _registry(configuration: Configuration) -> Iterator[Assignment]:
    for registry in resources.registries(configuration):
        yield Assignment(
            identity=APP,
            scope=f"registry {registry.name}",
            target="registry",
            resource=resources.registry(registry),
            need=needs_of(ResourceKind.REGISTRY, "Models", "BundleStore"),
            why="enters and restores models",
        )


def _other_identities(configuration: Configuration) -> Iterator[Assignment]:
    """Identities that are not the app's, and what the platform itself needs of the app's."""
    hub = configuration.hub
    staging = f"container {hub.staging} of {hub.account}"
    yield Assignment(
        identity=COMPUTE,
        scope=staging,
        target=f"container:{hub.staging}",
        need=_blobs("read", "write"),
        why="jobs read pinned files and write predictions",
    )
    yield from _computes_of_hubs(configuration)
    letters = f"container {hub.dead_letters} of {hub.account}"
    yield Assignment(
        identity=GRID,
        scope=letters,
        target=f"container:{hub.dead_letters}",
        need=_blobs("write"),
        why="keeps events that cannot be delivered",
    )
    storage = "Microsoft.Storage/storageAccounts"
    for need in (
        Need(
            ResourceKind.HUB,
            (f"{storage}/blobServices/containers/write",),
            (f"{_BLOBS}/write", f"{_BLOBS}/runAsSuperUser/action"),
        ),
        Need(ResourceKind.HUB, (), (f"{storage}/queueServices/queues/messages/write",)),
        Need(ResourceKind.HUB, (), (f"{storage}/tableServices/tables/entities/write",)),
    ):
        yield Assignment(
            identity=HOST,
            scope="AzureWebJobsStorage",
            target="host-storage",
            need=need,
            why="Durable Functions' history and queues",
        )
    secret = Need(ResourceKind.HUB, (), ("Microsoft.KeyVault/vaults/secrets/getSecret/action",))
    yield Assignment(
        identity=APP, scope="the Key Vault", target="vault", need=secret, why="settings that are references"
    )
    for purpose in Purpose:
        yield Assignment(
            identity=APP,
            scope=f"the key of SIGNALBOX_SIGNING_KEYS for {purpose.value}, and no other key of its vault",
            target=f"key:{purpose.value}",
            need=needs_of(ResourceKind.KEY, "Signing", "SigningKeys"),
            why="signs statements",
        )


def _computes_of_hubs(configuration: Configuration) -> Iterator[Assignment]:
    for team_hub in configuration.hubs:
        names = " and ".join(team_hub.environments)
        for container in team_hub.containers:
            yield Assignment(
                identity=COMPUTE,
                scope=f"container {container} of {team_hub.account}, of {names} alone",
                target=f"team-container:{container}",
                need=_blobs("read", "write"),
                why="jobs read and write what the team keeps there",
            )


def _doctor(configuration: Configuration) -> Iterator[Assignment]:
    """Reading what stands, is granted and is locked; inherited from a resource group if given there."""
    scopes = [
        (ResourceKind.HUB, f"storage account {configuration.hub.account}", "account", resources.account(configuration))
    ]
    scopes += [
        (
            ResourceKind.HUB,
            f"storage account {team_hub.account}",
            f"team-account:{team_hub.name}",
            resources.hub_account(team_hub),
        )
        for team_hub in configuration.hubs
    ]
    own = configuration.state_account
    if own is not None:
        scopes.append(
            (ResourceKind.HUB, f"storage account {own.name}", "state-account", resources.state_account(configuration)),
        )
    scopes += [
        (
            ResourceKind.WORKSPACE,
            f"workspace {workspace.workspace}",
            f"workspace:{workspace.name}",
            resources.workspace(workspace),
        )
        for workspace in configuration.workspaces
    ]
    scopes += [
        (ResourceKind.REGISTRY, f"registry {registry.name}", "registry", resources.registry(registry))
        for registry in resources.registries(configuration)
    ]
    scopes.append((ResourceKind.BUS, "the Service Bus namespace", "bus", ""))
    for kind, scope, target, resource in scopes:
        yield Assignment(
            identity=APP,
            scope=scope,
            target=target,
            resource=resource,
            need=needs_of(kind, "ControlPlane", "MonitoringSetUp"),
            why="`signalbox doctor` only",
            only_doctor=True,
        )


def _blobs(*verbs: str) -> Need:
    return Need(ResourceKind.HUB, data_actions=tuple(f"{_BLOBS}/{verb}" for verb in verbs))


def _container(location: str) -> str:
    return location.partition("/")[0]


def _training(configuration: Configuration) -> Iterator[str]:
    for rules in configuration.retraining:
        yield from (data.take for data in rules.data)
    for stage in configuration.ladder.stages:
        yield from (folder.path for training in stage.training for folder in training.data)


def _holdouts(configuration: Configuration) -> Iterator[str]:
    for model in configuration.ladder.models:
        # A published version lies in staging, where the app may read and write anyway.
        paths = filter(None, (model.holdout.path, model.holdout.answers))
        yield from (path for path in paths if read_reference(path) is None)
