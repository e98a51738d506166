"""The client of the Service Bus namespace that the settings name: by its connection string, or by the app's identity.

It stands alone, since the queues and the topic are opened alike.
"""

from typing import Any, Protocol

from azure.core.credentials import TokenCredential
from azure.servicebus import ServiceBusClient


class NamespaceSettings(Protocol):
    """What is asked of the settings."""

    @property
    def service_bus(self) -> str: ...
    @property
    def service_bus_namespace(self) -> str: ...


def connect_bus(settings: NamespaceSettings, credential: TokenCredential, **options: Any) -> ServiceBusClient:
    if settings.service_bus:
        return ServiceBusClient.from_connection_string(settings.service_bus, **options)
    return ServiceBusClient(settings.service_bus_namespace, credential, **options)
