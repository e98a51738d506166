"""A fake control plane of what the templates would deploy: the doctor's port over an evaluated installation."""

from datetime import UTC, datetime
from typing import Any

from infra.check.installation import Installed
from infra.check.rules.access import principal_of, role_of
from infra.check.values import Deployed
from shared.domain.azure.inspection import (
    AzureResource,
    ClockSeen,
    DatastoreSeen,
    Grant,
    IssuerSeen,
    Lock,
    LockLevel,
    QueueSeen,
    RoleGiven,
    Subscription,
    TopicSeen,
)
from shared.operations.roles.catalogue import ROLES

NOW = datetime(2026, 1, 1, tzinfo=UTC)
_GRANTS = {role.id: role.grants for role in ROLES}
_NAMES = {role.id: role.name for role in ROLES}


class DeployedControl:
    """Azure Resource Manager after the deployments of *installed*, asked by the app's own identity."""

    def __init__(self, installed: Installed) -> None:
        self._installed = installed
        self._resources = {resource.id.lower(): resource for resource in installed.resources if not resource.existing}
        self._app = installed.evaluations["platform"].outputs["appPrincipalId"]

    def find(self, resource: str) -> AzureResource | None:
        deployed = self._resources.get(resource.lower())
        if deployed is None:
            return None
        properties = deployed.properties
        return AzureResource(
            id=resource,
            state="Succeeded",
            public=properties.get("publicNetworkAccess", "Enabled").lower() == "enabled",
            shared_key=bool(properties.get("allowSharedKeyAccess", True)) and "storageAccounts" in deployed.type,
            tags=deployed.body.get("tags", {}),
        )

    def datastore(self, workspace: Any, name: str) -> DatastoreSeen | None:
        for store in self._of("Microsoft.MachineLearningServices/workspaces/datastores"):
            if store.name == f"{workspace.workspace}/{name}":
                properties = store.properties
                return DatastoreSeen(account=properties["accountName"], container=properties["containerName"])
        return None

    def grants(self, resource: str) -> tuple[Grant, ...]:
        return tuple(_GRANTS[role_of(role)] for role in self._roles(resource) if principal_of(role) == self._app)

    def roles_given(self, resource: str) -> tuple[RoleGiven, ...]:
        return tuple(
            RoleGiven(
                principal=principal_of(role),
                kind=role.properties["principalType"],
                role=_NAMES[role_of(role)],
                scope=_scope(role),
                grants=(_GRANTS[role_of(role)],),
            )
            for role in self._roles(resource)
        )

    def own_principal(self) -> str:
        return self._app

    def locks(self, scope: str) -> tuple[Lock, ...]:
        return tuple(
            Lock(name=lock.short_name, level=LockLevel(lock.properties["level"]), scope=_scope(lock))
            for lock in self._of("Microsoft.Authorization/locks")
            if _scope(lock).lower().startswith(scope.lower())
        )

    def subscriptions(self, resource: str) -> tuple[Subscription, ...]:
        topics = {
            topic.id
            for topic in self._of("Microsoft.EventGrid/systemTopics")
            if topic.properties["source"].lower() == resource.lower()
        }
        return tuple(
            _subscription(entry)
            for entry in self._of("Microsoft.EventGrid/systemTopics/eventSubscriptions")
            if entry.id.rpartition("/eventSubscriptions/")[0] in topics
        )

    def queue(self, namespace: str, name: str) -> QueueSeen | None:
        queue = self._resources.get(f"{namespace}/queues/{name}".lower())
        if queue is None:
            return None
        return QueueSeen(
            name=name,
            sessions=queue.properties["requiresSession"],
            deliveries=queue.properties["maxDeliveryCount"],
            life_s=3600 if queue.properties.get("defaultMessageTimeToLive") == "PT1H" else float("inf"),
            keeps_expired=queue.properties["deadLetteringOnMessageExpiration"],
        )

    def topic(self, namespace: str, name: str) -> TopicSeen | None:
        topic = self._resources.get(f"{namespace}/topics/{name}".lower())
        if topic is None:
            return None
        listeners = self._of("Microsoft.ServiceBus/namespaces/topics/subscriptions")
        return TopicSeen(
            name=name,
            drops_repeats=topic.properties["requiresDuplicateDetection"],
            subscriptions=tuple(QueueSeen(name=listener.short_name) for listener in listeners),
        )

    def issuer(self, issuer: str) -> IssuerSeen:
        return IssuerSeen(issuer=issuer, keys=2)

    def clock(self) -> ClockSeen:
        return ClockSeen(azure_time=NOW, local_time=NOW)

    def addresses(self, url: str) -> tuple[str, ...]:
        return ("10.20.0.132",)

    def answers(self, url: str) -> bool:
        return True

    def _of(self, kind: str) -> list[Deployed]:
        return self._installed.of_type(kind)

    def _roles(self, resource: str) -> list[Deployed]:
        """The assignments that count on *resource*: on it, or above it."""
        roles = self._of("Microsoft.Authorization/roleAssignments")
        return [
            role
            for role in roles
            if f"{resource}/".lower().startswith(f"{_scope(role)}/".lower()) and role_of(role) in _GRANTS
        ]


def _scope(extension: Deployed) -> str:
    return extension.scope or extension.deployment.id


def _subscription(entry: Deployed) -> Subscription:
    properties = entry.properties
    values = {rule["key"]: tuple(rule["values"]) for rule in properties["filter"].get("advancedFilters", [])}
    delivery = properties.get("deliveryWithResourceIdentity", properties).get("destination")
    letters = (
        properties.get("deadLetterWithResourceIdentity", {}).get("deadLetterDestination", {}).get("properties", {})
    )
    return Subscription(
        name=entry.short_name,
        event_types=tuple(properties["filter"]["includedEventTypes"]),
        subject_prefixes=values.get("subject", ()),
        apis=values.get("data.api", ()),
        function=delivery["properties"]["resourceId"],
        dead_letter_account=letters.get("resourceId", "").rpartition("/")[2],
        dead_letter_container=letters.get("blobContainerName", ""),
    )
