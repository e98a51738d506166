"""Both generations of training pipelines against recorded shapes: what is sent, every status, metrics."""

from typing import Any

import pytest

from shared.adapters.azure_ml.pipelines import AzureMlPipelines
from shared.domain.inference.runs import JobState, job_state
from shared.domain.retraining.pipelines import Pipeline
from tests.contracts.runs import ENDPOINT, JOB, NAME, PUBLISHED, ROOT, STATUSES, V1, a_run, job, published
from tests.contracts.service import Answer, Service


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


def test_a_step_belongs_to_the_run_of_the_whole_pipeline(ours: AzureMlPipelines, service: Service) -> None:
    alone = service.payload("mlflow_run")
    step = service.payload("mlflow_run")
    step["run"]["data"]["tags"].append({"key": "mlflow.rootRunId", "value": NAME})
    service.on("GET .*run_id=step-1$", Answer(body=step))
    service.on("GET .*/runs/get.*", Answer(body=alone))

    assert (ours.root(PUBLISHED, "step-1"), ours.root(PUBLISHED, NAME)) == (NAME, NAME)
