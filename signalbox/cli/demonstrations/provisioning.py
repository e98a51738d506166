"""The story of provisioning: a request in ServiceNow becomes an experimentation environment, a second one the rest.

The pipelines are the real files of `pipelines/infra`, run by an agent of this machine with the real `infra.deploy`.
What the templates evaluate to goes to the local Resource Manager: what-if plans it, deployment stacks keep it. The
scenes check everything they say.
"""

import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from itertools import groupby
from pathlib import Path
from typing import Any

import click
import requests
import yaml

from signalbox.cli.app_client import AppClient
from signalbox.cli.commands.platform.persona_rights import declared_rights, sign_in_problems
from signalbox.cli.demonstrations.local_azure import LocalAzure
from signalbox.cli.demonstrations.stage import Stage, Timeline, control, expect, signed_in, wait_for
from signalbox.cli.errors import UnknownName
from signalbox.host.state_folder.keys import load_keys
from signalbox.launcher.cloud import LocalCloud
from signalbox.launcher.hub import hub_client
from signalbox.product import app_folder

_PIPELINES = ("plan", "apply", "settle", "drift", "teardown")  # Numbered 1 to 5, as the example's configuration has it.
_TEAM = "diabetes"
_STEPS = ("experimentation", "productionisation")
_PLATFORM = ("platform", "hub")
_IDENTITIES = ("00000000-0000-0000-0000-0000000001d1", "00000000-0000-0000-0000-0000000001d2")
_PEOPLE = {
    "ada@example.org": "data-scientist",
    "linus@example.org": "ml-engineer",
    "owner@example.org": "data-owner",
    "grace@example.org": "product-owner",
    "barbara@example.org": "platform-engineer",
}
_ENVIRONMENT, _NIGHT = "experiment", "scrub_central_registry"
_STATES = 8  # From the order to being ready, with a change between.


def run_provisioning_demo(project: Path, state: Path) -> None:
    """Run the demonstration. Raises click.ClickException if any check fails."""
    sources = Path(__file__).parents[3]
    if not (sources / "infra").is_dir():
        raise click.ClickException("the templates are not in the wheel; run this in a checkout of the repository")
    shutil.rmtree(state, ignore_errors=True)
    state.mkdir(parents=True)
    line = Timeline()
    with LocalCloud(app_folder(), state, workers=1, deploys=True) as cloud, hub_client(cloud.endpoints) as hub:
        endpoints = cloud.endpoints
        line.say("local cloud up", f"app {endpoints.app}, ServiceNow {endpoints.service_now}")
        app = AppClient(endpoints.app, endpoints.function_key)
        stage = Stage(cloud=cloud, app=app, hub=hub, line=line, folder=state, project=project, patience_s=300)
        azure = prepare(stage, sources)
        rejected_request(stage, azure)
        experimentation = approved_request(stage, azure, _STEPS[0], times=3)
        approved_request(stage, azure, _STEPS[1])
        people_sign_in(stage)
        repeated_request(stage, azure)
        changed_by_hand(stage, azure)
        show_record(stage, experimentation)
        line.say("done", f"logs in {state / 'logs'}")


def prepare(stage: Stage, sources: Path) -> LocalAzure:
    """The pipelines, the agent that runs them, and the platform of all teams; the Azure behind them."""
    home = stage.folder.resolve()
    folder = home / "sources"
    for part in ("infra", "pipelines"):
        shutil.copytree(sources / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "shared").symlink_to(sources / "shared")  # Whose names of metrics the checker compares queries with.
    installations = folder / "infra" / "installations"
    installations.mkdir()
    installation = installations / f"{_TEAM}.json"
    shutil.copy(folder / "infra" / "parameters" / "open.json", installation)
    tools = home / "tools"
    tools.mkdir()
    for name, words in (("az", f'"{sys.executable}" -m infra.local'), ("python3", f'"{sys.executable}"')):
        (tools / name).write_text(f'#!/bin/sh\nexec {words} "$@"\n')
        (tools / name).chmod(0o755)
    azure = LocalAzure(stage.cloud.endpoints)
    agent = {"sources": str(folder), "tools": str(tools), "variables": azure.variables}
    control(stage, "/_control/agent", agent, "devops")
    for number, name in enumerate(_PIPELINES, 1):
        file = f"pipelines/infra/{name}.yml"
        declared = yaml.safe_load((folder / file).read_text())["parameters"]
        parameters = {row["name"]: str(row.get("default", "")) for row in declared}
        stages = [{"name": name, "steps": [{"kind": "agent", "file": file}]}]
        script = {"project": "mlops", "name": f"infra {name}", "parameters": parameters, "stages": stages}
        made = control(stage, "/_control/pipelines", script, "devops")
        expect(made["id"] == number, f"pipeline {name} is {made['id']} and not {number}")
    azure.begin(json.loads(installation.read_text()), _IDENTITIES)
    for step in _PLATFORM:
        _deploy(folder, {**azure.variables, "PATH": f"{tools}:{os.environ.get('PATH', '')}"}, step)
    stacks = ", ".join(stack["name"] for stack in azure.stacks())
    stage.line.say("platform stands", f"{len(azure.state())} resources, stack {stacks}; no environment of {_TEAM} yet")
    return azure


