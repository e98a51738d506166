"""Scripts written for Azure run on the local cloud as they are, with nothing but what `signalbox env` sets."""

import asyncio
import contextlib
import json
import os
import shutil
import ssl
import subprocess
import sys
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from signalbox.cli.main import main
from signalbox.launcher.client_session import CLIENT_VARIABLES, ClientSession, client_environment, read_session
from tests.emulators.conftest import Ml

SCRIPTS = Path(__file__).parents[1] / "azure_scripts"


@pytest.fixture
def session(ml: Ml) -> ClientSession:
    session = read_session(ml.endpoints)
    assert session is not None
    return session


@pytest.mark.proof  # The tests below do by single requests what the scripts do.
@pytest.mark.parametrize("script", ["train_and_deploy.py", "track_with_mlflow.py"])
def test_a_script_for_azure_runs_as_it_is(ml: Ml, session: ClientSession, script: str, tmp_path: Path) -> None:
    (tmp_path / ".signalbox").symlink_to(ml.cloud.state)
    settings = 'eval "$("$0" -m signalbox.cli env)" && "$0" -m signalbox.cli env --workspace mlw-dev > config.json'
    environment = {name: value for name, value in os.environ.items() if name not in CLIENT_VARIABLES}

    finished = subprocess.run(
        ["bash", "-c", f'{settings} && "$0" "$1"', sys.executable, str(SCRIPTS / script)],
        cwd=tmp_path,
        env=environment | {"PYTHONPATH": str(SCRIPTS.parents[1])},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )

    assert finished.returncode == 0, finished.stderr[-3000:]
    assert finished.stdout.splitlines()[-1].endswith("done")


def test_what_env_prints_opens_the_proxy_and_ends_with_the_cloud(
    ml: Ml, session: ClientSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".signalbox").symlink_to(ml.cloud.state)
    monkeypatch.chdir(tmp_path)

    env, config = CliRunner().invoke(main, ["env"]), CliRunner().invoke(main, ["env", "--workspace", "mlw-dev"])
    unset, stranger = (
        CliRunner().invoke(main, ["env", "--unset"]),
        CliRunner().invoke(main, ["env", "--workspace", "x"]),
    )

    lines = dict(line.removeprefix("export ").split("=", 1) for line in env.stdout.splitlines())
    assert lines == client_environment(session)
    assert json.loads(config.stdout)["workspace_name"] == "mlw-dev"
    assert unset.stdout == f"unset {' '.join(CLIENT_VARIABLES)}\n"
    assert (stranger.exit_code, "mlw-preprod" in stranger.stderr) == (4, True)
    kept_secrets = (ml.endpoints.function_key, ml.endpoints.identity_secret, ml.endpoints.secrets_key)
    assert not any(secret in env.stdout for secret in kept_secrets)


@pytest.fixture
def azure(session: ClientSession, monkeypatch: pytest.MonkeyPatch) -> None:
    """The variables of `signalbox env` in this process."""
    for name, value in client_environment(session).items():
        monkeypatch.setenv(name, value)


@pytest.mark.usefixtures("azure")
def test_blobs_are_written_and_read_under_their_public_names() -> None:
    from azure.core.exceptions import HttpResponseError, ServiceRequestError
    from azure.identity import DefaultAzureCredential
    from azure.storage.blob import BlobServiceClient

    with DefaultAzureCredential() as credential:
        blobs = BlobServiceClient("https://stdev.blob.core.windows.net", credential=credential)
        with blobs, blobs.get_container_client("azureml-blobstore") as container:
            container.upload_blob("public/a.txt", b"hello")
            container.get_blob_client("public/b.txt").start_copy_from_url(f"{container.url}/public/a.txt")
            assert container.download_blob("public/b.txt").readall() == b"hello"
            with pytest.raises(HttpResponseError, match="has no batches of requests to storage"):
                container.delete_blobs("public/a.txt")
        with (
            BlobServiceClient("https://other.blob.core.windows.net", credential=credential, retry_total=0) as stranger,
            pytest.raises(ServiceRequestError, match="403 the host is not one of the local cloud"),
        ):
            stranger.get_service_properties()


