"""The pipelines of the infrastructure: they parse, hold no secret, and what they run is there."""

import importlib.util
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from infra.check.evaluation import evaluate
from infra.check.judgement import committed_files
from infra.check.parameters import order
from infra.check.values import Deployment
from shared.domain.access.permissions import Action
from triggers.http.routes import ROUTES

PROJECT = Path(__file__).parents[2]
PIPELINES = sorted((PROJECT / "pipelines" / "infra").glob("*.yml"))


@pytest.mark.parametrize("path", PIPELINES, ids=lambda path: path.stem)
def test_a_pipeline_names_only_its_own_parameters_and_modules(path):
    text = path.read_text()
    pipeline = yaml.safe_load(text)

    declared = {parameter["name"] for parameter in pipeline["parameters"]}
    assert set(re.findall(r"\$\{\{[^}]*\bparameters\.(\w+)[^}]*\}\}", text)) == declared
    for module in re.findall(r"python3 -m ([\w.]+)", text):
        assert importlib.util.find_spec(module), module
    assert not re.search(r"(?i)password|secret|AccountKey|SharedAccess", text)


@pytest.mark.parametrize("path", PIPELINES, ids=lambda path: path.stem)
def test_a_pipeline_runs_modules_on_an_agent_that_has_python_alone(path):
    """No step installs a library for them; `-S` leaves out what is installed here."""
    modules = sorted(set(re.findall(r"python3 -m ([\w.]+)", path.read_text())))
    loading = "import runpy, sys; [runpy.run_module(name, run_name='loaded') for name in sys.argv[1:]]"

    process = subprocess.run(
        [sys.executable, "-S", "-c", loading, *modules], cwd=PROJECT, capture_output=True, text=True
    )

    assert process.returncode == 0, process.stderr


def test_no_parameter_becomes_a_part_of_a_script():
    """Azure DevOps fills parameters in before a shell reads the text, quotes and all: `env` keeps them values."""
    shipped = [*PROJECT.glob("pipelines/**/*.yml"), *PROJECT.glob("template/**/*.yml")]
    texts = {str(path.relative_to(PROJECT)): path.read_text() for path in shipped}
    texts |= json.loads((PROJECT / "shared/adapters/azure_devops/starting_project.json").read_text())["files"]
    scripts = {name: scripts_of(yaml.safe_load(text)) for name, text in texts.items() if name.endswith(".yml")}

    assert sum(map(len, scripts.values())) > 12
    assert [name for name, found in scripts.items() if any("${{" in script for script in found)] == []


def scripts_of(part):
    """Every text of *part* that a shell runs."""
    if isinstance(part, list):
        return [script for row in part for script in scripts_of(row)]
    if not isinstance(part, dict):
        return []
    shells = [part[key] for key in ("script", "bash", "pwsh", "inlineScript") if isinstance(part.get(key), str)]
    return shells + [script for row in part.values() for script in scripts_of(row)]


def test_what_a_pipeline_applies_needs_an_environment_with_its_approvals():
    for name in ("apply", "deploy-app"):
        (job,) = yaml.safe_load((PROJECT / "pipelines" / "infra" / f"{name}.yml").read_text())["jobs"]
        assert job["environment"] == "${{ parameters.environment }}"


def test_what_is_in_flight_is_replayed_before_a_release_unless_somebody_says_otherwise():
    pipeline = yaml.safe_load((PROJECT / "pipelines" / "infra" / "deploy-app.yml").read_text())
    (choice,) = [parameter for parameter in pipeline["parameters"] if parameter["name"] == "inFlight"]
    assert (choice["default"], choice["values"]) == ("replay", ["replay", "ignore"])

    *_, replay, publish = pipeline["jobs"][0]["strategy"]["runOnce"]["deploy"]["steps"]

    assert publish["displayName"] == "Publish and wait"
    ((condition, (step,)),) = replay.items()
    assert condition == "${{ if eq(parameters.inFlight, 'replay') }}"
    assert "signalbox replay --hub signalbox" in step["inputs"]["inlineScript"]


def test_a_release_is_of_a_version_that_somebody_named_and_its_package_is_kept():
    pipeline = yaml.safe_load((PROJECT / "pipelines" / "infra" / "deploy-app.yml").read_text())
    (version,) = [parameter for parameter in pipeline["parameters"] if parameter["name"] == "version"]
    steps = pipeline["jobs"][0]["strategy"]["runOnce"]["deploy"]["steps"]
    (package,) = [step["script"] for step in steps if step.get("displayName") == "Package"]
    (kept,) = [step["publish"] for step in steps if "publish" in step]

    assert "default" not in version  # Azure DevOps then refuses a run that names none.
    assert re.findall(r"pip install (.*)", package) == ['"signalbox==$VERSION"']
    assert kept.endswith("/released-package.zip")
    assert f"../{kept.rpartition('/')[2]}" in package


def test_a_feed_that_wants_a_credential_is_the_only_index():
    pipeline = yaml.safe_load((PROJECT / "pipelines" / "infra" / "deploy-app.yml").read_text())
    steps = pipeline["jobs"][0]["strategy"]["runOnce"]["deploy"]["steps"]
    names = [next(iter(step)) if len(step) == 1 else step.get("displayName") for step in steps]

    (sign_in,) = steps[names.index("${{ if ne(parameters.feed, '') }}")]["${{ if ne(parameters.feed, '') }}"]

    assert sign_in["inputs"] == {"artifactFeeds": "${{ parameters.feed }}", "onlyAddExtraIndex": False}
    assert names.index("${{ if ne(parameters.feed, '') }}") < names.index("Package")


def test_what_a_deployment_asks_of_the_app_needs_no_identity():
    """The pipeline sends its token to Azure alone, and the app would answer 401 to every other question."""
    text = (PROJECT / "pipelines" / "infra" / "deploy-app.yml").read_text()
    (path,) = re.findall(r"azurewebsites\.net/api/v1/(\S+)\"", text)
    (route,) = [route for route in ROUTES if (route.method, route.path) == ("GET", path)]

    assert route.may is Action.ANYONE


def test_a_sandbox_of_azd_can_be_evaluated():
    description = yaml.safe_load((PROJECT / "azure.yaml").read_text())
    files = committed_files(PROJECT / "infra")
    document = json.loads(files.texts["main.parameters.json"].replace("${AZURE_ENV_NAME}", "ada"))
    values = {name: parameter["value"] for name, parameter in document["parameters"].items()}

    template = f"{description['infra']['module']}.bicep"
    assert evaluate(files, template, values, Deployment(subscription="s")).outputs["appName"]


def test_a_step_waits_for_the_outputs_of_those_before():
    files = committed_files(PROJECT / "infra")
    installation, data = (
        json.loads(files.texts[path]) for path in ("parameters/open.json", "generated/signalbox.json")
    )

    first = order(installation, data, "platform", {})
    assert first["parameters"]["parameters"]["profile"] == {"value": "open"}
    with pytest.raises(KeyError):
        order(installation, data, "team:dev", {})
