"""Every route, called by every persona with a token really signed, by machines, by strangers and by nobody.

What is expected is written down here, and not read from the permissions that are tested.
"""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from azure.functions.meta import Datum

from shared.config import load
from shared.domain.access.permissions import Machine
from shared.domain.configuration import Configuration
from shared.domain.identity import promotion_id
from tests.fakes.ports import OPERATOR_KEY
from tests.inference.conftest import created
from tests.security.conftest import AttackedApp
from triggers.http.api_route import ApiRoute
from triggers.http.routes import ROUTES

ROLES = {
    "O": "DataOwner",
    "S": "DataScientist",
    "E": "MLEngineer",
    "P": "ProductOwner",
    "F": "PlatformEngineer",
}
EVERYBODY = "OSEPFAK"  # A is a machine that acts as automation, K one with a key that acts as every persona.
MAY = {
    "list_runs": EVERYBODY,
    "start_inference": "OSEFAK",
    "suggest_size": "OSEFAK",
    "suggest_next_size": "OSEFAK",
    "show_run": EVERYBODY,
    "show_run_log": "OSEFAK",
    "explain_anything": EVERYBODY,
    "list_predictions": "OSEK",
    "read_prediction": "OSEK",
    "cancel_run": "EFK",
    "release_run": "OK",
    "release_output": "OK",
    "list_held_answers": EVERYBODY,
    "release_answers": "OK",
    "reprocess_run": "OSEFAK",
    "start_data_check": "OSEFAK",
    "show_data_check": EVERYBODY,
    "show_operation": EVERYBODY,
    "receive_events": "FAK",
    "list_ignored_events": EVERYBODY,
    "list_dead_letters": EVERYBODY,
    "show_dead_letter": EVERYBODY,
    "replay_dead_letter": "EFK",
    "readiness": EVERYBODY,
    "show_me": EVERYBODY,
    "search": EVERYBODY,
    "show_inbox": EVERYBODY,
    "show_configuration": EVERYBODY,
    "show_whole_configuration": EVERYBODY,
    "list_configurations": EVERYBODY,
    "show_past_configuration": EVERYBODY,
    "list_models": EVERYBODY,
    "show_model": EVERYBODY,
    "examine_everything": "EFK",
    "show_drift": EVERYBODY,
    "list_drift_looks": EVERYBODY,
    "check_drift_now": "OSEFAK",
    "show_relevance": "OSEFAK",
    "receive_alert": "FAK",
    "retrain_model": "SEAK",
    "show_retraining": EVERYBODY,
    "show_learning": EVERYBODY,
    "list_retrainings": EVERYBODY,
    "show_training": EVERYBODY,
    "cancel_retraining": "EFK",
    "show_training_log": "OSEFAK",
    "plan_promotion": EVERYBODY,
    "start_promotion": "SEAK",
    "list_promotions": EVERYBODY,
    "show_promotion": EVERYBODY,
    "explain_promotion": EVERYBODY,
    "show_evidence": EVERYBODY,
    "list_decisions": EVERYBODY,
    "show_timeline": EVERYBODY,
    "prove_promotion": EVERYBODY,
    "pack_proof": EVERYBODY,
    "approve_promotion": "SPF",
    "reject_promotion": "SPF",
    "withdraw_decision": "SPF",
    "delegate_decision": "SPF",
    "withdraw_delegation": "SPF",
    "break_glass": "PF",
    "list_rollouts": EVERYBODY,
    "show_rollout": EVERYBODY,
    "show_looks": EVERYBODY,
    "show_step_page": EVERYBODY,
    "pause_rollout": "EPFK",
    "resume_rollout": "EPFK",
    "advance_rollout": "EPFK",
    "abort_rollout": "EPFK",
    "roll_back_model": "EPFK",
    "rehearse_rollback": "EPFK",
    "release_version": "EPFK",
    "revoke_version": "PF",
    "show_what_serves": EVERYBODY,
    "plan_rollback": EVERYBODY,
    "plan_revocation": EVERYBODY,
    "plan_release": EVERYBODY,
    "plan_rehearsal": EVERYBODY,
    "compare_versions": EVERYBODY,
    "show_known_good": EVERYBODY,
    "show_serving": EVERYBODY,
    "show_serving_alerts": EVERYBODY,
    "show_history": EVERYBODY,
    "recover_model": "FK",
    "verify_audit": EVERYBODY,
    "list_audit_entries": EVERYBODY,
    "prove_entry": EVERYBODY,
    "start_publication": "OSEAK",
    "start_import": "OSEFAK",
    "list_imports": EVERYBODY,
    "show_import": EVERYBODY,
    "list_data_contracts": EVERYBODY,
    "show_data_contract": EVERYBODY,
    "list_datasets": EVERYBODY,
    "show_dataset": EVERYBODY,
    "provision_step": "FK",
    "list_provisioned": EVERYBODY,
    "show_order": EVERYBODY,
    "resume_order": "FK",
    "look_for_drift": "FK",
    "tear_down_step": "PF",
    "keep_step": "PF",
    "list_schedules": EVERYBODY,
    "show_schedule": EVERYBODY,
    "pause_schedule": "EFK",
    "resume_schedule": "EFK",
    "run_schedule_now": "EFK",
    "take_task": "FAK",
    "take_hook": "FAK",
    "show_gate": EVERYBODY,
}
PUBLIC = {"health", "openapi"}