@pytest.mark.usefixtures("azure")
def test_a_vault_takes_the_token_of_its_public_name() -> None:
    from azure.identity import DefaultAzureCredential
    from azure.keyvault.keys import KeyClient

    with (
        DefaultAzureCredential() as credential,
        KeyClient("https://kv-signalbox.vault.azure.net", credential) as client,
    ):
        key = client.create_ec_key("public-name", curve="P-256")

    assert key.id.startswith("https://kv-signalbox.vault.azure.net/keys/public-name/")


@pytest.mark.usefixtures("azure")
def test_the_namespace_is_administered_by_its_public_name() -> None:
    pytest.importorskip("proton")
    from azure.identity import DefaultAzureCredential
    from azure.servicebus.management import ServiceBusAdministrationClient

    with (
        DefaultAzureCredential() as credential,
        ServiceBusAdministrationClient("sb-signalbox.servicebus.windows.net", credential) as client,
    ):
        client.create_queue("by-public-name", forward_to="approvals")
        names = {queue.name for queue in client.list_queues()}
        client.delete_queue("by-public-name")

    assert {"by-public-name", "approvals"} <= names


async def test_service_bus_speaks_amqp_over_a_websocket(session: ClientSession) -> None:
    """As far as the bytes: the client's own transport needs the package websocket-client."""
    pytest.importorskip("proton")
    name = "sb-signalbox.servicebus.windows.net"
    reader, writer = await asyncio.open_connection("127.0.0.1", session.port)
    credential = b64encode(f"signalbox:{session.proxy_secret}".encode()).decode()
    writer.write(f"CONNECT {name}:443 HTTP/1.1\r\nProxy-Authorization: Basic {credential}\r\n\r\n".encode())
    await reader.readuntil(b"\r\n\r\n")
    await writer.start_tls(ssl.create_default_context(cafile=str(session.bundle)), server_hostname=name)
    upgrade = (
        "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: AMQPWSB10"
    )
    key = b64encode(b"0" * 16).decode()
    request = f"GET /$servicebus/websocket HTTP/1.1\r\nHost: {name}\r\n{upgrade}\r\nSec-WebSocket-Key: {key}\r\n\r\n"
    writer.write(request.encode())
    head = await reader.readuntil(b"\r\n\r\n")
    writer.write(bytes((0x82, 0x88, 0, 0, 0, 0)) + b"AMQP\x03\x01\x00\x00")  # One masked frame: SASL is asked for.
    frame = await asyncio.wait_for(reader.readexactly(10), 20)
    writer.close()
    with contextlib.suppress(ssl.SSLError, ConnectionError):
        await writer.wait_closed()

    assert head.startswith(b"HTTP/1.1 101 ")
    assert frame[2:] == b"AMQP\x03\x01\x00\x00"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "mlw-dev/schedules"),
        ("GET", "mlw-dev/connections"),
        ("PUT", "mlw-dev/computes/new"),
        ("DELETE", "mlw-dev"),
        ("GET", "/subscriptions/s/providers/Microsoft.Compute/virtualMachines"),
    ],
)
def test_what_is_not_served_says_so(ml: Ml, method: str, path: str) -> None:
    answer = ml.ask(method, path, {} if method == "PUT" else None)

    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (501, "NotImplemented")
    assert "docs/local-cloud.md" in error["message"]


def a_command(ml: Ml, text: str, **more: Any) -> dict[str, Any]:
    outputs = {"model": {"jobOutputType": "uri_folder"}, "note": {"jobOutputType": "uri_file"}}
    cluster = f"{ml.ids['mlw-dev']}/computes/cpu-cluster"
    return {"properties": {"jobType": "Command", "command": text, "outputs": outputs, "computeId": cluster, **more}}


WRITE = """python -c 'import sys, pathlib as p; print(p.Path(sys.argv[1]).read_text())
p.Path(sys.argv[2], "m.txt").write_text("m"); p.Path(sys.argv[3]).write_text(sys.argv[4])'
 ${{inputs.data}} ${{outputs.model}} ${{outputs.note}} ${{inputs.word}}""".replace("\n ", " ")


