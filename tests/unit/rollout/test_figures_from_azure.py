"""Answers of Azure Monitor that contradict themselves, are cut off, or are no counts: nothing is made up of them."""

import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlparse

import pytest
from azure.core.rest import HttpRequest

from shared.adapters.azure_monitor.metrics import EndpointMetrics
from shared.adapters.azure_monitor.traffic_log import TrafficLog
from shared.domain.failures import Refused
from shared.domain.inference.routes import Workspace
from shared.ports import DeploymentMinute, ServedEndpoint

SERVED = ServedEndpoint(
    workspace=Workspace(name="prod", subscription="s", resource_group="g", workspace="prod"), endpoint="online"
)
MINUTE = 29_400_000


class Answering:
    """In the place of the service: by deployment, minute and status, what `RequestsPerMinute` was on average.

    *total*: what the question by deployment alone is answered, where that is something else.
    """

    address = "https://management.azure.com"

    def __init__(self, counts: dict[str, dict[int, dict[str, Any]]], total: dict[str, dict[int, Any]]) -> None:
        self._counts, self._total = counts, total

    def ask(self, request: HttpRequest, action: str) -> dict[str, Any]:
        filters = parse_qs(urlparse(request.url).query)["$filter"][0]
        if "statusCode" not in filters:
            sums = {
                name: {minute: sum(statuses.values()) for minute, statuses in minutes.items()}
                for name, minutes in self._counts.items()
            }
            return self._series("deployment", {**sums, **self._total})
        minutes = self._counts[filters.split("'")[1]]
        statuses = sorted({status for counts in minutes.values() for status in counts})
        return self._series(
            "statuscode",
            {
                status: {minute: counts.get(status) for minute, counts in minutes.items() if status in counts}
                for status in statuses
            },
        )

    def _series(self, dimension: str, series: dict[str, dict[int, Any]]) -> dict[str, Any]:
        return {
            "value": [
                {
                    "timeseries": [
                        {
                            "metadatavalues": [{"name": {"value": dimension}, "value": value}],
                            "data": [
                                {"timeStamp": moment(minute), "average": count} for minute, count in counts.items()
                            ],
                        }
                        for value, counts in series.items()
                    ]
                }
            ]
        }


def moment(minute: int) -> str:
    return datetime.fromtimestamp(minute * 60, UTC).strftime("%Y-%m-%dT%H:%M:00Z")


def counted(
    counts: dict[str, dict[int, dict[str, Any]]], total: dict[str, dict[int, Any]] | None = None
) -> list[tuple[str, int, int, int]]:
    metrics = EndpointMetrics(None, "https://management.azure.com")  # type: ignore[arg-type]
    vars(metrics)["_service"] = Answering(counts, total or {})
    minutes = metrics.minutes(SERVED, MINUTE, MINUTE + 9)
    return sorted((found.deployment, found.minute - MINUTE, found.requests, found.bad) for found in minutes)


def test_a_minute_that_is_not_yet_whole_for_one_deployment_is_counted_for_none() -> None:
    """Else the other one would have had all the requests of that minute, and the traffic would look foreign."""
    counts = {
        "new": {MINUTE: {"200": 9, "500": 1}, MINUTE + 1: {"200": 10}},
        "old": {MINUTE: {"200": 90}, MINUTE + 1: {"200": 80, "424": 5}},
    }
    assert counted(counts) == [("new", 0, 10, 1), ("new", 1, 10, 0), ("old", 0, 90, 0), ("old", 1, 85, 5)]
    late = {"new": {MINUTE: 10, MINUTE + 1: 12}}
    assert counted(counts, late) == [("new", 0, 10, 1), ("old", 0, 90, 0)]


@pytest.mark.parametrize("nonsense", [float("nan"), float("inf"), -3.0, None])
def test_an_average_that_is_no_number_is_no_count(nonsense: float | None) -> None:
    counts = {"new": {MINUTE: {"200": 10}}, "old": {MINUTE: {"200": 90}, MINUTE + 1: {"200": 90}}}
    total = {"new": {MINUTE: nonsense}}
    assert counted(counts, total) == [("old", 0, 90, 0), ("old", 1, 90, 0)]


def test_an_average_that_is_a_fraction_is_refused() -> None:
    with pytest.raises(Refused, match="averages are no counts"):
        counted({"new": {MINUTE: {"200": 10.5}}})


@pytest.mark.parametrize("nonsense", [None, -1, 2.5, float("nan"), "7", True])
def test_a_row_of_the_log_that_is_no_count_is_refused(nonsense: Any) -> None:
    log = TrafficLog(None, "https://api.loganalytics.io", {"": "w"})  # type: ignore[arg-type]
    columns = ["DeploymentName", "TimeGenerated", "requests", "bad", "slow"]
    row = ["new", moment(MINUTE), 10, nonsense, 0]

    class Rows:
        address = "https://api.loganalytics.io"

        def ask(self, request: HttpRequest, action: str) -> dict[str, Any]:
            assert json.loads(request.content)["query"]
            table = {"name": "PrimaryResult", "columns": [{"name": name} for name in columns], "rows": [row]}
            return {"tables": [table]}

    vars(log)["_service"] = Rows()
    with pytest.raises(Refused, match="number of bad"):
        list[DeploymentMinute](log.minutes(SERVED, MINUTE, MINUTE))
