"""One host for the whole suite: ours, or the one that SIGNALBOX_CONFORMANCE_URL names.

To try another host, serve `tests/conformance/app` there with the settings of its `local.settings.sample.json`, and name
its address in SIGNALBOX_CONFORMANCE_URL and its master key in SIGNALBOX_CONFORMANCE_KEY.
"""

import json
import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conformance.client import Client
from tests.host.process import Process

APP = Path(__file__).parent / "app"


@pytest.hookimpl(tryfirst=True)  # The plug-in that spreads tests looks at their groups in the same hook.
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if APP.parent in item.path.parents:
            item.add_marker(pytest.mark.xdist_group("conformance"))


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """The address and the master key of the host under test."""
    if url := os.environ.get("SIGNALBOX_CONFORMANCE_URL"):
        yield url, os.environ.get("SIGNALBOX_CONFORMANCE_KEY", "")
        return
    folder = tmp_path_factory.mktemp("conformance")
    app = shutil.copytree(APP, folder / "app")
    (app / "local.settings.sample.json").rename(app / "local.settings.json")
    process = Process(app, folder, "--auth", "--workers", "1")
    try:
        url = process.start()
        assert url, process.log.read_text()
        yield url, json.loads((process.state / "keys.json").read_text())["master"]
        assert process.end(signal.SIGTERM) == 0, process.log.read_text()
    finally:
        process.close()


@pytest.fixture
def host(served: tuple[str, str]) -> Iterator[Client]:
    client = Client(*served)
    yield client
    client.close()
