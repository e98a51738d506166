"""`signalbox new`: the project that it makes is whole, passes its own tests, and says nothing of this machine."""

import ast
import shutil
import subprocess
import sys
import zipfile
from email.parser import Parser
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

from tests.amounts import WHOLE
from tests.cli.conftest import run_in
from tests.packaging.conftest import PROJECT, Installation, clean

pytestmark = pytest.mark.xdist_group("packaging")
# The most of its tests' time. Whole, they run with the story; tests/projects/test_validate.py validates a folder, and
# tests/cli/test_profile.py makes a profile, in each run.
LONG = ("its_own_space", "promotion_would_take", "reference_profile", "with_their_answers")


@pytest.mark.long
def test_the_projects_own_tests_pass_with_the_story_on_a_local_cloud(installation: Installation, wine: Path) -> None:
    """They train the model; whole, they also validate, register and deploy it and land a file on a local cloud."""
    # The example tells the same story to tests/onemachine.
    story = [] if WHOLE else ["-m", "not story", "-k", " and ".join(f"not {name}" for name in LONG)]
    cache = {"XDG_CACHE_HOME": str(wine.parent / "cache")}
    lock = wine.parent / "cache" / "signalbox"
    lock.mkdir(parents=True)
    (lock / azurite_folder()).symlink_to(PROJECT)  # Its node_modules are what npm would install there.

    process = subprocess.run(
        [installation.python, "-m", "pytest", "-q", "-p", "no:cacheprovider", *story],
        cwd=wine,
        env={**clean(), **cache},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )

    assert process.returncode == 0, process.stdout[-4000:] + process.stderr[-2000:]
    assert " passed" in process.stdout
    assert not (wine / ".signalbox").exists()


def azurite_folder() -> str:
    import hashlib

    return f"azurite-{hashlib.sha256((PROJECT / 'package-lock.json').read_bytes()).hexdigest()[:16]}"


def test_the_project_keeps_its_answers_and_no_path_of_this_machine(wine: Path) -> None:
    texts = {path: path.read_text() for path in wine.rglob("*") if path.is_file() and "__pycache__" not in path.parts}
    answers = yaml.safe_load(texts[wine / ".copier-answers.yml"])

    assert answers["name"] == "wine"
    assert answers["owner"] == "data-science@example.org"
    assert not [path for path, text in texts.items() if str(PROJECT) in text or "site-packages" in text or "{%" in text]


def test_what_its_files_import_is_installed_by_its_requirements(installation: Installation, wine: Path) -> None:
    """This run's packages are more than a team has, so that a run of the project's tests here cannot show it."""
    files = [path for path in wine.rglob("*.py") if "__pycache__" not in path.parts]
    own_names = {path.stem for path in files} | {path.parent.name for path in files}
    trees = [ast.parse(path.read_text()) for path in files]
    imports = {name for tree in trees for node in ast.walk(tree) for name in imported_names(node)}
    lines = (wine / "requirements.txt").read_text().splitlines()
    packages = {Requirement(line).name for line in lines if not line.startswith("#")} | required_by(installation.wheel)

    modules = {module for module, names in packages_distributions().items() if packages & set(names)}
    modules |= {"azure", "joblib"}  # Many packages share the first name; scikit-learn brings the other.
    assert imports - own_names - sys.stdlib_module_names - modules == set()
    assert {"mlflow", "pytest", "sklearn"} <= imports


def imported_names(node: ast.AST) -> list[str]:
    """The packages that an import names."""
    if isinstance(node, ast.Import):
        return [alias.name.partition(".")[0] for alias in node.names]
    return [node.module.partition(".")[0]] if isinstance(node, ast.ImportFrom) and node.module else []


def required_by(wheel: Path) -> set[str]:
    """The packages that come with *wheel*."""
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        metadata = Parser().parsestr(archive.read(name).decode())
    return {Requirement(line).name for line in metadata.get_all("Requires-Dist", []) if "extra ==" not in line}


def test_every_line_of_its_readme_names_a_command_that_exists(wine: Path) -> None:
    words = [line.split() for line in (wine / "README.md").read_text().splitlines() if line.startswith("signalbox ")]
    groups = {tuple(line[1:3]) if line[1] == "model" else (line[1],) for line in words}

    assert len(groups) >= 7
    assert [group for group in groups if run_in(wine, *group, "--help").exit_code] == []


@pytest.mark.parametrize("name", ["Wine", "wine--x", "1wine", "w" * 21, "wine_x"])
def test_a_name_that_endpoints_cannot_have_is_refused(tmp_path: Path, name: str) -> None:
    refused = run_in(tmp_path, "new", name, "--defaults")

    assert (refused.exit_code, "of a-z, 0-9 and single dashes" in refused.stderr) == (2, True), refused
    assert list(tmp_path.iterdir()) == []


def test_a_folder_with_work_in_it_and_questions_without_a_terminal_are_refused(tmp_path: Path) -> None:
    (tmp_path / "wine").mkdir()
    (tmp_path / "wine" / "notes.txt").write_text("mine\n")

    full = run_in(tmp_path, "new", "wine", "--defaults")
    silent = run_in(tmp_path, "new", "other")

    assert (full.exit_code, "is not empty; name another folder" in full.stderr) == (2, True)
    assert (silent.exit_code, "give --defaults" in silent.stderr) == (2, True), silent.stderr
    assert [path.name for path in (tmp_path / "wine").iterdir()] == ["notes.txt"]


def test_a_contract_that_a_team_breaks_is_named_with_its_file_and_line(
    installation: Installation, wine: Path, tmp_path: Path
) -> None:
    project = _copy(wine, tmp_path)
    contract = project / "data" / "contract.yaml"
    contract.write_text(contract.read_text().replace("type: number, min: 5", "type: numbr, min: 5"))

    broken = installation.run(project, "config", "check")

    assert broken.returncode == 1
    assert "data/contract.yaml:9: columns[1].type: of column alcohol is 'numbr'" in broken.stdout


@pytest.mark.proof  # In each run tests/projects/test_validate.py breaks the example's folder in these ways.
def test_a_scoring_script_and_a_name_that_a_team_breaks_are_named(
    installation: Installation, wine: Path, tmp_path: Path
) -> None:
    project = _copy(wine, tmp_path)
    script = project / "scoring" / "online.py"
    script.write_text(script.read_text().replace("model.predict(", "model.predikt("))
    subprocess.run(
        [installation.python, "training/train.py", "build"], cwd=project, env=clean(), check=True, capture_output=True
    )

    unmet = installation.run(project, "model", "validate", "wine:1", "build")
    mistyped = installation.run(project, "model", "validate", "wime:1", "build")

    assert unmet.returncode == 1
    assert "predikt" in unmet.stdout
    assert mistyped.returncode == 1
    assert "model 'wime' has no `promotion` section in the configuration; those that have: wine" in mistyped.stdout


def _copy(wine: Path, folder: Path) -> Path:
    """A copy of the project that a test may break."""
    project = folder / "wine"
    shutil.copytree(wine, project, ignore=shutil.ignore_patterns("__pycache__"))
    return project
