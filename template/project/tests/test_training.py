"""What a cluster runs is what is tested here: the job's files load, and their commands fit the script."""

import json
import re
import shutil
from pathlib import Path

import pandas as pd
import pytest
import sweep
import train
import workspace
import yaml
from azure.ai.ml import load_component, load_job
from conftest import PROJECT
from dataset import load_rows
from features import KEY

TRAINING = PROJECT / "training"


def test_the_files_of_the_jobs_load_as_azure_reads_them() -> None:
    component, pipeline = (load_component(TRAINING / name) for name in ("component.yaml", "pipeline.yaml"))
    job, search = (load_job(TRAINING / name) for name in ("job.yaml", "sweep.yaml"))

    assert (job.type, search.type) == ("pipeline", "sweep")
    assert set(job.inputs) <= set(component.inputs) == set(pipeline.inputs) - {"compute_target"}


def test_a_retraining_gives_the_pipeline_what_it_takes() -> None:
    """The version that the configuration names is made by `training/publish.py`."""
    pipeline = load_component(TRAINING / "pipeline.yaml")
    (model,) = yaml.safe_load((PROJECT / "signalbox.yaml").read_text())["models"].values()
    rules = model["retraining"]

    assert rules["pipeline"]["job"].rpartition(":")[0] == pipeline.name
    assert {*rules["data"], "holdout", "compute_target"} <= set(pipeline.inputs)
    assert set(pipeline.outputs) == {"output"}


@pytest.mark.parametrize("name", ["component.yaml", "sweep.yaml"])
def test_the_script_takes_every_argument_of_the_command(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    document = yaml.safe_load((TRAINING / name).read_text())
    command = document.get("command") or document["trial"]["command"]

    with pytest.raises(SystemExit):
        train.main(["--help"])

    known_arguments = capsys.readouterr().out
    assert [word for word in re.findall(r"--\w+", command) if word not in known_arguments] == []


def test_the_environment_of_a_team_that_shares_an_app_is_the_platforms(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = tmp_path / "projects" / "mine"
    project.mkdir(parents=True)
    (project / "signalbox.yaml").write_text("models: {}\n")
    (tmp_path / "signalbox.yaml").write_text("environments: {dev: {workspace: mlw-shared}}\n")
    monkeypatch.setattr(workspace, "PROJECT", project)
    monkeypatch.delenv("SIGNALBOX_CONFIG", raising=False)

    assert workspace.environment("dev") == {"workspace": "mlw-shared"}
    monkeypatch.setenv("SIGNALBOX_CONFIG", str(project / "signalbox.yaml"))
    with pytest.raises(LookupError, match="set SIGNALBOX_CONFIG"):
        workspace.environment("dev")


def test_own_rows_give_the_same_model_which_predicts_a_holdout(build: Path, tmp_path: Path) -> None:
    rows, answers = load_rows()
    (tmp_path / "data").mkdir()
    pd.concat([rows, answers], axis=1).to_csv(tmp_path / "data" / "rows.csv", index=False)

    (tmp_path / "holdout").mkdir()
    shutil.copy(build / "holdout.csv", tmp_path / "holdout")
    train.main([str(tmp_path / "build"), "--data", str(tmp_path / "data"), "--holdout", str(tmp_path / "holdout")])

    metrics = [json.loads((folder / "metrics.json").read_text()) for folder in (tmp_path / "build", build)]
    assert metrics[0] == pytest.approx(metrics[1])
    predictions = pd.read_csv(tmp_path / "build" / "predictions.csv")
    assert list(predictions[KEY]) == list(pd.read_csv(build / "holdout.csv")[KEY])


def test_the_search_puts_the_best_candidate_first(monkeypatch: pytest.MonkeyPatch) -> None:
    measures = {0.1: 0.7, 1.0: 0.9, 10.0: 0.8}
    space = {"strength": {"type": "choice", "values": list(measures)}}
    monkeypatch.setattr(sweep, "train", lambda _, strength: {"cv": measures[strength]})

    most = sweep.search({"search_space": space, "objective": {"primary_metric": "cv", "goal": "maximize"}})
    least = sweep.search({"search_space": space, "objective": {"primary_metric": "cv", "goal": "minimize"}})

    assert [candidate["strength"] for _, candidate in most] == [1.0, 10.0, 0.1]
    assert least == most[::-1]


def test_the_search_over_its_own_space_measures_every_candidate() -> None:
    document = yaml.safe_load(Path(sweep.SWEEP).read_text())

    results = sweep.search(document)

    assert len(results) == len(list(sweep.candidates(document))) > 1
