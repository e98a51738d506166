"""Counts of an endpoint's requests from what its data collector keeps, where there are no metrics: on Kubernetes.

The collector keeps no status. A request is bad where its answer was not kept, is no JSON, or says `error`.
"""

import json
from collections.abc import Iterator
from typing import Any

from shared.adapters.azure_faults import translated
from shared.adapters.azure_ml.datastores import Datastores
from shared.adapters.azure_monitor.collected_lines import collected_lines
from shared.adapters.azure_monitor.collector_store import ROOT, STORE, collecting_deployments, is_kept_elsewhere
from shared.adapters.azure_monitor.minutes import MINUTE_S, minute_of, minutes_of, spans
from shared.domain.failures import Refused
from shared.ports import DeploymentMinute, ServedEndpoint

_REQUESTS, _ANSWERS = "request", "response"
_MOST_REQUESTS = 3_000_000  # Of one deployment and call: their ids are in memory together.


class CollectedCounts:
    """Implements `shared.ports.TrafficFigures`; no durations are collected, so nothing is ever slow."""

    def __init__(self, datastores: Datastores) -> None:
        self._datastores = datastores

    def minutes(
        self,
        served: ServedEndpoint,
        first: int,
        last: int,
        slow_over_ms: float | None = None,
        block_s: int = MINUTE_S,
    ) -> Iterator[DeploymentMinute]:
        del slow_over_ms  # The configuration refuses to ask for it here.
        span = minutes_of((first, last), block_s)
        tuple(spans(*span))  # Refuses what is too long.
        action = f"count the collected requests of {served.endpoint}"
        with translated(action), self._datastores.container(served.workspace, STORE) as container:
            for deployment in collecting_deployments(container, served.endpoint, action):
                folder = f"{ROOT}/{served.endpoint}/{deployment}"
                requests = dict[str, int]()
                for event in _events(collected_lines(container, f"{folder}/{_REQUESTS}", span, action)):
                    block = minute_of(str(event["time"]), block_s)
                    if first <= block <= last:
                        requests[_request(event)] = block
                    if len(requests) > _MOST_REQUESTS:
                        raise Refused(f"{action}: over {_MOST_REQUESTS} requests of {deployment}; look more often")
                good = {
                    _request(event)
                    for event in _events(collected_lines(container, f"{folder}/{_ANSWERS}", span, action))
                    if _request(event) in requests and _is_output(event)
                }
                yield from _counted(deployment, requests, good)


def _counted(deployment: str, requests: dict[str, int], good: set[str]) -> Iterator[DeploymentMinute]:
    counts, bad = dict[int, int](), dict[int, int]()
    for request, block in requests.items():
        counts[block] = counts.get(block, 0) + 1
        bad[block] = bad.get(block, 0) + (request not in good)
    for block in sorted(counts):
        yield DeploymentMinute(deployment=deployment, minute=block, requests=counts[block], bad=bad[block])


def _events(lines: Iterator[bytes]) -> Iterator[dict[str, Any]]:
    """Those that say when they were, and about which request."""
    for line in lines:
        try:
            event = json.loads(line)
            minute_of(str(event["time"]))
        except (KeyError, TypeError, ValueError, RecursionError):
            continue
        if _request(event):
            yield event


def _request(event: dict[str, Any]) -> str:
    return str(event.get("xrequestid") or event.get("correlationid") or "")


def _is_output(event: dict[str, Any]) -> bool:
    """Whether the answer is what a model answers; one that was too large for a line was one."""
    data, content_type = event.get("data"), str(event.get("datacontenttype") or "application/json")
    is_error = data is None or (isinstance(data, dict) and "error" in data)
    return is_kept_elsewhere(event) or (content_type.startswith("application/json") and not is_error)
