"""Experiments, and runs that an MLflow client makes itself, outside of any job."""

from typing import Any
from uuid import uuid4

from signalbox.emulators.azure_ml.estate import Scope
from signalbox.emulators.azure_ml.jobs import now
from signalbox.emulators.azure_ml.resources import Resources
from signalbox.emulators.azure_ml.tracking.history import DEFAULT_EXPERIMENT, experiment_id

_ENDED = {"FINISHED": "Completed", "FAILED": "Failed", "KILLED": "Canceled"}


class TrackedRuns:
    def __init__(self, resources: Resources) -> None:
        self._resources = resources

    def create_experiment(self, scope: Scope, name: str) -> str | None:
        """The id of a new experiment; None where there is one of the *name*."""
        if self.experiment(scope, name) is not None:
            return None
        identity = experiment_id(name)
        self._resources.put(f"/experiments{scope.id}/{identity}", {"name": name})
        return identity

    def experiment(self, scope: Scope, name: str) -> dict[str, Any] | None:
        return next((known for known in self.experiments(scope) if known["name"] == name), None)

    def experiments(self, scope: Scope) -> list[dict[str, Any]]:
        """Those that were created, and those of the workspace's jobs."""
        created = [record["name"] for record in self._resources.children(f"/experiments{scope.id}")]
        jobs = self._resources.children("/jobs-by-guid")
        of_jobs = [
            job["properties"].get("experimentName") or DEFAULT_EXPERIMENT
            for job in jobs
            if job["spec"]["workspace"].lower() == scope.id.lower()
        ]
        return [
            {"experiment_id": experiment_id(name), "name": name, "lifecycle_stage": "active", "artifact_location": ""}
            for name in dict.fromkeys([*created, *of_jobs, DEFAULT_EXPERIMENT])
        ]

    def create_run(self, scope: Scope, experiment: str, name: str) -> str:
        """The id of a new run of the experiment with the id *experiment*."""
        run = str(uuid4())
        names = {known["experiment_id"]: known["name"] for known in self.experiments(scope)}
        record = {
            "id": run,
            "name": name or run,
            "workspace": scope.id,
            "experiment": names.get(experiment, DEFAULT_EXPERIMENT),
            "status": "Running",
            "times": {"started": now()},
        }
        self._resources.put(f"/tracked-runs/{run}", record)
        return run

    def end_run(self, run: str, status: str, name: str = "") -> None:
        """Set the status of a run that the client made; that of a job is the service's own."""
        record = self._resources.get(f"/tracked-runs/{run}")
        if record is None:
            return
        record["status"] = _ENDED.get(status, "Running")
        if status in _ENDED:
            record["times"]["ended"] = now()
        record["name"] = name or record["name"]
        self._resources.put(f"/tracked-runs/{run}", record)

    def runs_of(self, scope: Scope, experiments: list[str]) -> list[str]:
        """The ids of the workspace's runs in *experiments*, the newest first."""
        tracked = [
            (run["id"], run["experiment"], run["workspace"]) for run in self._resources.children("/tracked-runs")
        ]
        jobs = [
            (job["name"], job["properties"].get("experimentName"), job["spec"]["workspace"])
            for job in self._resources.children("/jobs-by-guid")
        ]
        return [
            run
            for run, experiment, workspace in (*tracked, *jobs)
            if workspace.lower() == scope.id.lower() and experiment_id(experiment) in experiments
        ]
