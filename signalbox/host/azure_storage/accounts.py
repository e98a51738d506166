"""Storage accounts as app settings name them: by a connection string, or by addresses and the host's identity.

Source: "Connections" of the Azure Functions developer guide, and the reference of the queue and blob bindings.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from signalbox.host.errors import HostError

if TYPE_CHECKING:
    from azure.identity.aio import DefaultAzureCredential
    from azure.storage.blob.aio import ContainerClient
    from azure.storage.queue.aio import QueueClient

HOST_ACCOUNT = "AzureWebJobsStorage"
DEVELOPMENT = "UseDevelopmentStorage=true"
_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="  # Azurite's, public.
_AZURITE = (
    f"DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;AccountKey={_KEY};"
    "BlobEndpoint=http://127.0.0.1:10000/devstoreaccount1;QueueEndpoint=http://127.0.0.1:10001/devstoreaccount1;"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """One account: *text* is its connection string; without it *addresses* says where a service of it is."""

    text: str = ""
    addresses: Mapping[str, str]
    client_id: str | None = None


def find_account(connection: str | None, service: str, settings: Mapping[str, str]) -> Account:
    """The account of *connection* for *service*, `blob` or `queue`. Raises HostError where its settings are missing."""
    name = connection or HOST_ACCOUNT
    prefixed = name if name == HOST_ACCOUNT else f"AzureWebJobs{name}"  # Azure looks for this name first.
    for key in (prefixed, name):
        if text := settings.get(key):
            return Account(text=_AZURITE if text.rstrip(";") == DEVELOPMENT else text, addresses={})
        address = settings.get(f"{key}__{service}ServiceUri") or settings.get(f"{key}__serviceUri")
        if not address and (account := settings.get(f"{key}__accountName")):
            address = f"https://{account}.{service}.core.windows.net"
        if address:
            return Account(addresses={service: address}, client_id=settings.get(f"{key}__clientId"))
    raise HostError(f"neither {name} (a connection string) nor {name}__{service}ServiceUri is set: set one")


class StorageClients:
    """The clients of every queue and blob that the app names, each made at its first use."""

    def __init__(self, settings: Mapping[str, str]) -> None:
        self._settings = settings
        self._queues: dict[tuple[str | None, str], QueueClient] = {}
        self._credentials: dict[str | None, DefaultAzureCredential] = {}

    def queue(self, connection: str | None, name: str) -> QueueClient:
        """A client that hands messages over as they are written, which may be Base64."""
        from azure.storage.queue.aio import QueueClient

        key = (connection, name)
        if key not in self._queues:
            account = find_account(connection, "queue", self._settings)
            self._queues[key] = (
                QueueClient.from_connection_string(account.text, name)
                if account.text
                else QueueClient(account.addresses["queue"], name, credential=self._credential(account))
            )
        return self._queues[key]

    def container(self, connection: str | None, name: str) -> ContainerClient:
        """A client for one container; use it within `async with`."""
        from azure.storage.blob.aio import ContainerClient

        account = find_account(connection, "blob", self._settings)
        if account.text:
            return ContainerClient.from_connection_string(account.text, name)
        return ContainerClient(account.addresses["blob"], name, credential=self._credential(account))

    def _credential(self, account: Account) -> Any:
        from azure.identity.aio import DefaultAzureCredential

        if account.client_id not in self._credentials:
            self._credentials[account.client_id] = DefaultAzureCredential(managed_identity_client_id=account.client_id)
        return self._credentials[account.client_id]

    async def close(self) -> None:
        for client in self._queues.values():
            await client.close()
        for credential in self._credentials.values():
            await credential.close()
