"""Managed online endpoints: shares, keys, real processes, their failures and their return."""

import json
import warnings
from pathlib import Path
from typing import Any

import psutil
import pytest

from signalbox.launcher.endpoints import WORKSPACES
from signalbox.launcher.hub import LocalIdentity, hub_client
from signalbox.launcher.ml_client import ml_client
from signalbox.launcher.provision import Registered
from tests.emulators.conftest import Ml

pytestmark = [pytest.mark.onemachine, pytest.mark.xdist_group("azure-ml")]

ROWS = [[1.0, 1.0], [2.0, 5.0]]
SCORES = [2.0, 7.0]


@pytest.fixture(scope="module")
def assets(ml: Ml, tmp_path_factory: pytest.TempPathFactory) -> Registered:
    return ml.register("linear", tmp_path_factory.mktemp("linear"), "mlw-preprod")


@pytest.fixture(scope="module")
def served(ml: Ml, assets: Registered) -> str:
    """An endpoint with the deployment blue, which has all traffic."""
    path = endpoint(ml, "served")
    assert deploy(ml, path, "blue", assets)["status"] == "Succeeded"
    share(ml, path, {"blue": 100})
    return path


@pytest.fixture
def key(ml: Ml, served: str) -> str:
    return str(ml.must("POST", f"{served}/listKeys")["primaryKey"])


def endpoint(ml: Ml, name: str, mode: str = "Key") -> str:
    path = f"mlw-preprod/onlineEndpoints/{name}"
    ml.must("PUT", path, {"location": "westeurope", "properties": {"authMode": mode}})
    settle(ml, path)
    return path


def settle(ml: Ml, path: str) -> None:
    """Wait for the end of the change of the endpoint that was begun."""
    ml.eventually(lambda: ml.must("GET", path)["properties"]["provisioningState"] not in ("Creating", "Updating"))


def share(ml: Ml, path: str, traffic: dict[str, int], **more: Any) -> Any:
    body = {"location": "westeurope", "properties": {"authMode": "Key", "traffic": traffic, **more}}
    answer = ml.ask("PUT", path, body)
    settle(ml, path)
    return answer


def deploy(ml: Ml, path: str, name: str, assets: Registered, **more: Any) -> Any:
    """How the operation of a new deployment ended."""
    configuration = {"codeId": assets.code, "scoringScript": "score.py"}
    properties = {"model": assets.model, "codeConfiguration": configuration, **more}
    begun = ml.ask("PUT", f"{path}/deployments/{name}", {"location": "westeurope", "properties": properties})
    assert begun.status_code in (200, 201), begun.text
    assert begun.json()["properties"]["provisioningState"] in ("Creating", "Updating")
    return ml.eventually(lambda: ended(ml, begun.headers["Azure-AsyncOperation"]))


def ended(ml: Ml, operation: str) -> Any:
    said = ml.must("GET", operation.removeprefix(ml.endpoints.resource_manager))
    return None if said["status"] == "InProgress" else said


def score(ml: Ml, path: str, key: str, data: Any, **headers: str) -> Any:
    uri = ml.must("GET", path)["properties"]["scoringUri"]
    return ml.call("POST", uri, data, **{"Authorization": f"Bearer {key}", **headers})


def test_a_deployment_scores_by_traffic_and_by_name(ml: Ml, served: str, key: str) -> None:
    answer = score(ml, served, key, ROWS)
    assert (answer.json(), answer.headers["azureml-model-deployment"]) == (SCORES, "blue")
    assert score(ml, served, key, ROWS, **{"azureml-model-deployment": "green"}).status_code == 404
    assert score(ml, served, "wrong", ROWS).status_code == 401


def test_shares_must_add_up_and_name_what_exists(ml: Ml, served: str) -> None:
    for refused in (
        share(ml, served, {"blue": 90}),
        share(ml, served, {"green": 100}),
        share(ml, served, {"blue": 100}, mirrorTraffic={"blue": 51}),
        ml.ask("PUT", served, {"properties": {"authMode": "Magic"}}),
    ):
        assert refused.status_code == 400
    assert ml.must("GET", served)["properties"]["traffic"] == {"blue": 100}


def test_mirrored_requests_reach_a_deployment_whose_answers_nobody_sees(
    ml: Ml, served: str, key: str, assets: Registered
) -> None:
    with hub_client(ml.endpoints, "stpreprod") as storage:
        storage.get_blob_client("azureml-blobstore", "code/shadow/score.py").upload_blob(
            b"def run(data):\n    print('shadowed', data)\n    raise ValueError\n", overwrite=True
        )
    place = "azureml://datastores/workspaceblobstore/paths/code/shadow"
    code = ml.must("PUT", "mlw-preprod/codes/shadow/versions/1", {"properties": {"codeUri": place}})
    deploy(ml, served, "shadow", Registered(model=assets.model, code=code["id"], environment=assets.environment))
    assert share(ml, served, {"blue": 100}, mirrorTraffic={"shadow": 50}).status_code == 200

    def shadowed() -> bool:
        assert score(ml, served, key, ROWS).json() == SCORES
        logs = ml.must("POST", f"{served}/deployments/shadow/getLogs", {"tail": 50})["content"]
        return "shadowed [[1.0, 1.0]" in logs

    assert ml.eventually(shadowed)
    assert ml.ask("DELETE", f"{served}/deployments/shadow").status_code == 400
    share(ml, served, {"blue": 100})
    ml.must("DELETE", f"{served}/deployments/shadow")


