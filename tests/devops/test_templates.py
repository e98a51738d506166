"""The YAML templates: well formed, and what each of them sends releases the run that sends it."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from shared.domain.configuration import Configuration
from shared.domain.devops.orders import OrderKind
from tests.devops.conftest import DevOpsApp
from tests.fakes.ports import OPERATOR_KEY
from tests.inference.conftest import a_route
from tests.promotion.conftest import CONFIGURATION
from tests.retraining.conftest import RULES

FOLDER = Path(__file__).parents[2] / "pipelines"
TEMPLATES = sorted(path.stem for path in FOLDER.glob("*.yml"))
# The headers by which Microsoft's task lets itself be called back; the values are predefined variables.
HEADERS = {
    "Content-Type": "application/json",
    "PlanUrl": "$(system.CollectionUri)",
    "ProjectId": "$(system.TeamProjectId)",
    "HubName": "$(system.HostType)",
    "PlanId": "$(system.PlanId)",
    "JobId": "$(system.JobId)",
    "TimelineId": "$(system.TimelineId)",
    "TaskInstanceId": "$(system.TaskInstanceId)",
    "AuthToken": "$(system.AccessToken)",
}
TEXT = {"type": "string", "minLength": 1}
PARAMETER = {
    "type": "object",
    "required": ["name", "type"],
    "properties": {"name": TEXT, "type": {"const": "string"}, "default": TEXT},
    "additionalProperties": False,
}
INPUTS = {
    "type": "object",
    "required": ["function", "key", "method", "headers", "body", "waitForCompletion"],
    "properties": {
        "function": {"const": "${{ parameters.signalboxUrl }}/api/v1/devops/checks"},
        "key": {"const": "$(SIGNALBOX_KEY)"},
        "method": {"const": "POST"},
        "headers": {"type": "string", "maxLength": 5000},
        "body": {"type": "string", "maxLength": 1500},
        "waitForCompletion": {"const": "true"},
    },
    "additionalProperties": False,
}
STEP = {
    "type": "object",
    "required": ["task", "displayName", "inputs"],
    "properties": {"task": {"const": "AzureFunction@1"}, "displayName": TEXT, "inputs": INPUTS},
    "additionalProperties": False,
}
JOB = {
    "type": "object",
    "required": ["job", "displayName", "pool", "timeoutInMinutes", "steps"],
    "properties": {
        "job": {"type": "string", "pattern": "^[A-Za-z_][A-Za-z0-9_]*$"},
        "displayName": TEXT,
        "pool": {"const": "server"},  # No agent is held.
        "timeoutInMinutes": {"type": "integer", "minimum": 1, "maximum": 43200},
        "steps": {"type": "array", "items": STEP, "minItems": 1, "maxItems": 1},
    },
    "additionalProperties": False,
}
SCHEMA = {
    "type": "object",
    "required": ["parameters", "jobs"],
    "properties": {
        "parameters": {"type": "array", "items": PARAMETER},
        "jobs": {"type": "array", "items": JOB, "minItems": 1, "maxItems": 1},
    },
    "additionalProperties": False,
}
EXPRESSION = re.compile(r"\$\{\{ convertToJson\(parameters\.\w+\) \}\}")
STARTS = {kind.value for kind in OrderKind}
HOSTILE = 'a "quoted" reason\nwith \\ and ", "to": "central'
GIVEN = {
    "start-batch-inference": {"path": "landing/each/paris/a.csv"},
    "gate-on-data-check": {"path": "landing/each/paris/a.csv", "route": "each"},
    "promote-and-wait": {"model": "churn:1", "to": "preprod", "reason": HOSTILE},
    "promote-to-production-and-wait": {"model": "churn:1", "to": "preprod", "reason": HOSTILE},
    "rollback": {"model": "churn", "reason": HOSTILE},
    "retrain": {"model": "churn"},
}


@pytest.fixture
def base() -> Configuration:
    return replace(CONFIGURATION, routes=(a_route("each"),), retraining=(RULES,))


def read(name: str) -> Any:
    return yaml.safe_load((FOLDER / f"{name}.yml").read_text())


def step_of(app: DevOpsApp, name: str) -> tuple[dict[str, Any], dict[str, str]]:
    """What the template's task sends, as a step of a scripted pipeline; and the run's parameters."""
    template = read(name)
    inputs = template["jobs"][0]["steps"][0]["inputs"]
    defaults = {each["name"]: each["default"] for each in template["parameters"] if "default" in each}
    given = {**defaults, **GIVEN[name], "signalboxUrl": app.host.url}
    assert set(given) == {each["name"] for each in template["parameters"]}
    url = inputs["function"].replace("${{ parameters.signalboxUrl }}", app.host.url)
    return {"kind": "task", "url": url, "key": OPERATOR_KEY, "body": inputs["body"], "hub": "build"}, given


def test_there_is_a_template_for_each_way_to_start() -> None:
    assert sorted(GIVEN) == TEMPLATES


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_template_is_well_formed(name: str) -> None:
    template = read(name)

    jsonschema.validate(template, SCHEMA)
    inputs = template["jobs"][0]["steps"][0]["inputs"]
    assert json.loads(inputs["headers"]) == HEADERS
    body = EXPRESSION.sub('"text"', inputs["body"])
    assert set(json.loads(body).values()) <= {"text", *STARTS}
    text = (FOLDER / f"{name}.yml").read_text()
    assert all(len(line) <= 120 and line == line.rstrip() and "\t" not in line for line in text.splitlines())


# `test_production_templates` runs that of the rollback, which needs a production to bring back.
@pytest.mark.parametrize("name", [name for name in TEMPLATES if name != "rollback"])
async def test_what_a_template_sends_releases_its_run(app: DevOpsApp, name: str) -> None:
    app.register("1", error=1.0)
    app.hub.land("landing/each/paris/a.csv", b"id,x\n1,1\n2,2\n")
    step, given = step_of(app, name)
    stage = {"name": "work", "steps": [step]}
    pipeline = app.ado.define(f"template {name}", stage, parameters=dict.fromkeys(given, ""))

    seen = await app.ended(app.ado.run(pipeline, **given)["id"])

    assert seen["result"] == "succeeded", seen["log"]
    assert seen["log"][-1].startswith("succeeded: ")
    for promotion in app.promotions():
        asked = app.record(promotion)["promotion"]
        assert (asked["target"], asked["reason"]) == ("preprod", HOSTILE)


async def test_a_bad_file_closes_the_gate(app: DevOpsApp) -> None:
    app.hub.land("landing/each/paris/a.csv", b"id,x\n1,bad\n")
    step, given = step_of(app, "gate-on-data-check")
    pipeline = app.ado.define("bad data", {"name": "work", "steps": [step]}, parameters=dict.fromkeys(given, ""))

    seen = await app.ended(app.ado.run(pipeline, **given)["id"])

    assert (seen["result"], "is bad" in seen["log"][-1]) == ("failed", True)
