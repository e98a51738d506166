"""`signalbox train` before anything is submitted: what the job's file must be, and which inputs it takes."""

from pathlib import Path

import pytest

from tests.cli.conftest import run_in

JOB = "type: pipeline\ninputs: {recipe: full, strength: 1.0}\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "training").mkdir()
    (tmp_path / "training" / "job.yaml").write_text(JOB)
    (tmp_path / "signalbox.yaml").write_text("routes: {}\n")
    return tmp_path


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (("--set", "recipee=full"), 4, "the job has no input 'recipee'; did you mean recipe?"),
        (("--set", "colour=red"), 4, "the job has no input 'colour'; it has recipe, strength"),
        (("--set", "recipe"), 2, "--set is 'recipe'; write NAME=VALUE"),
        (("signalbox.yaml",), 2, "signalbox.yaml is no job of type command, pipeline, sweep; name one, such as"),
        (("README.md",), 2, "README.md is no YAML file: while parsing"),
        (("component.yaml",), 2, "component.yaml is no job of type"),
    ],
)
def test_what_cannot_be_submitted_is_said_in_one_sentence(
    project: Path, words: tuple[str, ...], code: int, sentence: str
) -> None:
    (project / "README.md").write_text("[\n")
    schema = "https://azuremlschemas.azureedge.net/latest/commandComponent.schema.json"
    (project / "component.yaml").write_text(f"$schema: {schema}\ntype: command\n")

    result = run_in(project, "train", *words)

    assert (result.exit_code, sentence in result.stderr) == (code, True), result.stderr
    assert "Traceback" not in result.stderr


def test_a_project_without_a_job_says_what_is_missing(tmp_path: Path) -> None:
    (tmp_path / "signalbox.yaml").write_text("routes: {}\n")

    result = run_in(tmp_path, "train")

    assert (result.exit_code, "training/job.yaml" in result.stderr) == (2, True), result
