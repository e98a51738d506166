"""Approvals given in either system count in both: by the same rules, asked for once, without an echo."""

import json
from base64 import b64encode
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from shared.domain.devops.configuration import DevOps, MergeStart, StageApprovals
from shared.domain.devops.hooks import Hint, HintKind
from shared.domain.devops.orders import OrderKind, TaskOrder
from shared.domain.trust.statements import PredicateKind
from tests.devops.conftest import DevOpsApp
from tests.fakes.ports import OPERATOR_KEY
from triggers.events.service_hooks import read_hint

PROMOTE = '{"start": "promotion", "model": "churn:1", "to": "central"}'
SCIENTISTS, OWNERS = "[mlops]\\Data Scientists", "[mlops]\\Product Owners"
EVENTS = (
    "ms.vss-pipelinechecks-events.approval-completed",
    "ms.vss-pipelines.run-state-changed-event",
    "git.pullrequest.merged",
)


@pytest.fixture
def rules() -> DevOps:
    where = {"organisation": "contoso", "project": "mlops"}
    starts = {
        "models": TaskOrder(kind=OrderKind.PROMOTION, model="churn", to="preprod"),
        "infrastructure": TaskOrder(kind=OrderKind.PIPELINE, **where, pipeline="1"),
    }
    return DevOps(
        organisations=("contoso",),
        projects=("mlops",),
        approvals=(
            StageApprovals(stage="central", **where, approvers={"data-scientist": SCIENTISTS, "product-owner": OWNERS}),
        ),
        merges=tuple(
            MergeStart(**where, repository=name, branch="refs/heads/main", order=order)
            for name, order in starts.items()
        ),
    )


@pytest.fixture
async def hooked(app: DevOpsApp) -> AsyncIterator[DevOpsApp]:
    """With service hooks that deliver to the product."""
    made = []
    for kind in EVENTS:
        inputs = {"url": f"{app.host.url}/api/v1/devops/hooks", "basicAuthPassword": OPERATOR_KEY}
        body = {"publisherId": "pipelines", "eventType": kind, "consumerId": "webHooks"}
        body |= {"consumerActionId": "httpRequest", "consumerInputs": inputs}
        made.append(app.ado.ask("POST", "../../_apis/hooks/subscriptions", body).json()["id"])
    yield app
    for name in made:
        app.ado.ask("DELETE", f"../../_apis/hooks/subscriptions/{name}")


def waiting(app: DevOpsApp, name: str, approvers: list[str], **more: Any) -> dict[str, Any]:
    """A run that starts the promotion, and waits for it and for people."""
    approval = {"kind": "approval", "approvers": approvers, **more}
    stage = {"name": "promote", "gates": [app.gate(PROMOTE), approval]}
    app.register("1", error=1.0)
    return app.ado.run(app.ado.define(name, stage))


def state_paths(app: DevOpsApp, folder: str) -> list[str]:
    return [blob.path for blob in app.clients.store.blobs(folder)]


def source_of(app: DevOpsApp, path: str) -> dict[str, Any]:
    """Where the decision at *path* was read, as the door has signed it."""
    predicate = app.clients.statements.read(path, PredicateKind.DECISION)
    assert predicate is not None
    return dict(predicate["source"])


async def test_approvals_given_in_azure_devops_release_the_promotion(hooked: DevOpsApp) -> None:
    run = waiting(hooked, "from ado", [SCIENTISTS, OWNERS])
    promotion = await hooked.asking()
    (approval,) = hooked.ado.approvals(run["id"])
    await hooked.pass_time(seconds=5)

    assert hooked.ado.decide(approval["id"], "ada@example.org", comment="looks right").status_code == 200
    assert hooked.ado.decide(approval["id"], "grace@example.org").status_code == 200
    seen = await hooked.ended(run["id"])

    assert (seen["result"], hooked.record(promotion)["fate"]) == ("succeeded", "promoted")
    kinds = hooked.chain()
    assert kinds.count("decision approved") == 2
    entries = [each.facts for each in hooked.clients.audit.entries() if each.kind == "decision approved"]
    assert {(each["role"], each["oid"]) for each in entries} == {("data-scientist", "1"), ("product-owner", "2")}
    sources = [source_of(hooked, path) for path in state_paths(hooked, f"promotions/{promotion}/central/decisions/")]
    assert [source["given_by"].partition(" ")[0] for source in sources] == ["ada@example.org", "grace@example.org"]
    assert {(source["run"], source["approval"], source["organisation"]) for source in sources} == {
        (run["id"], approval["id"], "contoso")
    }
    assert (sources[0]["comment"], sources[0]["url"].endswith(f"/pipelines/approvals/{approval['id']}")) == (
        "looks right",
        True,
    )
    assert "with the app's own identity" in sources[0]["verified"]
    decisions = hooked.ado.state()["effects"]["decisions"]
    assert [name for name in decisions if name.startswith(approval["id"])] == [
        f"{approval['id']}/ada@example.org",
        f"{approval['id']}/grace@example.org",
    ]  # The app did not decide as well.


