"""One run of each kind of pipeline, and what the services say of it."""

from typing import Any

from shared.domain.inference.routes import Workspace
from shared.domain.retraining.pipelines import Pipeline, PipelineKind, PipelineRun, TrainingCompute
from tests.contracts.service import Answer, Service

WORKSPACE = Workspace(name="dev", subscription="s", resource_group="g", workspace="mlw-dev")
ROOT = "/subscriptions/s/resourceGroups/g/providers/Microsoft.MachineLearningServices/workspaces/mlw-dev"
V1, NAME = "9f8b8d5e-6a53-4fd1-8c14-0f3b5f2f6c11", "retrain-diabetes-1"
PUBLISHED = Pipeline(kind=PipelineKind.PUBLISHED, workspace=WORKSPACE, name=V1)
ENDPOINT = Pipeline(kind=PipelineKind.ENDPOINT, workspace=WORKSPACE, name="train", deployment="blue")
JOB = Pipeline(kind=PipelineKind.JOB, workspace=WORKSPACE, name="train:3")
KINDS = {"published": PUBLISHED, "endpoint": ENDPOINT, "job": JOB}
STATUSES = (
    *("NotStarted", "Starting", "Provisioning", "Preparing", "Queued", "Running", "Finalizing", "CancelRequested"),
    *("Completed", "Failed", "Canceled", "NotResponding", "Paused", "Unknown"),
)


def a_run(pipeline: Pipeline) -> PipelineRun:
    return PipelineRun(
        name=NAME,
        pipeline=pipeline,
        experiment="diabetes",
        output="azureml://datastores/workspaceblobstore/paths/runs/1",
        parameters={"recipe": "ward"},
        data={"data": "azureml://datastores/hub_staging/paths/sets/7"},
        compute=TrainingCompute(target="cpu-cluster", instance_type="Standard_DS3_v2", instances=2, idle_s=120),
        tags={"model": "diabetes"},
    )


def published(service: Service, code: Any = "Running", **changes: Any) -> Any:
    raw = service.payload("published_run", **changes)
    raw["Status"] = None if code is None else raw["Status"] | {"StatusCode": code}
    return raw


def job(service: Service, status: str) -> Any:
    raw = service.payload("pipeline_job")
    raw["properties"]["status"] = status
    return raw


def submissions(service: Service) -> list[str]:
    """What made a run, or may have."""
    posts = [path for path in service.paths("POST") if not path.endswith("/log-batch")]
    return posts + [path for path in service.paths("PUT") if "/jobs/" in path]


def without_runs(service: Service) -> Service:
    """No run yet; each submission makes one."""
    pages = {
        f"/PipelineRuns/Pipeline/{V1}$": ([], [published(service)]),
        "/batchEndpoints/train/jobs$": ({"value": []}, {"value": [service.payload("invocation")]}),
    }
    for path, (before, _) in pages.items():
        service.on(f"GET .*{path}", Answer(body=before))
    service.on(f"GET .*/jobs/{NAME}$", Answer(status=404, body={"error": {"code": "NotFound"}}))
    service.on(
        "GET .*/batchEndpoints/train$", Answer(body={"properties": {"scoringUri": f"https://{service.host}/score"}})
    )

    def exists() -> None:
        for path, (_, after) in pages.items():
            service.on(f"GET .*{path}", Answer(body=after))
        service.on(f"GET .*/jobs/{NAME}$", Answer(body=job(service, "NotStarted")))

    service.on("POST .*/PipelineSubmit/", Answer(body=published(service, None), after=exists))
    service.on("POST /score$", Answer(status=201, body=service.payload("invocation"), after=exists))
    service.on(f"PUT .*/jobs/{NAME}$", Answer(status=201, body=job(service, "NotStarted"), after=exists))
    return service
