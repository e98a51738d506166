"""Platform metrics in Azure's shapes, and the counts that the app's own adapter makes of them, late and damaged too."""

from typing import Any

import pytest

from shared.adapters.azure_monitor.metrics import EndpointMetrics
from shared.domain.failures import Refused, Transient
from shared.ports import DeploymentMinute
from signalbox.emulators.tokens import Identity
from tests.emulators.monitored import ENDPOINT, GROUP, MINUTE_0, SERVED, WORKSPACE, Monitored


def counts(monitored: Monitored, first: int = 0, last: int = 9) -> list[tuple[str, int, int, int]]:
    """(deployment, minute since the clock's start, requests, bad), in order."""
    adapter = EndpointMetrics(monitored.credential(), monitored.manager)
    minutes = adapter.minutes(SERVED, MINUTE_0 + first, MINUTE_0 + last)
    return sorted((one.deployment, one.minute - MINUTE_0, one.requests, one.bad) for one in minutes)


def averages(series: Any) -> list[Any]:
    return [point.get("average", "absent") for point in series["data"]]


def test_counts_come_by_deployment_minute_and_status(monitored: Monitored) -> None:
    monitored.add(0, 95)
    monitored.add(0, 5, status=424, model_status=500)
    monitored.add(0, 3, deployment="v2", status=429, model_status=None)
    monitored.add(2, 7, deployment="v2")
    monitored.add(2, 2, deployment="", status=401, model_status=None)
    monitored.pass_minutes(10)

    assert counts(monitored) == [("v1", 0, 100, 5), ("v2", 0, 3, 3), ("v2", 2, 7, 0)]
    adapter = EndpointMetrics(monitored.credential(), monitored.manager)
    assert list(adapter.minutes(SERVED, MINUTE_0 + 2, MINUTE_0 + 2)) == [
        DeploymentMinute(deployment="v2", minute=MINUTE_0 + 2, requests=7, bad=0, slow=None)
    ]


def test_the_answer_has_azures_shape(monitored: Monitored) -> None:
    monitored.add(0, 4)
    monitored.add(1, 1, status=500, model_status=None)
    monitored.pass_minutes(5)

    query = {"metricnames": "requestsperminute", "timespan": "PT5M", "$filter": "Deployment eq '*'"}
    answer = monitored.ask(f"{ENDPOINT.lower()}/providers/microsoft.insights/metrics", **query).json()
    (value,), (definition, *_) = answer["value"], definitions(monitored)

    assert {"cost", "timespan", "interval", "namespace", "resourceregion", "value"} == set(answer)
    assert (value["name"]["value"], value["unit"], value["errorCode"]) == ("RequestsPerMinute", "Count", "Success")
    assert value["timeseries"][0]["metadatavalues"][0]["name"]["value"] == "deployment"
    assert averages(value["timeseries"][0]) == [4.0, 1.0, "absent", "absent", "absent"]
    assert [dimension["value"] for dimension in definition["dimensions"]] == [
        "deployment",
        "statusCode",
        "statusCodeClass",
        "modelStatusCode",
    ]
    assert definition["supportedAggregationTypes"] == ["Average"]


def definitions(monitored: Monitored) -> list[Any]:
    return list(monitored.ask(f"{ENDPOINT}/providers/Microsoft.Insights/metricDefinitions").json()["value"])


def test_a_deployment_has_a_metric_of_its_own_with_another_dimension(monitored: Monitored) -> None:
    monitored.add(0, 4)
    monitored.add(0, 1, deployment="v2", status=500)
    monitored.pass_minutes(5)
    scope = f"{ENDPOINT}/deployments/V2"

    (series,) = monitored.metrics("envoy_response_code eq '*'", scope=scope)
    assert (series["metadatavalues"][0]["value"], averages(series)[0]) == ("500", 1.0)
    refused = monitored.ask(f"{scope}/providers/Microsoft.Insights/metrics", **{"$filter": "deployment eq '*'"})
    assert (refused.status_code, "envoy_response_code" in refused.text) == (400, True)


def test_latencies_are_the_minutes_quantiles_and_longer_grains_average_them(monitored: Monitored) -> None:
    for duration in range(1, 101):
        monitored.add(0, 1, duration_ms=float(duration))
    monitored.add(1, 1, duration_ms=205.0)
    monitored.pass_minutes(5)

    assert averages(monitored.metrics(metricnames="RequestLatency_P95")[0])[:2] == [95.0, 205.0]
    assert averages(monitored.metrics(metricnames="RequestLatency_P95", interval="PT5M")[0]) == [150.0]


def test_nothing_measured_is_no_series_and_no_minute(monitored: Monitored) -> None:
    monitored.pass_minutes(5)

    assert monitored.metrics("deployment eq '*'") == []
    assert counts(monitored) == []


def test_a_minute_is_published_late_and_corrected_later(monitored: Monitored) -> None:
    monitored.publish(metrics_delay_s=60, late_share=0.5, late_s=120)
    monitored.add(0, 100)

    monitored.pass_minutes(1.5)
    assert counts(monitored) == []
    monitored.pass_minutes(0.6)
    ((_, _, early, _),) = counts(monitored)
    monitored.pass_minutes(2)
    assert 30 < early < 70
    assert counts(monitored) == [("v1", 0, 100, 0)]


