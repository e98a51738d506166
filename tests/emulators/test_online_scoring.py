"""How online endpoints answer: by weight and by name, mirrored, throttled, faulty, logged and collected."""

import json
import time
import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from signalbox.emulators.azure_ml.online.conditions import Conditions
from signalbox.emulators.azure_ml.online.throttle import Throttle
from signalbox.emulators.azure_ml.online.traffic import RequestLog, ScoredRequest
from signalbox.emulators.clock import EmulatorClock
from signalbox.launcher.hub import hub_client
from signalbox.launcher.load import Load, RunningLoad
from signalbox.launcher.provision import Registered
from tests.emulators.conftest import Ml
from tests.emulators.online import ROWS, SCORES, Online, collected, conditions, control

pytestmark = [pytest.mark.onemachine, pytest.mark.xdist_group("azure-ml")]
GREEN = {"azureml-model-deployment": "green"}
COLLECTOR = {
    "collections": {
        "request": {"dataCollectionMode": "Enabled", "samplingRate": 0.5},
        "response": {"dataCollectionMode": "Enabled"},
    }
}


@pytest.fixture(scope="module")
def assets(ml: Ml, tmp_path_factory: pytest.TempPathFactory) -> Registered:
    return ml.register("asked", tmp_path_factory.mktemp("asked"), "mlw-preprod")


@pytest.fixture(scope="module")
def online(ml: Ml, assets: Registered) -> Online:
    """Two deployments for as many requests at once as a load sends; the traffic is each test's own."""
    endpoint = Online(ml, "asked", assets).create()
    endpoint.deploy("blue", "green", requestSettings={"maxConcurrentRequestsPerInstance": 100})
    return endpoint


@pytest.fixture
def since(ml: Ml) -> float:
    return float(control(ml, "/_control/clock")["now"])


def test_requests_are_split_by_weight_one_by_one(ml: Ml, online: Online) -> None:
    online.share({"blue": 75, "green": 25})
    with conditions(ml, routing={"seed": 7}):
        report = online.load(400, clients=8)

    assert (report.sent, report.answered, report.errors, report.lost) == (400, 400, 0, 0)
    assert 0.19 < report.share("green") < 0.31
    assert 0 < report.deployments["blue"].latency_ms(0.5) <= report.deployments["blue"].latency_ms(0.95)


def test_the_unit_of_routing_can_be_the_connection_and_the_split_skewed(ml: Ml, online: Online, since: float) -> None:
    online.share({"blue": 50, "green": 50})
    with conditions(ml, routing={"seed": 7, "per": "connection"}):
        online.load(120, clients=6)
        pairs = Counter((request.connection, request.deployment) for request in online.logged(since))
    with conditions(ml, routing={"skew": {"green": 0.0}}):
        report = online.load(20)

    assert len({connection for connection, _ in pairs}) == len(pairs) == 6
    assert report.share("blue") == 1.0


def test_without_traffic_nobody_answers_and_named_requests_are_neither_split_nor_mirrored(
    ml: Ml, online: Online, since: float
) -> None:
    online.share({})
    unanswered = online.score()
    online.share({"blue": 100}, {"green": 50})
    with conditions(ml, routing={"seed": 3}):
        online.load(40, deployment="blue")
        named = online.logged(since)
        online.load(100)
    requests = ml.eventually(lambda: _with_copies(online.logged(since)))

    assert unanswered.status_code == 404
    first, *rest = named
    assert (first.status, first.deployment) == (404, "")
    assert all(request.named and request.deployment == "blue" and not request.mirrored for request in rest)
    copies = [request for request in requests if request.mirrored]
    originals = {request.request_id for request in requests if not request.mirrored and not request.named}
    assert {request.deployment for request in copies} == {"green"}
    assert 30 < len(copies) < 70
    assert {request.request_id for request in copies} <= originals


def _with_copies(requests: list[ScoredRequest]) -> list[ScoredRequest]:
    return requests if sum(request.mirrored for request in requests) > 30 else []


def test_ids_of_requests(online: Online) -> None:
    online.share({"blue": 100})
    sent = {"x-request-id": "mine", "x-ms-client-request-id": "caller_7-"}
    answers = [
        online.score(**sent),
        online.score(**sent | {"x-ms-client-request-id": "x" * 50}),
        online.score(**sent | {"x-ms-client-request-id": "not allowed"}),
    ]

    assert all(str(uuid.UUID(answer.headers["x-request-id"])) == answer.headers["x-request-id"] for answer in answers)
    client_ids = [answer.headers.get("x-ms-client-request-id") for answer in answers]
    assert client_ids == ["caller_7-", "x" * 40, None]


