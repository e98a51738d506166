"""Both generations of training pipelines against recorded shapes: statuses, faults, lost answers, tokens and hosts."""

import time
from functools import partial
from typing import Any

import pytest

from shared.adapters.azure_ml_pipelines import AzureMlPipelines
from shared.domain.failures import Refused, Transient
from shared.domain.retraining.pipelines import Pipeline, PipelineKind, PipelineRun, TrainingCompute
from shared.domain.routes import Workspace
from shared.domain.runs import JobState, job_state
from tests.contracts.conftest import Answer, Directory, Service, pipelines

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


@pytest.fixture
def world(service: Service) -> Service:
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


def test_a_published_pipeline_is_submitted_as_documented(ours: AzureMlPipelines, world: Service) -> None:
    seen = ours.submit(a_run(PUBLISHED))

    sent = next(each for each in world.asked if "PipelineSubmit" in each.path)
    assert sent.path == f"/pipelines/v1.0{ROOT}/PipelineRuns/PipelineSubmit/{V1}"
    assert sent.body == {
        "ExperimentName": "diabetes",
        "RunSource": "Signalbox",
        "RunType": "HTTP",
        "Description": NAME,
        "Tags": {"model": "diabetes", "signalbox.run": NAME},
        "ParameterAssignments": {
            "recipe": "ward",
            "compute_target": "cpu-cluster",
            "instance_type": "Standard_DS3_v2",
            "instances": "2",
            "idle_s": "120",
            "output": "azureml://datastores/workspaceblobstore/paths/runs/1",
        },
        "DataPathAssignments": {"data": {"DataStoreName": "hub_staging", "RelativePath": "sets/7"}},
    }
    assert (seen.name, seen.id) == (NAME, "4d7c8a30-2f8f-4a0c-9f5c-6a1c9b5d7e01")


def test_an_invocation_of_a_pipeline_component_is_sent_as_documented(ours: AzureMlPipelines, world: Service) -> None:
    seen = ours.submit(a_run(ENDPOINT))

    sent = next(each for each in world.asked if each.path == "/score")
    assert sent.headers["azureml-model-deployment"] == "blue"
    assert sent.body["properties"]["InputData"]["data"] == {
        "JobInputType": "UriFolder",
        "Uri": "azureml://datastores/hub_staging/paths/sets/7",
    }
    assert sent.body["properties"]["InputData"]["instances"] == {"JobInputType": "Literal", "Value": "2"}
    assert sent.body["properties"]["OutputData"]["output"]["JobOutputType"] == "UriFolder"
    assert sent.body["properties"]["properties"] == {"experimentName": "diabetes"}
    assert (seen.name, seen.id) == (NAME, "8b1f4c9e-7c4d-4f6e-9a3e-2d1c0b9a8f70")
    noted = next(each for each in world.asked if each.path.endswith("/log-batch"))
    assert noted.body == {"run_id": seen.id, "tags": [{"key": "model", "value": "diabetes"}]}


def test_a_pipeline_job_is_put_under_our_name(ours: AzureMlPipelines, world: Service) -> None:
    seen = ours.submit(a_run(JOB))

    sent = next(each for each in world.asked if each.method == "PUT")
    properties = sent.body["properties"]
    assert sent.path == f"{ROOT}/jobs/{NAME}"
    assert (properties["jobType"], properties["componentId"]) == ("Pipeline", f"{ROOT}/components/train/versions/3")
    assert properties["settings"]["default_compute"] == "cpu-cluster"
    assert properties["inputs"]["data"]["jobInputType"] == "uri_folder"
    assert properties["inputs"]["recipe"] == {"jobInputType": "literal", "value": "ward"}
    assert properties["outputs"]["output"]["uri"] == "azureml://datastores/workspaceblobstore/paths/runs/1"
    assert (seen.id, seen.name, seen.status) == (NAME, NAME, "NotStarted")


@pytest.mark.parametrize(
    ("code", "status", "state"),
    [
        (None, "NotStarted", JobState.ACTIVE),
        ("NotStarted", "NotStarted", JobState.ACTIVE),
        ("Running", "Running", JobState.ACTIVE),
        ("Failed", "Failed", JobState.FAILED),
        ("Finished", "Completed", JobState.COMPLETED),
        ("Canceled", "Canceled", JobState.CANCELLED),
        (0, "NotStarted", JobState.ACTIVE),
        (1, "Running", JobState.ACTIVE),
        ("2", "Failed", JobState.FAILED),
        ("3", "Completed", JobState.COMPLETED),
        (4, "Canceled", JobState.CANCELLED),
    ],
)
def test_every_status_of_v1(ours: AzureMlPipelines, service: Service, code: Any, status: str, state: JobState) -> None:
    service.on("GET .*/PipelineRuns/run-1$", Answer(body=published(service, code)))

    seen = ours.look(PUBLISHED, "run-1")

    assert (seen.status, job_state(seen.status)) == (status, state)


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("pipeline", [ENDPOINT, JOB], ids=["endpoint", "job"])
def test_every_status_of_v2(ours: AzureMlPipelines, service: Service, status: str, pipeline: Pipeline) -> None:
    service.on("GET .*/jobs/run-1$", Answer(body=job(service, status)))
    service.on("GET .*/runs/get.*", Answer(body=service.payload("mlflow_run")))

    seen = ours.look(pipeline, "run-1")

    final = job_state(status) is not JobState.ACTIVE
    assert seen.status == status
    assert seen.ended == ("2025-11-25T04:15:00+00:00" if final else "")


