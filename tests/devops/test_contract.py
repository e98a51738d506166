"""Our adapters and our emulator against the official recordings: what is sent and what is answered has their shape."""

import json
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from shared.adapters.azure_devops.approvals import (
    AzureDevOpsApprovals,
    AzureDevOpsFacts,
    read_approval,
    read_pull_request,
)
from shared.adapters.azure_devops.client import DevOpsRest
from shared.adapters.azure_devops.pipelines import AzureDevOpsPipelines
from shared.adapters.azure_devops.tasks import AzureDevOpsTasks
from shared.domain.devops.approvals import role_of
from shared.domain.devops.seen import PipelineOrder, RunResult
from shared.domain.devops.tasks import TaskRef, completion, read_task
from shared.domain.failures import Refused
from tests.devops.ado import PROJECT, Ado

GROUP = "[mlops]\\Data Scientists"


class Catcher:
    """An http server that takes what an agentless task sends, and keeps it."""

    def __init__(self) -> None:
        caught = self.caught = list[dict[str, str]]()

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                caught.append({**dict(self.headers), "path": self.path, "body": body})
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                return

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/door"
        self._thread = threading.Thread(target=lambda: self._server.serve_forever(0.01))

    def __enter__(self) -> "Catcher":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def eventually(look: Callable[[], Any], within: float = 10.0) -> Any:
    deadline = time.monotonic() + within
    while not (seen := look()):
        assert time.monotonic() < deadline, "it did not happen"
        threading.Event().wait(0.02)
    return seen


def recorded(payloads: Path, name: str) -> dict[str, Any]:
    return dict(json.loads((payloads / f"{name}.httpexample.json").read_text(encoding="utf-8-sig")))


def answered(recording: dict[str, Any]) -> Any:
    return recording["responses"]["200"]["body"]


def waiting_task(ado: Ado, name: str, **more: Any) -> tuple[TaskRef, str, int]:
    """A task that a pipeline has called us with, its token, and the run."""
    with Catcher() as catcher:
        gate = {"kind": "task", "url": catcher.url, "key": "k", "body": '{"follow": "x"}', **more}
        run = ado.run(ado.define(name, {"name": "gate", "gates": [gate]}, plan_version=more.pop("plan_version", 17)))
        eventually(lambda: catcher.caught)
        headers = catcher.caught[0]
    return read_task(headers, ["contoso"], ado.base), headers["AuthToken"], int(run["id"])


def test_a_task_is_told_of_and_released(ado: Ado, rest: DevOpsRest) -> None:
    tasks = AzureDevOpsTasks(rest)
    task, token, run = waiting_task(ado, "released")

    plan = tasks.plan(task, token)
    assert (plan.run, plan.version) == (run, 17)
    assert AzureDevOpsFacts(rest).person("contoso", plan.requester).name == "linus@example.org"  # type: ignore[union-attr]
    tasks.say(task, token, ["assessing", "x" * 2000])
    tasks.keep_log(task, token, ["one", "two"])
    assert tasks.state(task, token) == "inProgress"
    tasks.complete(task, token, plan.version, True)

    assert tasks.state(task, token) == "completed"
    seen = ado.seen(run)
    assert (seen["state"], seen["result"]) == ("completed", "succeeded")
    assert [len(line) for line in seen["log"]] == [9, 1024]
    assert [each["lines"] for each in ado.state()["log"] if each["path"] == f"logs\\{task.task}"] == [["one", "two"]]


def test_an_old_gate_is_released_by_the_ids_it_knows(ado: Ado, rest: DevOpsRest) -> None:
    task, token, run = waiting_task(ado, "old gate", hub="Gates", plan_version=12)

    AzureDevOpsTasks(rest).complete(task, token, 12, True)

    assert ado.seen(run)["result"] == "succeeded"


def test_a_token_opens_its_own_plan_for_48_hours_and_the_app_takes_over(ado: Ado, rest: DevOpsRest) -> None:
    tasks = AzureDevOpsTasks(rest)
    first, token, run = waiting_task(ado, "first")
    second, _, _ = waiting_task(ado, "second")

    with pytest.raises(Refused, match="403"):
        tasks.plan(second, token)
    ado.control("expire", {"plan": first.plan})
    with pytest.raises(Refused, match="401"):
        tasks.plan(first, token)
    tasks.complete(first, token, 17, True)

    assert ado.seen(run)["result"] == "succeeded"


