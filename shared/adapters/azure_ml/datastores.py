"""Datastores of a workspace: their addresses, the containers behind them, and folders and files as data assets.

Containers are reached with the app's own identity. Data assets are written by `ml_client`.
"""

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import IO, Any
from urllib.parse import quote

from azure.core import MatchConditions
from azure.core.credentials import TokenCredential
from azure.storage.blob import ContainerClient

from shared.adapters.azure_faults import translated
from shared.adapters.azure_ml.arm import Arm, place_path
from shared.adapters.azure_ml.ml_client import MlAssets
from shared.domain.failures import Refused
from shared.domain.inference.arrivals import bare_etag, is_folder_marker
from shared.domain.inference.routes import Workspace
from shared.ports import AssetFile, AssetListing

BLOCK = 4 * 1024 * 1024
_FILE_KINDS = ("uri_file", "uri_folder")


class Datastores:
    """*accounts* makes a storage account's address of `{account}`."""

    def __init__(self, arm: Arm, credential: TokenCredential, accounts: str) -> None:
        self._arm, self._credential, self._accounts = arm, credential, accounts

    def place(self, workspace: Workspace, datastore: str) -> tuple[str, str]:
        """The storage account and the container behind it. Refused where the workspace has no such datastore."""
        path = f"{place_path(workspace)}/datastores/{quote(datastore)}"
        raw = self._arm.get(path, f"look at datastore {datastore}")
        if raw is None:
            raise Refused(f"datastore {datastore} is not in {workspace.name}")
        return str(raw["properties"]["accountName"]), str(raw["properties"]["containerName"])

    def container(self, workspace: Workspace, datastore: str) -> ContainerClient:
        """Raises Refused where the workspace has no such datastore."""
        account, name = self.place(workspace, datastore)
        url = f"{self._accounts.replace('{account}', account)}/{name}"
        # The SDK's first request of a download reads up to 32 MB unless it is told otherwise.
        return ContainerClient.from_container_url(url, credential=self._credential, max_single_get_size=BLOCK)


def datastore_place(uri: str) -> tuple[str, str] | None:
    """The datastore and the path in it of `azureml://.../datastores/NAME/paths/PATH`; None where *uri* is another."""
    scheme, _, path_text = uri.partition("://")
    _, _, behind = f"/{path_text}".partition("/datastores/")
    datastore, _, path = behind.partition("/paths/")
    return (datastore, path) if scheme == "azureml" and path and "/" not in datastore else None


class AzureMlData:
    """Implements `shared.ports.DataAssets`."""

    def __init__(self, arm: Arm, assets: MlAssets, datastores: Datastores) -> None:
        self._arm, self._assets, self._datastores = arm, assets, datastores

    def storage(self, workspace: Workspace, datastore: str) -> tuple[str, str]:
        return self._datastores.place(workspace, datastore)

    def files(self, workspace: Workspace, name: str, version: str, most: int) -> AssetListing:
        asset = self._find(workspace, name, version)
        if asset is None:
            raise Refused(f"data {name}:{version} is not in {workspace.name}; name a version that is registered there")
        kind, address = str(asset["properties"].get("dataType", "")), str(asset["properties"].get("dataUri", ""))
        place = datastore_place(address)
        if kind not in _FILE_KINDS or place is None:
            problem = f"data {name}:{version} of {workspace.name} is a {kind or 'thing'} at {address[:200]!r}"
            raise Refused(f"{problem}; register a file or folder of a datastore ({' or '.join(_FILE_KINDS)})")
        storage = self._datastores.place(workspace, place[0])
        blobs = self._listed(workspace, *place, is_file=kind == _FILE_KINDS[0], most=most)
        files = tuple(sorted(blobs, key=lambda file: file.name))
        return AssetListing(address=address, storage=storage, files=files)

    def fetch(self, workspace: Workspace, file: AssetFile, target: IO[bytes]) -> None:
        with translated(f"read {file.path} of datastore {file.datastore}"):
            blob = self._datastores.container(workspace, file.datastore).get_blob_client(file.path)
            stream = blob.download_blob(etag=f'"{file.etag}"', match_condition=MatchConditions.IfNotModified)
            stream.readinto(target)

    def _find(self, workspace: Workspace, name: str, version: str) -> dict[str, Any] | None:
        path = f"{place_path(workspace)}/data/{quote(name)}/versions/{quote(version)}"
        return self._arm.get(path, f"look at data {name}:{version}")

    def _listed(
        self, workspace: Workspace, datastore: str, path: str, *, is_file: bool, most: int
    ) -> Iterator[AssetFile]:
        """The file at *path*, or the files below it, at most one more than *most*."""
        container = self._datastores.container(workspace, datastore)
        folder = path if is_file else f"{path.rstrip('/')}/"
        with translated(f"list {path} of datastore {datastore}"):
            blobs = container.list_blobs(name_starts_with=folder, include=["metadata"])
            own = (blob for blob in blobs if not is_folder_marker(blob.name, blob.metadata or {}))
            for blob in islice((blob for blob in own if not is_file or blob.name == path), most + 1):
                yield AssetFile(
                    name=blob.name.rpartition("/")[2] if is_file else blob.name.removeprefix(folder),
                    datastore=datastore,
                    path=blob.name,
                    etag=bare_etag(blob.etag),
                    size=blob.size,
                )

    def register(self, workspace: Workspace, name: str, version: str, folder: str, tags: Mapping[str, str]) -> None:
        asset = self._find(workspace, name, version)
        if asset is None:
            self._assets.create_data(workspace, name, version, folder, tags)
            return
        uri = str(asset["properties"].get("dataUri", ""))
        # Azure writes subscription, group and workspace into an address that was given without them.
        if uri.rstrip("/") != folder.rstrip("/") and _plain_place(uri) != _plain_place(folder):
            raise Refused(
                f"data {name}:{version} of {workspace.name} is another: it lies at {uri}; use another version"
            )


def _plain_place(uri: str) -> tuple[str, str]:
    datastore, path = datastore_place(uri) or ("", uri)
    return datastore, path.rstrip("/")
