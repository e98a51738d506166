"""What Resource Manager does of online endpoints: long changes, what it refuses, quota, instances, Kubernetes."""

from typing import Any

import pytest

from shared.adapters.azure_monitor.set_up import AzureMonitorSetUp
from shared.domain.inference.routes import Workspace
from signalbox.emulators.azure_ml.online.conditions import Limits
from signalbox.emulators.azure_ml.online.rules import cores_needed
from signalbox.launcher.endpoints import WORKSPACES
from signalbox.launcher.hub import LocalIdentity
from signalbox.launcher.ml_client import ml_client
from signalbox.launcher.provision import Registered
from tests.emulators.conftest import Ml
from tests.emulators.online import SCORES, Online, conditions, control

pytestmark = [pytest.mark.onemachine, pytest.mark.xdist_group("azure-ml")]
HOUR_S = 3600.0
SKU = "Standard_E2s_v3"  # Nobody else has it: its quota is counted in the whole subscription.


@pytest.fixture(scope="module")
def assets(ml: Ml, tmp_path_factory: pytest.TempPathFactory) -> Registered:
    return ml.register("ruled", tmp_path_factory.mktemp("ruled"), "mlw-preprod")


@pytest.fixture(scope="module")
def online(ml: Ml, assets: Registered) -> Online:
    """An endpoint with two deployments, of which blue has all traffic."""
    endpoint = Online(ml, "ruled", assets, sku=SKU).create()
    endpoint.deploy("blue", "green")
    endpoint.share({"blue": 100})
    return endpoint


@pytest.fixture(autouse=True)
def _traffic_as_it_was(online: Online) -> Any:
    yield
    if online.traffic() != {"blue": 100} or online.state() != "Succeeded":
        online.settle()
        online.share({"blue": 100})


def test_traffic_is_in_force_at_the_end_of_a_long_operation(ml: Ml, online: Online) -> None:
    with conditions(ml, pace={"endpoint_s": HOUR_S}):
        answer = online.put({"blue": 50, "green": 50})
        during = (online.state(), online.traffic())
        refused = online.put_deployment("other")
        deletion = ml.ask("DELETE", f"{online.path}/deployments/green")
        control(ml, "/_control/clock", {"advance_s": HOUR_S})
        ended = online.ended(answer)

    assert (answer.status_code, answer.headers["x-ms-async-operation-timeout"]) == (200, "PT1H")
    assert answer.json()["properties"]["traffic"] == {"blue": 50, "green": 50}
    assert during == ("Updating", {"blue": 100})
    assert (refused.status_code, "it is in Updating provisioning state" in refused.text) == (400, True)
    assert deletion.status_code == 409
    assert (ended["status"], online.traffic()) == ("Succeeded", {"blue": 50, "green": 50})
    note = ml.must("GET", online.path)["properties"]["properties"]["AzureAsyncOperationUri"]
    assert note == answer.headers["Azure-AsyncOperation"]


def test_the_same_change_again_is_cancelled_and_another_takes_over(ml: Ml, online: Online) -> None:
    with conditions(ml, pace={"endpoint_s": HOUR_S}):
        first, again = (online.put({"green": 100}) for _ in range(2))
        repeated = online.ended(again)
        third = online.put({"blue": 60, "green": 40})
        overtaken = online.ended(first)
        control(ml, "/_control/clock", {"advance_s": HOUR_S})
        ended = online.ended(third)

    for operation in (repeated, overtaken):
        assert (operation["status"], operation["error"]["code"]) == ("Canceled", "OperationCanceled")
    assert (ended["status"], online.traffic()) == ("Succeeded", {"blue": 60, "green": 40})


def test_changes_are_taken_up_again_after_the_emulators_died(ml: Ml, online: Online) -> None:
    with conditions(ml, pace={"endpoint_s": HOUR_S}):
        answer = online.put({"green": 100})
        ml.cloud.kill_emulators()
        ml.cloud.start_emulators()
        assert online.state() == "Updating"
        control(ml, "/_control/clock", {"advance_s": HOUR_S})

        assert online.ended(answer)["status"] == "Succeeded"
    assert online.traffic() == {"green": 100}


def test_a_change_can_be_slow(ml: Ml, online: Online) -> None:
    with conditions(ml, changes=[{"match": "ruled", "mode": "slow", "seconds": HOUR_S}]):
        answer = online.put({"green": 100})
        control(ml, "/_control/clock", {"advance_s": HOUR_S / 2})
        during = online.state()
        control(ml, "/_control/clock", {"advance_s": HOUR_S / 2})
        ended = online.ended(answer)

    assert (during, ended["status"], online.traffic()) == ("Updating", "Succeeded", {"green": 100})


