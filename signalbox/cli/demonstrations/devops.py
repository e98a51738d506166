"""The story of Azure DevOps: pipelines that are gated on promotions, released by approvals given in either system.

It trains the example's models, brings up a local cloud of its own, and checks everything it says.
"""

import shutil
from pathlib import Path
from typing import Any

import requests

from signalbox.cli.app_client import AppClient
from signalbox.cli.demonstrations.example import offer_answers, offer_example, train_example
from signalbox.cli.demonstrations.stage import Stage, Timeline, control, expect, wait_for
from signalbox.launcher.cloud import LocalCloud
from signalbox.launcher.hub import LocalIdentity, hub_client
from signalbox.launcher.people import DEVOPS_AUDIENCE, sign_in
from signalbox.product import app_folder

_MODEL = "diabetes-progression"
_SCIENTISTS, _OWNERS = "[mlops]\\Data Scientists", "[mlops]\\Product Owners"
_DECIDERS = (("ada@example.org", "data-scientist"), ("grace@example.org", "product-owner"))
_EVENTS = ("approval-pending", "approval-completed")


def run_devops_demo(project: Path, state: Path) -> None:
    """Run the demonstration. Raises click.ClickException if any check fails."""
    shutil.rmtree(state, ignore_errors=True)
    state.mkdir(parents=True)
    line = Timeline()
    train_example(project, state / "example")
    train_example(project, state / "blood", "blood")
    line.say("models trained", "a ward's model, and one that also knows the blood serum")
    with LocalCloud(app_folder(), state, workers=1) as cloud, hub_client(cloud.endpoints) as hub:
        line.say("local cloud up", f"app {cloud.endpoints.app}, Azure DevOps {cloud.endpoints.azure_devops}/contoso")
        app = AppClient(cloud.endpoints.app, cloud.endpoints.function_key)
        stage = Stage(cloud=cloud, app=app, hub=hub, line=line, folder=state / "example", project=project)
        offer_answers(cloud.endpoints, stage.folder)
        subscribe(stage)
        release_from_here(stage, "2")
        _released_from_there(stage, state / "blood")
        line.say("done", f"logs in {state / 'logs'}")


def release_from_here(stage: Stage, version: str) -> None:
    """The run waits for the promotion and for people; they approve in Signalbox, once."""
    endpoints = stage.cloud.endpoints
    offer_example(endpoints, stage.folder, version)
    run = _run(stage, version, [_SCIENTISTS, _OWNERS, "Signalbox"], 1)
    promotion = _asking(stage, run)
    record = stage.app.get(f"promotions/{promotion}")
    evidence = next(page["digest"] for page in record["evidence"] if page["stage"] == "central")
    for person, role in _DECIDERS:
        body = {"role": role, "evidence": evidence, "reason": "it is the first"}
        AppClient(endpoints.app, endpoints.function_key, sign_in(endpoints, person)).post(
            f"promotions/{promotion}/approve", body
        )
        stage.line.say("approved in Signalbox", f"{person} as {role}")
    _release(stage, run)
    approval = _approval(stage, run)
    statuses = {step["assignedApprover"]["displayName"]: step["status"] for step in approval["steps"]}
    expect(statuses["Signalbox"] == "approved", f"Azure DevOps was not told: {statuses}")
    stage.line.say("nobody asked twice", f"Azure DevOps' own approval is {approval['status']}, by Signalbox")


def _released_from_there(stage: Stage, folder: Path) -> None:
    """People approve in Azure DevOps; hooks hint at it, and the promotion goes on."""
    offer_example(stage.cloud.endpoints, folder, "3")
    run = _run(stage, "3", [_SCIENTISTS, _OWNERS], 2)
    promotion = _asking(stage, run)
    approval = _approval(stage, run)
    for person, _ in _DECIDERS:
        update = [{"approvalId": approval["id"], "status": "approved", "comment": "looks right"}]
        _ado(stage, "PATCH", "mlops/_apis/pipelines/approvals?api-version=7.1", update, person)
        stage.line.say("approved in Azure DevOps", person)
    _release(stage, run)
    record = stage.app.get(f"promotions/{promotion}")
    expect(record["fate"] == "promoted", f"the promotion ended as {record['fate']}: {record.get('because')}")
    stage.line.say("in the registry", f"{_MODEL}:3, approved by {', '.join(person for person, _ in _DECIDERS)}")