@pytest.fixture
def configuration() -> Configuration:
    shipped = load(Path("signalbox.yaml"))
    machines = (Machine(name="trains", acts_as=("automation",), app="app-trains"), *shipped.permissions.machines)
    return replace(shipped, permissions=replace(shipped.permissions, machines=machines))


def callers(app: AttackedApp) -> dict[str, dict[str, str]]:
    """The headers of each."""
    tokens = {letter: app.issuer.token(oid=letter, roles=[role]) for letter, role in ROLES.items()}
    tokens["A"] = app.issuer.token(oid="machine", azp="app-trains", without="scp")
    tokens["stranger"] = app.issuer.token(oid="stranger", roles=["Reader"])
    tokens["machine"] = app.issuer.token(oid="other", azp="app-other", without="scp", roles=["PlatformEngineer"])
    signed = {letter: {"Authorization": f"Bearer {token}"} for letter, token in tokens.items()}
    return {
        **signed,
        "K": {"x-functions-key": OPERATOR_KEY},
        "wrong key": {"x-functions-key": "wrong"},
        "platform": {"X-MS-CLIENT-PRINCIPAL": PRINCIPAL},
        "nobody": {},
    }


# {"auth_typ": "aad", "claims": [{"typ": "oid", "val": "1"}, {"typ": "roles", "val": "PlatformEngineer"}, scp...]}
PRINCIPAL = (
    "eyJhdXRoX3R5cCI6ImFhZCIsImNsYWltcyI6W3sidHlwIjoib2lkIiwidmFsIjoiMSJ9LHsidHlwIjoicm9sZXMiLCJ2YWwiOiJQbGF0Zm9ybU"
    "VuZ2luZWVyIn0seyJ0eXAiOiJzY3AiLCJ2YWwiOiJ4In1dLCJyb2xlX3R5cCI6InJvbGVzIn0="
)


def expected(route: ApiRoute, who: str) -> str:
    if route.name in PUBLIC or who in MAY[route.name]:
        return "comes in"
    return "403" if who in (*EVERYBODY, "stranger") else "401"


async def came(app: AttackedApp, route: ApiRoute, headers: dict[str, str]) -> str:
    path = route.path.replace("{", "no-such-").replace("}", "")
    status, answer = await app.ask(route.method, path, headers, None if route.method == "GET" else {})
    if status in (401, 403) and answer.get("title") in ("not signed in", "not allowed"):
        return str(status)
    assert status < 500, (route.name, answer)
    return "comes in"


def test_every_route_has_its_row() -> None:
    assert {route.name for route in ROUTES} == {*MAY, *PUBLIC}


async def test_every_route_opens_to_whom_it_is_said_to_and_to_nobody_else(app: AttackedApp) -> None:
    wrong = []
    for who, headers in callers(app).items():
        for route in ROUTES:
            wanted, before = expected(route, who), await app.settled()
            if (found := await came(app, route, headers)) != wanted:
                wrong.append(f"{who} at {route.name}: {found}, not {wanted}")
            if wanted != "comes in" and await app.settled() != before:
                wrong.append(f"{who} at {route.name}: something was started, written or sent")

    assert wrong == []