def test_a_deployment_with_traffic_is_not_deleted(ml: Ml, served: str) -> None:
    assert ml.ask("DELETE", f"{served}/deployments/blue").status_code == 400
    assert ml.must("GET", f"{served}/deployments/blue")["properties"]["provisioningState"] == "Succeeded"


def test_a_scripts_exception_is_a_failed_dependency(ml: Ml, served: str, key: str) -> None:
    answer = score(ml, served, key, {"no": "rows"})

    assert answer.status_code == 424
    assert answer.headers["ms-azureml-model-error-reason"] == "model_error"
    assert answer.headers["ms-azureml-model-error-statuscode"] == "500"


def test_a_killed_process_is_started_again(ml: Ml, served: str, key: str) -> None:
    processes = workers()
    for process in processes:
        process.kill()

    assert processes
    assert score(ml, served, key, ROWS).json() == SCORES
    assert score(ml, served, key, "die").status_code == 424
    assert score(ml, served, key, ROWS).json() == SCORES


def test_a_new_key_replaces_the_old(ml: Ml, served: str, key: str) -> None:
    ml.must("POST", f"{served}/regenerateKeys", {"keyType": "Primary", "keyValue": key})

    assert score(ml, served, key, ROWS).status_code == 401


def test_a_model_that_cannot_load_fails_the_deployment_and_says_why(ml: Ml, served: str, assets: Registered) -> None:
    code = "mlw-preprod/codes/broken/versions/1"
    place = "azureml://datastores/workspaceblobstore/paths/code/broken"
    with hub_client(ml.endpoints, "stpreprod") as storage:
        storage.get_blob_client("azureml-blobstore", "code/broken/score.py").upload_blob(
            b"def init():\n    raise RuntimeError('no such weights')\n", overwrite=True
        )
    ml.must("PUT", code, {"properties": {"codeUri": place}})
    broken = Registered(model=assets.model, code=ml.must("GET", code)["id"], environment=assets.environment)
    said = deploy(ml, served, "broken", broken)

    assert said["status"] == "Failed"
    assert "no such weights" in said["error"]["message"]
    assert ml.must("GET", f"{served}/deployments/broken")["properties"]["provisioningState"] == "Failed"
    assert "no such weights" in ml.must("POST", f"{served}/deployments/broken/getLogs", {"tail": 50})["content"]
    ml.must("DELETE", f"{served}/deployments/broken")


@pytest.mark.parametrize("mode", ["AMLToken", "AADToken"])
def test_endpoints_with_tokens_take_no_keys(ml: Ml, assets: Registered, mode: str) -> None:
    path = endpoint(ml, f"served-{mode.lower()}", mode)
    assert ml.ask("POST", f"{path}/listKeys").status_code == 400
    deploy(ml, path, "blue", assets)
    entra = LocalIdentity(ml.endpoints).get_token("https://ml.azure.com/.default").token
    token = ml.must("POST", f"{path}/token")["accessToken"] if mode == "AMLToken" else entra

    chosen = {"azureml-model-deployment": "blue"}
    assert score(ml, path, token, ROWS, **chosen).json() == SCORES
    assert score(ml, path, "key", ROWS, **chosen).status_code == 401


def test_an_endpoints_name_is_taken_for_the_whole_region(ml: Ml, served: str) -> None:
    for path in ("mlw-prod/onlineEndpoints/served", "mlw-dev/batchEndpoints/served"):
        assert ml.ask("PUT", path, {"properties": {"authMode": "Key"}}).status_code == 400


def test_a_request_that_takes_too_long_ends(ml: Ml, served: str, assets: Registered, key: str) -> None:
    with hub_client(ml.endpoints, "stpreprod") as storage:
        storage.get_blob_client("azureml-blobstore", "code/slow/score.py").upload_blob(
            b"import threading\ndef run(data):\n    threading.Event().wait()\n", overwrite=True
        )
    code = ml.must(
        "PUT",
        "mlw-preprod/codes/slow/versions/1",
        {"properties": {"codeUri": "azureml://datastores/workspaceblobstore/paths/code/slow"}},
    )
    slow = Registered(model=assets.model, code=code["id"], environment=assets.environment)
    deploy(ml, served, "slow", slow, requestSettings={"requestTimeout": "PT0.5S"})
    fresh = ml.must("POST", f"{served}/listKeys")["primaryKey"]

    assert score(ml, served, fresh, ROWS, **{"azureml-model-deployment": "slow"}).status_code == 408
    ml.must("DELETE", f"{served}/deployments/slow")


