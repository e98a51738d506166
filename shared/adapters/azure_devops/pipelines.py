"""Pipelines and their runs. The API has no idempotency key: a run is looked for by our parameter before it is made."""

from collections.abc import Mapping
from typing import Any

from shared.adapters.azure_devops.client import DevOpsRest
from shared.domain.devops.seen import CORRELATION, DevOpsRun, PipelineOrder, RunResult
from shared.domain.failures import Refused

_API = {"api-version": "7.1"}
_LOOKED_AT = 50  # Runs, the newest first: the one that a lost answer left behind is among them.


class AzureDevOpsPipelines:
    """Implements `shared.ports.DevOpsPipelines`."""

    def __init__(self, client: DevOpsRest) -> None:
        self._client = client

    def start(self, order: PipelineOrder) -> DevOpsRun:
        return self._find(order) or self._create(order)

    def look(self, organisation: str, project: str, pipeline: int, run: int) -> DevOpsRun:
        url = self._url(organisation, project, "pipelines", pipeline, "runs", run)
        raw = self._client.get(url, f"look at run {run}", **_API)
        if raw is None:
            raise Refused(f"run {run} of pipeline {pipeline} is not in {project}; it was deleted")
        return _run_seen(raw)

    def cancel(self, organisation: str, project: str, run: int) -> None:
        url = self._url(organisation, project, "build", "builds", run)
        self._client.send("PATCH", url, f"cancel run {run}", query=_API, json={"status": "cancelling"})

    def _find(self, order: PipelineOrder) -> DevOpsRun | None:
        """Listed runs do not show their parameters, so each is read."""
        listing = self._client.get(self._runs(order), f"list runs of pipeline {order.pipeline}", **_API)
        if listing is None:
            raise Refused(f"pipeline {order.pipeline} is not in {order.project}; check its number in devops")
        for item in listing.get("value", ())[:_LOOKED_AT]:
            url = f"{self._runs(order)}/{int(item['id'])}"
            run = self._client.get(url, f"look at run {item['id']}", **_API) or {}
            if (run.get("templateParameters") or {}).get(CORRELATION) == order.correlation:
                return _run_seen(run)
        return None

    def _create(self, order: PipelineOrder) -> DevOpsRun:
        body: dict[str, Any] = {"templateParameters": {**order.parameters, CORRELATION: order.correlation}}
        if order.branch:
            body["resources"] = {"repositories": {"self": {"refName": order.branch}}}
        action = f"run pipeline {order.pipeline} of {order.project}"
        return _run_seen(self._client.send("POST", self._runs(order), action, query=_API, json=body).json())

    def _runs(self, order: PipelineOrder) -> str:
        return self._url(order.organisation, order.project, "pipelines", order.pipeline, "runs")

    def _url(self, organisation: str, project: str, *parts: object) -> str:
        return self._client.url(organisation, project, "_apis", *parts)


def _run_seen(run: Mapping[str, Any]) -> DevOpsRun:
    is_finished = run.get("state") == "completed"
    results = {result_.value for result_ in RunResult}
    result = RunResult(run["result"]) if is_finished and run.get("result") in results else RunResult.UNKNOWN
    page = str(((run.get("_links") or {}).get("web") or {}).get("href", ""))
    return DevOpsRun(id=int(run["id"]), finished=is_finished, result=result, page=page)