def test_the_callback_is_the_recorded_one(payloads: Path) -> None:
    recording = recorded(payloads, "post_event_taskcompleted")
    _, project, *_, plan, _ = recording["x-ms-vss-request-url"].removeprefix("https://dev.azure.com/").split("/")
    body = recording["parameters"]["body"]
    task = TaskRef(
        organisation="fabrikam",
        project=project,
        hub="checks",
        plan=plan,
        job=body["jobId"],
        timeline=plan,
        task=body["taskId"],
    )

    assert completion(task, 17, True) == body


@pytest.mark.parametrize(
    "name", ["append_timeline_feed", "create_log", "append_log_content", "update_timeline_records"]
)
def test_the_emulator_answers_tasks_as_recorded(ado: Ado, payloads: Path, name: str) -> None:
    task, _, _ = waiting_task(ado, name)
    recording = recorded(payloads, name)
    plan = f"distributedtask/hubs/checks/plans/{task.plan}"
    body = json.loads(json.dumps(recording["parameters"].get("body")).replace(_task_of(recording), task.task))
    paths = {
        "append_timeline_feed": f"timelines/{task.timeline}/records/{task.job}/feed",
        "create_log": "logs",
        "append_log_content": "logs/1",
        "update_timeline_records": f"timelines/{task.timeline}/records",
    }
    if name == "append_log_content":
        ado.ask("POST", f"{plan}/logs", {"path": "logs\\x"})
    method = recording["x-ms-vss-request-method"]

    answer = ado.ask(method, f"{plan}/{paths[name]}", body)

    (status, expected), *_ = recording["responses"].items()
    assert str(answer.status_code) == status
    if "body" in expected:
        assert _shape(expected["body"]) <= _shape(answer.json())


def _task_of(recording: dict[str, Any]) -> str:
    values = (recording["parameters"].get("body") or {}).get("value") or [{}]
    return str(values[0].get("id")) if isinstance(values[0], dict) and values[0].get("id") else "nothing to replace"


def _shape(body: Any, where: str = "") -> set[str]:
    """Every field's path; of a list, the first item's."""
    if isinstance(body, list):
        return _shape(body[0], f"{where}[]") if body else set()
    if isinstance(body, dict):
        return {path for name, value in body.items() for path in {f"{where}.{name}", *_shape(value, f"{where}.{name}")}}
    return set()


def test_approvals_have_the_recorded_shapes(ado: Ado, payloads: Path) -> None:
    gate = {"kind": "approval", "approvers": [GROUP], "instructions": "look at the evidence"}
    run = ado.run(ado.define("approved", {"name": "gate", "gates": [gate]}))
    approval = ado.approvals(run["id"])[0]["id"]

    got = ado.ask("GET", f"pipelines/approvals/{approval}").json()
    assert _shape(answered(recorded(payloads, "approval_get"))) <= _shape(got)
    listed = ado.ask("GET", f"pipelines/approvals?approvalIds={approval}").json()
    assert _shape(answered(recorded(payloads, "approval_query"))) <= _shape(listed)
    assert ado.decide(approval, "linus@example.org").status_code == 403
    patched = ado.decide(approval, "ada@example.org", comment="Approving").json()
    assert _shape(answered(recorded(payloads, "approval_patch"))) <= _shape(patched)
    assert ado.seen(run["id"])["result"] == "succeeded"
    assert ado.decide(approval, "ada@example.org").status_code == 400


def test_recorded_approvals_are_understood(payloads: Path) -> None:
    seen = read_approval(answered(recorded(payloads, "approval_get")))
    patched = read_approval(answered(recorded(payloads, "approval_patch"))["value"][0])

    assert (seen.status, seen.pending, seen.run, seen.steps) == ("pending", True, 0, ())
    assert (patched.status, patched.steps[0].decider, patched.steps[0].comment) == (
        "approved",
        "Descriptor",
        "Approving",
    )


