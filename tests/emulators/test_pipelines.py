"""The app's own pipelines adapters against the emulator, which really runs the steps of all three kinds of pipeline."""

import csv
import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from shared.adapters.azure_ml.pipelines import AzureMlPipelines
from shared.clients import Clients
from shared.domain.failures import PutOff, Refused, Transient
from shared.domain.inference.routes import Workspace
from shared.domain.inference.runs import JobState, job_state
from shared.domain.retraining.pipelines import Pipeline, PipelineKind, PipelineRun, PipelineRunSeen, TrainingCompute
from shared.settings import read_settings
from signalbox.launcher.endpoints import WORKSPACES
from signalbox.launcher.hub import hub_client
from signalbox.launcher.training import give_training_set, publish_training, publish_v1
from signalbox.models.workspace import datastore_path
from tests.emulators.conftest import PROJECT, Ml
from tests.emulators.small_pipeline import publish_step

pytestmark = [pytest.mark.onemachine, pytest.mark.xdist_group("azure-ml")]

DEV = next(each for each in WORKSPACES if each.name == "mlw-dev")
WORKSPACE = Workspace(name="dev", subscription=DEV.subscription, resource_group=DEV.resource_group, workspace=DEV.name)
STEP = """
import os, pathlib, sys, time
output, data, note, mode = sys.argv[1:5]
with open(note, "a") as stream:
    stream.write(f"{os.getpid()}\\n")
if mode == "wait":
    time.sleep(600)
if mode == "fail":
    sys.exit("no such thing")
if mode == "slow" and len(pathlib.Path(note).read_text().split()) == 1:
    time.sleep(600)
(pathlib.Path(output) / "model").mkdir()
(pathlib.Path(output) / "model" / "weights").write_text((pathlib.Path(data) / "rows.csv").read_text())
"""
INPUTS = {"data": {"type": "uri_folder"}, "note": {"type": "string"}, "mode": {"type": "string", "default": "go"}}
Submit = Callable[..., PipelineRunSeen]


@pytest.fixture(scope="module")
def known(ml: Ml, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Pipeline]:
    """One small pipeline, called in each way."""
    folder = tmp_path_factory.mktemp("step")
    (folder / "step.py").write_text(STEP)
    (folder / "rows.csv").write_text("a\n1\n")
    component = publish_step(ml, folder, "small", INPUTS, {"instances": {"type": "string", "optional": True}})
    ml.must("PUT", "mlw-dev/batchEndpoints/small", {"location": "westeurope", "properties": {}})
    configuration = {"deploymentConfigurationType": "PipelineComponent", "componentId": {"assetId": component}}
    ml.must(
        "PUT",
        "mlw-dev/batchEndpoints/small/deployments/blue",
        {"properties": {"deploymentConfiguration": configuration}},
    )
    names = {"published": publish_v1(ml.endpoints, component), "endpoint": "small", "job": "small:1"}
    return {
        kind: Pipeline(
            kind=PipelineKind(kind), workspace=WORKSPACE, name=name, deployment="blue" if kind == "endpoint" else ""
        )
        for kind, name in names.items()
    }


@pytest.fixture
def ours(ml: Ml, monkeypatch: pytest.MonkeyPatch) -> AzureMlPipelines:
    for name, value in ml.endpoints.environment().items():
        monkeypatch.setenv(name, value)
    made = Clients(read_settings()).pipelines
    assert isinstance(made, AzureMlPipelines)
    return made


@pytest.fixture
def submit(ours: AzureMlPipelines, known: dict[str, Pipeline], tmp_path: Path) -> Submit:
    def submitted(kind: str, name: str, mode: str = "go", **more: str) -> PipelineRunSeen:
        run = PipelineRun(
            name=name,
            pipeline=known[kind],
            experiment="tests",
            output=datastore_path(f"out/{name}"),
            parameters={"note": str(tmp_path / name), "mode": mode, **more},
            data={"data": datastore_path("training-sets/small")},
            compute=TrainingCompute(instances=2),
            tags={"model": "small"},
        )
        return ours.submit(run)

    return submitted


def finished(ml: Ml, ours: AzureMlPipelines, pipeline: Pipeline, run: str) -> PipelineRunSeen:
    def look() -> PipelineRunSeen | None:
        seen = ours.look(pipeline, run)
        return None if job_state(seen.status) is JobState.ACTIVE else seen

    found = ml.eventually(look)
    assert isinstance(found, PipelineRunSeen)
    return found


