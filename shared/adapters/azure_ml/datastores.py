"""Datastores of a workspace: their addresses, the containers behind them, and training sets as data assets.

Containers are reached with the app's own identity. Data assets are written by `ml_client`.
"""

from collections.abc import Mapping
from urllib.parse import quote

from azure.core.credentials import TokenCredential
from azure.storage.blob import ContainerClient

from shared.adapters.azure_ml.arm import Arm, place_path
from shared.adapters.azure_ml.ml_client import MlAssets
from shared.domain.failures import Refused
from shared.domain.inference.routes import Workspace

BLOCK = 4 * 1024 * 1024


class Datastores:
    """*accounts* makes a storage account's address of `{account}`."""

    def __init__(self, arm: Arm, credential: TokenCredential, accounts: str) -> None:
        self._arm, self._credential, self._accounts = arm, credential, accounts

    def container(self, workspace: Workspace, datastore: str) -> ContainerClient:
        """Raises Refused where the workspace has no such datastore."""
        path = f"{place_path(workspace)}/datastores/{quote(datastore)}"
        raw = self._arm.get(path, f"look at datastore {datastore}")
        if raw is None:
            raise Refused(f"datastore {datastore} is not in {workspace.name}")
        account = self._accounts.replace("{account}", raw["properties"]["accountName"])
        url = f"{account}/{raw['properties']['containerName']}"
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

    def __init__(self, arm: Arm, assets: MlAssets) -> None:
        self._arm, self._assets = arm, assets

    def register(self, workspace: Workspace, name: str, version: str, folder: str, tags: Mapping[str, str]) -> None:
        path = f"{place_path(workspace)}/data/{quote(name)}/versions/{quote(version)}"
        asset = self._arm.get(path, f"look at data {name}:{version}")
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
