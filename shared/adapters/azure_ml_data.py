"""Training sets as data assets of a workspace.

Contract: DataVersions of https://learn.microsoft.com/rest/api/azureml, of type `uri_folder`.
"""

from collections.abc import Mapping
from urllib.parse import quote

from shared.adapters.azure_ml_arm import Arm, place_path
from shared.domain.routes import Workspace


class AzureMlData:
    """Implements `shared.ports.DataAssets`."""

    def __init__(self, arm: Arm) -> None:
        self._arm = arm

    def register(self, workspace: Workspace, name: str, version: str, folder: str, tags: Mapping[str, str]) -> None:
        path = f"{place_path(workspace)}/data/{quote(name)}/versions/{quote(version)}"
        if self._arm.get(path, f"look at data {name}:{version}") is None:
            properties = {"dataType": "uri_folder", "dataUri": folder, "tags": dict(tags)}
            self._arm.put(path, {"properties": properties}, f"register data {name}:{version}")
