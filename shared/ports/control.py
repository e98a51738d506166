"""The port of inspections: what stands in Azure, who may do what there, what is locked. It only reads."""

from typing import Protocol

from shared.domain.azure.inspection import (
    AzureResource,
    ClockSeen,
    DatastoreSeen,
    Grant,
    IssuerSeen,
    Lock,
    QueueSeen,
    RoleGiven,
    Subscription,
    TopicSeen,
)
from shared.domain.inference.routes import Workspace


class ControlPlane(Protocol):
    """Every method raises Hidden where the app's identity may not look."""

    def find(self, resource: str) -> AzureResource | None:
        """The resource with this ARM id, None where there is none."""
        ...

    def datastore(self, workspace: Workspace, name: str) -> DatastoreSeen | None: ...

    def grants(self, resource: str) -> tuple[Grant, ...]:
        """What the app's own identity may do on the resource, from wherever it was given."""
        ...

    def roles_given(self, resource: str) -> tuple[RoleGiven, ...]:
        """The role assignments that count on the resource: its own and those of all that it is below."""
        ...

    def own_principal(self) -> str:
        """The object id of the app's own identity; empty where its token does not say."""
        ...

    def locks(self, scope: str) -> tuple[Lock, ...]:
        """The locks on a subscription or a resource group, and on what is below."""
        ...

    def subscriptions(self, resource: str) -> tuple[Subscription, ...]:
        """The event subscriptions on the resource."""
        ...

    def queue(self, namespace: str, name: str) -> QueueSeen | None:
        """The queue of the Service Bus namespace with the ARM id *namespace*."""
        ...

    def topic(self, namespace: str, name: str) -> TopicSeen | None:
        """The topic, with its subscriptions."""
        ...

    def issuer(self, issuer: str) -> IssuerSeen: ...
    def clock(self) -> ClockSeen: ...
    def addresses(self, url: str) -> tuple[str, ...]:
        """What the host of *url* resolves to here, empty where it does not."""
        ...

    def answers(self, url: str) -> bool:
        """Whether anything answers at *url*, whatever it says."""
        ...