@pytest.mark.parametrize(
    ("mode", "operation", "state"),
    [
        ("lost", "Succeeded", "Succeeded"),
        ("failed", "Failed", "Failed"),
        ("cancelled", "Canceled", "Canceled"),
    ],
)
def test_a_change_can_come_to_nothing(ml: Ml, online: Online, mode: str, operation: str, state: str) -> None:
    with conditions(ml, changes=[{"match": "^ruled$", "mode": mode, "nth": 1}]):
        ended = online.ended(online.put({"green": 100}))
        after = (online.state(), online.traffic())
        online.share({"green": 100})

    assert (ended["status"], after) == (operation, (state, {"blue": 100}))


def test_another_hand_changes_the_traffic_unseen(ml: Ml, online: Online) -> None:
    control(ml, "/_control/online/traffic", {"endpoint": online.id, "traffic": {"green": 100}})

    assert (online.traffic(), online.state()) == ({"green": 100}, "Succeeded")


@pytest.mark.parametrize(
    ("traffic", "mirror", "reason"),
    [
        ({"blue": 90}, {}, "must be 0 or 100"),
        ({"blue": 150, "green": -50}, {}, "must be 0 or 100"),
        ({"grey": 100}, {}, "create the deployment first"),
        ({"blue": 100}, {"green": 51}, "more than 50 percent"),
        ({"blue": 100}, {"blue": 10}, "live and mirrored traffic"),
        ({}, {"blue": 10, "green": 10}, "one deployment only"),
    ],
)
def test_shares_that_the_service_refuses(
    online: Online, traffic: dict[str, int], mirror: dict[str, int], reason: str
) -> None:
    answer = online.put(traffic, mirror)

    assert (answer.status_code, reason in answer.text) == (400, True), answer.text


def test_a_patch_changes_tags_and_instances_only(ml: Ml, online: Online) -> None:
    refusals = [
        ml.ask("PATCH", online.path, {"properties": {"traffic": {"green": 100}}}),
        ml.ask("PATCH", f"{online.path}/deployments/blue", {"properties": {"model": "other"}}),
    ]
    ml.must("PATCH", online.path, {"tags": {"cost": "12"}})
    ml.must("PATCH", f"{online.path}/deployments/blue", {"tags": {"cost": "13"}})

    assert [answer.status_code for answer in refusals] == [400, 400]
    assert ml.must("GET", online.path)["tags"] == {"cost": "12"}
    assert ml.must("GET", f"{online.path}/deployments/blue")["tags"] == {"cost": "13"}


def test_a_put_without_public_network_access_resets_it_unless_it_is_switched_off(ml: Ml, online: Online) -> None:
    access = []
    for resets in (True, False):
        with conditions(ml, resets_public_access=resets):
            online.ended(online.put({"blue": 100}, publicNetworkAccess="Disabled"))
            online.share({"blue": 100})
            access.append(ml.must("GET", online.path)["properties"]["publicNetworkAccess"])

    assert access == ["Enabled", "Disabled"]
    online.ended(online.put({"blue": 100}, publicNetworkAccess="Enabled"))


@pytest.mark.parametrize("name", ["ab", "1st-name", "two--dashes", "x" * 33, "ends-"])
def test_names_of_endpoints_and_deployments(ml: Ml, online: Online, assets: Registered, name: str) -> None:
    assert Online(ml, name, assets).put({}).status_code == 400
    assert online.put_deployment(name).status_code == 400


def test_an_endpoint_has_a_limit_of_deployments_and_a_deployment_of_instances(ml: Ml, online: Online) -> None:
    with conditions(ml, limits={"deployments": 2}):
        answers = [online.put_deployment("third"), online.put_deployment("blue", instances=51)]
    long = online.put_deployment("green", requestSettings={"requestTimeout": "PT181S"})

    assert [answer.status_code for answer in (*answers, long)] == [400, 400, 400]


def test_a_fleet_scales_slowly_and_serves_later(ml: Ml, online: Online) -> None:
    with conditions(ml, pace={"scale_s": HOUR_S, "late_s": HOUR_S}):
        answer = ml.ask("PATCH", f"{online.path}/deployments/green", {"sku": {"capacity": 3}})
        during = online.state("green")
        again = ml.ask("PATCH", f"{online.path}/deployments/green", {"sku": {"capacity": 2}})
        control(ml, "/_control/clock", {"advance_s": HOUR_S})
        ml.eventually(lambda: online.state("green") == "Succeeded")
        instances = [asked_instances(ml, online)]
        control(ml, "/_control/clock", {"advance_s": HOUR_S})
        instances.append(asked_instances(ml, online))
    ended = online.ended(online.put_deployment("green", instances=1))

    assert (answer.status_code, "mfeOperationResults" in answer.headers["Location"]) == (202, True)
    assert (during, again.status_code, instances) == ("Scaling", 409, [1, 3])
    assert (ended["status"], online.state("green")) == ("Succeeded", "Succeeded")


