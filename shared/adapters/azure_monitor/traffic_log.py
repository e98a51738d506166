"""Counts of requests from the traffic log of online endpoints in Log Analytics: also which were slow, and by client.

Contract: https://learn.microsoft.com/azure/azure-monitor/logs/api/overview and the table AmlOnlineEndpointTrafficLog.
Why not azure-monitor-query: docs/decisions/0021-azure-monitor.md. Rows arrive 3 to 10 minutes late.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping
from typing import Any

from azure.core.credentials import TokenCredential
from azure.core.rest import HttpRequest

from shared.adapters.azure_monitor.bounded import BoundedService
from shared.adapters.azure_monitor.minutes import MINUTE_S, minute_of, moment, spans
from shared.domain.failures import Refused, Transient
from shared.ports import ClientMinute, DeploymentMinute, ServedEndpoint

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,259}")
_WAIT_S = 50  # Less than the client's own patience, so that a slow query ends with an error that says so.
# `_is_bad` of the platform metrics, in Kusto: 408, 424, 429 and 5xx.
_QUERY = """AmlOnlineEndpointTrafficLog
| where _SubscriptionId =~ '{subscription}' and AzureMLWorkspaceName =~ '{workspace}' and EndpointName =~ '{endpoint}'
| where TimeGenerated >= todatetime('{begin}') and TimeGenerated < todatetime('{end}')
| summarize requests=count(),
    bad=countif(toint(ResponseCode) in (408, 424, 429) or (toint(ResponseCode) >= 500 and toint(ResponseCode) < 600)),
    slow=countif(TotalDurationMs > {slow_over_ms})
    by bin(TimeGenerated, {block_s}s), {columns}"""
_NEVER_MS = 10**9  # Longer than any request may take.

Row = Mapping[str, Any]


class TrafficLog:
    """Implements `shared.ports.TrafficFigures` and `ClientFigures`.

    *workspaces*: the id of the Log Analytics workspace of each environment; that of "" is for all others.
    """

    def __init__(self, credential: TokenCredential, address: str, workspaces: Mapping[str, str]) -> None:
        self._service, self._workspaces = BoundedService(credential, address, address), workspaces

    def minutes(
        self, served: ServedEndpoint, first: int, last: int, slow_over_ms: float | None = None, block_s: int = MINUTE_S
    ) -> Iterator[DeploymentMinute]:
        for row in self._rows(served, (first, last), slow_over_ms, "DeploymentName", block_s):
            if row["DeploymentName"]:
                yield DeploymentMinute(
                    deployment=str(row["DeploymentName"]),
                    minute=minute_of(row["TimeGenerated"], block_s),
                    requests=_count(row, "requests"),
                    bad=_count(row, "bad"),
                    slow=None if slow_over_ms is None else _count(row, "slow"),
                )

    def clients(
        self, served: ServedEndpoint, first: int, last: int, slow_over_ms: float | None = None
    ) -> Iterator[ClientMinute]:
        for row in self._rows(served, (first, last), slow_over_ms, "DeploymentName, IdentityData, UserAgent"):
            if row["DeploymentName"]:
                yield ClientMinute(
                    deployment=str(row["DeploymentName"]),
                    minute=minute_of(row["TimeGenerated"]),
                    client=_client(row),
                    requests=_count(row, "requests"),
                    bad=_count(row, "bad"),
                    slow=None if slow_over_ms is None else _count(row, "slow"),
                )

    def _rows(
        self,
        served: ServedEndpoint,
        span: tuple[int, int],
        slow_over_ms: float | None,
        columns: str,
        block_s: int = MINUTE_S,
    ) -> Iterator[Row]:
        for first, last in spans(*span):
            begin, end = moment(first, block_s), moment(last + 1, block_s)
            query = _QUERY.format(
                subscription=_plain(served.workspace.subscription),
                workspace=_plain(served.workspace.workspace),
                endpoint=_plain(served.endpoint),
                begin=begin,
                end=end,
                slow_over_ms=_NEVER_MS if slow_over_ms is None else f"{slow_over_ms:f}",
                columns=columns,
                block_s=block_s,
            )
            yield from self._ask(served, query, f"{begin}/{end}")

    def _ask(self, served: ServedEndpoint, query: str, timespan: str) -> list[Row]:
        """Raises Transient for a part of an answer: counts that miss something are none."""
        action = f"query the traffic log of {served.endpoint}"
        workspace = self._workspaces.get(served.workspace.name) or self._workspaces.get("")
        if not workspace:
            raise Refused(f"{action}: AZURE_LOG_ANALYTICS_WORKSPACES names no workspace of {served.workspace.name}")
        url = f"{self._service.address}/v1/workspaces/{workspace}/query"
        body = {"query": query, "timespan": timespan}
        request = HttpRequest("POST", url, json=body, headers={"Prefer": f"wait={_WAIT_S}"})
        answer = self._service.ask(request, action)
        if answer.get("error"):
            raise Transient(f"{action}: the answer is a part only ({_reason(answer['error'])})")
        try:
            table = next(table for table in answer["tables"] if table["name"] == "PrimaryResult")
            names = [str(column["name"]) for column in table["columns"]]
            return [dict(zip(names, row, strict=True)) for row in table["rows"]]
        except (KeyError, StopIteration, TypeError, ValueError) as error:
            raise Refused(f"{action}: the answer has another form than Log Analytics documents: {error!r}") from error


def _plain(name: str) -> str:
    """*name*, which becomes part of a query. Raises Refused where it could end its text."""
    if not _NAME.fullmatch(name):
        raise Refused(f"{name[:80]!r} is no name of a subscription, a workspace or an endpoint")
    return name


def _count(row: Row, column: str) -> int:
    """Raises Refused for what is no count: a null, NaN, a fraction, a negative number."""
    value = row.get(column)
    if isinstance(value, bool) or not isinstance(value, int | float) or not value >= 0 or value != value // 1:
        raise Refused(f"the traffic log has {value!r} as its number of {column}")
    return int(value)


def _client(row: Row) -> str:
    """A digest, since a caller's identity is nobody's business here. Azure logs no connections."""
    text = f"{row['IdentityData']}\n{row['UserAgent']}"
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _reason(error: Any) -> str:
    return str(error.get("message") or error)[:200] if isinstance(error, dict) else str(error)[:200]
