"""Containers behind a workspace's datastores, reached with the app's own identity."""

from urllib.parse import quote

from azure.core.credentials import TokenCredential
from azure.storage.blob import ContainerClient

from shared.adapters.azure_ml.arm import Arm, place_path
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
        return ContainerClient.from_container_url(url, credential=self._credential, max_single_get_size=BLOCK)