@pytest.mark.parametrize(
    ("identity", "role"),
    [
        (
            {"displayName": GROUP, "uniqueName": f"vstfs:///Classification/TeamProject/{PROJECT.id}\\Data Scientists"},
            "",
        ),
        ({"displayName": GROUP, "uniqueName": "eve@example.org", "isContainer": False}, ""),  # A person's free choice.
        ({"displayName": "Ada", "uniqueName": "Ada@example.org"}, "person"),
        (
            {
                "displayName": GROUP,
                "uniqueName": f"vstfs:///Classification/TeamProject/{PROJECT.id}\\Data Scientists",
                "isContainer": True,
            },
            "group",
        ),
    ],
)
def test_a_group_is_known_by_what_is_displayed_and_a_person_by_the_unique_name(
    identity: dict[str, Any], role: str
) -> None:
    """The shapes of identities in Azure DevOps' own answers: notification subscriptions and reviewers."""
    raw = {"id": "a", "status": "pending", "steps": [{"assignedApprover": identity, "status": "pending"}]}

    assert role_of(read_approval(raw).steps[0], {"group": GROUP, "person": "ada@example.org"}) == role


def test_the_emulators_groups_have_the_documented_names(ado: Ado) -> None:
    gate = {"kind": "approval", "approvers": [GROUP]}
    run = ado.run(ado.define("named", {"name": "gate", "gates": [gate]}))

    approval = ado.ask("GET", f"pipelines/approvals/{ado.approvals(run['id'])[0]['id']}?$expand=steps").json()
    shown = approval["steps"][0]["assignedApprover"]

    assert shown["uniqueName"] == f"vstfs:///Classification/TeamProject/{PROJECT.id}\\Data Scientists"
    assert (shown["displayName"], shown["isContainer"]) == (GROUP, True)


def test_checks_and_subscriptions_have_the_recorded_shapes(ado: Ado, payloads: Path) -> None:
    check = recorded(payloads, "add_task_check")
    made = ado.ask("POST", "pipelines/checks/configurations", check["parameters"]["body"]).json()
    assert _shape(answered(check)) <= _shape(made)
    gate = {"kind": "approval", "approvers": [GROUP]}
    run = ado.run(ado.define("suite", {"name": "gate", "gates": [gate]}))
    suite = ado.ask("GET", f"pipelines/checks/runs/{run['stages'][0]['id']}").json()
    for name in ("checksuite_update_run", "checksuite_get"):  # One that runs, and one whose run was cancelled.
        wanted = {path for path in _shape(answered(recorded(payloads, name))) if ".context." not in path}
        ended = {".completedDate", ".checkRuns[].completedDate", ".checkRuns[].resultMessage"}
        assert wanted - _shape(suite) <= {path for path in wanted if "checkConfigurationRef" in path} | ended
    hook = recorded(payloads, "hooks_subscription_create")
    subscribed = ado.ask("POST", "../../_apis/hooks/subscriptions", hook["parameters"]["body"]).json()
    assert _shape(answered(hook)) - _shape(subscribed) <= {
        ".publisherInputs.hostId",
        ".publisherInputs.tfsSubscriptionId",
    }


def test_the_doctor_sees_projects_and_hooks_and_no_secret_of_theirs(ado: Ado, rest: DevOpsRest) -> None:
    facts, made = AzureDevOpsFacts(rest), []
    for inputs in ({}, {"basicAuthPassword": "canary"}, {"httpHeaders": "x-functions-key: canary"}):
        body = {"publisherId": "tfs", "eventType": "e", "consumerId": "webHooks", "consumerActionId": "httpRequest"}
        body |= {"consumerInputs": {"url": f"https://doctor/{len(made)}", **inputs}}
        made.append(ado.ask("POST", "../../_apis/hooks/subscriptions", body).json())

    seen = [hook for hook in facts.hooks("contoso") if hook.url.startswith("https://doctor/")]
    for each in made:
        ado.ask("DELETE", f"../../_apis/hooks/subscriptions/{each['id']}")

    assert [(hook.secret, hook.enabled) for hook in seen] == [(False, True), (True, True), (True, True)]
    assert "canary" not in json.dumps(made)
    assert (facts.project_id("contoso", "mlops"), facts.project_id("contoso", "gone")) == (PROJECT.id, "")
    with pytest.raises(Refused, match="fabrikam is not there"):
        facts.hooks("fabrikam")


