"""The app's own endpoints adapter against the emulator: managed compute by directory token, Kubernetes by its own."""

from dataclasses import replace
from pathlib import Path

import pytest

from shared.adapters.azure_ml.arm import Arm
from shared.adapters.azure_ml.endpoints import AzureMlEndpoints
from shared.adapters.azure_ml.ml_client import MlAssets
from shared.adapters.azure_ml.models import AzureMlModels
from shared.domain.failures import Refused, Transient
from shared.domain.inference.routes import Workspace
from shared.domain.promotion.models import ModelVersion
from shared.ports import EndpointKind, OnlineRequest, WantedDeployment
from signalbox.launcher.endpoints import WORKSPACES
from signalbox.launcher.hub import LocalIdentity
from signalbox.launcher.ml_client import ml_client
from tests.emulators.conftest import Ml
from tests.emulators.online import Online, conditions, control

PREPROD = next(each for each in WORKSPACES if each.name == "mlw-preprod")
WORKSPACE = Workspace(
    name="preprod",
    subscription=PREPROD.subscription,
    resource_group=PREPROD.resource_group,
    workspace=PREPROD.name,
)


def adapter(ml: Ml, host: str) -> AzureMlEndpoints:
    identity = LocalIdentity(ml.endpoints)
    return AzureMlEndpoints(Arm(identity, ml.endpoints.resource_manager), identity, "https://ml.azure.com", (host,))


def models_adapter(ml: Ml) -> AzureMlModels:
    identity, address = LocalIdentity(ml.endpoints), ml.endpoints.resource_manager
    return AzureMlModels(Arm(identity, address), MlAssets(identity, address))


@pytest.fixture
def trusting(ml: Ml, monkeypatch: pytest.MonkeyPatch) -> Ml:
    for name, value in ml.endpoints.environment().items():
        monkeypatch.setenv(name, value)
    return ml


@pytest.mark.parametrize(
    ("cluster", "mode", "kind"), [("", "AADToken", "Managed"), ("aks-1", "AMLToken", "Kubernetes")]
)
def test_an_endpoint_is_made_asked_and_removed(
    trusting: Ml, tmp_path: Path, cluster: str, mode: str, kind: str
) -> None:
    name = f"port-{kind.lower()}"
    assets = trusting.register(name, tmp_path, "mlw-preprod")
    endpoints = adapter(trusting, f"localhost:{trusting.endpoints.azureml}")
    environment = ModelVersion(name=assets.environment.split("/")[-3], version=assets.environment.split("/")[-1])
    assert models_adapter(trusting).image_digest(WORKSPACE, environment) == ""
    wanted = WantedDeployment(
        name="version-1",
        endpoint=name,
        kind=EndpointKind.ONLINE,
        model=assets.model,
        code=assets.code,
        script="score.py",
        environment=assets.environment,
        instance_type="Standard_DS3_v2",
        kubernetes=cluster,
        collections=("request", "response"),
    )

    trusting.eventually(lambda: endpoints.ensure(WORKSPACE, EndpointKind.ONLINE, name, cluster))
    endpoints.deploy(WORKSPACE, wanted)
    trusting.eventually(lambda: state(endpoints, name) == "Succeeded")
    assert models_adapter(trusting).image_digest(WORKSPACE, environment).startswith("sha256:")
    trusting.eventually(lambda: endpoints.route(WORKSPACE, name, {"version-1": 100}))
    request = OnlineRequest(workspace=WORKSPACE, endpoint=name, deployment="version-1", body=b"[[1.0, 2.0]]")
    answers = [endpoints.invoke(request) for _ in range(2)]
    raw = trusting.must("GET", f"mlw-preprod/onlineEndpoints/{name}")
    deployed = trusting.must("GET", f"mlw-preprod/onlineEndpoints/{name}/deployments/version-1")

    assert [answer.status for answer in answers] == [200, 200], answers[0].body
    assert (raw["properties"]["authMode"], deployed["properties"]["endpointComputeType"]) == (mode, kind)
    collector = deployed["properties"]["dataCollector"]
    assert (collector["rollingRate"], sorted(collector["collections"])) == ("Hour", ["request", "response"])
    assert str(raw["properties"].get("compute", "")).endswith(f"/computes/{cluster}" if cluster else "")
    endpoints.remove(WORKSPACE, EndpointKind.ONLINE, name)
    assert endpoints.find(WORKSPACE, EndpointKind.ONLINE, name) is None


