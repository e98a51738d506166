"""What reaches the app and what it reads: Flex Consumption's own rules, settings, queues and event subscriptions."""

from collections.abc import Iterator
from typing import Any

from infra.check.findings import Finding
from infra.check.installation import Installed
from infra.check.values import Deployed

_SETTINGS, _SITE = "Microsoft.Web/sites/config", "Microsoft.Web/sites"
_EVENTS = "Microsoft.EventGrid/systemTopics/eventSubscriptions"
_MOST_VALUES, _LONGEST_VALUE = 25, 512
_PYTHON = ("3.10", "3.11", "3.12")
# What no row of the generated data names: the scheduler's, where it is the backend, and how an upgrade is taken back.
_BESIDE = {
    "DURABLE_TASK_SCHEDULER_CONNECTION_STRING",
    "AzureFunctionsJobHost__extensions__durableTask__versionFailureStrategy",
}


def flex(installed: Installed) -> Iterator[Finding]:
    """What Flex Consumption refuses, ignores or kills."""
    for site in installed.of_type(_SITE):
        config = site.properties.get("functionAppConfig", {})
        scale = config.get("scaleAndConcurrency", {})
        if scale.get("maximumInstanceCount", 0) < 40:
            yield Finding(site.place, "flex", "the lowest maximum of instances that Flex takes is 40")
        if config.get("runtime", {}).get("version") not in _PYTHON:
            yield Finding(site.place, "flex", f"Flex has no Python {config.get('runtime', {}).get('version')}")
        if "appSettings" in site.properties.get("siteConfig", {}):
            yield Finding(site.place, "flex", "siteConfig.appSettings and sites/config overwrite each other")
        if (
            config.get("deployment", {}).get("storage", {}).get("authentication", {}).get("type")
            != "UserAssignedIdentity"
        ):
            yield Finding(site.place, "flex", "the package must be read by the app's identity")
    for network in installed.of_type("Microsoft.Network/virtualNetworks"):
        for subnet in network.properties["subnets"]:
            yield from _subnet(network, subnet)
    for plan in installed.of_type("Microsoft.Web/serverfarms"):
        if plan.body.get("sku", {}).get("name") != "FC1" or not plan.properties.get("reserved"):
            yield Finding(plan.place, "flex", "the plan must be FC1 with reserved: true")


def _subnet(network: Deployed, subnet: dict[str, Any]) -> Iterator[Finding]:
    if subnet["name"] != "snet-app":
        return
    delegations = [entry["properties"]["serviceName"] for entry in subnet["properties"].get("delegations", [])]
    if delegations != ["Microsoft.App/environments"]:
        yield Finding(
            network.place,
            "flex",
            f"the app's subnet is delegated to {delegations or 'nothing'}, and Flex needs Microsoft.App/environments",
        )
    services = [entry["service"] for entry in subnet["properties"].get("serviceEndpoints", [])]
    if "Microsoft.Web" not in services:
        yield Finding(
            network.place, "flex", "without the service endpoint Microsoft.Web the app cannot synchronise its triggers"
        )


def settings(installed: Installed) -> Iterator[Finding]:
    """Every setting that the code reads is there, none that it does not know, and none that holds a secret."""
    rows = {row["name"]: row["source"] for row in installed.data["settings"]}
    forbidden = {name.upper() for name in installed.data["forbiddenSettings"]}
    for resource in installed.of_type(_SETTINGS):
        values = resource.properties
        for name, value in values.items():
            if name.upper() in forbidden:
                yield Finding(resource.place, "settings", f"{name} must not be set on Flex Consumption")
            elif rows.get(name) == "absent":
                yield Finding(resource.place, "settings", f"{name} must not be set: identities open every connection")
            elif name not in rows and name not in _BESIDE:
                yield Finding(resource.place, "settings", f"{name} is a setting that nothing reads")
            if not isinstance(value, str) or "AccountKey=" in value or "SharedAccessKey=" in value:
                yield Finding(resource.place, "settings", f"{name} holds a key, or is no text")
        missing = sorted(name for name, source in rows.items() if source != "absent" and name not in values)
        if missing:
            yield Finding(resource.place, "settings", f"nothing sets {', '.join(missing)}")
        for name, asker in installed.data["askedSettings"].items():
            if not values.get(name):
                yield Finding(resource.place, "settings", f"{name} is empty, and {asker} of signalbox.yaml asks for it")


