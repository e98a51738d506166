"""What every resource owes: no public door where the profile has none, no keys, TLS, diagnostics, locks, names."""

import re
from collections.abc import Iterator
from typing import Any

from infra.check.findings import Finding
from infra.check.installation import Installed
from infra.check.values import Body, Deployed, Runtime

_DATA = (
    "Microsoft.Storage/storageAccounts",
    "Microsoft.KeyVault/vaults",
    "Microsoft.ServiceBus/namespaces",
    "Microsoft.EventGrid/topics",
    "Microsoft.MachineLearningServices/workspaces",
    "Microsoft.MachineLearningServices/registries",
)
_SITE, _LOGS = "Microsoft.Web/sites", "Microsoft.OperationalInsights/workspaces"
_INSIGHTS, _SCHEDULER = "Microsoft.Insights/components", "Microsoft.DurableTask/schedulers"
_GROUPS = {
    "Microsoft.Storage/storageAccounts": ("blob",),
    "Microsoft.KeyVault/vaults": ("vault",),
    "Microsoft.ServiceBus/namespaces": ("namespace",),
    "Microsoft.EventGrid/topics": ("topic",),
    "Microsoft.MachineLearningServices/workspaces": ("amlworkspace",),
    "Microsoft.MachineLearningServices/registries": ("amlregistry",),
}
_TAGGED = (*_DATA, _SITE, "Microsoft.Web/serverfarms", _LOGS, "Microsoft.ManagedIdentity/userAssignedIdentities")
_TAGS = ("owner", "costCenter", "dataClassification")
# What Azure lets a name be, where the published types do not say it.
_NAMES = {
    "Microsoft.Web/sites": r"[a-z0-9][a-z0-9-]{0,58}[a-z0-9]",
    "Microsoft.KeyVault/vaults": r"[a-z]([a-z0-9]|-(?!-)){1,22}[a-z0-9]",
    "Microsoft.ServiceBus/namespaces": r"[a-zA-Z][a-zA-Z0-9-]{4,48}[a-zA-Z0-9](?<!-sb)(?<!-mgmt)",
    "Microsoft.EventGrid/topics": r"[a-zA-Z0-9-]{3,50}",
    "Microsoft.EventGrid/systemTopics": r"[a-zA-Z0-9-]{3,128}",
    "Microsoft.EventGrid/systemTopics/eventSubscriptions": r"[a-zA-Z0-9-]{3,64}",
    "Microsoft.MachineLearningServices/workspaces": r"[a-zA-Z0-9][a-zA-Z0-9_-]{2,32}",
    "Microsoft.MachineLearningServices/workspaces/computes": r"[a-zA-Z][a-zA-Z0-9-]{1,14}[a-zA-Z0-9]",
    "Microsoft.MachineLearningServices/workspaces/datastores": r"[a-z][a-z0-9_]{0,254}",
    "Microsoft.Storage/storageAccounts/blobServices/containers": r"[a-z0-9](-?[a-z0-9]){2,62}",
    "Microsoft.Insights/actionGroups": r"[^/&%?]{1,260}",
    "Microsoft.Insights/workbooks": r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}",
    "Microsoft.Authorization/roleAssignments": r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}",
}


def public_access(installed: Installed) -> Iterator[Finding]:
    """In the profiles restricted and sealed no data is reached from the internet, and in sealed not even the app."""
    if installed.profile == "open":
        return
    closed = _DATA if installed.profile == "restricted" else (*_DATA, _SITE, _LOGS, _INSIGHTS, _SCHEDULER)
    for resource in installed.of_type(*closed):
        for name in ("publicNetworkAccess", "publicNetworkAccessForIngestion", "publicNetworkAccessForQuery"):
            value = resource.properties.get(name, "Enabled" if name == "publicNetworkAccess" else "Disabled")
            if resource.type not in (_LOGS, _INSIGHTS) and name != "publicNetworkAccess":
                continue
            if name == "publicNetworkAccess" and resource.type in (_LOGS, _INSIGHTS):
                continue
            if str(value).lower() != "disabled":
                yield _about(
                    resource,
                    name,
                    "public-access",
                    f"{resource.short_name} is public in the profile {installed.profile}",
                )
    for site in installed.of_type(_SITE):
        config = site.properties.get("siteConfig", {})
        if (
            config.get("ipSecurityRestrictionsDefaultAction") != "Deny"
            or config.get("scmIpSecurityRestrictionsDefaultAction") != "Deny"
        ):
            yield _about(site, "siteConfig", "public-access", f"{site.short_name} lets everybody in by default")


