"""Tasks that wait for us, by the distributed-task API: events, feed, logs and timeline records.

Recorded requests and answers of each are in tests/payloads/ado.
"""

from collections.abc import Sequence
from typing import Any

from shared.adapters.azure_devops.client import DevOpsRest, TokenNotTaken, number_of
from shared.domain.devops.tasks import PlanSeen, TaskRef, completion, lines_of
from shared.domain.devops.timelines import PipelineStage, Timeline
from shared.domain.failures import Refused

# Each area in the version in which its contract is documented:
# https://learn.microsoft.com/azure/devops/pipelines/process/invoke-checks has events in 2.0-preview.1, feed, logs and
# records in 4.1.
_PLAN, _EVENTS, _TIMELINE, _BUILD = "7.1-preview.1", "2.0-preview.1", "4.1", "7.1"
_BATCH = 100


class AzureDevOpsTasks:
    """Implements `shared.ports.ServerTasks`."""

    def __init__(self, client: DevOpsRest) -> None:
        self._client = client

    def plan(self, task: TaskRef, token: str) -> PlanSeen:
        raw = self._client.get(self._url(task), f"read plan {task.plan}", token, **{"api-version": _PLAN})
        if raw is None:
            raise Refused(f"plan {task.plan} is not known to {task.organisation}; its pipeline must call by itself")
        run = number_of((raw.get("owner") or {}).get("id"))
        return PlanSeen(version=int(raw.get("version") or 0), run=run, requester=self._requester(task, token, run))

    def say(self, task: TaskRef, token: str, lines: Sequence[str]) -> None:
        url, ready = self._url(task, "timelines", task.timeline, "records", task.job, "feed"), lines_of(lines)
        for start in range(0, len(ready), _BATCH):
            batch = ready[start : start + _BATCH]
            self._send("POST", url, task, token, "tell", json={"value": batch, "count": len(batch)})

    def keep_log(self, task: TaskRef, token: str, lines: Sequence[str]) -> None:
        log = self._send("POST", self._url(task, "logs"), task, token, "log", json={"path": f"logs\\{task.task}"})
        number = int(log["id"])
        text = "\n".join(lines_of(lines)).encode()
        url, kind = self._url(task, "logs", number), "application/octet-stream"
        self._send("POST", url, task, token, "log", content=text, kind=kind)
        record = {"id": task.task, "log": {"id": number}}
        self._send("PATCH", self._records(task), task, token, "log", json={"value": [record], "count": 1})

    def state(self, task: TaskRef, token: str) -> str:
        raw = self._send("GET", self._records(task), task, token, "look at")
        records = [record for record in raw.get("value", ()) if record.get("id") == task.task]
        return str(records[0].get("state") or "pending") if records else ""

    def complete(self, task: TaskRef, token: str, version: int, succeeded: bool) -> None:
        body = completion(task, version, succeeded)
        self._send("POST", self._url(task, "events"), task, token, "complete", api=_EVENTS, json=body)

    def stage(self, task: TaskRef, token: str, run: int) -> PipelineStage:
        url = self._client.url(task.organisation, task.project, "_apis", "build", "builds", run, "timeline")
        timeline = self._client.get(url, f"read the timeline of run {run}", token, **{"api-version": _BUILD}) or {}
        return Timeline(timeline.get("records") or ()).waits_in(task)

    def _requester(self, task: TaskRef, token: str, run: int) -> str:
        """The descriptor of the person the run was requested for; empty where no readable build owns the plan."""
        url = self._client.url(task.organisation, task.project, "_apis", "build", "builds", run)
        try:
            build = self._client.get(url, f"read run {run}", token, **{"api-version": _BUILD}) if run else None
        except Refused:
            return ""
        return str(((build or {}).get("requestedFor") or {}).get("descriptor", ""))

    def _send(
        self, method: str, url: str, task: TaskRef, token: str, action: str, api: str = _TIMELINE, **content: Any
    ) -> dict[str, Any]:
        query = {"api-version": api}
        action = f"{action} task {task.task}"
        try:
            answer = self._client.send(method, url, action, token=token, accept=(200, 204), query=query, **content)
        except TokenNotTaken:  # The token has expired or its job has ended, so the app's own identity takes over.
            answer = self._client.send(method, url, action, accept=(200, 204), query=query, **content)
        return dict(answer.json()) if answer.status_code == 200 else {}

    def _records(self, task: TaskRef) -> str:
        return self._url(task, "timelines", task.timeline, "records")

    def _url(self, task: TaskRef, *parts: object) -> str:
        plans = ("_apis", "distributedtask", "hubs", task.hub, "plans", task.plan)
        return self._client.url(task.organisation, task.project, *plans, *parts)
