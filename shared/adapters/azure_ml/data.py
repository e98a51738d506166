"""Training sets as data assets of a workspace, and the addresses of what lies in datastores.

Contract: DataVersions of https://learn.microsoft.com/rest/api/azureml, of type `uri_folder`.
"""

from collections.abc import Mapping
from urllib.parse import quote

from shared.adapters.azure_ml.arm import Arm, place_path
from shared.domain.inference.routes import Workspace


def datastore_place(uri: str) -> tuple[str, str] | None:
    """The datastore and the path in it of `azureml://.../datastores/NAME/paths/PATH`; None where *uri* is another."""
    scheme, _, path_text = uri.partition("://")
    _, _, behind = f"/{path_text}".partition("/datastores/")
    datastore, _, path = behind.partition("/paths/")
    return (datastore, path) if scheme == "azureml" and path and "/" not in datastore else None


class AzureMlData:
    """Implements `shared.ports.DataAssets`."""

    def __init__(self, arm: Arm) -> None:
        self._arm = arm

    def register(self, workspace: Workspace, name: str, version: str, folder: str, tags: Mapping[str, str]) -> None:
        path = f"{place_path(workspace)}/data/{quote(name)}/versions/{quote(version)}"
        if self._arm.get(path, f"look at data {name}:{version}") is None:
            properties = {"dataType": "uri_folder", "dataUri": folder, "tags": dict(tags)}
            self._arm.put(path, {"properties": properties}, f"register data {name}:{version}")