def _run(stage: Stage, version: str, approvers: list[str], least_approvals: int) -> int:
    """A scripted pipeline whose stage waits for the product's callback and for an approval; started by Linus."""
    endpoints = stage.cloud.endpoints
    body = f'{{"start": "promotion", "model": "{_MODEL}:{version}", "to": "central"}}'
    gate = {"kind": "task", "url": f"{endpoints.app}/api/v1/devops/checks", "key": endpoints.devops_key, "body": body}
    approval = {"kind": "approval", "approvers": approvers, "min": least_approvals}
    stages = [
        {"name": "promote", "gates": [gate, approval]},
        {"name": "deploy", "steps": [{"kind": "log", "lines": ["the next stage runs"]}]},
    ]
    script = {"project": "mlops", "name": f"promote {version}", "parameters": {"signalbox": ""}, "stages": stages}
    pipeline = control(stage, "/_control/pipelines", script, "devops")["id"]
    run = control(stage, "/_control/runs", {"pipeline": pipeline, "person": "linus@example.org"}, "devops")
    stage.line.say("pipeline started", f"run {run['id']} of {script['name']!r}: gated, and no agent is held")
    return int(run["id"])


def _asking(stage: Stage, run: int) -> str:
    """The promotion that the run waits for, once it waits for people; the run's log is shown as it grows."""
    lines_told = 0

    def waits() -> str:
        nonlocal lines_told
        state = _inspect(stage, run)
        for text in state["log"][lines_told:]:
            stage.line.say("  the pipeline's log", text[:100])
        lines_told = len(state["log"])
        expect(state["state"] != "completed", f"the run ended as {state['result']}: {state['log'][-1:]}")
        rows = stage.app.get("promotions", model=_MODEL)["promotions"]
        is_waiting = any("waiting for approval" in text for text in state["log"])
        return next((str(row["promotion"]) for row in rows if is_waiting and not row["fate"]), "")

    return str(wait_for(waits, "the run did not come to waiting for people", stage.patience_s))


def _release(stage: Stage, run: int) -> None:
    state = wait_for(lambda: _result_if_ended(stage, run), "the run was not released", stage.patience_s)
    expect(state["result"] == "succeeded", f"the run ended as {state['result']}: {state['log'][-3:]}")
    gate = next(gate_["id"] for gate_ in state["stages"][0]["gates"] if gate_["kind"] == "task")
    effects = control(stage, "/_control/state", door="devops")["effects"]
    times = effects["completed"][gate] + effects.get("completed again", {}).get(gate, 0)
    expect(times == 1, f"TaskCompleted was sent {times} times")
    stage.line.say("run released", f"by one callback; then: {state['log'][-1]}")


def _result_if_ended(stage: Stage, run: int) -> dict[str, Any] | None:
    state = _inspect(stage, run)
    return state if state["state"] == "completed" else None


def _inspect(stage: Stage, run: int) -> dict[str, Any]:
    return dict(control(stage, f"/_control/runs/{run}", door="devops"))


def _approval(stage: Stage, run: int) -> dict[str, Any]:
    state = control(stage, "/_control/state", door="devops")
    return dict(next(approval for approval in state["approval"] if approval["run"] == run))


def subscribe(stage: Stage) -> None:
    """Service hooks of the organisation, with the key as the password of basic authentication."""
    endpoints = stage.cloud.endpoints
    for event in _EVENTS:
        inputs = {"url": f"{endpoints.app}/api/v1/devops/hooks", "basicAuthPassword": endpoints.devops_key}
        body = {"publisherId": "pipelines", "eventType": f"ms.vss-pipelinechecks-events.{event}"}
        consumer = {"consumerId": "webHooks", "consumerActionId": "httpRequest", "consumerInputs": inputs}
        _ado(stage, "POST", "_apis/hooks/subscriptions?api-version=7.1", body | consumer)


def _ado(stage: Stage, method: str, path: str, body: Any, person: str = "") -> None:
    """The organisation's REST API, as *person* or as the app's identity."""
    endpoints = stage.cloud.endpoints
    if person:
        token = sign_in(endpoints, person, DEVOPS_AUDIENCE)
    else:
        token = LocalIdentity(endpoints).get_token(f"{DEVOPS_AUDIENCE}/.default").token
    answer = requests.request(
        method,
        f"{endpoints.azure_devops}/contoso/{path}",
        json=body,
        headers={"Authorization": f"Bearer {token}"},
        verify=str(endpoints.ca),
        timeout=30,
    )
    expect(answer.ok, f"Azure DevOps refused {method} {path}: {answer.status_code} {answer.text[:300]}")
