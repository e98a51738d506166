"""Assets of workspaces and the registry, with the real client and with plain requests."""

import os
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from azure.storage.blob import ContainerClient

from signalbox.launcher.hub import LocalIdentity, hub_client
from signalbox.launcher.ml_client import ml_client
from tests.emulators.conftest import Ml

pytestmark = [pytest.mark.onemachine, pytest.mark.xdist_group("azure-ml")]


def a_model(uri: str = "azureml://datastores/workspaceblobstore/paths/m") -> dict[str, Any]:
    return {"properties": {"modelUri": uri, "modelType": "custom_model", "tags": {"stage": "dev"}}}


def test_an_unknown_workspace_and_registry_do_not_exist(ml: Ml) -> None:
    for name in ("mlw-dev", "mlr-central"):
        stranger = ml.ids[name].replace(name, "mlw-stranger")
        assert ml.ask("GET", stranger).status_code == 404
        assert ml.ask("PUT", f"{stranger}/models/m/versions/1", a_model()).status_code == 404
        assert ml.must("GET", name)["name"] == name


def test_every_workspace_has_its_own_store_and_all_share_the_hubs(ml: Ml) -> None:
    for name, account in (("mlw-experiment", "stexperiment"), ("mlw-prod", "stprod")):
        stores = {each["name"]: each["properties"] for each in ml.must("GET", f"{name}/datastores")["value"]}
        assert (stores["workspaceblobstore"]["accountName"], stores["hub_staging"]["accountName"]) == (
            account,
            "datahub",
        )


@pytest.mark.parametrize("scope", ["mlw-dev", "mlr-central"])
def test_a_versions_content_never_changes_and_its_tags_do(ml: Ml, scope: str) -> None:
    path = f"{scope}/models/frozen/versions/1"
    assert ml.ask("PUT", path, a_model()).status_code == 201
    assert ml.ask("PUT", path, a_model()).status_code == 200
    refused = ml.ask("PUT", path, a_model("azureml://datastores/workspaceblobstore/paths/other"))
    ml.must("PATCH", path, {"properties": {"tags": {"approved": "yes"}, "description": "good"}})
    ml.must("PATCH", path, {"properties": {"tags": {"stage": None}}})

    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "UserError")
    properties = ml.must("GET", path)["properties"]
    assert (properties["tags"], properties["description"]) == ({"approved": "yes"}, "good")
    name = ml.ids[scope].rpartition("/")[2]
    assert ml.effects()["assets"][f"{name}/models/frozen/versions/1"] == 1


def test_the_long_and_the_short_address_of_one_place_are_the_same_content(ml: Ml) -> None:
    group = ml.ids["mlw-dev"].replace("/providers/Microsoft.MachineLearningServices", "").replace("Groups", "groups")
    path = "mlw-dev/models/addressed/versions/1"
    ml.must("PUT", path, a_model())

    assert ml.ask("PUT", path, a_model(f"azureml:/{group}/datastores/workspaceblobstore/paths/m")).status_code == 200


def test_a_container_knows_its_newest_version_and_hides_what_is_archived(ml: Ml) -> None:
    for version in ("1", "2"):
        ml.must("PUT", f"mlw-dev/models/many/versions/{version}", a_model())
    ml.must("PATCH", "mlw-dev/models/many/versions/1", {"properties": {"isArchived": True}})

    container = ml.must("GET", "mlw-dev/models/many")["properties"]
    assert (container["latestVersion"], container["nextVersion"]) == ("2", "3")
    assert [each["name"] for each in ml.must("GET", "mlw-dev/models/many/versions")["value"]] == ["2"]
    ml.must("DELETE", "mlw-dev/models/many")
    assert ml.ask("GET", "mlw-dev/models/many/versions/2").status_code == 404


def test_a_registration_is_one_event_and_a_new_tag_is_none(ml: Ml) -> None:
    ml.must("PUT", "mlw-dev/models/told/versions/3", a_model())
    ml.must("PATCH", "mlw-dev/models/told/versions/3", {"properties": {"tags": {"a": "b"}}})
    ml.must("PUT", "mlw-dev/models/told/versions/3", a_model())

    (event,) = ml.events("told")
    assert event["topic"] == ml.ids["mlw-dev"]
    assert event["eventType"] == "Microsoft.MachineLearningServices.ModelRegistered"
    assert event["data"] == {
        "ModelName": "told",
        "ModelVersion": 3,
        "ModelTags": {"stage": "dev"},
        "ModelProperties": {},
    }


