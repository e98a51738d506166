"""A local cloud without a model in it, what tests ask of its Azure ML, and models to put there."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from signalbox.launcher.cloud import LocalCloud
from signalbox.launcher.endpoints import REGISTRIES, WORKSPACES
from signalbox.launcher.hub import LocalIdentity
from signalbox.launcher.provision import Registered, Registrable, register
from tests.emulators.managed import Managed
from tests.emulators.monitored import Monitored
from tests.emulators.services import eventually, running

PROJECT = Path(__file__).parents[2]
SCORE = """
import json, os
from pathlib import Path

def init():
    global weights
    print("loading")
    weights = json.loads(next(Path(os.environ["AZUREML_MODEL_DIR"]).rglob("weights.json")).read_text())

def run(raw_data):
    rows = json.loads(raw_data)
    if rows == "die":
        os.kill(os.getpid(), 9)
    return [sum(weight * value for weight, value in zip(weights, row)) for row in rows]
"""  # Of a model that takes no library: each process that serves one of scikit-learn's takes two seconds to start.


_CONNECTIONS = requests.Session()  # A connection of its own for each request is most of what the request costs.


class Ml:
    """Plain requests to the Azure ML emulator."""

    def __init__(self, cloud: LocalCloud) -> None:
        self.cloud, self.endpoints = cloud, cloud.endpoints
        self._identity, self._token = LocalIdentity(cloud.endpoints), ""
        self.ids = {
            each.name: f"/subscriptions/{each.subscription}/resourceGroups/{each.resource_group}"
            f"/providers/Microsoft.MachineLearningServices/{kind}/{each.name}"
            for kind, scopes in (("workspaces", WORKSPACES), ("registries", REGISTRIES))
            for each in scopes
        }

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> requests.Response:
        """*path* is an ARM path below a workspace or registry (`mlw-dev/models/m`), or begins with a slash."""
        name, _, rest = path.partition("/")
        where = path if not name else f"{self.ids[name]}/{rest}".rstrip("/")
        self._token = self._token or self._identity.get_token(f"{self.endpoints.resource_manager}/.default").token
        return self.call(
            method,
            f"{self.endpoints.resource_manager}{where}",
            body,
            **{"Authorization": f"Bearer {self._token}", **headers},
        )

    def call(self, method: str, url: str, body: Any = None, **headers: str) -> requests.Response:
        return _CONNECTIONS.request(method, url, json=body, headers=headers, verify=str(self.endpoints.ca), timeout=60)

    def must(self, method: str, path: str, body: Any = None) -> Any:
        answer = self.ask(method, path, body)
        assert answer.status_code < 300, answer.text
        return answer.json() if answer.content else None

    def eventually(self, look: Callable[[], Any], within: float = 60.0) -> Any:
        """What *look* gives once it is true. Raises TimeoutError."""
        return eventually(look, within)

    def effects(self) -> dict[str, dict[str, int]]:
        return dict(self.call("GET", self.cloud.control("/_effects")).json())

    def events(self, model: str) -> list[dict[str, Any]]:
        rows = self.call("GET", self.cloud.control("/_events?topic=ml")).json()
        return [row["event"] for row in rows if row["event"]["subject"].startswith(f"models/{model}:")]

    def register(self, model: str, folder: Path, workspace: str = "mlw-dev", **tags: str) -> Registered:
        (folder / "model").mkdir(parents=True, exist_ok=True)
        (folder / "code").mkdir(exist_ok=True)
        (folder / "model" / "weights.json").write_text("[1.0, 1.0]")
        (folder / "code" / "score.py").write_text(SCORE)
        (folder / "env.yaml").write_text("name: e\ndependencies: [python=3.11]\n")
        what = Registrable(
            model=model,
            version="1",
            model_path=folder / "model",
            code_path=folder / "code",
            environment_file=folder / "env.yaml",
            tags=tags,
        )
        return register(self.endpoints, what, workspace)


@pytest.fixture(scope="package")
def ml(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ml]:
    with running(tmp_path_factory.mktemp("state"), time_scale=1.0) as cloud:
        yield Ml(cloud)


@pytest.fixture(scope="package")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    """The services of tests that write under names of their own; a module that kills them has a cloud of its own."""
    with running(tmp_path_factory.mktemp("services")) as cloud:
        yield cloud


@pytest.fixture
def monitored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Monitored]:
    monitored = Monitored(tmp_path)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(monitored.authority.ca))
    yield monitored
    monitored.close()


@pytest.fixture
def managed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Managed]:
    managed = Managed(tmp_path)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(managed.authority.ca))
    yield managed
    managed.close()