PLACES = """
environments:
  dev: {subscription: s, resource_group: g, workspace: dev}
  preprod: {subscription: s, resource_group: g, workspace: preprod}
  prod: {subscription: s, resource_group: g, workspace: prod}
registry: {name: central, subscription: r, resource_group: g}
hub: {account: datahub}
models:
  churn:
    contract: c.yaml
    promotion: {holdout: {path: evaluation/churn.csv, target: y, key: id}}
    retraining: {pipeline: {endpoint: train, deployment: blue, environment: dev}, gate: {metric: mae}}
roles: {in-dev: {app_role: InDev}, in-preprod: {app_role: InPreprod}, in-registry: {app_role: InRegistry},
  in-prod: {app_role: InProd}}
permissions:
  in-dev:
    {check_data: [dev], publish_data: [dev], start_inference: [dev], release: [dev], operate: [dev], promote: [dev],
    retrain: [dev], recover: [dev], deliver: [dev], see_data: [dev], roll_out: [dev], roll_back: [dev]}
  in-preprod:
    {check_data: [preprod], publish_data: [preprod], start_inference: [preprod], release: [preprod],
    operate: [preprod], promote: [preprod],
    retrain: [preprod], recover: [preprod], deliver: [preprod], see_data: [preprod], roll_out: [preprod],
    roll_back: [preprod]}
  in-registry: {promote: [registry], deliver: [registry]}
  in-prod: {promote: [prod], roll_out: [prod], roll_back: [prod]}
devops: {organisations: [contoso], projects: [mlops]}
ladder:
  preprod: {from: dev, environment: preprod, serve: {online: online}, rehearse: true}
  central: {from: preprod, registry: true}
  production:
    from: central
    environment: prod
    serve: {online: online}
    approvals: {nobody_is_asked: true}
    exit: {golden_requests_match: {}}
    rollout: {steps: [10, 100]}
routes:
  here:
    take: landing/here/{name}.csv
    score: {environment: dev, endpoint: e, deployment: blue, model: "churn:1"}
    publish: predictions/here/{run}
  there:
    take: landing/there/{name}.csv
    score: {environment: preprod, endpoint: e, deployment: blue, model: "churn:1"}
    publish: predictions/there/{run}
schedules:
  nightly: {cron: 30 2 * * *, retrain: churn}
datasets:
  here: {purpose: test, environments: [dev]}
  there: {purpose: test, environments: [preprod]}
"""
REASON = {"reason": "because"}
TASK = {
    "PlanUrl": "https://dev.azure.com/contoso/",
    "HubName": "build",
    "AuthToken": "a token",
    **dict.fromkeys(
        ("ProjectId", "PlanId", "JobId", "TimelineId", "TaskInstanceId"), "67be341f-5310-552f-e0cd-7c580e77b98b"
    ),
}
RELEASE = promotion_id("churn", "1", "production", 1)  # The one that is asked for below.
ASKED: list[tuple[str, Any, str]] = [  # Without a body it is a GET.
    ("runs/{here}/predictions", None, "dev"),
    ("runs/{there}/predictions", None, "preprod"),
    ("runs/{here}/predictions/piece?name=predictions.csv", None, "dev"),
    ("runs/{there}/predictions/piece?name=predictions.csv", None, "preprod"),
    ("runs/{here}/cancel", REASON, "dev"),
    ("runs/{there}/cancel", REASON, "preprod"),
    ("runs/{here}/release", REASON, "dev"),
    ("runs/{here}/release-output", REASON, "dev"),
    ("runs/{there}/release", REASON, "preprod"),
    ("runs/{there}/release-output", REASON, "preprod"),
    ("runs/{here}/reprocess", REASON, "dev"),
    ("runs/{there}/reprocess", REASON, "preprod"),
    ("runs/{here}/logs", None, "dev"),
    ("runs/{there}/logs", None, "preprod"),
    ("data-checks", {"path": "landing/none", "route": "here"}, "dev"),
    ("data-checks", {"path": "landing/none", "route": "there"}, "preprod"),
    *(
        ("datasets", {"name": name, "version": "1", "folder": "landing/none/"}, place)
        for name, place in (("here", "dev"), ("there", "preprod"), ("none", "nowhere"))
    ),
    *(
        ("imports", {"route": name, "source": "azureml:none:1", "path": f"landing/{name}/a.csv", **REASON}, place)
        for name, place in (("here", "dev"), ("there", "preprod"), ("none", "nowhere"))
    ),
    ("drift-checks", {"path": "landing/none", "route": "here"}, "dev"),
    ("drift-checks", {"path": "landing/none", "route": "there"}, "preprod"),
    ("promotions", {"model": "churn:1", "to": "preprod", **REASON}, "preprod"),
    ("promotions", {"model": "churn:1", "to": "central", **REASON}, "registry"),
    ("models/churn/recover", {"version": "1", "environment": "dev", **REASON}, "dev"),
    ("models/churn/recover", {"version": "1", "environment": "preprod", **REASON}, "preprod"),
    ("models/churn/retrain", REASON, "dev"),
    ("schedules/nightly/pause", REASON, "dev"),
    ("schedules/nightly/resume", REASON, "dev"),
    ("schedules/nightly/run", REASON, "dev"),
    ("devops/checks", {"start": "promotion", "model": "churn:1", "to": "preprod"}, "preprod"),
    ("devops/checks", {"start": "promotion", "model": "churn:1", "to": "central"}, "registry"),
    ("devops/checks", {"start": "inference", "path": "landing/here/a.csv"}, "dev"),
    ("devops/checks", {"start": "inference", "path": "landing/there/a.csv"}, "preprod"),
    ("devops/checks", {"start": "data_check", "path": "landing/none", "route": "here"}, "dev"),
    ("devops/checks", {"start": "data_check", "path": "landing/none", "route": "there"}, "preprod"),
    ("devops/checks", {"start": "retraining", "model": "churn"}, "dev"),
    ("feature-relevance", {"path": "landing/here/none.csv", "target": "y"}, "dev"),
    ("feature-relevance", {"path": "landing/there/none.csv", "target": "y"}, "preprod"),
    ("feature-relevance", {"path": "landing/none", "target": "y"}, "nowhere"),
    ("promotions", {"model": "churn:1", "to": "production", **REASON}, "prod"),
    ("models/churn/rollback", REASON, "prod"),
    ("models/churn/rollback", {"stage": "production", "to": "1", **REASON}, "prod"),
    ("models/churn/rollback", {"stage": "preprod", **REASON}, "nowhere"),
    ("models/churn/rehearse", REASON, "preprod"),
    ("models/churn/rehearse", {"cold": True, **REASON}, "prod"),
    ("models/churn/rehearse", {"stage": "production", **REASON}, "nowhere"),
    ("models/churn/release", {"version": "1", **REASON}, "prod"),
    *((f"rollouts/{RELEASE}/{order}", REASON, "prod") for order in ("pause", "resume", "advance", "abort")),
    ("rollouts/none/pause", REASON, "nowhere"),
    ("rollouts/none/resume", REASON, "nowhere"),
    ("rollouts/none/advance", REASON, "nowhere"),
    ("rollouts/none/abort", REASON, "nowhere"),
    ("runs/none/cancel", REASON, "nowhere"),
    ("answers/none/release", REASON, "nowhere"),
    ("retrainings/none/cancel", REASON, "nowhere"),
    ("models/churn/recover", {"version": "1", "environment": "moon", **REASON}, "nowhere"),
    ("dead-letters/replay", {"path": "none"}, "nowhere"),
    ("events", {}, "nowhere"),
    ("alerts", {}, "nowhere"),
    ("devops/hooks", {}, "nowhere"),
]