def written(ml: Ml, folder: str) -> dict[str, bytes]:
    with hub_client(ml.endpoints, DEV.account) as storage:
        container = storage.get_container_client("azureml-blobstore")
        names = container.list_blob_names(name_starts_with=f"{folder}/")
        return {name.removeprefix(f"{folder}/"): container.download_blob(name).readall() for name in names}


def fault(ml: Ml, **faults: object) -> None:
    ml.call("POST", ml.cloud.control("/_faults", "azureml"), faults)


KINDS = pytest.mark.parametrize("kind", ["published", "endpoint", "job"])


@KINDS
def test_a_run_reads_a_folder_and_writes_one(
    ml: Ml, ours: AzureMlPipelines, known: dict[str, Pipeline], submit: Submit, kind: str
) -> None:
    name = f"runs-{kind}"
    seen = [submit(kind, name) for _ in range(2)]

    done = finished(ml, ours, known[kind], seen[0].id)

    assert (done.name, done.status, done.because) == (name, "Completed", "")
    assert done.started < done.ended
    assert written(ml, f"out/{name}") == {"model/weights": b"a\n1\n"}
    assert {each.id for each in seen} == {done.id}
    assert ml.effects()["jobs"][name] == 1


@pytest.mark.parametrize(
    ("kind", "door"),
    [("published", "PipelineSubmit"), ("endpoint", "POST /batch/small"), ("job", "PUT .*/jobs/lost")],
)
def test_a_lost_answer_leaves_one_run(ml: Ml, submit: Submit, kind: str, door: str) -> None:
    fault(ml, rules=[{"match": door, "nth": 1, "when": "after"}])

    with pytest.raises(Transient):
        submit(kind, f"lost-{kind}")
    submit(kind, f"lost-{kind}")

    fault(ml)
    assert ml.effects()["jobs"][f"lost-{kind}"] == 1


@KINDS
def test_a_cancelled_run_ends_its_process_and_keeps_the_reason(
    ml: Ml, ours: AzureMlPipelines, known: dict[str, Pipeline], submit: Submit, tmp_path: Path, kind: str
) -> None:
    run, note = submit(kind, f"never-{kind}", "wait"), tmp_path / f"never-{kind}"
    process = int(ml.eventually(lambda: note.is_file() and note.read_text().strip()))

    ours.cancel(known[kind], run.id, "worse than the champion")
    done = finished(ml, ours, known[kind], run.id)
    ours.cancel(known[kind], run.id, "said twice")

    assert (done.status, done.because) == ("Canceled", "worse than the champion")
    ml.eventually(lambda: not psutil.pid_exists(process))
    assert ours.look(known[kind], run.id).because == "worse than the champion"


@KINDS
def test_a_failing_step_says_what_its_log_said(
    ml: Ml, ours: AzureMlPipelines, known: dict[str, Pipeline], submit: Submit, kind: str
) -> None:
    done = finished(ml, ours, known[kind], submit(kind, f"fails-{kind}", "fail").id)

    assert done.status == "Failed"
    assert "no such thing" in done.because


@KINDS
def test_an_input_that_the_pipeline_does_not_declare_is_refused(submit: Submit, kind: str) -> None:
    with pytest.raises(Refused, match="declares no such input"):
        submit(kind, f"strange-{kind}", learning_rate="0.1")


@KINDS
def test_a_run_that_fails_late_says_so(
    ml: Ml, ours: AzureMlPipelines, known: dict[str, Pipeline], submit: Submit, kind: str
) -> None:
    name = f"late-{kind}"
    fault(ml, jobs=[{"match": name, "mode": "fail-late"}])

    done = finished(ml, ours, known[kind], submit(kind, name).id)

    fault(ml)
    assert (done.status, done.because) == ("Failed", "asked to fail at its end by a test")
    assert written(ml, f"out/{name}") == {"model/weights": b"a\n1\n"}, "it had done its work"
    assert done.started < done.ended


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(
    ("kind", "door"),
    [("published", "POST .*/PipelineSubmit"), ("endpoint", "POST /batch/small"), ("job", "PUT .*/jobs/busy")],
)
def test_a_submission_that_is_put_off_says_until_when_and_makes_one_run(
    ml: Ml, submit: Submit, kind: str, door: str, status: int
) -> None:
    name = f"busy-{kind}-{status}"
    fault(ml, rules=[{"match": door, "nth": 1, "status": status, "retry_after": 40}])

    with pytest.raises(PutOff) as put_off:
        submit(kind, name)
    submit(kind, name)

    fault(ml)
    assert put_off.value.after_s == 40
    assert ml.effects()["jobs"][name] == 1


