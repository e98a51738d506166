"""The rules of the house that no linter knows."""

import ast
import importlib
import json
import subprocess
import sys
from dataclasses import fields
from pathlib import Path
from typing import get_type_hints

import pytest

from activities.blueprint import BODIES, STARTING_BODIES
from orchestrators.blueprint import BODIES as ORCHESTRATIONS
from shared import contracts, settings
from shared.durable import failures as crossing

PROJECT = Path(__file__).parents[2]
PRODUCT = ("activities", "orchestrators", "shared", "signalbox", "triggers")
SOURCES = sorted(path for folder in PRODUCT for path in (PROJECT / folder).rglob("*.py"))


@pytest.mark.parametrize("activity", contracts.ACTIVITIES, ids=lambda activity: activity.name)
def test_every_write_carries_its_idempotency_key(activity):
    if activity.effect is contracts.Effect.WRITES:
        assert "key" in {field.name for field in fields(activity.takes)}


@pytest.mark.parametrize("activity", contracts.ACTIVITIES, ids=lambda activity: activity.name)
def test_no_result_has_the_field_by_which_a_refusal_is_known(activity):
    assert not {crossing.REFUSED, crossing.PUT_OFF} & {field.name for field in fields(activity.gives)}


@pytest.mark.parametrize(("name", "module"), [*BODIES.items(), *STARTING_BODIES.items()])
def test_every_activity_has_a_body_of_its_name_and_types(name, module):
    activity = getattr(contracts, name.upper())
    hints = get_type_hints(getattr(importlib.import_module(module), name))
    *_, taken = (hint for each, hint in hints.items() if each != "return")

    assert (activity.name, taken, hints["return"]) == (name, activity.takes, activity.gives)


@pytest.mark.parametrize(("name", "module"), ORCHESTRATIONS.items())
def test_every_orchestration_has_a_body_of_its_name_and_type(name, module):
    orchestration = getattr(contracts, name.upper())
    taken = get_type_hints(getattr(importlib.import_module(module), name))

    assert (orchestration.name, orchestration.takes) == (name, [*taken.values()][1])


def test_nothing_is_without_a_body():
    named = {value.name for value in vars(contracts).values() if isinstance(value, contracts.Orchestration)}

    assert {*BODIES, *STARTING_BODIES} == {activity.name for activity in contracts.ACTIVITIES}
    assert set(ORCHESTRATIONS) == named


def test_the_sample_lists_every_setting_the_app_reads_and_no_other():
    sample = json.loads((PROJECT / "local.settings.sample.json").read_text())["Values"]
    of_the_platform = {"FUNCTIONS_WORKER_RUNTIME", "AzureWebJobsStorage", "AZURE_FUNCTIONS_DURABLE_STRICT_TYPING"}

    assert set(sample) - of_the_platform == set(settings.DEFAULTS)


def test_all_missing_settings_are_named_at_once():
    with pytest.raises(settings.SettingsError) as refused:
        settings.read_settings({"AZURE_ML_AUDIENCE": "http://plain", "SIGNALBOX_CONFIG": "nowhere.yaml"})

    said = str(refused.value).splitlines()
    assert [line.split()[0] for line in said] == [
        "DATA_HUB__blobServiceUri",
        "EVENT_GRID_TOPIC__topicEndpointUri",
        "AZURE_ML_AUDIENCE",
        "SIGNALBOX_CONFIG",
    ]


def test_functions_are_small_and_files_are_one_idea():
    """The tail is bounded, not the middle: an idea is not carved into pieces to meet a number."""
    for path in SOURCES:
        assert path.read_text().count("\n") <= 450, path
    lengths = [
        (node.end_lineno - node.lineno + 1, f"{path.name}:{node.name}")
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    lengths.sort()

    assert lengths[-1][0] <= 50, lengths[-6:]
    assert lengths[int(len(lengths) * 0.9)][0] <= 20


def test_importing_the_app_imports_no_heavy_vendor():
    program = (
        "import sys, function_app; function_app.app.get_functions();"
        "heavy = ('azure.ai', 'azure.storage', 'azure.identity', 'azure.eventgrid', 'azure.servicebus',"
        " 'numpy', 'scipy', 'pyarrow', 'pydantic', 'yaml', 'signalbox');"
        "print(sorted({m for m in sys.modules if m.startswith(heavy)}))"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program], cwd=PROJECT, capture_output=True, text=True, check=True
    )

    assert done.stdout.strip() == "[]"


def test_the_lock_file_names_no_registry():
    assert "resolved" not in (PROJECT / "package-lock.json").read_text()