async def test_approvals_given_here_release_azure_devops(hooked: DevOpsApp) -> None:
    run = waiting(hooked, "from here", [SCIENTISTS, OWNERS, "Signalbox"], min=1)
    promotion = await hooked.asking()

    await hooked.approve(promotion)
    seen = await hooked.ended(run["id"])

    assert seen["result"] == "succeeded"
    (approval,) = hooked.ado.approvals(run["id"])
    assert [step["status"] for step in approval["steps"]] == ["skipped", "skipped", "approved"]
    assert promotion in approval["steps"][2]["comment"]
    await hooked.pass_time(minutes=5)
    assert hooked.chain().count("decision approved") == 2  # Its own decision did not come back.


async def test_one_in_each_system_is_enough(hooked: DevOpsApp) -> None:
    run = waiting(hooked, "one in each", [SCIENTISTS, OWNERS, "Signalbox"], min=2)
    promotion = await hooked.asking()
    (approval,) = hooked.ado.approvals(run["id"])
    await hooked.pass_time(seconds=5)

    hooked.ado.decide(approval["id"], "ada@example.org")
    assert (await hooked.decide(promotion, "grace", "product-owner"))[0] == 200
    seen = await hooked.ended(run["id"])

    assert (seen["result"], hooked.record(promotion)["fate"]) == ("succeeded", "promoted")


async def test_a_rejection_there_holds_the_promotion(hooked: DevOpsApp) -> None:
    run = waiting(hooked, "rejected", [SCIENTISTS, OWNERS])
    promotion = await hooked.asking()
    (approval,) = hooked.ado.approvals(run["id"])
    await hooked.pass_time(seconds=5)

    hooked.ado.decide(approval["id"], "grace@example.org", "rejected", "not before the audit")
    result = await hooked.finish(promotion)

    assert (result.fate.value, "not before the audit" in result.because[0]) == ("held", True)
    assert hooked.ado.seen(run["id"])["result"] == "failed" or hooked.ado.seen(run["id"])["state"] == "completed"


async def test_a_rejection_here_rejects_there(hooked: DevOpsApp) -> None:
    run = waiting(hooked, "rejected here", [SCIENTISTS, OWNERS, "Signalbox"], min=2)
    promotion = await hooked.asking()

    await hooked.decide(promotion, "ada", "data-scientist", "reject")
    seen = await hooked.ended(run["id"])

    assert seen["state"] == "completed"
    assert seen["result"] == "failed"
    await hooked.until(lambda: hooked.ado.approvals(run["id"])[0]["status"] == "rejected")


@pytest.mark.parametrize(
    ("person", "comment", "why"),
    [
        ("ada@example.org", "sha256:000000000000", "the approval is for evidence sha256:000000000000"),
        ("linus@example.org", "", "asked for this promotion and cannot approve it"),
    ],
)
async def test_the_same_rules_hold_for_what_is_decided_there(
    hooked: DevOpsApp, person: str, comment: str, why: str
) -> None:
    approvers = [SCIENTISTS if person.startswith("ada") else person, OWNERS]
    if person.startswith("linus"):
        (central,) = hooked.clients.configuration.devops.approvals
        central.approvers["data-scientist"] = person
    run = waiting(hooked, f"rules {person}", approvers)
    await hooked.asking()
    (approval,) = hooked.ado.approvals(run["id"])
    await hooked.pass_time(seconds=5)

    assert hooked.ado.decide(approval["id"], person, comment=comment).status_code == 200
    promotion = hooked.promotions()[0]

    def noted() -> bool:
        return why in json.dumps(hooked.host.get(f"{promotion}-mirror").custom_status)

    assert await hooked.until(noted)
    assert "decision approved" not in hooked.chain()


async def post(app: DevOpsApp, body: Any, **headers: str) -> tuple[int, Any]:
    url = f"{app.host.url}/api/v1/devops/hooks"
    async with aiohttp.ClientSession() as session, session.post(url, json=body, headers=headers) as answer:
        return answer.status, await answer.json(content_type=None)


