"""An Azure ML workspace as the commands for models use it: on the local cloud, or on Azure.

Files are uploaded by the storage client and registered by their datastore path: that works on both alike.
"""

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import requests

from signalbox.launcher.endpoints import BLOB_CONTAINER, Endpoints, MlScope

if TYPE_CHECKING:
    from azure.storage.blob import ContainerClient

_AZURE = "https://management.azure.com"
_API_VERSION = "2024-10-01"


class MlWorkspace(Protocol):
    """*path* is the workspace's ARM id; *compute* is where batch jobs run unless the caller names a cluster."""

    @property
    def path(self) -> str: ...

    @property
    def compute(self) -> str: ...

    def client(self) -> AbstractContextManager[Any]:
        """An `azure.ai.ml.MLClient`."""
        ...

    def container(self) -> AbstractContextManager["ContainerClient"]:
        """The container of the workspace's own datastore."""
        ...

    def put(self, path: str, body: dict[str, Any]) -> None:
        """PUT *body* to Resource Manager. Raises requests.HTTPError."""
        ...


@dataclass(frozen=True, slots=True)
class LocalWorkspace:
    """Implements `MlWorkspace` on the local cloud."""

    endpoints: Endpoints
    scope: MlScope
    compute: str = "local"

    @property
    def path(self) -> str:
        return self.scope.path("workspaces")

    @contextmanager
    def client(self) -> Iterator[Any]:
        from signalbox.launcher.ml_client import ml_client

        with ml_client(self.endpoints, self.scope.name) as client:
            yield client

    @contextmanager
    def container(self) -> Iterator["ContainerClient"]:
        from signalbox.launcher.hub import hub_client

        with hub_client(self.endpoints, self.scope.account) as storage:
            yield storage.get_container_client(BLOB_CONTAINER)

    def put(self, path: str, body: dict[str, Any]) -> None:
        from signalbox.launcher.hub import LocalIdentity

        manager = self.endpoints.resource_manager
        token = LocalIdentity(self.endpoints).get_token(f"{manager}/.default").token
        _put(f"{manager}{path}", body, token, str(self.endpoints.ca))


@dataclass(frozen=True, slots=True)
class AzureWorkspace:
    """Implements `MlWorkspace` on Azure, as the identity that `az login` or the environment signs in."""

    subscription: str
    resource_group: str
    name: str
    compute: str = "cpu-cluster"

    @property
    def path(self) -> str:
        group = f"/subscriptions/{self.subscription}/resourceGroups/{self.resource_group}"
        return f"{group}/providers/Microsoft.MachineLearningServices/workspaces/{self.name}"

    @contextmanager
    def client(self) -> Iterator[Any]:
        from azure.ai.ml import MLClient
        from azure.identity import DefaultAzureCredential

        yield MLClient(DefaultAzureCredential(), self.subscription, self.resource_group, self.name, show_progress=False)

    @contextmanager
    def container(self) -> Iterator["ContainerClient"]:
        from azure.identity import DefaultAzureCredential
        from azure.storage.blob import ContainerClient

        with self.client() as client:
            store = client.datastores.get("workspaceblobstore")
        address = f"{store.protocol}://{store.account_name}.blob.{store.endpoint}"
        with ContainerClient(address, store.container_name, credential=DefaultAzureCredential()) as container:
            yield container

    def put(self, path: str, body: dict[str, Any]) -> None:
        from azure.identity import DefaultAzureCredential

        _put(f"{_AZURE}{path}", body, DefaultAzureCredential().get_token(f"{_AZURE}/.default").token, True)


def upload(workspace: MlWorkspace, folder: Path, target: str) -> None:
    """The files of *folder* to the folder *target* of the workspace's own datastore."""
    with workspace.container() as container:
        for path in sorted(path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts):
            with path.open("rb") as stream:
                container.upload_blob(f"{target}/{path.relative_to(folder).as_posix()}", stream, overwrite=True)


def download(workspace: MlWorkspace, source: str, folder: Path) -> list[str]:
    """The files of the folder *source* of the workspace's own datastore, into *folder*; returns their paths in it."""
    with workspace.container() as container:
        names = [blob.name.removeprefix(f"{source}/") for blob in container.list_blobs(name_starts_with=f"{source}/")]
        for name in names:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            with (folder / name).open("wb") as stream:
                container.download_blob(f"{source}/{name}").readinto(stream)
    return names


def datastore_path(folder: str) -> str:
    """How Azure ML names *folder* of a workspace's own datastore."""
    return f"azureml://datastores/workspaceblobstore/paths/{folder}"


def on_azure() -> bool:
    """Whether the commands mean Azure: where SIGNALBOX_URL names an app, its workspaces are meant too."""
    return bool(os.environ.get("SIGNALBOX_URL"))


def _put(url: str, body: dict[str, Any], token: str, verify: str | bool) -> None:
    answer = requests.put(
        f"{url}?api-version={_API_VERSION}",
        json=body,
        headers={"Authorization": f"Bearer {token}"},
        verify=verify,
        timeout=30,
    )
    answer.raise_for_status()