@pytest.fixture(scope="module")
def job(ml: Ml) -> str:
    """A command job that has ended, with a registered file as its input."""
    from tests.emulators.services import storage

    with storage(ml.endpoints, "stdev") as blobs:
        blobs.get_blob_client("azureml-blobstore", "inputs/in.txt").upload_blob(b"from the input")
    uri = "azureml://datastores/workspaceblobstore/paths/inputs/in.txt"
    ml.must("PUT", "mlw-dev/data/in/versions/1", {"properties": {"dataType": "uri_file", "dataUri": uri}})
    inputs = {
        "data": {"jobInputType": "uri_file", "uri": "azureml:in:1"},
        "word": {"jobInputType": "literal", "value": "noted"},
    }
    ml.must("PUT", "mlw-dev/jobs/whole", a_command(ml, WRITE, inputs=inputs, experimentName="e", displayName="d"))
    ml.eventually(lambda: ml.must("GET", "mlw-dev/jobs/whole")["properties"]["status"] in ("Completed", "Failed"))
    return "whole"


def history(ml: Ml, method: str, path: str, body: Any = None) -> Any:
    return ml.must(method, f"/history/v1.0{ml.ids['mlw-dev']}/{path}", body)


def test_a_command_job_leaves_its_log_and_its_outputs(ml: Ml, job: str) -> None:
    shown = ml.must("GET", f"mlw-dev/jobs/{job}")["properties"]
    details = history(ml, "GET", f"runs/{job}/details")
    outputs = history(ml, "POST", "rundata", {"runId": job})["runMetadata"]["outputs"]
    ids = [output["assetId"] for output in outputs.values()]
    resolved = ml.must("POST", f"/data/v1.0{ml.ids['mlw-dev']}/dataversion/batchGetResolvedUris", {"values": ids})

    assert shown["status"] == "Completed", shown
    assert shown["services"]["Studio"]["endpoint"].startswith("https://ml.azure.com/runs/whole?")
    assert ml.call("GET", details["logFiles"]["user_logs/std_log.txt"]).text == "from the input\n"
    assert {place["uri"] for place in resolved["values"].values()} == {
        "azureml://datastores/workspaceblobstore/paths/azureml/whole/model/",
        "azureml://datastores/workspaceblobstore/paths/azureml/whole/note",
    }


def test_an_output_that_is_a_file_is_a_file(ml: Ml, job: str) -> None:
    from tests.emulators.services import storage

    with storage(ml.endpoints, "stdev") as blobs:
        blob = blobs.get_blob_client("azureml-blobstore", f"azureml/{job}/note")
        assert blob.download_blob().readall() == b"noted"


def test_a_model_is_registered_from_an_output_that_there_is(ml: Ml, job: str) -> None:
    def register(version: int, uri: str) -> Any:
        return ml.ask("PUT", f"mlw-dev/models/of-a-job/versions/{version}", {"properties": {"modelUri": uri}})

    whole, inner = (register(number, f"azureml://jobs/{job}/outputs/{rest}") for number, rest in
                    ((1, "model"), (2, "model/paths/m.txt")))  # fmt: skip
    artifact = register(3, f"runs:/{job}/user_logs")
    strangers = [register(9, f"azureml://jobs/{rest}") for rest in ("nobody/outputs/model", f"{job}/outputs/other")]

    places = [
        answer.json()["properties"]["modelUri"].rpartition("/datastores/")[2] for answer in (whole, inner, artifact)
    ]
    assert places == [
        "workspaceblobstore/paths/azureml/whole/model/",
        "workspaceblobstore/paths/azureml/whole/model/m.txt",
        "workspaceartifactstore/paths/ExperimentRun/dcid.whole/user_logs",
    ]
    assert [answer.status_code for answer in strangers] == [400, 400]


