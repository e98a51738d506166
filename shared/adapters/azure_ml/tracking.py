"""What a run of either generation logged, and what is noted on it: MLflow's tracking REST of the workspace.

Runs of published pipelines and of jobs are in one history, under the ids that Azure ML gave them.
Contract: https://mlflow.org/docs/latest/rest-api.html, versions 2.0.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from shared.adapters.azure_ml.regions import Regions
from shared.domain.inference.routes import Workspace

BECAUSE = "signalbox.because"
_CHILDREN = 1000


class Tracking:
    def __init__(self, regions: Regions) -> None:
        self._regions = regions

    def metrics(self, workspace: Workspace, run: str) -> dict[str, float]:
        """The newest value of each metric that the run or one of its steps logged; the run's own win."""
        parent = self._run(workspace, run)
        if parent is None:
            return {}
        steps = self._search(workspace, run, parent, f"tags.mlflow.parentRunId = '{run}'")
        # Later entries of the dictionary win, so the order says who counts: a step's newest value, then the run's own.
        records = sorted(_logged(*steps), key=_moment) + sorted(_logged(parent), key=_moment)
        return {str(metric["key"]): float(metric["value"]) for metric in records}

    def steps(self, workspace: Workspace, run: str) -> list[str]:
        """The runs of the steps of *run*, at whatever depth; none where the history does not know it."""
        parent = self._run(workspace, run)
        if parent is None:
            return []
        steps = self._search(workspace, run, parent, f"tags.mlflow.rootRunId = '{run}'")
        return [name for step in steps if (name := str(step["info"]["run_id"])) != run]

    def note(self, workspace: Workspace, run: str, tags: Mapping[str, str]) -> bool:
        """Put *tags* on the run; False where the history does not have it yet. Safe to repeat."""
        body = {"run_id": run, "tags": [{"key": key, "value": value} for key, value in tags.items()]}
        url = f"{self._regions.tracking(workspace)}/runs/log-batch"
        return self._regions.ask("POST", url, f"note on run {run}", body, (200, 404)).status_code == 200

    def noted(self, workspace: Workspace, run: str) -> tuple[str, str, str]:
        """When the run started and ended (ISO 8601, empty until known), and the reason that was noted on it."""
        record = self._run(workspace, run) or {"info": {}, "data": {}}
        tags = {tag["key"]: tag["value"] for tag in record["data"].get("tags") or []}
        return _time(record["info"].get("start_time")), _time(record["info"].get("end_time")), tags.get(BECAUSE, "")

    def root(self, workspace: Workspace, run: str) -> str:
        """The run that *run* is a step of, at whatever depth; itself where the history names none."""
        record = self._run(workspace, run) or {"data": {}}
        tags = {tag["key"]: tag["value"] for tag in record["data"].get("tags") or []}
        return str(tags.get("mlflow.rootRunId") or run)

    def _search(self, workspace: Workspace, run: str, parent: dict[str, Any], condition: str) -> list[dict[str, Any]]:
        body = {
            "experiment_ids": [parent["info"]["experiment_id"]],
            "filter": condition,
            "max_results": _CHILDREN,
        }
        url = f"{self._regions.tracking(workspace)}/runs/search"
        return self._regions.ask("POST", url, f"find the steps of run {run}", body).json().get("runs") or []

    def _run(self, workspace: Workspace, run: str) -> dict[str, Any] | None:
        url = f"{self._regions.tracking(workspace)}/runs/get?run_id={quote(run)}"
        answer = self._regions.ask("GET", url, f"read the history of run {run}", accept=(200, 404))
        return None if answer.status_code == 404 else dict(answer.json()["run"])


def _logged(*runs: dict[str, Any]) -> list[dict[str, Any]]:
    return [metric for run in runs for metric in (run.get("data") or {}).get("metrics") or []]


def _moment(metric: dict[str, Any]) -> tuple[int, int]:
    """MLflow gives int64 as texts."""
    return int(metric.get("timestamp") or 0), int(metric.get("step") or 0)


def _time(milliseconds: Any) -> str:
    return datetime.fromtimestamp(int(milliseconds) / 1000, UTC).isoformat() if milliseconds else ""