def private_endpoints(installed: Installed) -> Iterator[Finding]:
    """What is not public is reached by a private endpoint: otherwise nobody reaches it."""
    if installed.profile == "open":
        return
    reached = {
        (connection["properties"]["privateLinkServiceId"], group)
        for endpoint in installed.of_type("Microsoft.Network/privateEndpoints")
        for connection in endpoint.properties["privateLinkServiceConnections"]
        for group in connection["properties"]["groupIds"]
    }
    host_storage, of_teams = _host_storage(installed), _of_teams(installed)
    for resource in installed.of_type(*_DATA, *((_SITE,) if installed.profile == "sealed" else ())):
        # A workspace's vault is opened by its managed network alone; its account is read and written by the app too.
        if resource.id in of_teams and resource.type != "Microsoft.Storage/storageAccounts":
            continue
        needed = (
            ("blob", "queue", "table")
            if resource.short_name == host_storage
            else _GROUPS.get(resource.type, ("sites",))
        )
        for group in needed:
            if (resource.id, group) not in reached:
                yield Finding(
                    resource.place, "private-endpoint", f"{resource.short_name} has no private endpoint for {group}"
                )


def credentials(installed: Installed) -> Iterator[Finding]:
    """Keys and passwords are off, and only identities open a door."""
    wanted: dict[str, dict[str, Any]] = {
        "Microsoft.Storage/storageAccounts": {
            "allowSharedKeyAccess": False,
            "allowBlobPublicAccess": False,
            "allowCrossTenantReplication": False,
            "supportsHttpsTrafficOnly": True,
        },
        "Microsoft.ServiceBus/namespaces": {"disableLocalAuth": True},
        "Microsoft.EventGrid/topics": {"disableLocalAuth": True},
        "Microsoft.Insights/components": {"DisableLocalAuth": True},
        "Microsoft.MachineLearningServices/workspaces/computes": {"disableLocalAuth": True},
        "Microsoft.KeyVault/vaults": {"enableRbacAuthorization": True, "enablePurgeProtection": True},
        "Microsoft.Web/sites": {"httpsOnly": True},
        "Microsoft.MachineLearningServices/workspaces": {"systemDatastoresAuthMode": "Identity"},
        "Microsoft.Storage/storageAccounts/blobServices/containers": {"publicAccess": "None"},
    }
    for kind, properties in wanted.items():
        for resource in installed.of_type(kind):
            for name, value in properties.items():
                if resource.properties.get(name) != value:
                    yield _about(resource, name, "credentials", f"{name} of {resource.short_name} must be {value}")


def transport(installed: Installed) -> Iterator[Finding]:
    names = {
        "Microsoft.Storage/storageAccounts": ("minimumTlsVersion", ("TLS1_2", "TLS1_3")),
        "Microsoft.ServiceBus/namespaces": ("minimumTlsVersion", ("1.2", "1.3")),
        "Microsoft.EventGrid/topics": ("minimumTlsVersionAllowed", ("1.2", "1.3")),
    }
    for kind, (name, versions) in names.items():
        for resource in installed.of_type(kind):
            if resource.properties.get(name) not in versions:
                yield _about(resource, name, "transport", f"{resource.short_name} takes TLS below 1.2")
    for site in installed.of_type(_SITE):
        if site.properties.get("siteConfig", {}).get("minTlsVersion") not in ("1.2", "1.3"):
            yield _about(site, "siteConfig", "transport", f"{site.short_name} takes TLS below 1.2")


def diagnostics(installed: Installed) -> Iterator[Finding]:
    """What happened is on record: every resource with a log sends it to Log Analytics."""
    logged = {setting.scope for setting in installed.of_type("Microsoft.Insights/diagnosticSettings")}
    kinds = (*_DATA[1:], _SITE, "Microsoft.EventGrid/systemTopics", "Microsoft.Storage/storageAccounts/blobServices")
    for resource in installed.of_type(*kinds):
        if resource.id not in logged:
            yield Finding(
                resource.place, "diagnostics", f"{resource.short_name} of {resource.type} has no diagnostic setting"
            )


