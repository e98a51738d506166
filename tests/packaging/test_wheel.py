"""`pip install signalbox`: one wheel has all that runs, and nothing of a checkout is needed."""

import shutil
import subprocess
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

from tests.packaging.conftest import PROJECT, Installation, clean

pytestmark = pytest.mark.xdist_group("packaging")
SOURCES = ("requirements.in", "requirements-local.in")
APP = ("activities", "orchestrators", "shared", "triggers")


def names(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def files_below(*folders: str) -> set[str]:
    paths = [path for folder in folders for path in (PROJECT / folder).rglob("*") if path.is_file()]
    return {path.relative_to(PROJECT).as_posix() for path in paths if "__pycache__" not in path.parts}


def test_the_wheel_takes_one_name_in_site_packages(installation: Installation) -> None:
    tops = {name.partition("/")[0] for name in names(installation.wheel)}

    assert {top for top in tops if not top.endswith(".dist-info")} == {"signalbox"}


def test_the_wheel_has_the_whole_app_the_example_and_the_lock_of_azurite(installation: Installation) -> None:
    prefix = "signalbox/_product/"
    carried = {name.removeprefix(prefix) for name in names(installation.wheel) if name.startswith(prefix)}
    app = {name.removeprefix("app/") for name in carried if name.startswith("app/")}
    single = {"function_app.py", "host.json", "requirements.txt", "local.settings.sample.json", "signalbox.schema.json"}

    assert app == files_below(*APP) | single
    assert {name for name in carried if name.startswith("example/")} == {
        f"example/{name}" for name in {"signalbox.yaml", *files_below("examples")}
    }
    assert {name for name in carried if name.startswith("template/")} == files_below("template")
    assert {name for name in carried if name.startswith("azurite/")} == {
        "azurite/package.json",
        "azurite/package-lock.json",
        "azurite/.npmrc",
    }


def test_the_wheel_asks_for_what_the_app_and_the_local_cloud_need(installation: Installation) -> None:
    with zipfile.ZipFile(installation.wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        metadata = Parser().parsestr(archive.read(name).decode())
    required = {line.split(";")[0].strip() for line in metadata.get_all("Requires-Dist", []) if "extra ==" not in line}
    lines = [line for name in SOURCES for line in (PROJECT / name).read_text().splitlines()]
    listed = {line for line in lines if line and not line.startswith("#")}

    assert {name.split("<")[0].split(">")[0] for name in required} == {
        name.split("<")[0].split(">")[0] for name in listed
    }


def test_the_command_runs_in_an_empty_folder(installation: Installation, tmp_path: Path) -> None:
    version = installation.run(tmp_path, "--version")
    check = installation.run(tmp_path, "config", "check")

    assert (version.returncode, version.stdout.startswith("signalbox, version ")) == (0, True), version
    assert (check.returncode, check.stdout) == (8, ""), check
    assert "has no signalbox.yaml; make a project with `signalbox new NAME`" in check.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_project_anywhere_is_checked_by_the_installed_app(installation: Installation, tmp_path: Path) -> None:
    shutil.copy(PROJECT / "signalbox.yaml", tmp_path / "mine.yaml")
    shutil.copytree(PROJECT / "examples", tmp_path / "examples")

    by_option = installation.run(tmp_path, "config", "check", "--config", "mine.yaml")
    by_setting = installation.run(tmp_path, "config", "check", SIGNALBOX_CONFIG="mine.yaml")

    assert (by_option.returncode, by_option.stdout) == (0, "mine.yaml: 0 errors, 0 warnings\n"), by_option
    assert (by_setting.returncode, by_setting.stdout) == (0, by_option.stdout)


def test_traces_of_azure_are_asked_for_by_the_installed_app(installation: Installation, tmp_path: Path) -> None:
    workspace = "00000000-0000-0000-0000-000000000001"
    answer = installation.run(tmp_path, "trace", "run-1", "--workspace", workspace, PATH="/nowhere")

    assert answer.returncode not in (0, 1), answer
    assert "Azure CLI not found on path" in answer.stderr


def test_no_package_of_the_app_can_be_imported_by_accident(installation: Installation, tmp_path: Path) -> None:
    program = "import importlib.util as u; print([n for n in ('shared', 'triggers', 'activities') if u.find_spec(n)])"
    process = subprocess.run(
        [installation.python, "-c", program], cwd=tmp_path, env=clean(), capture_output=True, text=True, check=True
    )

    assert process.stdout == "[]\n"
