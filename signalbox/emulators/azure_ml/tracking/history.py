"""The history of runs, as MLflow's tracking service shows it: jobs and their steps, with what was logged on them."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from signalbox.emulators.azure_ml.estate import ARTIFACT_STORE
from signalbox.emulators.azure_ml.jobs import now
from signalbox.emulators.azure_ml.resources import Resources

_STATUSES = {"Completed": "FINISHED", "Failed": "FAILED", "Canceled": "KILLED", "NotStarted": "SCHEDULED"}

DEFAULT_EXPERIMENT = "Default"
_OF_PARENT = ("mlflow.parentRunId", "mlflow.rootRunId")


class History:
    def __init__(self, resources: Resources) -> None:
        self._resources = resources

    def begin_step(self, run: str, workspace: str, name: str, outputs: Mapping[str, Any] | None = None) -> str:
        """The id of the step's own run: the same one when a restart repeats it. *outputs*: `uri` and `type` by name."""
        step = str(uuid5(NAMESPACE_URL, f"{run}/{name}"))
        body: dict[str, Any] = {"id": step, "name": name, "parent": run, "workspace": workspace, "status": "Running"}
        body["outputs"] = dict(outputs or {})
        self._resources.put(f"/steps-by-id/{step}", {**body, "times": {"started": now()}})
        return step

    def end_step(self, step: str, status: str) -> None:
        body = self._resources.get(f"/steps-by-id/{step}")
        if body is not None:
            body["status"], body["times"]["ended"] = status, now()
            self._resources.put(f"/steps-by-id/{step}", body)

    def run(self, name: str) -> dict[str, Any] | None:
        """MLflow's `Run` of a job or of a step."""
        job = self._resources.get(f"/jobs-by-guid/{name}")
        if job is not None:
            properties = job["properties"]
            tags = {**properties["tags"], "mlflow.runName": properties["displayName"]}
            return self._run_document(
                name, properties.get("experimentName"), properties["status"], job.get("times", {}), tags
            )
        tracked = self._resources.get(f"/tracked-runs/{name}")
        if tracked is not None:
            tags = {"mlflow.runName": tracked["name"]}
            return self._run_document(name, tracked["experiment"], tracked["status"], tracked["times"], tags)
        step = self._resources.get(f"/steps-by-id/{name}")
        if step is None:
            return None
        parent = self._resources.get(f"/jobs-by-guid/{step['parent']}")
        experiment = parent["properties"].get("experimentName") if parent else None
        tags = {"mlflow.runName": step["name"]} | dict.fromkeys(_OF_PARENT, step["parent"])
        return self._run_document(name, experiment, step["status"], step["times"], tags)

    def record(self, name: str) -> dict[str, Any] | None:
        """A job or a step in one form for every caller; None where there is neither."""
        job = self._resources.get(f"/jobs-by-guid/{name}")
        if job is not None:
            return _job_record(job)
        step = self._resources.get(f"/steps-by-id/{name}")
        return None if step is None else self._step_record(step)

    def step_records(self, run: str) -> list[dict[str, Any]]:
        """The steps of *run*, the first one first."""
        steps = [step for step in self._resources.children("/steps-by-id") if step["parent"] == run]
        return [self._step_record(step) for step in reversed(steps)]

    def _step_record(self, step: Mapping[str, Any]) -> dict[str, Any]:
        parent = self._resources.get(f"/jobs-by-guid/{step['parent']}") or {"properties": {}}
        return {
            "id": step["id"],
            "name": step["name"],
            "parent": step["parent"],
            "root": step["parent"],
            "experiment": experiment_id(parent["properties"].get("experimentName")),
            "status": step["status"],
            "times": step["times"],
            "outputs": step.get("outputs", {}),
            **{"tags": {}, "properties": {}, "hidden": False, "description": None, "error": ""},
        }

    def steps_of(self, run: str) -> Iterator[dict[str, Any]]:
        for step in self._resources.children("/steps-by-id"):
            record = self.run(step["id"]) if step["parent"] == run else None
            if record:
                yield record

    def log(
        self,
        name: str,
        metrics: list[dict[str, Any]],
        tags: Mapping[str, str],
        params: Mapping[str, str] | None = None,
    ) -> bool:
        """False where there is no such run. The tags of a job are its own."""
        job = self._resources.get(f"/jobs-by-guid/{name}")
        if job is None and all(
            self._resources.get(f"/{kind}/{name}") is None for kind in ("steps-by-id", "tracked-runs")
        ):
            return False
        if job is not None:
            job["properties"]["tags"] |= tags
            self._resources.put(f"/jobs-by-guid/{name}", job)
        log_record = self._logged(name)
        log_record["tags"] |= tags
        log_record["params"] |= params or {}
        for metric in sorted(metrics, key=lambda metric: (int(metric["timestamp"]), int(metric.get("step") or 0))):
            log_record["metrics"][metric["key"]] = metric
            points = log_record["history"].setdefault(metric["key"], [])
            if metric not in points:  # A client may say the same again, of the run and of its model.
                points.append(metric)
        self._resources.put(f"/logged/{name}", log_record)
        return True

    def metric_points(self, name: str, key: str) -> list[dict[str, Any]]:
        """Every value of the metric *key* of a run, in the order in which they were logged."""
        return list(self._logged(name)["history"].get(key, []))

    def _logged(self, name: str) -> dict[str, dict[str, Any]]:
        empty: dict[str, dict[str, Any]] = {"metrics": {}, "tags": {}, "params": {}, "history": {}}
        return {**empty, **(self._resources.get(f"/logged/{name}") or {})}

    def _run_document(
        self, name: str, experiment: str | None, status: str, times: Mapping[str, str], tags: Mapping[str, str]
    ) -> dict[str, Any]:
        log_record = self._logged(name)
        moments = {"start_time": times.get("started") or times.get("created"), "end_time": times.get("ended")}
        info = {
            "run_id": name,
            "run_uuid": name,
            "run_name": tags["mlflow.runName"],
            "experiment_id": experiment_id(experiment),
            "status": _STATUSES.get(status, "RUNNING"),
            "lifecycle_stage": "active",
            "artifact_uri": artifact_root(name),
            **{key: _milliseconds(moment) for key, moment in moments.items() if moment},
        }
        all_tags = {**log_record["tags"], **tags}
        tag_list = [{"key": key, "value": value} for key, value in all_tags.items()]
        params = [{"key": key, "value": value} for key, value in log_record["params"].items()]
        data = {"metrics": [*log_record["metrics"].values()], "params": params, "tags": tag_list}
        return {"info": info, "data": data}