def queues(installed: Installed) -> Iterator[Finding]:
    """Every queue that a setting names stands, and takes sessions exactly where its door does."""
    queues_ = {queue.short_name: queue for queue in installed.of_type("Microsoft.ServiceBus/namespaces/queues")}
    for resource in installed.of_type(_SETTINGS):
        for name, value in resource.properties.items():
            if not (name.startswith("SIGNALBOX_") and name.endswith("_QUEUE")):
                continue
            queue = queues_.get(value)
            if queue is None:
                yield Finding(resource.place, "queues", f"{name} names {value}, which is no queue here")
                continue
            has_sessions = name in ("SIGNALBOX_MESSAGES_QUEUE", "SIGNALBOX_RECORDS_QUEUE")
            if bool(queue.properties.get("requiresSession")) != has_sessions:
                yield Finding(
                    queue.place,
                    "queues",
                    f"{value} {'needs' if has_sessions else 'must not require'} sessions, or its door cannot receive",
                )
            if name == "SIGNALBOX_APPROVALS_QUEUE" and queue.properties.get("defaultMessageTimeToLive") != "PT1H":
                yield Finding(queue.place, "queues", f"{value} keeps decisions longer than a token lives")
            elif name != "SIGNALBOX_APPROVALS_QUEUE" and not queue.properties.get("deadLetteringOnMessageExpiration"):
                yield Finding(queue.place, "queues", f"{value} drops what expires without a trace")
    for topic in installed.of_type("Microsoft.ServiceBus/namespaces/topics"):
        if not topic.properties.get("requiresDuplicateDetection"):
            yield Finding(topic.place, "queues", f"topic {topic.short_name} takes the same message twice")


def event_filters(installed: Installed) -> Iterator[Finding]:
    """Event Grid's limits, a place for what cannot be delivered, and no event of the app's own containers."""
    hub = installed.data["hub"]
    for subscription in installed.of_type(_EVENTS):
        filters = subscription.properties.get("filter", {}).get("advancedFilters", [])
        values = [value for entry in filters for value in entry.get("values", [])]
        if len(values) > _MOST_VALUES:
            yield Finding(
                subscription.place,
                "filters",
                f"{subscription.short_name} has {len(values)} filter values, and may have {_MOST_VALUES} in all",
            )
        yield from (
            Finding(subscription.place, "filters", f"{value[:40]}... has more than {_LONGEST_VALUE} characters")
            for value in values
            if len(value) > _LONGEST_VALUE
        )
        for container in (hub["staging"], hub["deadLetters"], hub["containers"][0]):
            if any(
                f"/containers/{container}/blobs/".startswith(value.partition("/default")[2])
                for value in values
                if "/containers/" in value
            ):
                yield Finding(
                    subscription.place,
                    "filters",
                    f"{subscription.short_name} brings events of {container}: each would raise another",
                )
        if "BlobCreated" in str(subscription.properties.get("filter")):
            yield from _letters(subscription, hub)
        yield from _destination(installed, subscription)


def _letters(subscription: Deployed, hub: dict[str, Any]) -> Iterator[Finding]:
    letters = subscription.properties.get("deadLetterWithResourceIdentity", {}).get("deadLetterDestination", {})
    if letters.get("properties", {}).get("blobContainerName") != hub["deadLetters"]:
        yield Finding(
            subscription.place,
            "filters",
            f"what {subscription.short_name} cannot deliver is lost: it must go to {hub['deadLetters']}",
        )


def _destination(installed: Installed, subscription: Deployed) -> Iterator[Finding]:
    direct = subscription.properties.get("destination")
    by_identity = subscription.properties.get("deliveryWithResourceIdentity", {}).get("destination", {})
    if direct and installed.profile != "open":
        yield Finding(
            subscription.place,
            "destination",
            f"Event Grid cannot call the app in the profile {installed.profile}: deliver to the queue",
        )
    target = by_identity.get("properties", {}).get("resourceId", "")
    queues_ = {queue.id for queue in installed.of_type("Microsoft.ServiceBus/namespaces/queues")}
    if by_identity and target not in queues_:
        yield Finding(subscription.place, "destination", f"{target.rpartition('/')[2]} is no queue here")


def callers(installed: Installed) -> Iterator[Finding]:
    """An action group cannot call an app that is closed, and nobody from outside is on a sealed app's list."""
    if installed.profile != "sealed":
        return
    for group in installed.of_type("Microsoft.Insights/actionGroups"):
        if group.properties.get("webhookReceivers"):
            yield Finding(group.place, "callers", "an action group cannot call a sealed app")
    for site in installed.of_type(_SITE):
        if site.properties.get("siteConfig", {}).get("ipSecurityRestrictions"):
            yield Finding(site.place, "callers", "a sealed app has no list of callers: only its private endpoint")


RULES = (flex, settings, queues, event_filters, callers)