def rejected_request(stage: Stage, azure: LocalAzure) -> None:
    """The change is rejected: the request ends, and nothing was made."""
    before = azure.state()
    order = _order(stage, _STEPS[0])
    change = _change(stage, order)
    stage.line.say("change open", f"{change} asks for approval of {_shown(stage, order)['plan'][:23]}...")
    control(stage, "/_control/decide", {"number": change, "decision": "reject"}, "servicenow")
    record = _ended(stage, order)
    expect(record["state"] == "rejected", f"the order ended as {record['state']}")
    expect(azure.state() == before, "something was made without approval")
    stage.line.say("change rejected", "the order has stopped; nothing was applied")


def approved_request(stage: Stage, azure: LocalAzure, step: str, times: int = 1) -> str:
    """A request, which its flow may send several times, becomes environments; the order's id."""
    order = _order(stage, step, times)
    change = _change(stage, order)
    lines = _shown(stage, order)["lines"]
    _show_plan(stage, lines)
    stage.line.say("change open", f"{change} asks for approval of these {len(lines)} changes")
    stacks = [stack["id"] for stack in azure.stacks()]
    control(stage, "/_control/decide", {"number": change, "decision": "approve"}, "servicenow")
    stage.line.say("change approved", "by people, in ServiceNow")
    record = _ended(stage, order)
    because = record["transitions"][-1]["because"]
    expect(record["state"] == "ready", f"the order ended as {record['state']}: {because}")
    stage.line.say("order ready", f"{order} went through, in UTC:")
    for row in record["transitions"]:
        click.echo(f"{'':11}  {row['at'][11:19]} {row['state']:<12} {row['because'][:90]}".rstrip())
    notes = _notes(stage, record["request"])
    expect(len(notes) == _STATES, f"the request has {len(notes)} notes, and {_STATES} states were told")
    _show_stacks(stage, [stack for stack in azure.stacks() if stack["id"] not in stacks], record["plan"], lines)
    state = control(stage, "/_control/state", door="devops")
    names = [row["name"] for row in state["environment"] if row["name"].startswith(f"{_TEAM}-")]
    stage.line.say("environments ready", f"in Azure DevOps: {', '.join(names)}; {len(state['check'])} checks")
    return order


def _show_plan(stage: Stage, lines: list[str]) -> None:
    """The plan that the what-if of Resource Manager came to: how many changes of each step, and which."""
    for step, rows in groupby(lines, lambda line: line.split(": ")[0]):
        words = [row.removeprefix(f"{step}: ").split(" ")[:2] for row in rows]
        kinds = Counter(kind for kind, _ in words)
        types = Counter(name.rpartition("/providers/")[2].rpartition("/")[0].rpartition("/")[2] for _, name in words)
        summary = ", ".join(f"{number} {kind}" for kind, number in kinds.items())
        stage.line.say("what-if", f"{step}: {summary}")
        click.echo(f"{'':11}  {', '.join(f'{number} {name}' for name, number in types.most_common(7))}, ...")


def _show_stacks(stage: Stage, stacks: list[dict[str, Any]], plan: str, lines: list[str]) -> None:
    """Each step has become one stack, which manages what the approved plan has named, and nothing else."""
    created = {line.split(" ")[2].lower() for line in lines}
    managed = {row["id"].lower() for stack in stacks for row in stack["properties"]["resources"]}
    expect(managed | {stack["id"].lower() for stack in stacks} == created, "the stacks are not what the plan has named")
    for stack in stacks:
        properties = stack["properties"]
        expect(properties["description"] == f"plan {plan}", f"{stack['name']} is of {properties['description']}")
        resources, denied = len(properties["resources"]), properties["denySettings"]["mode"]
        stage.line.say(
            "stack applied", f"{stack['name']}: {resources} resources, {denied}, {properties['description'][:28]}..."
        )


def people_sign_in(stage: Stage) -> None:
    """A person of each persona signs in, and has the rights of the matrix and no more."""
    declared = declared_rights(app_folder() / "signalbox.yaml")
    for person, persona in _PEOPLE.items():
        _, problems = sign_in_problems(signed_in(stage, person), declared, persona)
        expect(not problems, f"{person} as {persona}: {'; '.join(problems)}")
    stage.line.say("people signed in", f"{', '.join(_PEOPLE.values())}: each has the rights of the matrix, and no more")


def repeated_request(stage: Stage, azure: LocalAzure) -> None:
    """The same again by another request: nothing would change, so nobody is asked, and nothing is written."""
    before, changes = azure.state(), len(_service_now(stage)["change_request"])
    record = _ended(stage, _order(stage, _STEPS[0]))
    expect(record["state"] == "ready", f"the order ended as {record['state']}")
    expect(azure.state() == before, "a second run has changed something")
    expect(len(_service_now(stage)["change_request"]) == changes, "somebody was asked about nothing")
    stage.line.say("asked for again", "0 changes, no change request, ready")