def test_a_scoring_token_goes_to_no_other_host(trusting: Ml) -> None:
    strict = adapter(trusting, "*.inference.ml.azure.com")
    strict.ensure(WORKSPACE, EndpointKind.ONLINE, "port-strict")

    with pytest.raises(Refused, match="AZURE_ML_INFERENCE_HOSTS"):
        strict.invoke(OnlineRequest(workspace=WORKSPACE, endpoint="port-strict", deployment="version-1", body=b"[]"))


def test_a_name_that_another_workspace_of_the_region_has_is_refused_at_once(trusting: Ml) -> None:
    """Nobody gives it back: a promotion that waited for that would wait for days."""
    endpoints = adapter(trusting, "localhost")
    prod = next(scope for scope in WORKSPACES if scope.name == "mlw-prod")
    elsewhere = replace(WORKSPACE, name="prod", workspace=prod.name, resource_group=prod.resource_group)
    endpoints.ensure(WORKSPACE, EndpointKind.ONLINE, "port-taken")

    with pytest.raises(Refused, match="needs to be unique within a region"):
        endpoints.ensure(elsewhere, EndpointKind.ONLINE, "port-taken")


def state(endpoints: AzureMlEndpoints, name: str) -> str:
    seen = endpoints.deployment(WORKSPACE, EndpointKind.ONLINE, name, "version-1")
    return seen.state if seen else ""


def test_setting_traffic_leaves_a_private_endpoint_as_it_was(trusting: Ml, tmp_path: Path) -> None:
    name = "port-private"
    assets = trusting.register(name, tmp_path, "mlw-preprod")
    own = {"publicNetworkAccess": "Disabled", "description": "Private.", "properties": {"owner": "ada"}}
    identity = {"type": "UserAssigned", "userAssignedIdentities": {"/subscriptions/s/uai": {}}}
    body = {"location": "westeurope", "tags": {"cost": "12"}, "identity": identity, "kind": "Managed"}
    for kind in ("onlineEndpoints", "batchEndpoints"):
        trusting.must(
            "PUT", f"mlw-preprod/{kind}/{name}-{kind[0]}", body | {"properties": {"authMode": "AADToken", **own}}
        )
    endpoints = adapter(trusting, "localhost")
    trusting.eventually(lambda: endpoints.ensure(WORKSPACE, EndpointKind.ONLINE, f"{name}-o"))
    endpoints.deploy(
        WORKSPACE,
        WantedDeployment(
            name="version-1",
            endpoint=f"{name}-o",
            kind=EndpointKind.ONLINE,
            model=assets.model,
            code=assets.code,
            script="score.py",
            environment=assets.environment,
            instance_type="Standard_DS3_v2",
        ),
    )
    trusting.eventually(
        lambda: endpoints.deployment(WORKSPACE, EndpointKind.ONLINE, f"{name}-o", "version-1").state == "Succeeded"
    )  # type: ignore[union-attr]

    trusting.eventually(lambda: endpoints.route(WORKSPACE, f"{name}-o", {"version-1": 100}))
    trusting.eventually(lambda: endpoints.choose(WORKSPACE, f"{name}-b", "version-1"))

    online = trusting.must("GET", f"mlw-preprod/onlineEndpoints/{name}-o")
    batch = trusting.must("GET", f"mlw-preprod/batchEndpoints/{name}-b")
    assert (online["properties"]["traffic"], batch["properties"]["defaults"]) == (
        {"version-1": 100},
        {"deploymentName": "version-1"},
    )
    assert online["properties"]["properties"].pop("AzureAsyncOperationUri").startswith("https://")
    for raw in (online, batch):
        assert {field: raw["properties"][field] for field in own} == own
        assert (raw["tags"], raw["identity"], raw["kind"]) == ({"cost": "12"}, identity, "Managed")


def test_tagging_a_model_leaves_its_description_and_stage(trusting: Ml, tmp_path: Path) -> None:
    trusting.register("port-tagged", tmp_path, "mlw-preprod")
    path = "mlw-preprod/models/port-tagged/versions/1"
    raw = trusting.must("GET", path)
    more = {"description": "The best one.", "stage": "Production"}
    trusting.must("PUT", path, {"properties": {**raw["properties"], **more}})
    models = models_adapter(trusting)

    models.tag(WORKSPACE, ModelVersion(name="port-tagged", version="1"), {"approved": "yes"})

    properties = trusting.must("GET", path)["properties"]
    assert properties["tags"]["approved"] == "yes"
    assert {field: properties.get(field) for field in more} == more


