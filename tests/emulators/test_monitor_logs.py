"""The traffic log with the real client of Log Analytics, and the counts that the app's own adapter makes of it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError
from azure.monitor.query import LogsQueryClient, LogsQueryPartialResult, LogsQueryResult

from shared.adapters.azure_monitor.traffic_log import TrafficLog
from shared.domain.failures import Refused, Transient
from shared.ports import DeploymentMinute, ServedEndpoint
from tests.emulators.monitored import GROUP, LOGS, MINUTE_0, SERVED, Monitored

TABLE = "AmlOnlineEndpointTrafficLog"


def log(monitored: Monitored, **workspaces: str) -> TrafficLog:
    return TrafficLog(monitored.credential(), monitored.logs, workspaces or {"": LOGS})


def counts(monitored: Monitored, slow_over_ms: float | None = None) -> list[tuple[str, int, int, int, int | None]]:
    minutes = log(monitored).minutes(SERVED, MINUTE_0, MINUTE_0 + 9, slow_over_ms)
    return sorted((one.deployment, one.minute - MINUTE_0, one.requests, one.bad, one.slow) for one in minutes)


def query(monitored: Monitored, kusto: str, **options: Any) -> LogsQueryResult | LogsQueryPartialResult:
    with LogsQueryClient(monitored.credential(), endpoint=monitored.logs, retry_total=0) as client:
        span = (datetime.fromtimestamp(MINUTE_0 * 60, UTC), timedelta(minutes=30))
        return client.query_workspace(LOGS, kusto, timespan=span, **options)


def test_counts_tell_the_bad_and_the_slow(monitored: Monitored) -> None:
    monitored.add(0, 6)
    monitored.add(0, 3, duration_ms=900.0)
    monitored.add(0, 2, status=424, model_status=500, duration_ms=900.0)
    monitored.add(1, 4, deployment="v2", status=599)
    monitored.add(1, 1, deployment="v2", status=404)
    monitored.add(1, 5, deployment="", status=401)
    monitored.add(1, 5, endpoint="another")
    monitored.pass_minutes(10)

    assert counts(monitored, 800.0) == [("v1", 0, 11, 2, 5), ("v2", 1, 5, 4, 0)]
    assert next(iter(log(monitored).minutes(SERVED, MINUTE_0, MINUTE_0))) == DeploymentMinute(
        deployment="v1", minute=MINUTE_0, requests=11, bad=2, slow=None
    )


def test_a_slow_request_is_logged_once_it_has_ended_in_the_block_in_which_it_began(monitored: Monitored) -> None:
    monitored.add(0, 1, duration_ms=170_000.0)

    monitored.pass_minutes(5.8)
    assert counts(monitored) == []
    monitored.pass_minutes(0.1)
    assert counts(monitored) == [("v1", 0, 1, 0, None)]


def test_blocks_may_be_shorter_than_a_minute(monitored: Monitored) -> None:
    monitored.add(0, 6)  # One in each ten seconds.
    monitored.pass_minutes(10)

    first = MINUTE_0 * 60 // 20
    blocks = list(log(monitored).minutes(SERVED, first, first + 2, block_s=20))

    assert sorted((one.minute - first, one.requests) for one in blocks) == [(0, 2), (1, 2), (2, 2)]


def test_clients_are_told_apart_and_nobody_is_named(monitored: Monitored) -> None:
    monitored.add(0, 5, user_agent="a/1")
    monitored.add(0, 2, user_agent="b/1", status=500)
    monitored.pass_minutes(10)

    minutes = list(log(monitored).clients(SERVED, MINUTE_0, MINUTE_0 + 9, slow_over_ms=1000.0))

    assert sorted((one.requests, one.bad, one.slow) for one in minutes) == [(2, 2, 0), (5, 0, 0)]
    assert len({one.client for one in minutes}) == 2
    assert not any("/1" in one.client for one in minutes)


def test_rows_come_late_and_not_all_at_once(monitored: Monitored) -> None:
    monitored.publish(log_delay_s=180, log_spread_s=420)
    monitored.add(0, 100)

    monitored.pass_minutes(2.9)
    assert counts(monitored) == []
    monitored.pass_minutes(4)
    ((_, _, early, _, _),) = counts(monitored)
    monitored.pass_minutes(5)
    assert 10 < early < 90
    assert counts(monitored) == [("v1", 0, 100, 0, None)]


def test_a_part_of_an_answer_counts_nothing(monitored: Monitored) -> None:
    monitored.add(0, 3)
    monitored.add(1, 3)
    monitored.publish(partial=True)
    monitored.pass_minutes(10)

    with pytest.raises(Transient, match="a part only"):
        counts(monitored)


def test_the_real_client_reads_rows_their_types_and_parts(monitored: Monitored) -> None:
    monitored.add(0, 2, model_status=None)
    monitored.pass_minutes(10)
    kusto = (
        f"{TABLE} | where EndpointName =~ 'DIABETES' | project TimeGenerated, ResponseCode, ModelStatusCode | take 1"
    )

    whole = query(monitored, kusto)
    monitored.publish(partial=True)
    part = query(monitored, f"{TABLE} | order by TimeGenerated asc")

    assert isinstance(whole, LogsQueryResult)
    (row,) = whole.tables[0].rows
    assert (row["TimeGenerated"], row["ResponseCode"], row["ModelStatusCode"]) == (
        datetime.fromtimestamp(MINUTE_0 * 60, UTC),
        200,
        None,
    )
    assert isinstance(part, LogsQueryPartialResult)
    assert (part.partial_error.code, len(part.partial_data[0].rows)) == ("PartialError", 1)


def test_the_real_client_gets_the_services_counts(monitored: Monitored) -> None:
    monitored.add(0, 3)
    monitored.add(3, 2, status=500)
    monitored.pass_minutes(10)
    kusto = (
        f"{TABLE} | summarize n=count(), bad=countif(ResponseCode >= 500) by bin(TimeGenerated, 2m) | sort by n desc"
    )

    table = query(monitored, kusto).tables[0]  # type: ignore[union-attr]

    assert table.columns == ["TimeGenerated", "n", "bad"]
    assert [(row["n"], row["bad"]) for row in table.rows] == [(3, 0), (2, 2)]


@pytest.mark.parametrize(
    ("kusto", "reason"),
    [
        ("Heartbeat | take 1", "Failed to resolve table"),
        (f"{TABLE} | where Nothing == 1", "Nothing"),
        (f"{TABLE} | join (Heartbeat) on X", "join"),
        (f"{TABLE} | where EndpointName ==", "end of query"),
        (f"{TABLE} | summarize dcount(EndpointName)", "dcount"),
        (f"{TABLE} | where # == 1", "#"),
        ("", "end of query"),
    ],
)
def test_what_is_not_read_is_refused_in_the_services_shape(monitored: Monitored, kusto: str, reason: str) -> None:
    with pytest.raises(HttpResponseError) as refused:
        query(monitored, kusto)

    error = refused.value.error
    assert error is not None
    assert (refused.value.status_code, error.code) == (400, "BadArgumentError")
    assert reason in str(refused.value)


def test_without_a_role_or_a_workspace_nothing_is_read(monitored: Monitored) -> None:
    with pytest.raises(Refused, match="PathNotFoundError"):
        list(log(monitored, prod=LOGS.replace("6a", "6b")).minutes(SERVED, MINUTE_0, MINUTE_0))
    with pytest.raises(Refused, match="AZURE_LOG_ANALYTICS_WORKSPACES"):
        list(log(monitored, dev=LOGS).minutes(SERVED, MINUTE_0, MINUTE_0))
    monitored.grant({"principal": "other", "role": "Reader", "scope": GROUP})
    with pytest.raises(Refused, match="InsufficientAccessError"):
        counts(monitored)


def test_a_name_cannot_end_the_query(monitored: Monitored) -> None:
    served = ServedEndpoint(workspace=SERVED.workspace, endpoint="x' or 1 == 1 or EndpointName =~ 'x")

    with pytest.raises(Refused, match="no name"):
        list(log(monitored).minutes(served, MINUTE_0, MINUTE_0))