def test_a_run_is_started_once_and_read_to_its_result(ado: Ado, rest: DevOpsRest) -> None:
    pipelines = AzureDevOpsPipelines(rest)
    number = ado.define(
        "provision",
        {"name": "work", "steps": [{"kind": "log", "lines": ["done"]}]},
        parameters={"signalbox": "", "size": ""},
    )
    order = PipelineOrder(
        organisation="contoso", project="mlops", pipeline=number, correlation="c-1", parameters={"size": "3"}
    )

    first, second = pipelines.start(order), pipelines.start(order)

    assert first.id == second.id
    assert ado.state()["effects"]["runs"]["provision"] == 1
    seen = pipelines.look("contoso", "mlops", number, first.id)
    assert (seen.finished, seen.result) == (True, RunResult.SUCCEEDED)
    assert ado.seen(first.id)["parameters"] == {"signalbox": "c-1", "size": "3"}


def test_an_undeclared_parameter_is_refused_with_azure_devops_own_words(ado: Ado, rest: DevOpsRest) -> None:
    number = ado.define("bare", {"name": "work"}, parameters={})
    order = PipelineOrder(organisation="contoso", project="mlops", pipeline=number, correlation="c-1")

    with pytest.raises(Refused, match="Unexpected parameter: signalbox"):
        AzureDevOpsPipelines(rest).start(order)


def test_a_runs_approvals_are_found_and_decided_by_the_app(ado: Ado, rest: DevOpsRest) -> None:
    gate = {"kind": "approval", "approvers": [GROUP, "Signalbox"], "min": 1}
    run = ado.run(ado.define("by the app", {"name": "gate", "gates": [gate]}))
    approvals = AzureDevOpsApprovals(rest)

    (found,) = approvals.of_run("contoso", "mlops", run["id"])
    assert (found.pending, found.run) == (True, run["id"])
    approvals.decide("contoso", PROJECT.id, found.id, True, "evidence sha256:1")
    approvals.decide("contoso", PROJECT.id, found.id, True, "again")

    (after,) = approvals.of_run("contoso", "mlops", run["id"])
    assert [step.status for step in after.steps] == ["skipped", "approved"]
    assert AzureDevOpsFacts(rest).person("contoso", after.steps[1].decider) is None  # An app is nobody.
    assert ado.seen(run["id"])["result"] == "succeeded"


def test_a_name_that_is_no_descriptor_stays_one_segment_of_the_address(rest: DevOpsRest) -> None:
    asked: list[str] = []
    rest.get = lambda url, *_, **__: asked.append(url)  # type: ignore[method-assign,assignment,func-returns-value]

    assert AzureDevOpsFacts(rest).person("contoso", "CORP\\ada/../groups?x=#y") is None
    assert [each.partition("/graph/users/")[2] for each in asked] == ["CORP%5Cada%2F..%2Fgroups%3Fx%3D%23y"]


def test_pull_requests_are_read_as_merged_only_once_they_are(ado: Ado, rest: DevOpsRest, payloads: Path) -> None:
    body = {"sourceRefName": "refs/heads/x", "targetRefName": "refs/heads/main", "description": "signalbox: m:1"}
    made = ado.ask("POST", "git/repositories/models/pullrequests", body, "ada@example.org").json()
    facts, where = AzureDevOpsFacts(rest), f"git/repositories/models/pullrequests/{made['pullRequestId']}"

    def merged() -> bool:
        seen = facts.pull_request("contoso", "mlops", "models", made["pullRequestId"])
        return seen is not None and seen.merged

    assert not merged()
    ado.ask("PATCH", where, {"status": "completed", "mergeStatus": "conflicts"}, "grace@example.org")
    assert not merged()
    ado.ask("PATCH", where, {"status": "completed"}, "grace@example.org")
    assert merged()
    assert facts.pull_request("contoso", "mlops", "models", 10**6) is None
    documented = json.loads((payloads / "hook_pull_request_merged.json").read_text())["resource"]
    assert read_pull_request(documented).merged