def artifact_root(run: str) -> str:
    """Where a client finds the artifacts of *run*: below the tracking address, by datastore and path."""
    return f"mlflow-artifacts:/{ARTIFACT_STORE}/ExperimentRun/dcid.{run}"


def experiment_id(name: str | None) -> str:
    """The id of the experiment called *name*."""
    return str(uuid5(NAMESPACE_URL, name or DEFAULT_EXPERIMENT))


def _job_record(job: Mapping[str, Any]) -> dict[str, Any]:
    properties = job["properties"]
    outputs = {
        name: {"uri": output["uri"], "type": output.get("jobOutputType", "uri_folder")}
        for name, output in (properties.get("outputs") or {}).items()
        if output.get("uri")
    }
    return {
        "id": job["name"],
        "name": properties["displayName"],
        "parent": None,
        "root": job["name"],
        "experiment": experiment_id(properties.get("experimentName")),
        "status": properties["status"],
        "times": job.get("times", {}),
        "outputs": outputs,
        "tags": properties.get("tags") or {},
        "properties": properties.get("properties") or {},
        "hidden": bool(properties.get("isArchived")),
        "description": properties.get("description"),
        "error": (properties.get("error") or {}).get("message", ""),
    }


def _milliseconds(moment: str) -> int:
    return int(datetime.fromisoformat(moment).timestamp() * 1000)