def test_only_what_describes_a_job_changes(ml: Ml, job: str) -> None:
    before = ml.must("GET", f"mlw-dev/jobs/{job}")["properties"]

    changed = ml.must("PUT", f"mlw-dev/jobs/{job}", {"properties": {**before, "tags": {"a": "b"}, "isArchived": True}})
    refused = ml.ask("PUT", f"mlw-dev/jobs/{job}", {"properties": {**before, "command": "other"}})
    hidden = [other["name"] for other in ml.must("GET", "mlw-dev/jobs")["value"]]
    history(ml, "PATCH", f"experiments/e/runs/{job}", {"hidden": False, "tags": {"c": "d"}})

    assert changed["properties"]["tags"] == {"a": "b"}
    assert (refused.status_code, "its command cannot be changed" in refused.text) == (409, True)
    assert job not in hidden
    assert ml.must("GET", f"mlw-dev/jobs/{job}")["properties"]["tags"] == {"c": "d"}
    assert job in [other["name"] for other in ml.must("GET", "mlw-dev/jobs")["value"]]


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ({"jobType": "Sweep"}, "runs Command and Pipeline jobs, and no Sweep job"),
        ({"jobType": "Command", "command": "pip install x && python train.py"}, "has &&; put it into a script"),
    ],
)
def test_a_job_that_cannot_run_here_is_refused_at_once(ml: Ml, body: dict[str, Any], sentence: str) -> None:
    answer = ml.ask("PUT", "mlw-dev/jobs/refused", {"properties": body})

    assert (answer.status_code, sentence in answer.text) == (501, True), answer.text


def test_mlflow_tracks_a_run_and_registers_its_model(ml: Ml) -> None:
    root = f"/mlflow/v2.0{ml.ids['mlw-dev']}/api/2.0"
    experiment = ml.must("POST", f"{root}/mlflow/experiments/create", {"name": "by-hand"})["experiment_id"]
    start = {"experiment_id": experiment, "run_name": "first", "tags": [{"key": "t", "value": "v"}]}
    run = ml.must("POST", f"{root}/mlflow/runs/create", start)["run"]["info"]
    name = {"run_id": run["run_id"]}
    for step, value in enumerate((0.5, 0.5, 0.25)):
        point = {"key": "rmse", "value": value, "timestamp": 5, "step": max(step - 1, 0)}
        ml.must("POST", f"{root}/mlflow/runs/log-metric", name | point)
    ml.must("POST", f"{root}/mlflow/runs/log-parameter", name | {"key": "p", "value": "1"})
    file = f"{root}/mlflow-artifacts/artifacts/{run['artifact_uri'].removeprefix('mlflow-artifacts:/')}/model/MLmodel"
    written = ml.ask("PUT", file, "flavors")
    ml.must("POST", f"{root}/mlflow/runs/update", name | {"status": "FINISHED"})

    record = ml.must("GET", f"{root}/mlflow/runs/get?run_id={run['run_id']}")["run"]
    points = ml.must("GET", f"{root}/mlflow/metrics/get-history?run_id={run['run_id']}&metric_key=rmse")["metrics"]
    search = ml.must("POST", f"{root}/mlflow/runs/search", {"experiment_ids": [experiment]})["runs"]
    ml.must("POST", f"{root}/mlflow/registered-models/create", {"name": "by-hand"})
    again = ml.ask("POST", f"{root}/mlflow/registered-models/create", {"name": "by-hand"})
    source = {"name": "by-hand", "source": f"{run['artifact_uri']}/model", **name}
    version = ml.must("POST", f"{root}/mlflow/model-versions/create", source)["model_version"]

    assert written.status_code == 200
    assert ml.ask("GET", file).text == '"flavors"'
    assert (record["info"]["status"], record["data"]["params"]) == ("FINISHED", [{"key": "p", "value": "1"}])
    assert [point["value"] for point in points] == [0.5, 0.25]
    assert [found["info"]["run_id"] for found in search] == [run["run_id"]]
    assert (again.status_code, again.json()["error_code"]) == (400, "RESOURCE_ALREADY_EXISTS")
    assert (version["version"], version["source"]) == ("1", source["source"])
    asset = ml.must("GET", "mlw-dev/models/by-hand/versions/1")["properties"]
    assert (asset["modelType"], asset["modelUri"].endswith(f"dcid.{run['run_id']}/model")) == ("mlflow_model", True)