@pytest.mark.parametrize("kind", KINDS)
def test_a_run_is_submitted_once_however_often_it_is_asked_for(
    ours: AzureMlPipelines, world: Service, kind: str
) -> None:

    seen = [ours.submit(a_run(KINDS[kind])) for _ in range(3)]

    assert len(submissions(world)) == 1
    assert len({each.id for each in seen}) == 1


@pytest.mark.parametrize(
    ("kind", "door"),
    [("published", "POST .*/PipelineSubmit/"), ("endpoint", "POST /score$"), ("job", f"PUT .*/jobs/{NAME}$")],
)
def test_a_lost_answer_to_a_submission_leaves_one_run(
    ours: AzureMlPipelines, world: Service, kind: str, door: str
) -> None:
    run = a_run(KINDS[kind])
    world.cut(door)

    with pytest.raises(Transient):
        ours.submit(run)
    found = ours.submit(run)

    assert found.name == NAME
    assert len(submissions(world)) == 1, "a POST is not repeated blindly"


def test_of_two_published_runs_made_at_once_the_older_stays(ours: AzureMlPipelines, world: Service) -> None:
    older = published(world, "Running", Id="older", CreatedDate="2026-11-25T04:09:59+00:00")
    world.on(f"GET .*/PipelineRuns/Pipeline/{V1}$", Answer(body=[]), Answer(body=[published(world), older]))
    world.on("POST .*/PipelineSubmit/", Answer(body=published(world)))
    world.on("GET .*/PipelineRuns/4d7c[^/]*$", Answer(body=published(world)))
    world.on("DELETE .*/PipelineRuns/4d7c.*/Execution$", Answer())

    seen = ours.submit(a_run(PUBLISHED))

    assert seen.id == "older"
    assert [path.rsplit("/", 2)[1] for path in world.paths("DELETE")] == ["4d7c8a30-2f8f-4a0c-9f5c-6a1c9b5d7e01"]


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_look_waits_as_long_as_it_is_told_and_asks_again(
    ours: AzureMlPipelines, service: Service, status: int
) -> None:
    busy = Answer(status=status, body={"error": {"code": "Busy"}}, headers={"retry-after-ms": "100"})
    service.on("GET .*/jobs/run-1$", busy, Answer(body=job(service, "Running")))
    service.on("GET .*/PipelineRuns/run-1$", busy, Answer(body=published(service)))
    began = time.monotonic()

    assert [ours.look(pipeline, "run-1").status for pipeline in (JOB, PUBLISHED)] == ["Running", "Running"]
    assert time.monotonic() - began >= 0.2


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
@pytest.mark.parametrize(("kind", "door"), [("published", "POST .*/PipelineSubmit/"), ("endpoint", "POST /score$")])
def test_a_submission_that_is_put_off_is_not_repeated_by_itself(
    ours: AzureMlPipelines, world: Service, kind: str, door: str, status: int
) -> None:
    world.on(door, Answer(status=status, body={"error": {"code": "Busy"}}, headers={"Retry-After": "60"}))

    with pytest.raises(Transient, match=str(status)):
        ours.submit(a_run(KINDS[kind]))

    assert len(submissions(world)) == 1


@pytest.mark.parametrize("kind", ["published", "job"])
def test_a_run_that_never_ends_is_cancelled_with_its_reason_on_it(
    ours: AzureMlPipelines, service: Service, kind: str
) -> None:
    service.on("GET .*/jobs/run-1$", Answer(body=job(service, "Running")))
    service.on("GET .*/PipelineRuns/run-1$", Answer(body=published(service)))
    service.on("POST .*/jobs/run-1/cancel$", Answer(status=202))
    service.on("DELETE .*/PipelineRuns/run-1/Execution$", Answer())

    assert {ours.look(KINDS[kind], "run-1").status for _ in range(10)} == {"Running"}
    ours.cancel(KINDS[kind], "run-1", "worse than the champion by 3.1")

    *_, noted, cancelled = [each for each in service.asked if each.method != "GET"]
    assert noted.body == {
        "run_id": "run-1",
        "tags": [{"key": "signalbox.because", "value": "worse than the champion by 3.1"}],
    }
    assert cancelled.path.endswith(("/jobs/run-1/cancel", "/PipelineRuns/run-1/Execution"))


