"""Runs of training pipelines, the same for retraining and for a stage that trains: submit, follow, read, stop.

In: the run's name, its folder, its tags and the lineage of what it made. Not in: why a run is wanted, what it is
trained on, and who judges or registers the result.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from activities.effects import once
from shared import contracts as c
from shared.application.promotion.planning import shelves_at
from shared.clients import Clients
from shared.codec import UndecodableError
from shared.domain import identity
from shared.domain.failures import Refused
from shared.domain.inference.routes import HubLayout
from shared.domain.inference.runs import JobState, job_state
from shared.domain.promotion.bundles import EXTRAS, MODEL
from shared.domain.promotion.models import ModelVersion
from shared.domain.promotion.training import StageTraining
from shared.domain.retraining.pipelines import PipelineRun, PipelineRunSeen
from shared.domain.retraining.rules import Retraining
from shared.ports import Shelf
from shared.records.store import read_json

COMMIT = "azureml.git.commit"
TrainingRules: TypeAlias = Retraining | StageTraining
_TAG_LENGTH = 250  # Azure ML takes 256 characters.
_MOST_METRICS = 20  # Each is a tag of the model, which travels up the ladder.


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingRun:
    """The one run of a pipeline for *owner*, which names it; the pipeline writes to *folder* of staging."""

    owner: str
    rules: TrainingRules
    hub: HubLayout
    folder: str

    @property
    def name(self) -> str:
        """The same at every repeat: by it the run is found again."""
        return identity.job_name(self.owner)

    @property
    def output(self) -> str:
        return self.hub.address(self.folder)

    def shelves(self, model: ModelVersion) -> tuple[Shelf, Shelf]:
        """Where the pipeline leaves the model, which will be *model*, and what travels with it."""
        place, output = self.rules.pipeline.workspace, self.output
        return shelves_at(place, model, f"{output}/{MODEL}", f"{output}/{EXTRAS}")


def submit_run(
    clients: Clients, key: str, run: TrainingRun, data: Mapping[str, str], tags: Mapping[str, str]
) -> c.TrainingSubmitted:
    """The run, found or created by name: a repeat joins the first. *data* are folders as Azure ML names them.

    Raises PutOff where Azure ML asks for a later try, which is not recorded.
    """
    rules = run.rules
    pipeline_run = PipelineRun(
        name=run.name,
        pipeline=rules.pipeline,
        experiment=rules.experiment,
        output=run.output,
        parameters=dict(rules.parameters),
        data=dict(data),
        compute=rules.compute,
        tags=_fitting(tags),
    )
    return once(
        clients, key, c.TrainingSubmitted, lambda: c.TrainingSubmitted(id=clients.pipelines.submit(pipeline_run).id)
    )


def look_at_run(clients: Clients, run: TrainingRun, run_id: str) -> tuple[JobState, PipelineRunSeen]:
    """Where the run with Azure ML's id *run_id* stands."""
    run_seen = clients.pipelines.look(run.rules.pipeline, run_id)
    return job_state(run_seen.status), run_seen


def ending(run_seen: PipelineRunSeen) -> str:
    """How a run ended, and why where Azure ML knows: the end of a sentence about it."""
    return f"ended as {run_seen.status}" + (f": {run_seen.because}" if run_seen.because else "")


def stop_run(clients: Clients, run: TrainingRun, because: str, run_id: str = "") -> str:
    """Cancel the run, by *run_id* or else by its name, and leave the reason on it. Safe to repeat.

    Returns Azure ML's id, empty where no run was made. The run may still be writing afterwards.
    """
    pipeline, reason = run.rules.pipeline, because[:_TAG_LENGTH]
    if not run_id:
        run_seen = clients.pipelines.find(pipeline, run.name)
        run_id = run_seen.id if run_seen else ""
    if run_id:
        clients.pipelines.cancel(pipeline, run_id, reason)
        # Tagged once more after the cancellation: a run that had ended by then is not cancelled, and gets its reason
        # here.
        clients.pipelines.tag(pipeline, run_id, {"signalbox.because": reason})
    return run_id


def training_metrics(clients: Clients, run: TrainingRun, run_id: str) -> dict[str, float]:
    """What the run logged, and what it wrote to metrics.json, which wins: the run's own words."""
    # Metrics come from two places, because a pipeline may log with MLflow, write a file, or do both.
    metrics = dict(clients.pipelines.metrics(run.rules.pipeline, run_id))
    metrics_file = _written(clients, run, "metrics.json")
    numbers = {name: float(value) for name, value in metrics_file.items() if isinstance(value, int | float)}
    return {f"training.{name}": value for name, value in (metrics | numbers).items()}


def lineage_tags(
    clients: Clients, run: TrainingRun, run_id: str, tags: Mapping[str, str], metrics: Mapping[str, float]
) -> dict[str, str]:
    """The tags of the model that the run made: *tags*, the run's id, the commit that it was trained by, its metrics.

    The commit that the pipeline wrote to lineage.json wins over one in *tags*.
    """
    commit = str(_written(clients, run, "lineage.json").get("code_commit", ""))
    metric_tags = {f"signalbox.metric.{name}": f"{value:.6g}" for name, value in list(metrics.items())[:_MOST_METRICS]}
    return _fitting({**tags, "signalbox.training": run_id, COMMIT: commit or tags.get(COMMIT, ""), **metric_tags})


def _written(clients: Clients, run: TrainingRun, name: str) -> dict[str, Any]:
    """The object that the pipeline wrote to the file *name*, empty where it wrote no such file.

    Raises Refused where the file holds something else.
    """
    raw = clients.hub.read(run.hub.staging, f"{run.folder}/{name}") or b"{}"
    try:
        content = read_json(raw)
    except UndecodableError as error:
        raise Refused(f"the pipeline's {name} is not JSON: {error.__cause__}") from error
    if not isinstance(content, dict):
        raise Refused(f"the pipeline's {name} is no JSON object")
    return content


def _fitting(tags: Mapping[str, str]) -> dict[str, str]:
    """*tags* as Azure ML takes them, without those that say nothing."""
    return {name: value[:_TAG_LENGTH] for name, value in tags.items() if value}
