"""Both generations of training pipelines where things go wrong: faults, lost answers, doubles, tokens and hosts."""

import re
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import partial

import pytest

from shared.adapters.azure_ml.pipelines import AzureMlPipelines
from shared.domain.failures import PutOff, Refused, Transient
from shared.domain.retraining.pipelines import Pipeline
from tests.contracts.conftest import pipelines
from tests.contracts.runs import (
    ENDPOINT,
    JOB,
    KINDS,
    NAME,
    PUBLISHED,
    V1,
    a_run,
    job,
    published,
    submissions,
)
from tests.contracts.service import Answer, Directory, Service


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


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(
    ("after", "least", "most"), [("60", 60, 60), ("", 0, 0), ("a while", 1, 1), ("{date}", 85, 90)]
)
@pytest.mark.parametrize(
    ("kind", "door"),
    [("published", "POST .*/PipelineSubmit/"), ("endpoint", "POST /score$"), ("job", f"PUT .*/jobs/{NAME}$")],
)
def test_when_to_come_again_is_told_as_the_service_says_it(
    ours: AzureMlPipelines,
    world: Service,
    kind: str,
    door: str,
    status: int,
    after: str,
    least: int,
    most: int,
) -> None:
    said = after.format(date=format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True))
    world.on(door, Answer(status=status, body={"error": {}}, headers={"Retry-After": said} if said else {}))

    with pytest.raises(Transient) as put_off:
        ours.submit(a_run(KINDS[kind]))

    assert isinstance(put_off.value, PutOff) == bool(after)
    assert least <= getattr(put_off.value, "after_s", 0) <= most


def test_of_two_invocations_made_at_once_the_older_stays(ours: AzureMlPipelines, world: Service) -> None:
    younger = world.payload("invocation", systemData={"createdAt": "2026-11-25T04:10:00Z"})
    older = younger | {"name": "older", "systemData": {"createdAt": "2026-11-25T04:09:59Z"}}
    world.on("GET .*/batchEndpoints/train/jobs$", Answer(body={"value": []}), Answer(body={"value": [younger, older]}))
    world.on("POST /score$", Answer(status=201, body=younger))
    world.on("GET .*/jobs/8b1f[^/]*$", Answer(body=job(world, "Running")))
    world.on("POST .*/jobs/8b1f.*/cancel$", Answer(status=202))

    seen = ours.submit(a_run(ENDPOINT))

    assert seen.id == "older"
    assert len([path for path in world.paths("POST") if "/jobs/8b1f" in path and path.endswith("/cancel")]) == 1


@pytest.mark.parametrize("kind", KINDS)
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


@pytest.mark.parametrize("kind", KINDS)
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


@pytest.mark.parametrize("pipeline", [ENDPOINT, JOB], ids=["endpoint", "job"])
def test_a_job_that_fails_late_says_why(ours: AzureMlPipelines, service: Service, pipeline: Pipeline) -> None:
    failed = job(service, "Failed")
    failed["properties"]["error"] = {"message": "step train: out of memory"}
    service.on("GET .*/jobs/run-1$", *[Answer(body=job(service, "Running"))] * 10, Answer(body=failed))
    service.on("GET .*/runs/get.*", Answer(body=service.payload("mlflow_run")))

    seen = [ours.look(pipeline, "run-1") for _ in range(11)]

    assert [each.status for each in seen] == ["Running"] * 10 + ["Failed"]
    assert (seen[-1].because, bool(seen[-1].ended)) == ("step train: out of memory", True)


@pytest.mark.parametrize("pipeline", [ENDPOINT, JOB], ids=["endpoint", "job"])
def test_a_token_that_expires_during_the_wait_is_replaced(service: Service, pipeline: Pipeline) -> None:
    refused = Answer(status=401, body={"error": {"code": "ExpiredAuthenticationToken"}})
    service.on(
        "GET .*/jobs/run-1$", Answer(body=job(service, "Running")), refused, Answer(body=job(service, "Running"))
    )
    directory = Directory()
    ours = pipelines(service, directory)

    assert [ours.look(pipeline, "run-1").status for _ in range(2)] == ["Running"] * 2
    assert [each.token for each in service.asked] == ["token-1", "token-1", "token-2"]


@pytest.mark.parametrize(
    ("kind", "door"),
    [("published", "POST .*/PipelineSubmit/"), ("endpoint", "POST /score$"), ("job", f"PUT .*/jobs/{NAME}$")],
)
def test_a_token_that_expires_before_a_submission_is_replaced_and_makes_one_run(
    world: Service, kind: str, door: str
) -> None:
    good = world.answers(door)[0]
    world.on(door, Answer(status=401, body={"error": {"code": "ExpiredAuthenticationToken"}}), good)

    seen = pipelines(world, Directory()).submit(a_run(KINDS[kind]))

    assert seen.name == NAME
    asked = [each.token for each in world.asked if re.search(door, f"{each.method} {each.path}")]
    assert len(asked) == len(set(asked)) == 2, "once with the old token, which did nothing, and once with a new one"


@pytest.mark.parametrize("what", ["GET .*/PipelineRuns/run-1$", "GET .*/runs/get.*"])
def test_a_token_that_expires_while_a_published_run_is_waited_for_is_replaced(service: Service, what: str) -> None:
    refused = Answer(status=401, body={"error": {"code": "ExpiredAuthenticationToken"}})
    service.on("GET .*/PipelineRuns/run-1$", Answer(body=published(service, "Failed")))
    service.on("GET .*/runs/get.*", Answer(body=service.payload("mlflow_run")))
    good = service.answers(what)[0]
    service.on(what, good, refused, good)
    ours = pipelines(service, Directory())

    assert [ours.look(PUBLISHED, "run-1").status for _ in range(2)] == ["Failed"] * 2


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