def basic(secret: str) -> dict[str, str]:
    return {"Authorization": f"Basic {b64encode(f'hook:{secret}'.encode()).decode()}"}


@pytest.mark.parametrize("headers", [{}, basic("wrong"), {"Authorization": "Basic %%"}, {"Authorization": "Bearer x"}])
async def test_a_forged_hook_starts_nothing(app: DevOpsApp, payloads: Path, headers: dict[str, str]) -> None:
    before = app.ado.requests_counted()

    status, _ = await post(app, json.loads((payloads / "hook_pull_request_merged.json").read_text()), **headers)

    assert (status, app.ado.requests_counted()) == (401, before)


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("approval_pending", "has no GUID for an id"),
        ("approval_completed", "has no GUID for an id"),
        ("run_state_changed", Hint(kind=HintKind.RUN, id="11")),
        ("stage_state_changed", Hint(kind=HintKind.RUN, id="2")),
        ("pull_request_merged", Hint(kind=HintKind.PULL_REQUEST, id="1", repository="Fabrikam")),
    ],
)
async def test_published_samples_are_hints_and_nothing_more(
    app: DevOpsApp, payloads: Path, name: str, hint: Any
) -> None:
    raw = json.loads((payloads / f"hook_{name}.json").read_text())
    seen = read_hint(raw)
    assert hint in seen if isinstance(seen, str) else seen == hint

    status, answer = await post(app, raw, **basic(OPERATOR_KEY))

    assert (status, answer["heeded"]) == (202, not isinstance(seen, str))
    if answer["heeded"]:
        outcome = await app.host.advance_until_finished(answer["hint"], timeout=30)
        assert outcome.output["did"] in ("nothing here waits for it", "no rule for repository Fabrikam")
    assert app.promotions() == []


@pytest.mark.parametrize(
    "raw", [None, [], {}, {"eventType": 1}, {"eventType": "git.pullrequest.merged", "resource": []}]
)
def test_what_is_no_hook_is_no_hint(raw: Any) -> None:
    assert isinstance(read_hint(raw), str)


def pull(app: DevOpsApp, repository: str, description: str, target: str = "refs/heads/main") -> str:
    body = {"sourceRefName": "refs/heads/x", "targetRefName": target, "description": description}
    made = app.ado.ask("POST", f"git/repositories/{repository}/pullrequests", body, "ada@example.org").json()
    return f"git/repositories/{repository}/pullrequests/{made['pullRequestId']}"


async def test_a_merged_pull_request_starts_the_promotion_it_names_once(hooked: DevOpsApp) -> None:
    hooked.register("1", error=1.0)
    conflicting, elsewhere = (
        pull(hooked, "models", "signalbox: churn:1"),
        pull(hooked, "models", "signalbox: churn:1", "refs/heads/dev"),
    )
    hooked.ado.ask("PATCH", conflicting, {"status": "completed", "mergeStatus": "conflicts"}, "grace@example.org")
    hooked.ado.ask("PATCH", elsewhere, {"status": "completed"}, "grace@example.org")
    await hooked.pass_time(seconds=30)
    assert hooked.promotions() == []

    merged = pull(hooked, "models", "A better model\n\nsignalbox: churn:1\n")
    for _ in range(2):
        hooked.ado.ask("PATCH", merged, {"status": "completed"}, "grace@example.org")
    (promotion,) = await hooked.until(hooked.promotions)
    await hooked.finish(promotion)
    await hooked.pass_time(seconds=30)

    assert hooked.promotions() == [promotion]
    record = hooked.record(promotion)
    assert (record["fate"], record["promotion"]["requester"]) == ("promoted", "1")  # The pull request's author.


async def test_a_merged_pull_request_runs_a_pipeline_once_to_its_result(hooked: DevOpsApp) -> None:
    number = hooked.ado.define("provision on merge", {"name": "work", "steps": [{"kind": "log", "lines": ["done"]}]})
    merges = hooked.clients.configuration.devops.merges
    object.__setattr__(merges[1].order, "pipeline", str(number))
    merged = pull(hooked, "infrastructure", "")
    for _ in range(2):
        hooked.ado.ask("PATCH", merged, {"status": "completed"}, "grace@example.org")

    await hooked.until(lambda: hooked.ado.state()["effects"].get("runs", {}).get("provision on merge"))
    await hooked.pass_time(minutes=1)

    assert hooked.ado.state()["effects"]["runs"]["provision on merge"] == 1
