"""One host for the whole suite: ours, or the one that SIGNALBOX_CONFORMANCE_URL names.

To try another host, serve `tests/conformance/app` there with the settings of its `local.settings.sample.json`, and name
its address in SIGNALBOX_CONFORMANCE_URL, its master key in SIGNALBOX_CONFORMANCE_KEY and the connection string of its
storage account in SIGNALBOX_CONFORMANCE_STORAGE. The host needs a managed identity. Our host calls Microsoft's worker
library with SIGNALBOX_WORKER_PYTHON, which names a Python 3.13 that has it: a case that then comes out otherwise must
be one of `differences.py`, and each of those must.
"""

import json
import os
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from signalbox.host.configuration.host_json import read_json
from tests.conformance.client import Client
from tests.conformance.differences import DIFFERENCES
from tests.host.identity_service import identity_service
from tests.host.process import Process
from tests.host.storage_service import storage_service

APP = Path(__file__).parent / "app"
IS_LIBRARY = "SIGNALBOX_WORKER_PYTHON" in os.environ


@pytest.hookimpl(tryfirst=True)  # The plug-in that spreads tests looks at their groups in the same hook.
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if APP.parent in item.path.parents:
            item.add_marker(pytest.mark.xdist_group("conformance"))
            if IS_LIBRARY and (difference := DIFFERENCES.get(item.name)):
                item.add_marker(pytest.mark.xfail(reason=difference.in_library, strict=True))


@contextmanager
def _served(app: Path, folder: Path) -> Iterator[tuple[str, str]]:
    """The address and the master key of our host with *app*; it must end as it is asked to."""
    process = Process(app, folder, "--auth", "--workers", "1")
    try:
        url = process.start()
        assert url, process.log.read_text()
        yield url, json.loads((process.state / "keys.json").read_text())["master"]
        assert process.end(signal.SIGTERM) == 0, process.log.read_text()
    finally:
        process.close()


@pytest.fixture(scope="package")
def storage_connection() -> Iterator[str]:
    """The storage account of the host under test."""
    if "SIGNALBOX_CONFORMANCE_URL" in os.environ:
        yield os.environ["SIGNALBOX_CONFORMANCE_STORAGE"]
        return
    with storage_service() as connection:
        yield connection


@pytest.fixture(scope="package")
def identity_settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The settings by which the host under test finds its managed identity; elsewhere it has one."""
    if "SIGNALBOX_CONFORMANCE_URL" in os.environ:
        yield {}
        return
    with identity_service(tmp_path_factory.mktemp("identity")) as settings:
        yield settings


@pytest.fixture(scope="package")
def served(
    tmp_path_factory: pytest.TempPathFactory, storage_connection: str, identity_settings: dict[str, str]
) -> Iterator[tuple[str, str]]:
    """The address and the master key of the host under test."""
    if url := os.environ.get("SIGNALBOX_CONFORMANCE_URL"):
        yield url, os.environ.get("SIGNALBOX_CONFORMANCE_KEY", "")
        return
    folder = tmp_path_factory.mktemp("conformance")
    app = shutil.copytree(APP, folder / "app")
    text = (app / "local.settings.sample.json").read_text()
    settings = json.loads(text.replace("UseDevelopmentStorage=true", storage_connection))
    settings["Values"] |= identity_settings
    (app / "local.settings.json").write_text(json.dumps(settings))
    if IS_LIBRARY:
        values = read_json(app / "host.json")  # The library refuses comments in it: `differences.py` says why.
        (app / "host.json").write_text(json.dumps(values))
    with _served(app, folder) as host:
        yield host


@pytest.fixture(scope="session")
def served_streams(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """The address and the master key of the host under test of the second app."""
    if url := os.environ.get("SIGNALBOX_CONFORMANCE_STREAMING_URL"):
        yield url, os.environ.get("SIGNALBOX_CONFORMANCE_STREAMING_KEY", "")
        return
    if "SIGNALBOX_CONFORMANCE_URL" in os.environ:
        pytest.skip("SIGNALBOX_CONFORMANCE_STREAMING_URL names no host of tests/conformance/streaming_app")
    pytest.importorskip("azurefunctions.extensions.http.fastapi", reason="`make setup` installs the extension")
    folder = tmp_path_factory.mktemp("streams")
    app = shutil.copytree(APP.with_name("streaming_app"), folder / "app")
    (app / "local.settings.sample.json").rename(app / "local.settings.json")
    with _served(app, folder) as host:
        yield host


@pytest.fixture
def streaming_host(served_streams: tuple[str, str]) -> Iterator[Client]:
    client = Client(*served_streams)
    yield client
    client.close()


@pytest.fixture
def host(served: tuple[str, str]) -> Iterator[Client]:
    client = Client(*served)
    yield client
    client.close()