def locks(installed: Installed) -> Iterator[Finding]:
    """Nothing of Azure ML's workspaces is locked, and what cannot be made again is."""
    locked, of_teams = dict[str, str](), _of_teams(installed)
    for lock in installed.of_type("Microsoft.Authorization/locks"):
        scope = lock.scope or lock.deployment.id
        locked[scope] = str(lock.properties.get("level"))
        if lock.properties.get("level") != "CanNotDelete":
            yield Finding(
                lock.place,
                "locks",
                f"the lock on {scope.rpartition('/')[2]} is read-only: nothing can be written there",
            )
        for workspace in installed.of_type("Microsoft.MachineLearningServices/workspaces"):
            if f"{workspace.id}/".startswith(f"{scope}/"):
                problem = (
                    f"a lock covers {workspace.short_name}: its managed network is stuck, its clusters cannot shrink"
                )
                yield Finding(lock.place, "locks", problem)
    for resource in installed.of_type(
        "Microsoft.Storage/storageAccounts", "Microsoft.KeyVault/vaults", _DATA[-1], _LOGS
    ):
        if resource.id not in of_teams and resource.id not in locked:
            yield Finding(
                resource.place, "locks", f"{resource.short_name} can be deleted by accident: nothing locks it"
            )


def tags(installed: Installed) -> Iterator[Finding]:
    for resource in installed.of_type(*_TAGGED):
        missing = [tag for tag in _TAGS if tag not in resource.body.get("tags", {})]
        if missing:
            yield Finding(resource.place, "tags", f"{resource.short_name} lacks the tags {', '.join(missing)}")


def names(installed: Installed) -> Iterator[Finding]:
    for resource in installed.resources:
        pattern = _NAMES.get(resource.type)
        if pattern and not isinstance(resource.name, Runtime) and not re.fullmatch(pattern, resource.short_name):
            yield Finding(resource.place, "names", f"{resource.short_name!r} cannot be a name of {resource.type}")
    places = dict[str, Deployed]()
    for resource in installed.resources:
        if not resource.existing and places.setdefault(resource.id.lower(), resource) is not resource:
            yield Finding(resource.place, "names", f"{resource.id} is made twice")


def audit_container(installed: Installed) -> Iterator[Finding]:
    """A policy lies on the container of the audit log alone: elsewhere records are replaced and deleted."""
    audit = installed.data["hub"]["audit"]
    for policy in installed.of_type("Microsoft.Storage/storageAccounts/blobServices/containers/immutabilityPolicies"):
        container = policy.name.split("/")[2]
        if container != audit:
            yield Finding(policy.place, "audit", f"a policy on {container} would stop the app: its records change")
        if policy.properties.get("allowProtectedAppendWrites") is not False:
            yield Finding(policy.place, "audit", f"the policy on {container} lets blobs grow after they are written")
    if audit and not installed.of_type(
        "Microsoft.Storage/storageAccounts/blobServices/containers/immutabilityPolicies"
    ):
        yield Finding(
            installed.of_type("Microsoft.Storage/storageAccounts/blobServices/containers")[0].place,
            "audit",
            "no policy lies on the audit log",
        )


RULES = (public_access, private_endpoints, credentials, transport, diagnostics, locks, tags, names, audit_container)


def _about(resource: Deployed, name: str, rule: str, problem: str) -> Finding:
    properties = resource.body.get("properties")
    place = properties.place_of(name) if isinstance(properties, Body) else resource.place
    return Finding(place, rule, problem)


def _host_storage(installed: Installed) -> str:
    settings = installed.of_type("Microsoft.Web/sites/config")
    return str(settings[0].properties.get("AzureWebJobsStorage__accountName", "")) if settings else ""


def _of_teams(installed: Installed) -> set[str]:
    """What belongs to a workspace: its managed network has endpoints of its own, and a lock would be in its way."""
    kinds = ("Microsoft.Storage/storageAccounts", "Microsoft.KeyVault/vaults")
    evaluations = (evaluation for name, evaluation in installed.evaluations.items() if name.startswith("team:"))
    entries = (entry for evaluation in evaluations for entry in evaluation.resources)
    return {entry.id for entry in entries if entry.type in kinds and not entry.existing}