@pytest.mark.parametrize("kind", ["published", "job"])
def test_a_run_that_has_finished_is_left_as_it_is(ours: AzureMlPipelines, service: Service, kind: str) -> None:
    service.on("GET .*/jobs/run-1$", Answer(body=job(service, "Completed")))
    service.on("GET .*/PipelineRuns/run-1$", Answer(body=published(service, "Finished")))

    ours.cancel(KINDS[kind], "run-1", "too late")

    assert {each.method for each in service.asked} == {"GET"}


def test_a_run_that_fails_late_says_why(ours: AzureMlPipelines, service: Service) -> None:
    failed = published(service, "Failed")
    failed["Status"] |= {"StatusDetail": "step train: out of memory", "EndTime": "2026-11-25T09:00:00+00:00"}
    service.on("GET .*/PipelineRuns/run-1$", *[Answer(body=published(service))] * 10, Answer(body=failed))

    seen = [ours.look(PUBLISHED, "run-1") for _ in range(11)]

    assert [each.status for each in seen] == ["Running"] * 10 + ["Failed"]
    assert (seen[-1].because, seen[-1].ended) == ("step train: out of memory", "2026-11-25T09:00:00+00:00")


def test_metrics_are_the_newest_of_the_run_and_its_steps(ours: AzureMlPipelines, service: Service) -> None:
    step = service.payload("mlflow_run")["run"]
    step["data"]["metrics"] = [
        {"key": "rmse", "value": 60.0, "timestamp": "1764043900000", "step": "0"},
        {"key": "rmse", "value": 55.5, "timestamp": "1764043900000", "step": "7"},
        {"key": "mae", "value": 99.0, "timestamp": "1764049999999", "step": "0"},
    ]
    service.on("GET .*/runs/get.*", Answer(body=service.payload("mlflow_run")))
    service.on("POST .*/runs/search$", Answer(body={"runs": [step]}))

    logged = ours.metrics(PUBLISHED, NAME)

    assert logged == {"rmse": 55.5, "mae": 44.5}
    searched = next(each for each in service.asked if each.path.endswith("/runs/search"))
    assert searched.body["filter"] == f"tags.mlflow.parentRunId = '{NAME}'"


def test_a_token_that_expires_during_the_wait_is_replaced(service: Service) -> None:
    refused = Answer(status=401, body={"error": {"code": "ExpiredAuthenticationToken"}})
    service.on(
        "GET .*/jobs/run-1$", Answer(body=job(service, "Running")), refused, Answer(body=job(service, "Running"))
    )
    directory = Directory()
    ours = pipelines(service, directory)

    assert [ours.look(JOB, "run-1").status for _ in range(2)] == ["Running"] * 2
    assert [each.token for each in service.asked] == ["token-1", "token-1", "token-2"]


def test_a_token_is_renewed_before_it_expires(service: Service) -> None:
    service.on("GET .*/jobs/run-1$", Answer(body=job(service, "Running")))
    ours = pipelines(service, Directory(life_s=240))

    for _ in range(2):
        ours.look(JOB, "run-1")

    assert [each.token for each in service.asked] == ["token-1", "token-2"]


@pytest.mark.parametrize("field", ["discoveryUrl", "api", "scoringUri", "mlFlowTrackingUri"])
def test_a_host_that_is_not_allowed_is_never_called(world: Service, field: str) -> None:
    """`127.0.0.1` is the same server here: whatever came to /elsewhere came from us."""
    elsewhere = f"https://{world.host.replace('localhost', '127.0.0.1')}/elsewhere"
    workspace = world.payload("workspace")
    workspace["properties"][field] = elsewhere.replace("https", "azureml") if "Flow" in field else elsewhere
    world.on("GET .*/workspaces/mlw-dev$", Answer(body=workspace))
    world.on("GET /discovery$", Answer(body={"api": elsewhere}))
    world.on("GET .*/batchEndpoints/train$", Answer(body={"properties": {"scoringUri": elsewhere}}))
    ours = pipelines(world, Directory())
    run = a_run(ENDPOINT if field == "scoringUri" else PUBLISHED)
    ask = partial(ours.metrics, JOB, "run-1") if "Flow" in field else partial(ours.submit, run)

    with pytest.raises(Refused, match="is not on an allowed host"):
        ask()

    assert not [each for each in world.asked if "elsewhere" in each.path]
    assert not [each.token for each in world.asked if each.path == "/discovery" and each.token]


def test_a_pipeline_that_is_not_published_is_refused(ours: AzureMlPipelines, service: Service) -> None:
    with pytest.raises(Refused, match="publish it there"):
        ours.submit(a_run(PUBLISHED))