def test_an_environment_is_registered_once_and_the_real_client_reads_it(trusting: Ml) -> None:
    asset = ModelVersion(name="port-packages", version="0123456789abcdef")
    models = models_adapter(trusting)

    for conda in (b"name: e\ndependencies: [python=3.11, pip]\n", b"name: other\ndependencies: []\n"):
        models.register_environment(WORKSPACE, asset, conda)

    with ml_client(trusting.endpoints, "mlw-preprod") as client:
        environment = client.environments.get(asset.name, asset.version)
    assert environment.conda_file == {"name": "e", "dependencies": ["python=3.11", "pip"]}
    assert environment.image.startswith("mcr.microsoft.com/azureml/")
    assert trusting.effects()["assets"]["mlw-preprod/environments/port-packages/versions/0123456789abcdef"] == 1


@pytest.fixture(scope="module")
def shifted(ml: Ml, tmp_path_factory: pytest.TempPathFactory) -> Online:
    """An endpoint with two deployments, of which blue has all traffic."""
    assets = ml.register("port-shifted", tmp_path_factory.mktemp("shifted"), "mlw-preprod")
    online = Online(ml, "port-shifted", assets).create()
    online.deploy("blue", "green")
    online.share({"blue": 100})
    return online


def test_a_slow_change_of_traffic_is_begun_once_and_looked_at_until_it_is_in_force(
    trusting: Ml, shifted: Online
) -> None:
    endpoints, name = adapter(trusting, "localhost"), shifted.name
    before = trusting.effects()["traffic"][f"mlw-preprod/onlineEndpoints/{name}"]
    with conditions(trusting, pace={"endpoint_s": 3600.0}):
        early = [endpoints.route(WORKSPACE, name, {"blue": 90, "green": 10}) for _ in range(3)]
        during = endpoints.find(WORKSPACE, EndpointKind.ONLINE, name)
        with pytest.raises(Transient, match="provisioning state"):
            endpoints.deploy(WORKSPACE, wanted_beside(shifted))
        control(trusting, "/_control/clock", {"advance_s": 3600.0})
        trusting.eventually(lambda: endpoints.route(WORKSPACE, name, {"blue": 90, "green": 10}))

    assert during is not None
    assert (early, during.settled, during.traffic) == ([False] * 3, False, {"blue": 100})
    assert shifted.traffic() == {"blue": 90, "green": 10}
    assert trusting.effects()["traffic"][f"mlw-preprod/onlineEndpoints/{name}"] == before + 1


@pytest.mark.parametrize("mode", ["lost", "cancelled", "failed"])
def test_a_change_of_traffic_that_came_to_nothing_is_sent_again(trusting: Ml, shifted: Online, mode: str) -> None:
    endpoints = adapter(trusting, "localhost")
    shifted.share({"blue": 100})
    with conditions(trusting, changes=[{"match": "port-shifted", "mode": mode, "nth": 1}]):
        trusting.eventually(lambda: endpoints.route(WORKSPACE, shifted.name, {"green": 100}))

    assert shifted.traffic() == {"green": 100}


def test_a_mirror_ends_in_the_request_that_gives_its_deployment_live_traffic(trusting: Ml, shifted: Online) -> None:
    endpoints, name = adapter(trusting, "localhost"), shifted.name
    shifted.share({"blue": 100})
    trusting.eventually(lambda: endpoints.route(WORKSPACE, name, {"blue": 100}, {"green": 20}))
    mirrored = endpoints.find(WORKSPACE, EndpointKind.ONLINE, name)
    with pytest.raises(Refused, match="live and mirrored"):
        endpoints.route(WORKSPACE, name, {"blue": 95, "green": 5})
    trusting.eventually(lambda: endpoints.route(WORKSPACE, name, {"blue": 95, "green": 5}, {}))
    shifted_endpoint = endpoints.find(WORKSPACE, EndpointKind.ONLINE, name)

    assert mirrored is not None
    assert shifted_endpoint is not None
    assert (mirrored.shares, mirrored.mirror) == ({"blue": 100}, {"green": 20})
    assert (shifted_endpoint.shares, shifted_endpoint.mirror) == ({"blue": 95, "green": 5}, {})


def wanted_beside(online: Online) -> WantedDeployment:
    resource = online.ml.must("GET", f"{online.path}/deployments/blue")["properties"]
    return WantedDeployment(
        name="beside",
        endpoint=online.name,
        kind=EndpointKind.ONLINE,
        model=resource["model"],
        code=resource["codeConfiguration"]["codeId"],
        script="score.py",
        instance_type=resource["instanceType"],
    )