def changed_by_hand(stage: Stage, azure: LocalAzure) -> None:
    """Somebody lets keys open the team's account; the look of the night finds it, and says so on the request."""
    account = azure.open_account(f"rg-mlops-{_ENVIRONMENT}")
    stage.line.say("changed by hand", f"allowSharedKeyAccess of {account}")
    master = load_keys(stage.cloud.state / "host").master
    night = f"{stage.cloud.endpoints.app}/admin/functions/{_NIGHT}"
    requests.post(night, json={}, headers={"x-functions-key": master}, timeout=30).raise_for_status()
    stage.line.say("night comes", f"the timer {_NIGHT} runs drift.yml for each step that stands")

    def found() -> list[str]:
        rows = stage.app.get("provisioning")["provisioned"]
        drifted = {row["name"]: row["drift"] for row in rows if row["drift"]}
        expect(not drifted or list(drifted) == [f"{_TEAM}/{_STEPS[0]}"], f"the drift that was found is {drifted}")
        return next(iter(drifted.values()), [])

    (line,) = wait_for(found, "the night has found nothing", stage.patience_s)
    expect(f"/{account} " in line and "allowSharedKeyAccess" in line, f"the drift that was found is {line}")
    stage.line.say("found as drift", f"Modify .../{line.rpartition('/')[2]}")


def show_record(stage: Stage, order: str) -> None:
    """The record of the request in ServiceNow, with its notes in their order."""
    record = _shown(stage, order)
    (item,) = (row for row in _service_now(stage)["sc_req_item"] if row["number"] == record["request"])
    stage.line.say(
        "in ServiceNow", f"{item['number']}: state {item['state']} (Closed Complete), {item['approval']}; its notes:"
    )
    for note in _notes(stage, record["request"]):
        click.echo(f"{'':11}  {note.splitlines()[0][:110]}")


def _deploy(folder: Path, variables: dict[str, str], step: str) -> None:
    """Plan and apply one deployment of the platform, as docs/deploy.md tells people to."""
    installation, out = f"infra/installations/{_TEAM}.json", folder.parent / "plans"
    base = [sys.executable, "-m", "infra.deploy"]
    options = [installation, "--steps", step, "--out", str(out)]
    environment = {**os.environ, **variables, "PYTHONPATH": str(folder)}
    for words in (["plan", *options], ["apply", *options]):
        digest = ["--digest", (out / "plan.sha256").read_text().strip()] if words[0] == "apply" else []
        process = subprocess.run(
            [*base, *words, *digest], cwd=folder, env=environment, capture_output=True, text=True, check=False
        )
        expect(
            process.returncode == 0, f"{words[0]} of {step} ended with {process.returncode}: {process.stderr[-500:]}"
        )


def _order(stage: Stage, step: str, times: int = 1) -> str:
    variables = {"team": _TEAM, "step": step, "cost_center": "4711", "data_owner": "owner", "region": "westeurope"}
    body = {"variables": variables, "person": "ada", "times": times}
    answer = control(stage, "/_control/order", body, "servicenow")
    ids = {reply["body"].get("id") for reply in answer["answers"] if reply["status"] == 202}
    expect(len(ids) == 1 and None not in ids, f"the app answered {answer['answers']}")
    stage.line.say(f"{answer['item']['number']} ordered", f"{step} for {_TEAM}; the flow called {times} times")
    return str(ids.pop())


def _change(stage: Stage, order: str) -> str:
    def opened() -> str:
        record = _shown(stage, order)
        last = record["transitions"][-1] if record["transitions"] else {}
        expect(last.get("state") not in ("failed", "refused"), f"{order}: {last.get('because')}")
        return str(record["change"])

    return str(wait_for(opened, f"{order} opened no change", stage.patience_s))


def _ended(stage: Stage, order: str) -> dict[str, Any]:
    """The order once its orchestration has ended: its last state is told a moment before its step is free again."""

    def ended() -> bool:
        return isinstance(stage.app.get(f"operations/{order}").get("result"), dict)

    wait_for(ended, f"{order} did not end", stage.patience_s)
    return _shown(stage, order)


def _shown(stage: Stage, order: str) -> dict[str, Any]:
    return dict(wait_for(lambda: _find(stage, order), f"{order} is not on record"))


def _find(stage: Stage, order: str) -> dict[str, Any] | None:
    try:
        return dict(stage.app.get(f"provisioning/orders/{order}"))
    except UnknownName:  # It was taken a moment ago, and is not opened yet.
        return None


def _notes(stage: Stage, number: str) -> list[str]:
    state = _service_now(stage)
    (item,) = (row for row in state["sc_req_item"] if row["number"] == number)
    return [row["value"] for row in state["sys_journal_field"] if row["element_id"] == item["sys_id"]]


def _service_now(stage: Stage) -> dict[str, Any]:
    return dict(control(stage, "/_control/state", door="servicenow"))
