"""Environments and data assets, which Azure ML's own client writes: one PUT each, and faults as our REST maps them."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from shared.adapters.azure_ml.arm import Arm
from shared.adapters.azure_ml.datastores import AzureMlData, Datastores
from shared.adapters.azure_ml.ml_client import MlAssets
from shared.adapters.azure_ml.models import AzureMlModels
from shared.domain.failures import PutOff, Refused, Transient
from shared.domain.inference.routes import Workspace
from shared.domain.promotion.models import ModelVersion
from tests.contracts.service import Answer, Directory, Service

PROJECT = Path(__file__).parents[2]
WORKSPACE = Workspace(name="dev", subscription="s", resource_group="r", workspace="mlw-dev")
CONDA = b"name: e\ndependencies: [python=3.11]\n"
FOLDER = "azureml://datastores/hub_staging/paths/training-sets/churn/labels/1"
PATHS = {"environment": "/environments/churn/versions/1", "data": "/data/churn/versions/1"}
Write = Callable[[], None]


def write(service: Service, kind: str, conda: bytes = CONDA, directory: Directory | None = None) -> Write:
    """The product's own adapters before the service, about to write an asset of *kind*."""
    address, identity = f"https://{service.host}", directory or Directory()
    arm, assets = Arm(identity, address), MlAssets(identity, address)
    if kind == "data":
        return partial(
            AzureMlData(arm, assets, Datastores(arm, identity, "")).register,
            WORKSPACE,
            "churn",
            "1",
            FOLDER,
            {"rows": "7"},
        )
    model = ModelVersion(name="churn", version="1")
    return partial(AzureMlModels(arm, assets).register_environment, WORKSPACE, model, conda)


def written(kind: str) -> dict[str, Any]:
    """The asset as the service shows it."""
    parent = "/subscriptions/s/resourceGroups/r/providers/Microsoft.MachineLearningServices/workspaces/mlw-dev"
    content = {"dataType": "uri_folder", "dataUri": FOLDER} if kind == "data" else {"image": "image"}
    return {"id": f"{parent}{PATHS[kind]}", "name": "1", "properties": content}


@pytest.fixture(params=PATHS)
def kind(request: pytest.FixtureRequest, service: Service) -> str:
    """A kind of asset, which appears once it was put."""
    kind = str(request.param)
    missing = Answer(status=404, body={"error": {"code": "NotFound"}})
    service.on(f"GET .*{PATHS[kind]}$", missing)
    appear = partial(service.on, f"GET .*{PATHS[kind]}$", Answer(body=written(kind)))
    service.on(f"PUT .*{PATHS[kind]}", Answer(status=201, body=written(kind), after=appear))
    return kind


def test_an_asset_is_written_once_however_often_it_is_asked_for(service: Service, kind: str) -> None:
    register = write(service, kind)

    for _ in range(3):
        register()

    (put,) = [request for request in service.asked if request.method == "PUT"]
    properties = put.body["properties"]
    if kind == "data":
        assert (properties["dataType"], properties["dataUri"], properties["tags"]) == (
            "uri_folder",
            FOLDER,
            {"rows": "7"},
        )
    else:
        assert properties["condaFile"] == "dependencies:\n- python=3.11\nname: e\n"
        assert properties["image"].startswith("mcr.microsoft.com/azureml/")


@pytest.mark.parametrize("status", [408, 409, 429, 500, 502, 503, 504])
def test_a_fault_that_passes_is_transient_and_the_client_sends_nothing_twice(
    service: Service, kind: str, status: int
) -> None:
    service.on(f"PUT .*{PATHS[kind]}", Answer(status=status, body={"error": {"code": "Busy", "message": "later"}}))
    began = time.monotonic()

    with pytest.raises(Transient, match=f"register .*: {status}"):
        write(service, kind)()

    assert len(service.paths("PUT")) == 1, "the activity's retries wait, where no worker is held"
    assert time.monotonic() - began < 10


@pytest.mark.parametrize("status", [429, 503])
def test_a_service_that_says_when_to_come_again_puts_the_asset_off(service: Service, kind: str, status: int) -> None:
    service.on(f"PUT .*{PATHS[kind]}", Answer(status=status, body={"error": {}}, headers={"Retry-After": "600"}))

    with pytest.raises(PutOff) as caught:
        write(service, kind)()

    assert (caught.value.after_s, len(service.paths("PUT"))) == (600.0, 1)