def test_an_mlflow_model_needs_no_code(ml: Ml, tmp_path: Path) -> None:
    path = endpoint(ml, "no-code")
    ml.must("PUT", "mlw-preprod/models/flow/versions/1", mlflow_model(ml, tmp_path / "flow"))
    begun = ml.ask(
        "PUT",
        f"{path}/deployments/blue",
        {"properties": {"model": f"{ml.ids['mlw-preprod']}/models/flow/versions/1"}},
    )
    said = ml.eventually(lambda: ended(ml, begun.headers["Azure-AsyncOperation"]))
    assert said["status"] == "Succeeded", said
    share(ml, path, {"blue": 100})
    key = ml.must("POST", f"{path}/listKeys")["primaryKey"]

    table = {"input_data": {"columns": ["a", "b"], "index": [0, 1], "data": ROWS}}
    assert [round(each, 3) for each in score(ml, path, key, table).json()] == SCORES
    ml.must("DELETE", path)  # Else the tests that kill the emulators wait for its process, too.


def test_the_real_client_deploys_invokes_and_deletes(ml: Ml, assets: Registered, tmp_path: Path) -> None:
    (tmp_path / "rows.json").write_text(json.dumps(ROWS))
    with ml_client(ml.endpoints, "mlw-preprod") as client:
        from azure.ai.ml.entities import CodeConfiguration, ManagedOnlineDeployment, ManagedOnlineEndpoint

        client.online_endpoints.begin_create_or_update(
            ManagedOnlineEndpoint(name="by-client", auth_mode="key", tags={"team": "risk"})
        ).result()
        client.online_deployments.begin_create_or_update(
            ManagedOnlineDeployment(
                name="blue",
                endpoint_name="by-client",
                model=assets.model,
                environment=assets.environment,
                code_configuration=CodeConfiguration(code=assets.code, scoring_script="score.py"),
                instance_type="Standard_DS3_v2",
                instance_count=1,
            )
        ).result()
        made = client.online_endpoints.get("by-client")
        made.traffic = {"blue": 100}
        client.online_endpoints.begin_create_or_update(made).result()
        answered = client.online_endpoints.invoke("by-client", request_file=str(tmp_path / "rows.json"))
        named = client.online_endpoints.invoke(
            "by-client", request_file=str(tmp_path / "rows.json"), deployment_name="blue"
        )
        keys = client.online_endpoints.get_keys("by-client")
        logs = client.online_deployments.get_logs("blue", "by-client", lines=20)
        client.online_endpoints.begin_delete("by-client").result()

    assert json.loads(answered) == json.loads(named) == SCORES
    assert keys.primary_key != keys.secondary_key
    assert "loading" in logs
    effects = ml.effects()
    assert effects["deployments"]["mlw-preprod/onlineEndpoints/by-client/deployments/blue"] == 1
    assert effects["traffic"]["mlw-preprod/onlineEndpoints/by-client"] == 1
    assert effects["deletions"]["mlw-preprod/onlineEndpoints/by-client"] == 1
    assert ml.ask("GET", "mlw-preprod/onlineEndpoints/by-client/deployments/blue").status_code == 404


def test_deployments_serve_again_after_the_emulators_died(ml: Ml, served: str) -> None:
    key = ml.must("POST", f"{served}/listKeys")["secondaryKey"]
    ml.cloud.kill_emulators()
    ml.cloud.start_emulators()

    assert score(ml, served, key, ROWS).json() == SCORES


def workers() -> list[psutil.Process]:
    """The scoring processes of this test run's emulators: forks of a server, with its command line."""
    servers = {
        process.pid
        for process in psutil.Process().children(recursive=True)
        if any("azure_ml.prepared" in word for word in process.cmdline())
    }
    return [psutil.Process(pid) for pid in servers if psutil.Process(pid).ppid() in servers]


def mlflow_model(ml: Ml, folder: Path) -> dict[str, Any]:
    import pandas as pd
    from sklearn.linear_model import LinearRegression

    inputs = pd.DataFrame({"a": [1.0, 2.0, 3.0], "b": [1.0, 5.0, 2.0]})
    model = LinearRegression().fit(inputs, [2.0, 7.0, 5.0])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # MLflow warns of its own type hints.
        import mlflow.sklearn

        mlflow.sklearn.save_model(model, folder, serialization_format="cloudpickle", pip_requirements=["scikit-learn"])
    account = next(each.account for each in WORKSPACES if each.name == "mlw-preprod")
    with hub_client(ml.endpoints, account) as storage:
        for path in folder.rglob("*"):
            if path.is_file():
                name = f"flows/model/{path.relative_to(folder).as_posix()}"
                storage.get_blob_client("azureml-blobstore", name).upload_blob(path.read_bytes(), overwrite=True)
    uri = "azureml://datastores/workspaceblobstore/paths/flows/model"
    return {"properties": {"modelUri": uri, "modelType": "mlflow_model"}}
