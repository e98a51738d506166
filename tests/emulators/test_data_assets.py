"""Training sets as data assets: the app's own adapter against the emulator, read back by the real client."""

from collections.abc import Iterator

import pytest

from shared.clients import Clients
from shared.domain.failures import Transient
from shared.ports import DataAssets
from shared.settings import read_settings
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
