"""`signalbox model` of a name that the configuration does not know: it may be meant, and it may be mistyped."""

import shutil
from pathlib import Path

import pytest

from signalbox.product import example_folder
from tests.cli.conftest import run_in


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example's configuration, beside no cloud."""
    folder = tmp_path_factory.mktemp("project")
    shutil.copy(example_folder() / "signalbox.yaml", folder)
    shutil.copytree(example_folder() / "examples", folder / "examples")
    return folder


@pytest.mark.parametrize(
    "words",
    [
        ("register", "diabetes-progresion:1", "examples"),
        ("deploy", "diabetes-progresion:1", "--online", "x"),
        ("flag", "diabetes-progresion:1", "--to", "preprod"),
    ],
    ids=lambda words: words[0],
)
def test_a_name_without_a_promotion_is_warned_of_with_what_is_near(project: Path, words: tuple[str, ...]) -> None:
    result = run_in(project, "model", *words)

    assert "warning: model 'diabetes-progresion' has no `promotion` section" in result.stderr
    assert "; did you mean diabetes-progression? If not, add models.diabetes-progresion.promotion" in result.stderr
    assert "no local cloud was started in this folder" in result.stderr


def test_a_name_that_the_configuration_has_is_not_warned_of(project: Path) -> None:
    result = run_in(project, "model", "flag", "diabetes-progression:1", "--to", "preprod")

    assert "warning" not in result.stderr
