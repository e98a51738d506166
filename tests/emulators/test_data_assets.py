"""Data assets: the app's own adapter against the emulator, with the real client at the other end."""

import io
from collections.abc import Iterator
from dataclasses import replace

import pytest

from shared.clients import Clients
from shared.domain.failures import Refused, Transient
from shared.ports import DataAssets
from shared.settings import read_settings
from signalbox.launcher.hub import hub_client
from signalbox.launcher.ml_client import ml_client
from tests.emulators.conftest import Ml
from tests.emulators.test_pipelines import WORKSPACE, fault

pytestmark = [pytest.mark.onemachine, pytest.mark.xdist_group("azure-ml")]

NAME, VERSION = "churn-labels", "0123456789abcdef"
FOLDER = "azureml://datastores/hub_staging/paths/training-sets/churn/labels/0123456789abcdef"
TAGS = {"signalbox.model": "churn", "signalbox.rows": "7", "signalbox.run": "retrain-churn-1"}


@pytest.fixture
def data_assets(ml: Ml, monkeypatch: pytest.MonkeyPatch) -> Iterator[DataAssets]:
    for name, value in ml.endpoints.environment().items():
        monkeypatch.setenv(name, value)
    yield Clients(read_settings()).data_assets
    fault(ml)


def test_a_set_is_registered_once_and_the_real_client_finds_it(ml: Ml, data_assets: DataAssets) -> None:
    for tags in (TAGS, TAGS, {"another": "run"}):
        data_assets.register(WORKSPACE, NAME, VERSION, FOLDER, tags)

    with ml_client(ml.endpoints) as client:
        found = client.data.get(NAME, VERSION)
    assert (found.type, found.path.rpartition("/datastores/")[2]) == (
        "uri_folder",
        FOLDER.rpartition("/datastores/")[2],
    )
    assert found.tags == TAGS, "what is there stays as it is"
    assert ml.effects()["assets"][f"mlw-dev/data/{NAME}/versions/{VERSION}"] == 1


def test_a_lost_answer_leaves_one_asset(ml: Ml, data_assets: DataAssets) -> None:
    fault(ml, rules=[{"match": "PUT .*/data/lost/", "nth": 1, "when": "after"}])

    with pytest.raises(Transient):
        data_assets.register(WORKSPACE, "lost", VERSION, FOLDER, TAGS)
    data_assets.register(WORKSPACE, "lost", VERSION, FOLDER, TAGS)

    assert ml.effects()["assets"][f"mlw-dev/data/lost/versions/{VERSION}"] == 1


def test_what_others_have_registered_is_listed_and_fetched(ml: Ml, data_assets: DataAssets) -> None:
    place = "azureml://datastores/hub_staging/paths/seen"
    with hub_client(ml.endpoints) as hub:
        for name, content in (("a.csv", b"id\n1\n"), ("north/b.csv", b"id\n2\n")):
            hub.get_blob_client("signalbox-staging", f"seen/{name}").upload_blob(content, overwrite=True)
    with ml_client(ml.endpoints) as client:
        from azure.ai.ml.entities import Data

        client.data.create_or_update(Data(name="seen-folder", version="1", path=place, type="uri_folder"))
        client.data.create_or_update(Data(name="seen-file", version="2", path=f"{place}/a.csv", type="uri_file"))

    folder = data_assets.files(WORKSPACE, "seen-folder", "1", 10)
    file = data_assets.files(WORKSPACE, "seen-file", "2", 10)
    few = data_assets.files(WORKSPACE, "seen-folder", "1", 0)

    assert [each.name for each in folder.files] == ["a.csv", "north/b.csv"]
    assert ([each.name for each in file.files], len(few.files)) == (["a.csv"], 1)
    assert ("/datastores/" in folder.address, folder.storage) == (True, ("datahub", "signalbox-staging"))
    for each, content in zip((*folder.files, *file.files), (b"id\n1\n", b"id\n2\n", b"id\n1\n"), strict=True):
        target = io.BytesIO()
        data_assets.fetch(WORKSPACE, each, target)
        assert target.getvalue() == content
    with pytest.raises((Refused, Transient)):
        data_assets.fetch(WORKSPACE, replace(file.files[0], etag="0x0"), io.BytesIO())


def test_what_is_not_there_or_no_file_is_refused(ml: Ml, data_assets: DataAssets) -> None:
    with ml_client(ml.endpoints) as client:
        from azure.ai.ml.entities import Data

        client.data.create_or_update(Data(name="away", version="1", path="https://elsewhere.example.org/a.csv"))

    with pytest.raises(Refused, match="data none:1 is not in dev; name a version"):
        data_assets.files(WORKSPACE, "none", "1", 10)
    with pytest.raises(Refused, match="register a file or folder of a datastore"):
        data_assets.files(WORKSPACE, "away", "1", 10)