def test_every_write_of_a_registrys_model_is_an_event_of_resource_manager(ml: Ml) -> None:
    """The registry has no events of its own: neither a registration there nor a tag is a ModelRegistered."""
    path = "mlr-central/models/entered/versions/1"
    started = ml.must("POST", f"{path}/startPendingUpload", {"pendingUploadType": "TemporaryBlobReference"})
    ml.must("PUT", path, a_model(f"{started['blobReferenceForConsumption']['blobUri']}/model"))
    ml.must("PATCH", path, {"properties": {"tags": {"signalbox.state": "approved"}}})

    events = [row["event"] for row in ml.call("GET", ml.cloud.control("/_events?topic=ml")).json()]
    written = [event["subject"] for event in events if event["eventType"].endswith("ResourceWriteSuccess")]
    entry = f"{ml.ids['mlr-central']}/models/entered/versions/1"
    assert [subject for subject in written if subject == entry] == [entry, entry]
    assert ml.events("entered") == []


@pytest.mark.parametrize("scope", ["mlw-prod", "mlr-central"])
def test_an_upload_is_signed_for_one_container_until_it_is_registered(ml: Ml, scope: str) -> None:
    address = f"{scope}/models/uploaded/versions/1/startPendingUpload"
    first, second = (ml.must("POST", address, {"pendingUploadType": "TemporaryBlobReference"}) for _ in range(2))
    reference = first["blobReferenceForConsumption"]
    with ContainerClient.from_container_url(
        reference["credential"]["sasUri"], connection_verify=str(ml.endpoints.ca)
    ) as container:
        container.upload_blob("model/a.bin", b"1")
        names = list(container.list_blob_names())

    assert names == ["model/a.bin"]
    other = ml.must("POST", f"{scope}/models/uploaded/versions/2/startPendingUpload", {})
    assert reference["blobUri"] == second["blobReferenceForConsumption"]["blobUri"]
    assert reference["blobUri"] != other["blobReferenceForConsumption"]["blobUri"]


def test_a_registered_asset_of_the_registry_can_be_read_and_not_written(ml: Ml) -> None:
    started = ml.must("POST", "mlr-central/models/readable/versions/1/startPendingUpload", {})
    uri = f"{started['blobReferenceForConsumption']['blobUri']}/model"
    sas = started["blobReferenceForConsumption"]["credential"]["sasUri"]
    with ContainerClient.from_container_url(sas, connection_verify=str(ml.endpoints.ca)) as container:
        container.upload_blob("model/a.bin", b"1")
    ml.must("PUT", "mlr-central/models/readable/versions/1", a_model(uri))
    asked = {"assetId": "azureml://registries/mlr-central/models/readable/versions/1", "blobUri": uri}
    said = ml.must("POST", "mlr-central/datareferences/readable/versions/1", asked)

    sas = said["blobReferenceForConsumption"]["credential"]["sasUri"]
    with ContainerClient.from_container_url(sas, connection_verify=str(ml.endpoints.ca)) as container:
        assert container.download_blob("model/a.bin").readall() == b"1"
        with pytest.raises(Exception, match="Authorization"):
            container.upload_blob("model/b.bin", b"2")


def test_the_real_client_registers_tags_and_shares_a_model(ml: Ml, tmp_path: Path) -> None:
    ml.register("shared", tmp_path, "mlw-preprod", team="risk")
    with ml_client(ml.endpoints, "mlw-preprod") as client:
        model = client.models.get("shared", "1")
        model.tags["approved"] = "yes"
        client.models.create_or_update(model)
        copy = share(client)
        with pytest.raises(Exception, match="already exists"):
            share(client)

    assert copy.tags == {"team": "risk", "approved": "yes"}
    kept = ml.must("GET", "mlr-central/models/shared/versions/7")["properties"]["modelUri"]
    assert "/stregistry/" in kept
    assert ml.effects()["assets"]["mlr-central/models/shared/versions/7"] == 1
    assert len(ml.events("shared")) == 1


