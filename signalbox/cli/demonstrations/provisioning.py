"""The story of provisioning: a request in ServiceNow becomes an experimentation environment, a second one the rest.

The pipelines are the real files of `pipelines/infra`, run by an agent of this machine with the real `infra.deploy`; the
Azure behind them is what the templates evaluate to. It checks everything it says.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import yaml

from signalbox.cli.app_client import AppClient
from signalbox.cli.demonstrations.stage import Stage, Timeline, control, expect, wait_for
from signalbox.cli.errors import UnknownName
from signalbox.launcher.cloud import LocalCloud
from signalbox.launcher.hub import hub_client
from signalbox.launcher.people import USER_ASSIGNED
from signalbox.product import app_folder

_PIPELINES = ("plan", "apply", "settle", "drift", "teardown")  # Numbered 1 to 5, as the example's configuration has it.
_TEAM = "diabetes"
_STEPS = ("experimentation", "productionisation")
_PLATFORM = ("platform", "hub-account")
_IDENTITIES = ("00000000-0000-0000-0000-0000000001d1", "00000000-0000-0000-0000-0000000001d2")
_STATES = 8  # From the order to being ready, with a change between.


def run_provisioning_demo(project: Path, state: Path) -> None:
    """Run the demonstration. Raises click.ClickException if any check fails."""
    sources = Path(__file__).parents[3]
    if not (sources / "infra").is_dir():
        raise click.ClickException("the templates are not in the wheel; run this in a checkout of the repository")
    shutil.rmtree(state, ignore_errors=True)
    state.mkdir(parents=True)
    line = Timeline()
    with LocalCloud(app_folder(), state) as cloud, hub_client(cloud.endpoints) as hub:
        endpoints = cloud.endpoints
        line.say("local cloud up", f"app {endpoints.app}, ServiceNow {endpoints.service_now}")
        app = AppClient(endpoints.app, endpoints.function_key)
        stage = Stage(cloud=cloud, app=app, hub=hub, line=line, folder=state, project=project, patience_s=300)
        azure = prepare(stage, sources)
        rejected_request(stage, azure)
        experimentation = approved_request(stage, _STEPS[0], times=3)
        approved_request(stage, _STEPS[1])
        repeated_request(stage, azure)
        changed_by_hand(stage, azure)
        show_record(stage, experimentation)
        line.say("done", f"logs in {state / 'logs'}")


def prepare(stage: Stage, sources: Path) -> Path:
    """The pipelines, the agent that runs them, and the platform that teams are provisioned on; the file of Azure."""
    home = stage.folder.resolve()
    folder, azure = home / "sources", home / "azure.json"
    for part in ("infra", "pipelines"):
        shutil.copytree(sources / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "shared").symlink_to(sources / "shared")  # Whose names of metrics the checker compares queries with.
    installations = folder / "infra" / "installations"
    installations.mkdir()
    shutil.copy(folder / "infra" / "parameters" / "open.json", installations / f"{_TEAM}.json")
    identities = [
        {"name": f"id-{number}", "resourceGroup": "rg-identities", "clientId": client}
        for number, client in enumerate(_IDENTITIES)
    ]
    azure.write_text(json.dumps({"identities": identities}))
    tools = home / "tools"
    tools.mkdir()
    for name, words in (("az", f'"{sys.executable}" -m infra.local'), ("python3", f'"{sys.executable}"')):
        (tools / name).write_text(f'#!/bin/sh\nexec {words} "$@"\n')
        (tools / name).chmod(0o755)
    variables = {"SIGNALBOX_LOCAL_AZURE": str(azure), **_identity(stage)}
    agent = {"sources": str(folder), "tools": str(tools), "variables": variables}
    control(stage, "/_control/agent", agent, "devops")
    for number, name in enumerate(_PIPELINES, 1):
        file = f"pipelines/infra/{name}.yml"
        declared = yaml.safe_load((folder / file).read_text())["parameters"]
        parameters = {row["name"]: str(row.get("default", "")) for row in declared}
        stages = [{"name": name, "steps": [{"kind": "agent", "file": file}]}]
        script = {"project": "mlops", "name": f"infra {name}", "parameters": parameters, "stages": stages}
        made = control(stage, "/_control/pipelines", script, "devops")
        expect(made["id"] == number, f"pipeline {name} is {made['id']} and not {number}")
    for step in _PLATFORM:
        _deploy(folder, {**variables, "PATH": f"{tools}:{os.environ.get('PATH', '')}"}, step)
    stage.line.say("platform stands", f"{len(_resources(azure))} resources; no environment of {_TEAM} yet")
    return azure


def _identity(stage: Stage) -> dict[str, str]:
    """As whom the agent gives roles: an identity of its own, which the app has not."""
    endpoints = stage.cloud.endpoints
    return {
        "SIGNALBOX_LOCAL_MANAGER": endpoints.resource_manager,
        "SSL_CERT_FILE": str(endpoints.ca),
        "IDENTITY_ENDPOINT": f"http://127.0.0.1:{endpoints.identity}/msi/token",
        "IDENTITY_HEADER": endpoints.identity_secret,
        "AZURE_CLIENT_ID": USER_ASSIGNED["client_id"],
    }


def rejected_request(stage: Stage, azure: Path) -> None:
    """The change is rejected: the request ends, and nothing was made."""
    before = _resources(azure)
    order = _order(stage, _STEPS[0])
    change = _change(stage, order)
    stage.line.say("change open", f"{change} asks for approval of {_shown(stage, order)['plan'][:23]}...")
    control(stage, "/_control/decide", {"number": change, "decision": "reject"}, "servicenow")
    record = _ended(stage, order)
    expect(record["state"] == "rejected", f"the order ended as {record['state']}")
    expect(_resources(azure) == before, "something was made without approval")
    stage.line.say("change rejected", "the order has stopped; nothing was applied")


def approved_request(stage: Stage, step: str, times: int = 1) -> str:
    """A request, which its flow may send several times, becomes environments; the order's id."""
    order = _order(stage, step, times)
    change = _change(stage, order)
    lines = _shown(stage, order)["lines"]
    stage.line.say("change open", f"{change} asks for approval of {len(lines)} changes")
    control(stage, "/_control/decide", {"number": change, "decision": "approve"}, "servicenow")
    stage.line.say("change approved", "by people, in ServiceNow")
    record = _ended(stage, order)
    because = record["transitions"][-1]["because"]
    expect(record["state"] == "ready", f"the order ended as {record['state']}: {because}")
    for row in record["transitions"]:
        stage.line.say(f"  {row['at'][11:19]} {row['state']}", row["because"][:90])
    notes = _notes(stage, record["request"])
    expect(len(notes) == _STATES, f"the request has {len(notes)} notes, and {_STATES} states were told")
    state = control(stage, "/_control/state", door="devops")
    names = [row["name"] for row in state["environment"] if row["name"].startswith(f"{_TEAM}-")]
    stage.line.say("environments ready", f"in Azure DevOps: {', '.join(names)}; {len(state['check'])} checks")
    return order


