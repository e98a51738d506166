"""One host for the whole suite: ours, or the one that SIGNALBOX_CONFORMANCE_URL names.

To try another host, serve `tests/conformance/app` there with the settings of its `local.settings.sample.json`, and name
its address in SIGNALBOX_CONFORMANCE_URL and its master key in SIGNALBOX_CONFORMANCE_KEY. Our host calls Microsoft's
worker library with SIGNALBOX_WORKER_PYTHON, which names a Python 3.13 that has it: a case that then comes out otherwise
must be one of `differences.py`, and each of those must.
"""

import json
import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from signalbox.host.configuration.host_json import read_json
from tests.conformance.client import Client
from tests.conformance.differences import DIFFERENCES
from tests.host.process import Process

APP = Path(__file__).parent / "app"
IS_LIBRARY = "SIGNALBOX_WORKER_PYTHON" in os.environ


@pytest.hookimpl(tryfirst=True)  # The plug-in that spreads tests looks at their groups in the same hook.
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if APP.parent in item.path.parents:
            item.add_marker(pytest.mark.xdist_group("conformance"))
            if IS_LIBRARY and (difference := DIFFERENCES.get(item.name)):
                item.add_marker(pytest.mark.xfail(reason=difference.in_library, strict=True))


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """The address and the master key of the host under test."""
    if url := os.environ.get("SIGNALBOX_CONFORMANCE_URL"):
        yield url, os.environ.get("SIGNALBOX_CONFORMANCE_KEY", "")
        return
    folder = tmp_path_factory.mktemp("conformance")
    app = shutil.copytree(APP, folder / "app")
    (app / "local.settings.sample.json").rename(app / "local.settings.json")
    if IS_LIBRARY:
        settings = read_json(app / "host.json")  # The library refuses comments in it: `differences.py` says why.
        (app / "host.json").write_text(json.dumps(settings))
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
