"""Counts of requests from the platform metrics of an online endpoint: by deployment, minute and status.

Contract: https://learn.microsoft.com/rest/api/monitor/metrics/list, 2023-10-01. A metric of requests has averages only;
that the average of a minute is its count is not documented, so an average that is no whole number is refused.
"""

import math
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote, urlencode

from azure.core.credentials import TokenCredential
from azure.core.rest import HttpRequest

from shared.adapters.azure_ml.arm import place_path
from shared.adapters.azure_monitor.bounded import BoundedService
from shared.adapters.azure_monitor.minutes import MINUTE_S, minute_of, moment, spans
from shared.domain.failures import Refused, Transient
from shared.domain.rollout.traffic import is_fault
from shared.ports import DeploymentMinute, ServedEndpoint

_API = "2023-10-01"
_METRIC, _NAMESPACE = "RequestsPerMinute", "Microsoft.MachineLearningServices/workspaces/onlineEndpoints"
_MOST_SERIES = 200  # The service sends ten unless it is asked for more.
_ROUNDING = 1e-6

Counts = Mapping[int, int]  # By minute.


class EndpointMetrics:
    """Implements `shared.ports.TrafficFigures`. It cannot say how many requests were slow."""

    def __init__(self, credential: TokenCredential, resource_manager: str) -> None:
        self._service = BoundedService(credential, resource_manager, resource_manager)

    def minutes(
        self, served: ServedEndpoint, first: int, last: int, slow_over_ms: float | None = None, block_s: int = MINUTE_S
    ) -> Iterator[DeploymentMinute]:
        if block_s != MINUTE_S:
            raise Refused("platform metrics have whole minutes only: write `counts: traffic_log`")
        if slow_over_ms is not None:
            raise Refused("platform metrics have no duration of each request: write `counts: traffic_log`")
        for start, end in spans(first, last):
            totals = self._counts(served, (start, end), "deployment eq '*'", "deployment")
            minutes, unsure = list[DeploymentMinute](), set[int]()
            for deployment, counts in totals.items():
                if deployment:  # Requests that were answered before one was chosen, as with 401, have none.
                    sure = list(self._deployment_minutes(served, (start, end), deployment, counts))
                    minutes += sure
                    unsure |= counts.keys() - {minute.minute for minute in sure}
            # What is not measured of one deployment is measured of none: it would count as a minute without requests.
            yield from (minute for minute in minutes if minute.minute not in unsure)

    def _deployment_minutes(
        self, served: ServedEndpoint, span: tuple[int, int], deployment: str, totals: Counts
    ) -> Iterator[DeploymentMinute]:
        """One wildcard in each question: sources disagree on whether a filter may have two."""
        name = deployment.replace("'", "''")
        by_status = self._counts(served, span, f"deployment eq '{name}' and statusCode eq '*'", "statuscode")
        for minute, total in sorted(totals.items()):
            counts = {status: counts[minute] for status, counts in by_status.items() if minute in counts}
            # A minute that was corrected between the two answers, or lacks the count of a status, is not yet measured.
            if sum(counts.values()) == total:
                bad = sum(count for status, count in counts.items() if _is_bad(status))
                yield DeploymentMinute(deployment=deployment, minute=minute, requests=total, bad=bad)

    def _counts(self, served: ServedEndpoint, span: tuple[int, int], filters: str, by: str) -> dict[str, Counts]:
        """The counts of each value of the dimension *by*. Raises Transient where the service answers with an error."""
        action = f"count the requests of {served.endpoint}"
        query = {
            "api-version": _API,
            "metricnames": _METRIC,
            "metricnamespace": _NAMESPACE,
            "timespan": f"{moment(span[0])}/{moment(span[1] + 1)}",
            "interval": "PT1M",
            "aggregation": "average",
            # An error is better than a coarser interval: averages of five minutes would read as counts of one.
            "AutoAdjustTimegrain": "false",
            "$filter": filters,
            "top": str(_MOST_SERIES),
        }
        path = f"{place_path(served.workspace)}/onlineEndpoints/{quote(served.endpoint)}"
        url = f"{self._service.address}{path}/providers/Microsoft.Insights/metrics?{urlencode(query)}"
        body = self._service.ask(HttpRequest("GET", url), action)
        try:
            (value,) = body["value"]
            if str(value.get("errorCode") or "Success").lower() != "success":
                raise Transient(f"{action}: Azure Monitor says {value['errorCode']}")
            series = value["timeseries"]
            # The service cuts the list off at `top` without a word, so a full list may lack some.
            if len(series) >= _MOST_SERIES:
                raise Refused(f"{action}: there are {_MOST_SERIES} series or more, and some may be missing")
            counts = [(_dimension(one, by), _series_counts(one, span, action)) for one in series]
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise Refused(f"{action}: the answer has another form than Azure Monitor documents: {error!r}") from error
        return dict(counts)


def _dimension(series: Mapping[str, Any], name: str) -> str:
    """Names come back in lower case, whatever was asked for."""
    values = {str(entry["name"]["value"]).lower(): entry["value"] for entry in series["metadatavalues"]}
    return str(values[name])


def _series_counts(series: Mapping[str, Any], span: tuple[int, int], action: str) -> dict[int, int]:
    """Without the minutes that have no average, a null or NaN: no data is not zero."""
    counts = dict[int, int]()
    for point in series["data"]:
        minute, average = minute_of(point["timeStamp"]), point.get("average")
        if span[0] <= minute <= span[1] and average is not None and math.isfinite(average) and average >= 0:
            counts[minute] = _whole(float(average), action)
    return counts


def _whole(average: float, action: str) -> int:
    count = round(average)
    if abs(average - count) > _ROUNDING:
        raise Refused(
            f"{action}: a minute has an average of {average:g}, so averages are no counts here; "
            "write `counts: traffic_log`"
        )
    return count


def _is_bad(status: str) -> bool:
    return status.isdecimal() and is_fault(int(status))