def asked_instances(ml: Ml, online: Online) -> int:
    """How many instances of green answer a number of requests."""
    since = control(ml, "/_control/clock")["now"]
    for _ in range(20):
        assert online.score(**{"azureml-model-deployment": "green"}).json() == SCORES
    return len({request.instance for request in online.logged(since)})


def test_quota_counts_a_fifth_more_than_the_instances(ml: Ml, online: Online) -> None:
    with conditions(ml, limits={"cores": {SKU: 12}}):  # Two deployments of one instance: 2 x ceil(1.2) x 2 cores.
        enough = ml.ask("PATCH", f"{online.path}/deployments/green", {"sku": {"capacity": 1}})
        refused = ml.ask("PATCH", f"{online.path}/deployments/green", {"sku": {"capacity": 4}})
        other = online.put_deployment("third", instances=2)

    assert enough.status_code == 200
    for answer, needed in ((refused, 6), (other, 6)):
        detail = answer.json()["error"]["details"][0]
        assert (answer.status_code, detail["code"]) == (400, "InferencingClientCreateDeploymentFailed")
        assert f"Current usage/limit: 8/12. Additional needed: {needed}" in detail["message"]


def test_the_quota_that_is_left_is_seen_by_the_doctor(ml: Ml, online: Online, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(ml.endpoints.ca))
    scope = next(scope for scope in WORKSPACES if scope.name == "mlw-preprod")
    place = Workspace(
        name="preprod", subscription=scope.subscription, resource_group=scope.resource_group, workspace=scope.name
    )
    set_up = AzureMonitorSetUp(LocalIdentity(ml.endpoints), ml.endpoints.resource_manager)
    with conditions(ml, limits={"cores": {SKU: 12}}):
        quota = set_up.quota(place, SKU)
    assert quota is not None
    assert (quota.cores, quota.used, quota.limit) == (2, 8, 12)
    assert set_up.quota(place, "Standard_Nobody_v9") is None


@pytest.mark.parametrize(
    ("sku", "instances", "cores"), [("Standard_DS3_v2", 10, 48), ("Standard_D4s_v3", 1, 8), ("Standard_F8s_v2", 5, 48)]
)
def test_cores_of_a_fleet(sku: str, instances: int, cores: int) -> None:
    assert cores_needed(sku, instances, Limits()) == cores


def test_kubernetes_has_one_operation_at_a_time_and_no_mirror(ml: Ml, assets: Registered) -> None:
    cluster = Online(ml, "ruled-cluster", assets, compute="aks-1").create()
    cluster.deploy("blue")
    with conditions(ml, pace={"endpoint_s": HOUR_S}):
        answer = cluster.put({"blue": 100})
        parallel = [
            cluster.put({}),
            cluster.put_deployment("green"),
            ml.ask("DELETE", f"{cluster.path}/deployments/blue"),
            ml.ask("DELETE", cluster.path),
        ]
        control(ml, "/_control/clock", {"advance_s": HOUR_S})
        cluster.ended(answer)
    refused = [
        cluster.put({}, {"blue": 10}),
        cluster.put({}, authMode="AADToken"),
        cluster.put_deployment("green", endpointComputeType="Managed"),
    ]
    failed = cluster.score({"no": "rows"})

    assert {answer.status_code for answer in parallel} == {409}
    assert {answer.status_code for answer in refused} == {400}
    assert (failed.status_code, "ms-azureml-model-error-statuscode" in failed.headers) == (502, False)
    ml.must("DELETE", cluster.path)


def test_the_real_client_shifts_mirrors_and_scales(ml: Ml, assets: Registered) -> None:
    endpoint = Online(ml, "ruled-client", assets).create()
    endpoint.deploy("blue", "green")
    with ml_client(ml.endpoints, "mlw-preprod") as client:
        resource = client.online_endpoints.get(endpoint.name)
        resource.traffic, resource.mirror_traffic = {"blue": 100}, {"green": 20}
        client.online_endpoints.begin_create_or_update(resource).result()
        mirrored = client.online_endpoints.get(endpoint.name)
        resource.traffic, resource.mirror_traffic = {"blue": 90, "green": 10}, {}
        client.online_endpoints.begin_create_or_update(resource).result()
        shifted = client.online_endpoints.get(endpoint.name)
        deployment = client.online_deployments.get("green", endpoint.name)
        deployment.instance_count = 2
        client.online_deployments.begin_create_or_update(deployment).result()
        scaled = client.online_deployments.get("green", endpoint.name)
        client.online_endpoints.begin_delete(endpoint.name).result()

    assert (mirrored.traffic, mirrored.mirror_traffic) == ({"blue": 100}, {"green": 20})
    assert (shifted.traffic, shifted.mirror_traffic) == ({"blue": 90, "green": 10}, {})
    assert scaled.instance_count == 2