WRONG_MODELS = {
    "no name": ("registered-models/create", {}),
    "a path for a name": ("registered-models/create", {"name": "a/versions/1"}),
    "an empty name": ("registered-models/create", {"name": ""}),
    "a number for a name": ("registered-models/create", {"name": 3}),
    "a text for tags": ("registered-models/create", {"name": "wrong", "tags": "a"}),
    "a tag without a value": ("registered-models/create", {"name": "wrong", "tags": [{"key": "a"}]}),
    "a list": ("registered-models/create", []),
    "a version without a source": ("model-versions/create", {"name": "filtered-a"}),
    "a source elsewhere": ("model-versions/create", {"name": "filtered-a", "source": "file:///etc/passwd"}),
    "a number for a source": ("model-versions/create", {"name": "filtered-a", "source": 3}),
    "a read without a name": ("registered-models/get", None),
    "a version that is no number": ("model-versions/get?name=filtered-a&version=latest", None),
    "a filter of something else": ("registered-models/search?filter=tags.a='b'", None),
    "half a filter": ("model-versions/search?filter=name='filtered-a' or name='filtered-b'", None),
    "a name within another": ("model-versions/search?filter=rename='filtered-a'", None),
    "no results": ("registered-models/search?max_results=0", None),
    "too many results": ("registered-models/search?max_results=1001", None),
    "an order": ("registered-models/search?order_by=name", None),
}


@pytest.fixture(scope="module")
def filtered(ml: Ml) -> str:
    """The address of a registry with two models of two versions each."""
    root = f"/mlflow/v2.0{ml.ids['mlw-dev']}/api/2.0/mlflow"
    for name in ("filtered-a", "filtered-b"):
        ml.must("POST", f"{root}/registered-models/create", {"name": name})
        for _ in range(2):
            source = {"name": name, "source": "azureml://datastores/workspaceartifactstore/paths/m"}
            ml.must("POST", f"{root}/model-versions/create", source)
    return root


@pytest.mark.parametrize(("path", "body"), WRONG_MODELS.values(), ids=WRONG_MODELS)
def test_mlflow_is_told_what_the_registry_does_not_take(ml: Ml, filtered: str, path: str, body: Any) -> None:
    answer = ml.ask("GET" if body is None else "POST", f"{filtered}/{path}", body)

    assert (answer.status_code, answer.json()["error_code"]) == (400, "INVALID_PARAMETER_VALUE"), answer.text


def test_mlflow_searches_by_name(ml: Ml, filtered: str) -> None:
    def found(kind: str, text: str) -> list[str]:
        answer = ml.must("GET", f"{filtered}/{kind}/search?max_results=1000&filter={text}")
        return sorted(f"{row['name']}{row.get('version', '')}" for rows in answer.values() for row in rows)

    assert found("registered-models", "name='filtered-a'") == ["filtered-a"]
    assert found("registered-models", "name LIKE 'filtered-%25'") == ["filtered-a", "filtered-b"]
    assert found("registered-models", "name ILIKE 'FILTERED-_'") == ["filtered-a", "filtered-b"]
    assert found("registered-models", "name LIKE 'FILTERED-%25'") == []
    assert found("model-versions", "name = 'filtered-b'") == ["filtered-b1", "filtered-b2"]
    assert {"filtered-a", "filtered-b"} <= set(found("registered-models", ""))


@pytest.mark.parametrize("path", ["../../secret", "unknown-store/x"])
def test_artifacts_lie_in_the_workspaces_own_datastores(ml: Ml, path: str) -> None:
    root = f"/mlflow/v2.0{ml.ids['mlw-dev']}/api/2.0/mlflow-artifacts/artifacts"

    assert ml.ask("PUT", f"{root}/{path.replace('..', '%2e%2e')}", "x").status_code in (400, 404, 501)


def test_the_scripts_know_nothing_of_the_local_cloud() -> None:
    texts = [path.read_text() for path in SCRIPTS.rglob("*.py")]

    assert texts
    assert not any(word in text for text in texts for word in ("signalbox", "localhost", "127.0.0.1"))
    assert shutil.which("bash")
