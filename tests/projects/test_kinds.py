"""Every kind of project that `signalbox new` makes passes its own CI, offline."""

import os
import subprocess
import sys
from itertools import product
from pathlib import Path

import pytest

from signalbox.product import template_folder
from signalbox.projects.template import render_project
from tests.amounts import WHOLE

KINDS, SERVINGS, ORGANISATIONS = (
    ("classifier", "regressor", "mlflow", "text"),
    ("both", "batch", "online"),
    ("contoso", ""),
)
EVERY = list(product(KINDS, SERVINGS, ORGANISATIONS))
SHORT = [("mlflow", "online", "contoso"), ("text", "batch", "")]  # tests/packaging makes a classifier for both.
WHOLE_CI = [
    ("classifier", "both", "contoso"),
    ("regressor", "batch", ""),
    ("mlflow", "both", ""),
    ("text", "online", "contoso"),
    ("text", "batch", ""),
]


def project_of(folder: Path, name: str, kind: str, serving: str, devops: str) -> Path:
    answers = {"kind": kind, "serving": serving, "devops": devops}
    render_project(template_folder(), folder / name, answers=answers, defaults=True)
    return folder / name


def make(project: Path, *targets: str) -> subprocess.CompletedProcess[str]:
    """`make` *targets* with this run's Python, and with nothing that says where a cloud is."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("SIGNALBOX", "PYTEST"))}
    command = ["make", f"PYTHON={sys.executable}", *targets]
    return subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.long
@pytest.mark.parametrize("answers", EVERY if WHOLE else SHORT, ids="-".join)
def test_every_answer_makes_a_project_that_is_formatted_and_configured(
    tmp_path: Path, answers: tuple[str, ...]
) -> None:
    """The longest name that is allowed makes the longest lines."""
    project = project_of(tmp_path, "abcdefghij-klmnopqrs", *answers)

    lint = make(project, "lint")

    assert lint.returncode == 0, lint.stdout + lint.stderr
    assert [path for path in project.rglob("*") if "{" in path.name] == []


@pytest.mark.proof  # A story takes two minutes; tests/packaging runs one project's tests without it in each run.
@pytest.mark.parametrize("answers", WHOLE_CI, ids="-".join)
def test_its_own_ci_passes_with_the_story(tmp_path: Path, answers: tuple[str, ...]) -> None:
    ci = make(project_of(tmp_path, "wine", *answers), "ci")

    assert ci.returncode == 0, ci.stdout[-6000:] + ci.stderr[-2000:]


def test_the_pipelines_of_a_project_are_those_of_this_repository() -> None:
    names = ("gate-on-data-check.yml", "promote-and-wait.yml")
    for name in names:
        (copy,) = (path for path in template_folder().rglob(f"templates/*{name}*") if path.suffix != ".jinja")
        original = Path(__file__).parents[2] / "pipelines" / name
        assert copy.read_bytes() == original.read_bytes(), f"copy {name} into the template"
