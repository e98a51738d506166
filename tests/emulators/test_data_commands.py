"""Data assets and datastores by the public client: what `signalbox data` registers, and what Azure ML refuses."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from signalbox.launcher.ml_client import ml_client
from signalbox.launcher.provision import local_workspace
from signalbox.models.datasets import DataRefused, DataVersion, register_data, register_datastore
from signalbox.models.workspace import MlWorkspace
from tests.emulators.conftest import Ml

pytestmark = [
    pytest.mark.onemachine,
    pytest.mark.xdist_group("azure-ml"),
    pytest.mark.filterwarnings("ignore"),  # azure-ai-ml warns of its own schemas while it is imported.
]


@pytest.fixture
def workspace(ml: Ml) -> MlWorkspace:
    return local_workspace(ml.endpoints, "mlw-dev")


@pytest.fixture
def client(ml: Ml) -> Iterator[Any]:
    with ml_client(ml.endpoints) as client:
        yield client


def test_a_folder_is_uploaded_and_registered_once(workspace: MlWorkspace, client: Any, tmp_path: Path) -> None:
    (tmp_path / "labels").mkdir()
    (tmp_path / "labels" / "a.csv").write_text("id\n1\n")
    version = DataVersion(name="wards", version="1", source=str(tmp_path / "labels"))

    register_data(workspace, version)

    asset = client.data.get("wards", "1")
    assert (asset.type, asset.path.endswith("/paths/data/wards/1")) == ("uri_folder", True)
    with workspace.container() as container:
        assert container.download_blob("data/wards/1/a.csv").readall() == b"id\n1\n"
    (tmp_path / "labels" / "a.csv").write_text("id\n2\n")
    with pytest.raises(DataRefused, match="wards:1 is registered already, and never changes"):
        register_data(workspace, version)
    with workspace.container() as container:
        assert container.download_blob("data/wards/1/a.csv").readall() == b"id\n1\n"
    with pytest.raises(DataRefused, match="name what lies there"):
        register_data(workspace, DataVersion(name="wards", version="2", source=str(tmp_path / "none")))


def test_a_datastore_is_registered_used_and_removed(workspace: MlWorkspace, client: Any, ml: Ml) -> None:
    for _ in range(2):
        register_datastore(workspace, "wards_landing", "datahub", "landing")

    store = client.datastores.get("wards_landing")
    assert (store.account_name, store.container_name) == ("datahub", "landing")
    assert "wards_landing" in {store.name for store in client.datastores.list()}
    uri = "azureml://datastores/wards_landing/paths/wards/"
    register_data(workspace, DataVersion(name="arrivals", version="1", source=uri, kind="uri_folder"))
    assert "/datastores/wards_landing/" in client.data.get("arrivals", "1").path
    with pytest.raises(DataRefused, match="is datahub/landing; use another name"):
        register_datastore(workspace, "wards_landing", "datahub", "predictions")
    client.datastores.delete("wards_landing")
    assert ml.ask("GET", "mlw-dev/datastores/wards_landing").status_code == 404


def test_versions_are_listed_and_archived(workspace: MlWorkspace, client: Any) -> None:
    for version in ("1", "2"):
        uri = f"azureml://datastores/workspaceblobstore/paths/visits/{version}"
        register_data(workspace, DataVersion(name="visits", version=version, source=uri, kind="uri_folder"))

    client.data.archive("visits", version="1")

    assert [asset.version for asset in client.data.list("visits")] == ["2"]
    assert client.data.get("visits", "1").version == "1"
    client.data.restore("visits", version="1")
    assert {asset.version for asset in client.data.list("visits")} == {"1", "2"}
    assert "visits" in {asset.name for asset in client.data.list()}


@pytest.mark.parametrize(
    ("path", "properties", "status"),
    [
        ("data/kinds/versions/2", {"dataType": "uri_file", "dataUri": "azureml://datastores/s/paths/a"}, 400),
        ("data/kinds/versions/1", {"dataType": "uri_folder", "dataUri": "azureml://datastores/s/paths/b"}, 409),
        ("data/other/versions/1", {"dataType": "table", "dataUri": "azureml://datastores/s/paths/a"}, 400),
        ("data/other/versions/1", {"dataType": "uri_folder"}, 400),
        ("datastores/with-dash", {"datastoreType": "AzureBlob"}, 400),
        ("datastores/workspaceblobstore", {"datastoreType": "AzureBlob"}, 409),
        ("datastores/lacking", {"datastoreType": "AzureBlob", "accountName": "datahub"}, 400),
        ("datastores/no_kind", {"accountName": "datahub"}, 400),
        ("datastores/other_kind", {"datastoreType": "AzureFile"}, 501),
        ("datastores/lake", {"datastoreType": "AzureDataLakeGen2"}, 501),
    ],
)
def test_what_azure_refuses_is_refused(ml: Ml, path: str, properties: dict[str, str], status: int) -> None:
    first = {"dataType": "uri_folder", "dataUri": "azureml://datastores/s/paths/a"}
    ml.must("PUT", "mlw-dev/data/kinds/versions/1", {"properties": first})

    assert ml.ask("PUT", f"mlw-dev/{path}", {"properties": properties}).status_code == status