def repeated_request(stage: Stage, azure: Path) -> None:
    """The same again by another request: nothing would change, so nobody is asked, and nothing is written."""
    before, changes = azure.read_text(), len(_service_now(stage)["change_request"])
    record = _ended(stage, _order(stage, _STEPS[0]))
    expect(record["state"] == "ready", f"the order ended as {record['state']}")
    expect(azure.read_text() == before, "a second run has changed something")
    expect(len(_service_now(stage)["change_request"]) == changes, "somebody was asked about nothing")
    stage.line.say("asked for again", "0 changes, no change request, ready")


def changed_by_hand(stage: Stage, azure: Path) -> None:
    """Somebody opens a workspace to the world; the look finds it, and says so on the request."""
    content = json.loads(azure.read_text())
    name = next(
        name
        for name, body in content["resources"].items()
        if name.endswith("/mlw-experiment") and "publicNetworkAccess" in body.get("properties", {})
    )
    properties = content["resources"][name]["properties"]
    properties["publicNetworkAccess"] = "Enabled" if properties["publicNetworkAccess"] == "Disabled" else "Disabled"
    azure.write_text(json.dumps(content))
    stage.line.say("changed by hand", f"publicNetworkAccess of {name.rpartition('/')[2]}")
    stage.app.follow(stage.app.post("provisioning/drift-looks", {"reason": "somebody was there"}))
    rows = stage.app.get("provisioning")["provisioned"]
    drifted = {row["name"]: row["drift"] for row in rows if row["drift"]}
    expect(list(drifted) == [f"{_TEAM}/{_STEPS[0]}"], f"the drift that was found is {drifted}")
    expect("publicNetworkAccess" in drifted[f"{_TEAM}/{_STEPS[0]}"][0], f"the drift that was found is {drifted}")
    stage.line.say("found as drift", drifted[f"{_TEAM}/{_STEPS[0]}"][0][-60:])


def show_record(stage: Stage, order: str) -> None:
    """The record of the request in ServiceNow, with its notes in their order."""
    record = _shown(stage, order)
    (item,) = (row for row in _service_now(stage)["sc_req_item"] if row["number"] == record["request"])
    stage.line.say("in ServiceNow", f"{item['number']}: state {item['state']} (Closed Complete), {item['approval']}")
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


def _resources(azure: Path) -> list[str]:
    return sorted(json.loads(azure.read_text()).get("resources", {}))