def share(client: Any) -> Any:
    return client.models.share(
        "shared", "1", share_with_name="shared", share_with_version="7", registry_name="mlr-central"
    )


def test_the_real_client_uploads_code_by_signature(ml: Ml, tmp_path: Path) -> None:
    (tmp_path / "score.py").write_text("def run(data): return data")
    with ml_client(ml.endpoints) as client:
        from azure.ai.ml.entities._assets import Code

        code = client._code.create_or_update(Code(name="uploaded-code", version="1", path=str(tmp_path)))

    assert "/stdev/asset-" in code.path
    assert "AZUREML_CURRENT_CLOUD" not in os.environ, "a process that is started later would not know the cloud"


def test_the_real_client_uploads_a_folder_into_the_registry(ml: Ml, tmp_path: Path) -> None:
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / "w.bin").write_bytes(b"1")
    with ml_client(ml.endpoints):
        from azure.ai.ml import MLClient
        from azure.ai.ml.entities import Model

        registry = MLClient(LocalIdentity(ml.endpoints), registry_name="mlr-central")
        registry.models.create_or_update(
            Model(name="central", version="1", path=str(tmp_path / "weights"), tags={"a": "b"})
        )
        found = registry.models.get("central", label="latest")

    assert found.tags == {"a": "b"}
    account, container, folder = urlsplit(found.path).path.strip("/").split("/")
    with hub_client(ml.endpoints, account) as storage:
        assert storage.get_blob_client(container, f"{folder}/w.bin").download_blob().readall() == b"1"


def test_a_line_is_cut_where_a_rule_names_no_status(ml: Ml) -> None:
    rule = {"match": "PUT .*/models/cut/", "when": "after"}
    ml.call("POST", f"{ml.endpoints.resource_manager}/_faults", {"rules": [rule]})
    with pytest.raises(requests.ConnectionError):
        ml.ask("PUT", "mlw-dev/models/cut/versions/1", a_model())
    ml.call("POST", f"{ml.endpoints.resource_manager}/_faults", {})

    assert ml.must("GET", "mlw-dev/models/cut/versions/1")["name"] == "1"


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_fault_strikes_the_nth_request_before_or_after_its_effect(ml: Ml, when: str) -> None:
    rule = {"match": rf"PUT .*/models/faulty-{when}/", "nth": 2, "when": when, "status": 503}
    ml.call("POST", f"{ml.endpoints.resource_manager}/_faults", {"rules": [rule]})
    paths = [f"mlw-dev/models/faulty-{when}/versions/{number}" for number in (1, 2, 3)]
    answered = [ml.ask("PUT", path, a_model()).status_code for path in paths]
    ml.call("POST", f"{ml.endpoints.resource_manager}/_faults", {})

    assert answered == [201, 503, 201]
    assert ml.ask("GET", paths[1]).status_code == (404 if when == "before" else 200)


def test_a_locked_scope_refuses_every_write_below_it(ml: Ml) -> None:
    def control(method: str) -> None:
        scope = ml.ids["mlw-prod"].partition("/providers")[0]
        ml.call(method, f"{ml.endpoints.resource_manager}/_control/locks", {"scope": scope})

    control("PUT")
    refused = ml.ask("PUT", "mlw-prod/models/locked/versions/1", a_model())
    elsewhere = ml.ask("PUT", "mlw-preprod/models/locked/versions/1", a_model())
    control("DELETE")

    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "ScopeLocked")
    assert elsewhere.status_code == 201
    assert ml.ask("PUT", "mlw-prod/models/locked/versions/1", a_model()).status_code == 201


def test_two_equal_states_are_equal_documents(ml: Ml) -> None:
    def state() -> Any:
        return ml.call("GET", f"{ml.endpoints.resource_manager}/_control/state").json()

    before = state()
    ml.must("PUT", "mlw-dev/models/passing/versions/1", a_model())
    changed = state()
    ml.must("DELETE", "mlw-dev/models/passing")
    ml.must("PUT", "mlw-dev/models/passing/versions/1", a_model())
    assert state() == changed
    ml.must("DELETE", "mlw-dev/models/passing")
    assert state() == before != changed