class TestEnvironments:
    """Three personas may do everything, each in one environment only; what has no place of its own is for none."""

    @pytest.fixture
    def configuration(self, tmp_path: Path) -> Configuration:
        (tmp_path / "c.yaml").write_text("format: csv\ncolumns: [{name: id, type: integer}]\n")
        (tmp_path / "signalbox.yaml").write_text(PLACES)
        return load(tmp_path / "signalbox.yaml")

    async def test_a_route_opens_for_the_environment_concerned_and_for_no_other(self, app: AttackedApp) -> None:
        runs = {name: await a_run_of(app, name) for name in ("here", "there")}
        wrong = []
        for place, role in (("dev", "InDev"), ("preprod", "InPreprod"), ("registry", "InRegistry"), ("prod", "InProd")):
            signed = {"Authorization": f"Bearer {app.issuer.token(oid=place, roles=[role])}"}
            for path, body, concerned in ASKED:
                before = await app.settled()
                headers = signed | (TASK if path == "devops/checks" else {})
                method = "GET" if body is None else "POST"
                status, answer = await app.ask(method, path.format(**runs), headers, body)
                refused = status == 403 and answer["title"] == "not allowed"
                if refused == (place == concerned):
                    wrong.append(f"{role} at {path} {body}: {status} {answer}")
                if refused and await app.settled() != before:
                    wrong.append(f"{role} at {path} {body}: something was started, written or sent")

        assert wrong == []


async def a_run_of(app: AttackedApp, route: str) -> str:
    blob = app.hub.land(f"landing/{route}/a.csv", b"id\n1\n")
    await app.host.call("receive_hub_event", Datum(json.dumps(created(blob, route)), "json"))
    await app.host.settle()
    (run,) = (each for each in runs_of(app) if each.startswith(route))
    return run


def runs_of(app: AttackedApp) -> list[str]:
    return [blob.path.split("/")[1] for blob in app.hub.list("signalbox", "runs/") if blob.path.endswith("run.json")]
