"""`signalbox package` makes the folder that Azure takes: it is whole, and a host serves it with nothing beside it."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import clean_environment, run_in

PROJECT = Path(__file__).parents[2]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with the example's configuration under another name, its contracts, and what is not to be shipped."""
    folder = tmp_path / "project"
    folder.mkdir()
    shutil.copytree(PROJECT / "examples", folder / "examples")
    shutil.copy(PROJECT / "signalbox.yaml", folder / "own.yaml")
    (folder / "training.csv").write_text("secret\n")
    return folder


def test_the_package_has_the_app_the_lock_the_configuration_and_its_contracts(project: Path) -> None:
    done = run_in(project, "package", "--no-libraries", "--config", "own.yaml")
    out = project / "dist" / "app"
    top = {path.name for path in out.iterdir()}
    manifest = json.loads((out / "signalbox-package.json").read_text())

    assert done.exit_code == 0, done.output
    assert top == {
        *("function_app.py", "host.json", "requirements.txt", "signalbox.schema.json", "signalbox.yaml"),
        *("activities", "orchestrators", "shared", "triggers", "examples", "signalbox-package.json"),
    }
    assert {path.name for path in (out / "examples" / "diabetes").iterdir()} == {
        "contract.yaml",
        "reference-profile.json",
        "training-contract.yaml",
    }
    assert (out / "signalbox.yaml").read_text() == (project / "own.yaml").read_text()
    assert (out / "requirements.txt").read_bytes() == (PROJECT / "requirements.txt").read_bytes()
    assert set(manifest["files"]) == {path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()} - {
        "signalbox-package.json"
    }


def test_the_package_has_the_trusted_keys_beside_the_configuration(project: Path) -> None:
    (project / "trusted-keys.json").write_text('{"keys": []}\n')

    done = run_in(project, "package", "--no-libraries", "--config", "own.yaml")

    assert done.exit_code == 0, done.output
    assert (project / "dist" / "app" / "trusted-keys.json").read_text() == '{"keys": []}\n'


OWN_FUNCTIONS = """\
environments:
  dev: {subscription: s, resource_group: g, workspace: w}
  preprod: {subscription: s, resource_group: g, workspace: p}
hub: {account: datahub}
models:
  risk: {contract: data/in.yaml, output_contract: data/out.yaml}
routes:
  wards:
    take: landing/{name}.csv
    score: {environment: dev, endpoint: e, deployment: blue, model: "risk:1"}
    publish: scores/{run}
ladder:
  preprod:
    from: dev
    environment: preprod
    serve: {online: e}
    entry:
      data_tests_passed:
      rules/gates.py:enough:
      better_than_champion: {metric: "rules/metrics.py:cost@lower"}
"""
FUNCTIONS = {
    "rules/gates.py": "def enough(evidence, options): ...\n",
    "rules/metrics.py": "def cost(truth, predictions): ...\n",
    "data/own/rows.py": "def plausible(row, options): ...\n",
    "data/out.py": "def sane(row, options): ...\n",
    "data/in.yaml": "format: csv\ncolumns: [{name: x, type: integer}]\nrules: [{function: own/rows.py:plausible}]\n",
    "data/out.yaml": "format: csv\ncsv: {header: false}\ncolumns: [{name: x, type: number, field: -1}]\n"
    "rules: [{function: out.py:sane}]\n",
}


def test_the_package_has_every_file_with_functions_of_the_project(tmp_path: Path) -> None:
    for name, text in FUNCTIONS.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    (tmp_path / "rules" / "unnamed.py").write_text("")
    (tmp_path / "signalbox.yaml").write_text(OWN_FUNCTIONS)
    done = run_in(tmp_path, "package", "--no-libraries")
    out = tmp_path / "dist" / "app"

    assert done.exit_code == 0, done.output
    assert {name: (out / name).read_text() for name in FUNCTIONS} == FUNCTIONS
    assert not (out / "rules" / "unnamed.py").exists()


def test_our_host_serves_the_package_with_nothing_of_the_checkout(project: Path, tmp_path: Path) -> None:
    assert (
        run_in(project, "package", "--no-libraries", "--config", "own.yaml", "--out", str(tmp_path / "app")).exit_code
        == 0
    )
    program = (
        "import sys; from pathlib import Path; from signalbox.host.functions import index, load_app;"
        "folder = Path(sys.argv[1]); functions = index(load_app(folder), folder); import shared, shared.settings as s;"
        "print(len(functions), Path(shared.__file__).parent.parent,"
        " s._HOME / s.DEFAULTS[s.CONFIG])"
    )
    environment = clean_environment({})
    environment.pop("PYTHONPATH")
    process = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program, str(tmp_path / "app")],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert process.returncode == 0, process.stderr
    assert re.fullmatch(rf"\d{{2,}} {tmp_path}/app {tmp_path}/app/signalbox.yaml\n", process.stdout), process.stdout


def test_a_second_package_replaces_the_first_and_nothing_else_is_replaced(project: Path) -> None:
    out = project / "dist" / "app"
    assert run_in(project, "package", "--no-libraries", "--config", "own.yaml").exit_code == 0
    (out / "shared" / "old.py").write_text("")
    assert run_in(project, "package", "--no-libraries", "--config", "own.yaml").exit_code == 0
    assert not (out / "shared" / "old.py").exists()

    refused = run_in(project, "package", "--no-libraries", "--config", "own.yaml", "--out", "examples")

    assert (refused.exit_code, "name another folder: --out FOLDER" in refused.stderr) == (2, True), refused.stderr
    assert (project / "examples" / "diabetes" / "train.py").is_file()


def test_errors_name_file_and_line_and_nothing_is_written(project: Path) -> None:
    text = (project / "own.yaml").read_text()
    (project / "own.yaml").write_text(text.replace("    owner: data-science", "    ownr: data-science", 1))

    refused = run_in(project, "package", "--no-libraries", SIGNALBOX_CONFIG=os.fspath(project / "own.yaml"))

    assert refused.exit_code == 8
    assert re.search(
        r"own\.yaml:\d+: models\.diabetes-progression\.ownr: is not a field here; did you mean", refused.stderr
    )
    assert not (project / "dist").exists()