def test_of_many_submissions_at_once_one_run_is_left(ml: Ml, submit: Submit) -> None:
    """By kinds whose service knows names: v1's has none, and the recorded shapes show which of two stays."""
    for kind in ("endpoint", "job"):
        with ThreadPoolExecutor(4) as pool:
            tried = [pool.submit(submit, kind, f"at-once-{kind}") for _ in range(4)]
        seen = {each.result().id for each in tried if each.exception() is None}
        assert all(isinstance(each.exception(), Transient | None) for each in tried)
        assert (len(seen), ml.effects()["jobs"][f"at-once-{kind}"]) == (1, 1)


def test_a_busy_service_is_asked_again(
    ml: Ml, ours: AzureMlPipelines, known: dict[str, Pipeline], submit: Submit
) -> None:
    run = submit("published", "busy")
    fault(ml, requests=[{"match": f"PipelineRuns/{run.id}", "times": 1, "status": 429, "retry_after": 1}])
    began = time.monotonic()

    ours.look(known["published"], run.id)

    assert time.monotonic() - began >= 1


def test_killed_emulators_repeat_the_step_and_make_one_result(
    ml: Ml, ours: AzureMlPipelines, known: dict[str, Pipeline], submit: Submit, tmp_path: Path
) -> None:
    run, note = submit("published", "killed", "slow"), tmp_path / "killed"
    first = int(ml.eventually(lambda: note.is_file() and note.read_text().strip()))

    ml.cloud.kill_emulators()
    ml.eventually(lambda: not psutil.pid_exists(first))
    ml.cloud.start_emulators()
    done = finished(ml, ours, known["published"], run.id)

    assert (done.status, len(note.read_text().split())) == ("Completed", 2)
    assert written(ml, "out/killed") == {"model/weights": b"a\n1\n"}
    assert ml.effects()["jobs"]["killed"] == 1


def test_the_example_trains_and_its_result_can_be_promoted(ml: Ml, ours: AzureMlPipelines, tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    patients(tmp_path / "set")
    published = publish_training(ml.endpoints, PROJECT / "examples" / "diabetes")
    pipeline = Pipeline(kind=PipelineKind.PUBLISHED, workspace=WORKSPACE, name=published.published_id)

    run = ours.submit(
        PipelineRun(
            name="trains-diabetes",
            pipeline=pipeline,
            experiment="diabetes",
            output=datastore_path("out/diabetes"),
            data={"data": give_training_set(ml.endpoints, tmp_path / "set", "diabetes")},
            parameters={"recipe": "ward"},
        )
    )
    done = finished(ml, ours, pipeline, run.id)

    files = written(ml, "out/diabetes")
    assert done.status == "Completed", done.because
    assert ours.metrics(pipeline, run.id) == json.loads(files["metrics.json"])
    assert {"model/model.joblib", "extras/code/online.py", "extras/golden/requests.jsonl"} <= set(files)
    assert {"extras/environment/conda.yaml", "extras/contract/contract.yaml"} <= set(files)
    assert json.loads(files["model/facts.json"])["rows"]["train"] == 48


def patients(folder: Path) -> None:
    """Sixty of them, ten of whom were measured twice."""
    rows = [
        {"id": f"patient-{number:04d}", "sex": 1 + number % 2, "progression": 100.0 + number}
        | {name: float(20 + number % 7) for name in ("age", "bmi", "bp", "s1", "s2", "s3", "s4", "s5", "s6")}
        for number in range(60)
    ]
    for name, part in (("a", rows), ("b", rows[:10])):
        with (folder / f"{name}.csv").open("w", newline="") as file:
            writer = csv.DictWriter(file, [*rows[0]])
            writer.writeheader()
            writer.writerows(part)