def test_a_model_that_fails_and_a_process_that_dies(ml: Ml, online: Online) -> None:
    online.share({"blue": 100})
    faults = [
        {"match": "^asked/blue$", "error_share": 0.3, "error_status": 503},
        {"match": "^asked/green$", "crash_after": 2},
    ]
    with conditions(ml, deployments=faults):
        report = online.load(200)
        answers = [online.score(**GREEN) for _ in range(4)]

    assert 40 < report.errors < 80
    assert set(report.deployments["blue"].statuses) == {200, 424}
    assert [answer.status_code for answer in answers] == [200, 200, 424, 424]
    assert answers[3].headers["ms-azureml-model-error-statuscode"] == "502"
    assert online.score(**GREEN).json() == SCORES


def test_a_model_that_fails_every_fourth_request(ml: Ml, online: Online) -> None:
    online.share({"blue": 100})
    with conditions(ml, deployments=[{"match": "^asked/blue$", "error_every": 4}]):
        statuses = [online.score().status_code for _ in range(8)]

    assert statuses == [200, 200, 200, 424] * 2


def test_a_load_without_an_end_of_its_own_is_stopped_and_waits_for_its_answers(online: Online) -> None:
    online.share({"blue": 100})
    with RunningLoad(online.target(), Load(rate=100.0), [json.dumps(ROWS).encode()]) as load:
        online.ml.eventually(lambda: load.report.answered >= 20)
    report = load.report

    assert report.sent >= 20
    assert (report.answered, report.errors, report.lost) == (report.sent, 0, 0)


def test_a_deployment_that_is_replaced_under_load_loses_no_request(ml: Ml, online: Online) -> None:
    online.share({"blue": 100})
    settings = {"maxConcurrentRequestsPerInstance": 100}
    with ThreadPoolExecutor(1) as pool:
        load = pool.submit(online.load, 150, 50.0)
        online.deploy("blue", requestSettings=settings, environmentVariables={"GENERATION": "2"})
        report = load.result()

    assert (report.sent, report.answered, report.errors, report.lost) == (150, 150, 0, 0)


def test_a_fault_begins_and_ends_at_its_moments(ml: Ml, online: Online) -> None:
    fault = {"match": "asked/green", "times": 2.0, "add": 1.0, "from_s": 600, "until_s": 1200}
    results = []
    with conditions(ml, deployments=[fault]):
        for _ in range(3):
            results.append(online.score(**GREEN).json())
            control(ml, "/_control/clock", {"advance_s": 601})

    assert results == [SCORES, [5.0, 15.0], SCORES]


def test_more_at_once_than_the_instances_take_are_refused(ml: Ml, online: Online) -> None:
    ml.must("PATCH", f"{online.path}/deployments/green", {"tags": {}})
    online.ended(online.put_deployment("green"))  # One request at once, so two may be there.
    with conditions(ml, deployments=[{"match": "asked/green", "latency_ms": 700}]):
        started = time.monotonic()
        with ThreadPoolExecutor(5) as pool:
            answers = list(pool.map(lambda _: online.score(**GREEN), range(5)))
        elapsed_s = time.monotonic() - started

    assert Counter(answer.status_code for answer in answers) == {200: 2, 429: 3}
    assert elapsed_s > 0.7


def test_the_rate_and_the_bandwidth_of_an_endpoint_are_limited(ml: Ml, online: Online) -> None:
    online.share({"blue": 100})
    large = [[1.0, 1.0]] * 2000
    with conditions(ml, limits={"requests_per_s": 5}):
        report = online.load(30, rate=1000.0)
    with conditions(ml, limits={"bytes_per_s": 20_000}):
        delays = [online.score(large).headers.get("ms-azureml-bandwidth-request-delay-ms") for _ in range(2)]
        online.score()

    assert report.deployments["-"].statuses[429] >= 15
    assert delays[0] is None or int(delays[0]) < int(delays[1] or 0)
    assert int(delays[1] or 0) > 500


def test_an_answer_takes_as_long_as_the_fault_says_and_the_log_says_so(ml: Ml, online: Online, since: float) -> None:
    with conditions(ml, deployments=[{"match": "asked/blue", "latency_ms": 200}]):
        online.score(**{"azureml-model-deployment": "blue", "User-Agent": "till/1"})
    (request,) = online.logged(since)

    assert request.duration_ms > 200
    assert request.workspace == ml.ids["mlw-preprod"]
    assert (request.status, request.status_class, request.model_status) == (200, "2xx", 200)
    assert (request.user_agent, request.method, request.path) == ("till/1", "POST", "/score")
    assert (request.request_bytes, request.response_bytes) == (len(json.dumps(ROWS)), len(json.dumps(SCORES)))


