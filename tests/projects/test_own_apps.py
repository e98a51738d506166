"""A function app of the user's own in the local cloud, with queues and blobs and without a configuration."""

import json
import shutil
import urllib.request
from pathlib import Path

import pytest
from click.testing import CliRunner

from signalbox.cli.main import main
from signalbox.launcher.cloud import LocalCloud
from signalbox.launcher.endpoints import new_endpoints
from signalbox.launcher.storage.app_storage import NO_STORAGE, AppStorage, read_app_storage
from tests.host.process import wait_until

OWN = Path(__file__).parent / "own_app"
NEEDS = AppStorage(
    unset=("AzureWebJobsStorage", "FILES", "ORDERS"), has_queues=True, blob_triggers={"landed": "incoming"}
)


@pytest.fixture
def app(tmp_path: Path) -> Path:
    folder = shutil.copytree(OWN, tmp_path / "app")
    (folder / "local.settings.sample.json").rename(folder / "local.settings.json")
    return folder


def test_an_app_says_what_it_needs_of_storage(app: Path) -> None:
    assert read_app_storage(app) == NEEDS


def test_a_connection_that_is_set_is_left_alone(app: Path) -> None:
    values = {"FILES": "AccountName=a;AccountKey=k", "ORDERS__queueServiceUri": "https://a.queue.core.windows.net"}
    (app / "local.settings.json").write_text(json.dumps({"Values": values}))
    assert read_app_storage(app).unset == ("AzureWebJobsStorage",)


def test_an_app_that_cannot_be_loaded_needs_nothing(app: Path) -> None:
    (app / "function_app.py").write_text("1 / 0")
    assert read_app_storage(app) == NO_STORAGE


def test_the_settings_name_the_hub_and_hide_the_tools_of_azure(tmp_path: Path) -> None:
    endpoints = new_endpoints(tmp_path)
    assert AppStorage(unset=("FILES",)).settings(endpoints) == {
        "FILES": "",
        "FILES__blobServiceUri": endpoints.hub,
        "FILES__queueServiceUri": f"https://localhost:{endpoints.queues}/datahub",
    }


def test_another_app_has_no_example(app: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    outcome = CliRunner().invoke(main, ["up", "--app", str(app), "--example"])
    assert outcome.exit_code == 8
    assert "is another app than Signalbox" in outcome.output


@pytest.mark.proof
def test_a_message_becomes_a_blob_that_calls_the_next_function(app: Path, tmp_path: Path) -> None:
    effects = tmp_path / "effects.log"
    with LocalCloud(app, tmp_path / "state", settings={"EFFECTS": str(effects)}, storage=NEEDS) as cloud:
        address = f"{cloud.endpoints.app}/api/order/ann?code={cloud.endpoints.function_key}"
        with urllib.request.urlopen(address, timeout=30) as answer:
            assert answer.read() == b"ordered"
        wait_until(effects.exists)
    assert effects.read_text() == 'incoming/ann.txt: made of {"name": "ann"}\n'