@pytest.mark.parametrize("status", [400, 403])
def test_what_the_service_forbids_is_refused(service: Service, kind: str, status: int) -> None:
    service.on(f"PUT .*{PATHS[kind]}", Answer(status=status, body={"error": {"code": "No", "message": "not so"}}))

    with pytest.raises(Refused, match=f"register .*: {status}"):
        write(service, kind)()


def test_a_lost_answer_is_transient_and_leaves_one_asset(service: Service, kind: str) -> None:
    service.cut(f"PUT .*{PATHS[kind]}")
    register = write(service, kind)

    with pytest.raises(Transient):
        register()
    register()

    assert len(service.paths("PUT")) == 1


def test_a_token_that_expires_on_the_way_is_replaced(service: Service, kind: str) -> None:
    (good,) = service.answers(f"PUT .*{PATHS[kind]}")
    service.on(f"PUT .*{PATHS[kind]}", Answer(status=401, body={"error": {"code": "ExpiredAuthenticationToken"}}), good)

    write(service, kind)()

    tokens = [request.token for request in service.asked if request.method == "PUT"]
    assert len(tokens) == len(set(tokens)) == 2


def test_azure_mls_client_is_imported_by_the_first_asset_that_is_written_and_not_before() -> None:
    program = (
        "import sys; from shared.adapters.azure_ml import bundles, datastores, endpoints, ml_client, models, pipelines;"
        "assets = ml_client.MlAssets(object(), 'https://localhost'); models.AzureMlModels(object(), assets);"
        "print(any(name.startswith('azure.ai') for name in sys.modules))"
    )

    completed = subprocess.run([sys.executable, "-c", program], cwd=PROJECT, capture_output=True, text=True, check=True)

    assert completed.stdout.strip() == "False"


def test_a_cloud_that_the_environment_names_is_neither_asked_for_nor_replaced() -> None:
    program = (
        "import os; from shared.adapters.azure_ml.ml_client import MlAssets;"
        "from shared.domain.inference.routes import Workspace;"
        "from tests.contracts.service import Directory;"
        "workspace = Workspace(name='dev', subscription='s', resource_group='r', workspace='w');"
        f"asset = (workspace, 'churn', '1', {FOLDER!r}, dict());\n"
        "try:\n    MlAssets(Directory(), 'https://localhost:1').create_data(*asset)\n"
        "except Exception as error:\n    print(type(error).__name__, 'cloud' in str(error))\n"
        "print(os.environ['AZUREML_CURRENT_CLOUD'])"
    )
    environment = {**os.environ, "AZUREML_CURRENT_CLOUD": "Nowhere"}

    completed = subprocess.run(
        [sys.executable, "-c", program], cwd=PROJECT, env=environment, capture_output=True, text=True, check=True
    )

    assert completed.stdout.split() == ["Transient", "False", "Nowhere"], "the port is closed, and that is all"


def test_the_client_asks_for_the_tokens_that_our_rest_asks_for(service: Service, kind: str) -> None:
    directory = Directory()

    write(service, kind, directory=directory)()

    assert directory.scopes == {f"https://{service.host}/.default"}


@pytest.mark.parametrize(
    ("conda", "reason"),
    [
        pytest.param(b"{", "not YAML", id="open"),
        pytest.param(b"\xff\xfe\x00", "not YAML", id="bytes"),
        pytest.param(b"- " * 5000, "not YAML", id="deep"),
        pytest.param(b"[" * 5000, "1000 brackets at most", id="brackets"),
        pytest.param(b"#" * 256 * 1024 + b"\n", "262144 bytes", id="large"),
        pytest.param(b"- python", "no list of dependencies", id="list"),
        pytest.param(b"name: e\ndependencies: python", "no list of dependencies", id="text"),
        pytest.param(b"a: &a [1]\ndependencies: [*a, *a]", "YAML alias", id="alias"),
    ],
)
def test_a_file_that_is_no_conda_file_is_refused_at_once_and_nothing_is_sent(
    service: Service, conda: bytes, reason: str
) -> None:
    began = time.process_time()

    with pytest.raises(Refused, match=reason):
        write(service, "environment", conda)()

    assert not service.paths("PUT")
    assert time.process_time() - began < 2.0