@pytest.mark.parametrize("fault", ["missing", "null", "nan"])
def test_a_minute_without_a_number_is_no_minute_with_zero_requests(monitored: Monitored, fault: str) -> None:
    monitored.add(0, 5)
    monitored.add(1, 5)
    monitored.publish(**{fault: [[(MINUTE_0 + 1) * 60, (MINUTE_0 + 2) * 60]]})
    monitored.pass_minutes(5)

    assert counts(monitored) == [("v1", 0, 5, 0)]


def test_zeros_are_counted_where_the_service_sends_them(monitored: Monitored) -> None:
    monitored.publish(zeros=True)
    monitored.add(0, 5)
    monitored.add(1, 5, deployment="v2")
    monitored.pass_minutes(5)

    assert counts(monitored) == [("v1", 0, 5, 0), ("v1", 1, 0, 0), ("v2", 0, 0, 0), ("v2", 1, 5, 0)]


def test_mirrored_and_named_requests_count_or_do_not(monitored: Monitored) -> None:
    monitored.add(0, 5)
    monitored.add(0, 3, deployment="v2", mirrored=True)
    monitored.add(0, 2, deployment="v2", named=True)
    monitored.pass_minutes(5)

    assert counts(monitored) == [("v1", 0, 5, 0), ("v2", 0, 5, 0)]
    monitored.publish(mirrored=False)
    assert counts(monitored) == [("v1", 0, 5, 0), ("v2", 0, 2, 0)]
    monitored.publish(mirrored=False, named=False)
    assert counts(monitored) == [("v1", 0, 5, 0)]


def test_ten_series_come_unless_more_are_asked_for_and_all_are_counted(monitored: Monitored) -> None:
    for number in range(20):
        monitored.add(0, number + 1, deployment=f"d{number:02}")
    monitored.pass_minutes(5)

    assert len(monitored.metrics("deployment eq '*'")) == 10
    assert len(counts(monitored)) == 20


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ({"$filter": "deployment eq '*' and statusCode eq '*'"}, "wildcard"),
        ({"$filter": "region eq 'x'"}, "does not support requested dimension"),
        ({"$filter": "deployment gt 'x'"}, "Invalid filter"),
        ({"$filter": "deployment eq 'a' or statusCode eq '200'"}, "one dimension"),
        ({"metricnames": "CpuUtilizationPercentage"}, "Valid metrics"),
        ({"aggregation": "total"}, "Average"),
        ({"interval": "PT2M"}, "time grain"),
        ({"timespan": "yesterday"}, "timespan"),
    ],
)
def test_what_the_service_refuses_is_refused(monitored: Monitored, query: dict[str, str], reason: str) -> None:
    answer = monitored.ask(f"{ENDPOINT}/providers/Microsoft.Insights/metrics", **query)

    assert answer.status_code == 400
    assert reason in answer.json()["error"]["message"]


def test_several_wildcards_are_answered_where_that_is_switched_on(monitored: Monitored) -> None:
    monitored.publish(several_wildcards=True)
    monitored.add(0, 2)
    monitored.add(0, 1, status=500)
    monitored.pass_minutes(5)

    assert len(monitored.metrics("deployment eq '*' and statusCode eq '*'")) == 2


def test_a_service_that_is_busy_is_asked_again_later(monitored: Monitored) -> None:
    monitored.publish(throttled=1)
    monitored.add(0, 2)
    monitored.pass_minutes(5)

    with pytest.raises(Transient, match="529"):
        counts(monitored)
    assert counts(monitored) == [("v1", 0, 2, 0)]


def test_without_a_role_nothing_is_read(monitored: Monitored) -> None:
    monitored.grant({"principal": "somebody", "role": "Monitoring Reader", "scope": GROUP})

    with pytest.raises(Refused, match=r"Microsoft\.Insights/metrics/read"):
        counts(monitored)


def test_a_stranger_a_missing_version_and_an_unknown_workspace_are_refused(monitored: Monitored) -> None:
    metrics = "providers/Microsoft.Insights/metrics"
    stranger = monitored.ask(f"{ENDPOINT}/{metrics}", Identity(client_id="x", oid="x"))
    elsewhere = monitored.ask(f"{WORKSPACE}-2/onlineEndpoints/e/{metrics}")

    assert (stranger.status_code, elsewhere.status_code) == (403, 404)
    assert monitored.ask(f"{WORKSPACE}/{metrics}").status_code == 400


def test_how_many_were_slow_is_not_asked_of_metrics(monitored: Monitored) -> None:
    adapter = EndpointMetrics(monitored.credential(), monitored.manager)

    with pytest.raises(Refused, match="traffic_log"):
        list(adapter.minutes(SERVED, MINUTE_0, MINUTE_0, slow_over_ms=100.0))
    with pytest.raises(Refused, match="whole minutes"):
        list(adapter.minutes(SERVED, MINUTE_0, MINUTE_0, block_s=10))
    with pytest.raises(Refused, match="at most"):
        list(adapter.minutes(SERVED, MINUTE_0, MINUTE_0 + 20_000))
