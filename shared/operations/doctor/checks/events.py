"""Event subscriptions: what the routes take is brought to this app, with a place for what cannot be delivered."""

from collections.abc import Iterator

from shared.domain.azure import resources
from shared.domain.azure.inspection import Subscription
from shared.domain.inference.routes import Grouping, Route
from shared.domain.paths.patterns import fixed_prefix
from shared.operations.doctor.findings import Finding, Findings, Site, SubjectReport, check

FUNCTION = "receive_hub_event"
_QUEUE = "SIGNALBOX_EVENTS_QUEUE"
_CREATED, _RENAMED = "Microsoft.Storage.BlobCreated", "Microsoft.Storage.BlobRenamed"
_REGISTERED = "Microsoft.MachineLearningServices.ModelRegistered"
# The operations after which a file is whole, over every protocol of the service.
WHOLE_FILE_OPERATIONS = (
    "PutBlob",
    "PutBlockList",
    "CopyBlob",
    "FlushWithClose",
    "SftpCommit",
    "RenameFile",
    "SftpRename",
)


@check
def events(site: Site) -> Findings:
    configuration, account = site.configuration, resources.account(site.configuration)
    if account:
        yield from _hub(site, account, configuration.hub.account)
    else:
        fix = "name `subscription` and `resource_group` of the hub's account under `hub` in signalbox.yaml"
        yield SubjectReport("events", "subscriptions of the Data Hub").unknown("cannot be looked for", fix)
    for hub in configuration.hubs:
        yield from _hub(site, resources.hub_account(hub), hub.account)
    sources = {stage.source for stage in site.configuration.ladder.stages}
    for workspace in site.configuration.workspaces:
        if workspace.name in sources:
            name, resource = f"models of {workspace.workspace}", resources.workspace(workspace)
            yield _models(site, name, resource, "workspace", "flags wait for the timer")
    for stage in site.configuration.ladder.stages:
        before = site.configuration.ladder.before(stage)
        if stage.on_registration and before is not None and before.registry is not None:
            name, resource = f"entries of {before.registry.name}", resources.registry(before.registry)
            yield _models(site, name, resource, "registry", f"releases to {stage.name} wait for the timer")


def _hub(site: Site, resource: str, account: str) -> Findings:
    """The subscriptions of the storage account *account*, which is *resource*."""
    subscriptions = [candidate for candidate in site.control.subscriptions(resource) if _is_ours(site, candidate)]
    for route in site.configuration.routes:
        is_here = site.configuration.account_of(route.take.partition("/")[0]) == account
        if is_here and route.group.kind is not Grouping.SCHEDULE:
            yield _check_take(route, subscriptions)
    for subscription in subscriptions:
        yield from _filters(subscription)
        yield _dead_letters(site, subscription)


def _is_ours(site: Site, subscription: Subscription) -> bool:
    """Delivered to this app's function or queue; to any app's, where the platform does not say what ours is called."""
    name, host = site.settings.site_name.lower(), site.settings.site_host.lower()
    queue = dict(site.settings.queues).get(_QUEUE)
    if queue and subscription.function.lower().endswith(f"/{site.settings.bus_name}/queues/{queue}".lower()):
        return True
    if subscription.function:
        suffix = f"/sites/{name}/functions/{FUNCTION}".lower() if name else f"/functions/{FUNCTION}".lower()
        return subscription.function.lower().endswith(suffix)
    return bool(subscription.host) and subscription.host.lower() == host


def _check_take(route: Route, subscriptions: list[Subscription]) -> Finding:
    report, container = SubjectReport("events", f"route {route.name}"), route.take.partition("/")[0]
    bring = [subscription for subscription in subscriptions if _brings(subscription, route)]
    if not bring:
        fix = f"subscribe {FUNCTION} to {_CREATED} and {_RENAMED} of container {container}, for all of {route.take}"
        return report.broken("no event subscription brings its files to this app", fix)
    return report.ok(f"its files are brought by {', '.join(subscription.name for subscription in bring)}")


def _brings(subscription: Subscription, route: Route) -> bool:
    container, _, path = route.take.partition("/")
    subject = f"/blobServices/default/containers/{container}/blobs/{fixed_prefix(path)}".lower()
    last = route.group.marker.name if route.group.kind is Grouping.MARKER else route.take
    suffix = subscription.ends_with.lower()
    prefixes = tuple(prefix.lower() for prefix in subscription.subject_prefixes) or ("",)
    return (
        subject.startswith(subscription.begins_with.lower())
        and subject.startswith(prefixes)
        and last.lower().endswith(suffix)
    )


def _filters(subscription: Subscription) -> Iterator[Finding]:
    report = SubjectReport("events", f"subscription {subscription.name}")
    missing_types = [
        kind for kind in (_CREATED, _RENAMED) if subscription.event_types and kind not in subscription.event_types
    ]
    if missing_types:
        fix = "include both types: a file that is renamed into its place raises only BlobRenamed"
        yield report.broken(f"does not include {', '.join(missing_types)}", fix)
    silent = [api for api in WHOLE_FILE_OPERATIONS if subscription.apis and api not in subscription.apis]
    if silent:
        yield report.broken(f"its filter on data.api drops {', '.join(silent)}", "add them to the filter's values")
    if subscription.state != "Succeeded":
        yield report.broken(f"is {subscription.state}", "create the subscription again; Event Grid says why it failed")
    if not missing_types and not silent:
        yield report.ok("lets every finished file through")


def _dead_letters(site: Site, subscription: Subscription) -> Finding:
    report, hub = SubjectReport("events", f"dead letters of {subscription.name}"), site.configuration.hub
    container, fix = (
        subscription.dead_letter_container,
        f"set container {hub.dead_letters} of {hub.account} as the destination",
    )
    containers = {route.take.partition("/")[0] for route in site.configuration.routes}
    if not container:
        return report.broken("have no destination: what cannot be delivered is lost", fix)
    if subscription.dead_letter_account.lower() == hub.account.lower() and container in containers:
        return report.broken(f"go to {container}, which is watched: each would raise another event", fix)
    if container != hub.dead_letters or subscription.dead_letter_account.lower() != hub.account.lower():
        return report.warning(f"go to {subscription.dead_letter_account}/{container}, where replays do not look", fix)
    return report.ok(f"go to {container}")


def _models(site: Site, name: str, resource: str, kind: str, otherwise: str) -> Finding:
    """Whether registrations in the *resource*, which is a workspace or a registry by its *kind*, reach this app."""
    report = SubjectReport("events", name)
    bring = [
        subscription
        for subscription in site.control.subscriptions(resource)
        if _is_ours(site, subscription) and (not subscription.event_types or _REGISTERED in subscription.event_types)
    ]
    if not bring:
        fix = f"subscribe {FUNCTION} to {_REGISTERED} of the {kind}"
        return report.warning(f"their registration is brought by no event: {otherwise}", fix)
    return report.ok(f"their registration is brought by {', '.join(subscription.name for subscription in bring)}")