def test_requests_and_answers_are_collected_where_the_service_puts_them(ml: Ml, assets: Registered) -> None:
    endpoint = Online(ml, "collected", assets).create()
    settings = {"maxConcurrentRequestsPerInstance": 50, "requestTimeout": "PT60S"}
    endpoint.deploy("blue", dataCollector=COLLECTOR, requestSettings=settings)
    endpoint.share({"blue": 100})
    report = endpoint.load(60)
    answer = endpoint.score([[1.0, 1.0]] * 500_000)
    events = ml.eventually(lambda: _all_events(collected(ml, "modelDataCollector/collected/blue/response/"), 61))
    requests = collected(ml, "modelDataCollector/collected/blue/request/")
    period = time.strftime("%Y/%m", time.gmtime(control(ml, "/_control/clock")["now"]))

    assert (report.errors, answer.status_code) == (0, 200)
    assert 15 < len(requests) < 47
    assert collected(ml, f"modelDataCollector/collected/blue/response/{period}") == events
    first = events[0]
    assert (first["specversion"], first["type"]) == ("1.0", "azureml.inference.response")
    assert first["source"].endswith("/onlineEndpoints/collected/deployments/blue")
    assert (first["data"], first["correlationid"]) == (SCORES, first["xrequestid"])
    assert {event["xrequestid"] for event in requests} <= {event["xrequestid"] for event in events}
    ml.must("DELETE", endpoint.path)


def test_a_large_payload_is_collected_by_reference(ml: Ml, assets: Registered) -> None:
    endpoint = Online(ml, "referred", assets).create()
    collected_requests = {"collections": {"request": {"dataCollectionMode": "Enabled"}}}
    endpoint.deploy("blue", dataCollector=collected_requests, requestSettings={"requestTimeout": "PT60S"})
    row = [0.12345678901234567] * 8  # Many digits: to read a row costs more than its bytes.
    assert endpoint.score([row] * 30_000, **{"azureml-model-deployment": "blue"}).status_code == 200
    (event,) = ml.eventually(lambda: collected(ml, "modelDataCollector/referred/blue/request/"))

    with hub_client(ml.endpoints, "stpreprod") as storage:
        blob = storage.get_blob_client("azureml-blobstore", event["data"].partition("azureml-blobstore/")[2])
        payload = blob.download_blob().readall()
    assert (event["datainblob"], len(payload) > 4 * 1024**2) == ("true", True)
    assert json.loads(payload)[-1] == row
    ml.must("DELETE", endpoint.path)


def _all_events(events: list[dict[str, Any]], count: int) -> list[dict[str, Any]]:
    return events if len(events) == count else []


def test_kubernetes_answers_with_statuses_of_its_own(ml: Ml, assets: Registered) -> None:
    cluster = Online(ml, "asked-cluster", assets, compute="aks-1").create()
    cluster.deploy("blue", requestSettings={"requestTimeout": "PT0.2S"})
    cluster.share({"blue": 100})
    faults = [{"match": "asked-cluster", "latency_ms": 500}]
    with conditions(ml, deployments=faults), ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: cluster.score(), range(4)))
    crashed = cluster.score("die")

    assert Counter(answer.status_code for answer in answers) == {200: 2, 503: 2}
    assert crashed.status_code == 502
    ml.must("DELETE", cluster.path)


def test_bytes_beyond_the_bandwidth_wait_and_copies_take_their_part(tmp_path: Path) -> None:
    clock = EmulatorClock(tmp_path / "clock.json")
    throttle = Throttle(Conditions(clock), clock)
    second = 5 * 1024**2

    delays_s = [throttle.delay_s("/e", second) for _ in range(3)]
    clock.advance(60.0)

    assert [round(delay_s, 1) for delay_s in (*delays_s, throttle.delay_s("/e", second))] == [0.0, 1.0, 2.0, 0.0]


def test_moments_of_a_load_are_a_poisson_process_that_its_seed_draws() -> None:
    moments = [list(Load(requests=2000, rate=50.0, seed=seed).moments()) for seed in (1, 1, 2)]

    assert moments[0] == moments[1] != moments[2]
    assert 36.0 < moments[0][-1] < 44.0


def test_the_log_of_requests_survives_its_reader(tmp_path: Path) -> None:
    requests = RequestLog(tmp_path / "requests.db")
    record = ScoredRequest(
        at=10.0,
        workspace="/w",
        endpoint="e",
        deployment="d",
        instance="i",
        connection="c",
        status=424,
        model_status=None,
        duration_ms=1.5,
        request_bytes=1,
        response_bytes=2,
        mirrored=True,
        named=False,
        request_id="r",
        client_request_id="",
        user_agent="",
        method="POST",
        path="/score",
    )
    requests.add(record)

    assert list(RequestLog(tmp_path / "requests.db").between(10.0, 11.0)) == [record]
    assert not list(requests.between(9.0, 10.0))
    assert record.status_class == "4xx"
