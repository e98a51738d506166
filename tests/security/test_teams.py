"""Every route, called by a member of a team for what is its own, what another team has, and what is not there.

What another team has and what is not there have one answer. What a route answers a team never has a word of another's.
"""

import json
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import azure.functions as func
import pytest
from azure.functions.meta import Datum

from shared import contracts as c
from shared.adapters.azure_storage.sealed_secrets import SealedSecrets
from shared.adapters.hub_files.drift_counts import HubDriftFiles
from shared.application.events.dead_letters import store_letter
from shared.application.sessions import ConsoleSession
from shared.config import load
from shared.domain import identity
from shared.domain.datasets.rules import DatasetKind, DatasetPurpose
from shared.domain.messaging import DeadMessage, QueueDoor
from shared.domain.promotion.approvals import Person
from shared.domain.promotion.models import ModelVersion
from shared.domain.retraining.decision import PastRun
from shared.domain.rollout.serving import ChangeKind, TrafficChange
from shared.domain.teams.ownership import Belonging
from shared.durable.deferred import load as load_deferred
from shared.records import paths
from shared.records.datasets import DatasetManifest
from shared.records.datasets import paths as dataset_paths
from shared.records.datasets.imports import ImportRecord, list_import
from shared.records.lists.rows import PROMOTIONS, RUNS, keep_listed
from shared.records.production import paths as production
from shared.records.production.answers import HeldPart, held_path
from shared.records.production.rollouts import RolloutStanding
from shared.records.production.serving import sign_change
from shared.records.promotion import PromotionRecord
from shared.records.retraining import Book, RetrainingClaim
from signalbox.host.clock import VirtualClock
from tests.fakes.ports import OPERATOR_KEY, FakeClients
from tests.fakes.promotion import MemoryBundles, MemoryCloud, MemoryEndpoints, MemoryModels, NamedPeople
from tests.fakes.retraining import MemoryDataAssets
from tests.hosted import HostedApp, hosted
from tests.inference.conftest import created
from tests.two_teams import MODELS, PLATFORM, team_file, write_two_teams
from triggers.console.api_calls import OPERATIONS, api_call
from triggers.console.pages import PAGES
from triggers.console.serving import destination_of, page_request
from triggers.http.api_route import IN_SCOPE, PLATFORM_ONLY
from triggers.http.exchange.problems import Problem
from triggers.http.routes import ROUTES
from triggers.http.teams import is_open_to

ANSWERS = """
answers:
  {team}-answers:
    {{environment: dev, endpoint: {team}-live, model: {model}, publish: "answers/{team}/{{part}}"}}
"""
REASON = {"reason": "because"}
NOT_THERE = {
    "type": "about:blank",
    "title": "not found",
    "status": 404,
    "detail": "nothing that your teams own is called so; the lists show what they own",
}
OTHERS = {"churn": "vision", "vision": "churn"}
# How a request names what is NAME's, by the route's handler; a body makes it a POST. `missing` names nothing there is.
CALLS: dict[str, tuple[str, Any]] = {
    "start_inference": ("runs", {"route": "{t}-daily", "paths": ["landing/{t}/a.csv"], **REASON}),
    "suggest_size": ("suggestions", {"route": "{t}-daily", "paths": ["landing/{t}/a.csv"]}),
    "suggest_next_size": ("runs/{run}/suggestion", None),
    "show_run": ("runs/{run}", None),
    "show_run_log": ("runs/{run}/logs", None),
    "explain_anything": ("explanations/{run}", None),
    "cancel_run": ("runs/{run}/cancel", REASON),
    "release_run": ("runs/{run}/release", REASON),
    "release_output": ("runs/{run}/release-output", REASON),
    "reprocess_run": ("runs/{run}/reprocess", REASON),
    "release_answers": ("answers/{t}-part/release", REASON),
    "start_data_check": ("data-checks", {"route": "{t}-daily", "path": "landing/{t}/a.csv"}),
    "show_data_check": ("data-checks/{check}", None),
    "show_operation": ("operations/{run}", None),
    "show_dead_letter": ("dead-letters/letter?path={letter}", None),
    "replay_dead_letter": ("dead-letters/replay", {"path": "{letter}"}),
    "list_predictions": ("runs/{run}/predictions", None),
    "read_prediction": ("runs/{run}/predictions/piece?name=a.csv", None),
    "show_model": ("models/{m}", None),
    "show_drift": ("models/{m}/drift", None),
    "list_drift_looks": ("models/{m}/drift/looks", None),
    "check_drift_now": ("drift-checks", {"route": "{t}-daily", "path": "landing/{t}/a.csv"}),
    "show_relevance": ("feature-relevance", {"path": "landing/{t}/a.csv", "target": "y"}),
    "retrain_model": ("models/{m}/retrain", {"data": "training/{t}/", **REASON}),
    "show_retraining": ("models/{m}/retraining", None),
    "show_training": ("retrainings/{training}", None),
    "show_training_log": ("retrainings/{training}/logs", None),
    "cancel_retraining": ("retrainings/{training}/cancel", REASON),
    "plan_promotion": ("plans", {"model": "{m}:1", "to": "{t}-preprod"}),
    "start_promotion": ("promotions", {"model": "{m}:1", "to": "{t}-preprod", **REASON}),
    "show_promotion": ("promotions/{promotion}", None),
    "explain_promotion": ("promotions/{promotion}/explain", None),
    "show_evidence": ("promotions/{promotion}/evidence", None),
    "list_decisions": ("promotions/{promotion}/decisions", None),
    "show_timeline": ("promotions/{promotion}/timeline", None),
    "prove_promotion": ("promotions/{promotion}/proof", None),
    "pack_proof": ("promotions/{promotion}/proof-pack", None),
    "approve_promotion": ("promotions/{promotion}/approve", {"role": "product-owner", "evidence": "e", **REASON}),
    "reject_promotion": ("promotions/{promotion}/reject", {"role": "product-owner", "evidence": "e", **REASON}),
    "withdraw_decision": ("promotions/{promotion}/withdraw", {"role": "product-owner"}),
    "delegate_decision": (
        "promotions/{promotion}/delegate",
        {"role": "product-owner", "to": "grace@example.org", "evidence": "e", **REASON},
    ),
    "withdraw_delegation": ("promotions/{promotion}/withdraw-delegation", {"role": "product-owner"}),
    "break_glass": (
        "promotions/{promotion}/break-glass",
        {"role": "product-owner", "stage": "{t}-central", "evidence": "e", **REASON},
    ),
    "show_rollout": ("rollouts/{promotion}", None),
    "show_looks": ("rollouts/{promotion}/looks", None),
    "show_step_page": ("rollouts/{promotion}/page", None),
    "pause_rollout": ("rollouts/{promotion}/pause", REASON),
    "resume_rollout": ("rollouts/{promotion}/resume", REASON),
    "advance_rollout": ("rollouts/{promotion}/advance", REASON),
    "abort_rollout": ("rollouts/{promotion}/abort", REASON),
    "roll_back_model": ("models/{m}/rollback", REASON),
    "rehearse_rollback": ("models/{m}/rehearse", REASON),
    "release_version": ("models/{m}/release", {"version": "1", **REASON}),
    "revoke_version": ("models/{m}/revoke", {"version": "1", **REASON}),
    "plan_rollback": ("models/{m}/rollback-plan", None),
    "plan_revocation": ("models/{m}/revocation-plan?version=1", None),
    "plan_release": ("models/{m}/release-plan?version=1", None),
    "plan_rehearsal": ("models/{m}/rehearsal-plan?kind=cold", None),
    "compare_versions": ("models/{m}/comparison?first=1&second=2", None),
    "show_known_good": ("models/{m}/known-good", None),
    "show_serving": ("environments/prod/endpoints/{t}-online/serving", None),
    "show_serving_alerts": ("environments/prod/endpoints/{t}-online/alerts", None),
    "show_history": ("models/{m}:1/history", None),
    "recover_model": ("models/{m}/recover", {"version": "1", "environment": "dev", **REASON}),
    "start_import": (
        "imports",
        {"route": "{t}-daily", "source": "azureml:{t}-seen:1", "path": "landing/{t}/b.csv", **REASON},
    ),
    "show_import": ("imports/import-{t}-daily-1", None),
    "start_publication": ("datasets", {"name": "{t}-set", "version": "2", "folder": "training/{t}/"}),
    "show_data_contract": ("data-contracts/contract?path={contract}", None),
    "show_dataset": ("datasets/{t}-set/versions/1", None),
    "show_schedule": ("schedules/{t}-nightly", None),
    "pause_schedule": ("schedules/{t}-nightly/pause", REASON),
    "resume_schedule": ("schedules/{t}-nightly/resume", REASON),
    "run_schedule_now": ("schedules/{t}-nightly/run", REASON),
    "take_task": ("devops/checks", {"start": "retraining", "model": "{m}"}),
    "show_gate": ("devops/gates/{run}", None),
}
NOT_OF_PLATFORM = {"list_ignored_events", "show_me"}  # Lists in which the platform has no word of a team.
LISTS = {  # Those that a team may see at all, each with a word that is there for a team's own.
    "list_runs": ("runs", "{t}-daily"),
    "list_held_answers": ("answers/held", "{t}-part"),
    "list_ignored_events": ("events/ignored", "landing/{t}/a.csv"),
    "list_dead_letters": ("dead-letters", "{letter}"),
    "show_configuration": ("configuration", "{t}-preprod"),
    "show_whole_configuration": ("configuration/whole", "{t}-preprod"),
    "list_models": ("models", "{m}"),
    "show_what_serves": ("serving", "{m}"),
    "list_data_contracts": ("data-contracts", "{contract}"),
    "list_datasets": ("datasets", "{t}-set"),
    "list_imports": ("imports", "import-{t}-daily-1"),
    "show_learning": ("retraining", "{m}"),
    "list_retrainings": ("retrainings", "{training}"),
    "show_me": ("me", "{t}:all"),
    "show_inbox": ("inbox", "{t}-part"),
    "search": ("search?q=retrain", "{training}"),
    "list_promotions": ("promotions", "{promotion}"),
    "list_rollouts": ("rollouts", "{promotion}"),
    "list_schedules": ("schedules", "{t}-nightly"),
    "list_audit_entries": ("audit/entries", "{t}-entry"),
}
PUBLIC = {"health": "health", "openapi": "openapi.json"}
STEP = {"step": "experimentation"}
ORDERED = {
    "schema": "signalbox.request/1",
    "number": "RITM0010001",
    "sys_id": "0" * 32,
    "requested_for": {"user_name": "ada"},
    "variables": {"team": "churn", "cost_center": "1", "data_owner": "ada", "region": "westeurope", **STEP},
}
CLOSED = {  # What concerns every team: a role of the platform alone.
    "receive_events": ("events", []),
    "receive_alert": ("alerts", {}),
    "take_hook": ("devops/hooks", {}),
    "provision_step": ("provisioning/requests", ORDERED),
    "list_provisioned": ("provisioning", None),
    "show_order": ("provisioning/orders/no-such", None),
    "resume_order": ("provisioning/orders/no-such/resume", REASON),
    "look_for_drift": ("provisioning/drift-looks", REASON),
    "tear_down_step": ("provisioning/teams/churn/teardown", {"role": "product-owner", **STEP, **REASON}),
    "keep_step": ("provisioning/teams/churn/keep", STEP),
    "readiness": ("readiness", None),
    "examine_everything": ("doctor", None),
    "verify_audit": ("audit", None),
    "list_configurations": ("configuration/versions", None),
    "show_past_configuration": ("configuration/versions/x", None),
    "prove_entry": ("audit/1/proof", None),
}
PUBLICATION: dict[str, Any] = {"name": "churn-set", "version": "2", "folder": "training/churn/"}
IMPORT: dict[str, Any] = {
    "route": "churn-daily",
    "source": "azureml:churn-seen:1",
    "path": "landing/churn/b.csv",
    **REASON,
}
BESIDE: list[tuple[str, Any]] = [  # A thing of a team's own, with one of the other team beside it.
    ("data-checks", {"route": "churn-daily", "path": "landing/vision/a.csv"}),
    ("data-checks", {"route": "churn-daily", "path": "signalbox-staging/checks/vision/a.csv"}),
    ("data-checks", {"route": "churn-daily", "path": "signalbox-staging/checks/a.csv"}),
    ("data-checks", {"route": "churn-daily", "path": "evaluation/vision/holdout.csv"}),
    ("drift-checks", {"route": "churn-daily", "path": "training/vision/a.csv"}),
    ("feature-relevance", {"path": "predictions/vision/a.csv", "target": "y"}),
    ("models/leavers/retrain", {"data": "training/vision/", **REASON}),
    ("models/leavers/retrain", {"data": "landing/vision/a.csv", **REASON}),
    ("imports", IMPORT | {"path": "landing/vision/b.csv"}),
    ("imports", IMPORT | {"path": "landing/vision/"}),
    ("imports", IMPORT | {"source": "azureml:vision-set:1"}),
    ("imports", IMPORT | {"source": "azureml:vision-seen:1"}),
    ("imports", IMPORT | {"source": "azureml:defects-rows:1"}),
    ("runs", {"route": "churn-daily", "paths": ["landing/churn/a.csv", "landing/vision/a.csv"], **REASON}),
    ("promotions", {"model": "leavers:1", "to": "vision-preprod", **REASON}),
    ("promotions", {"models": ["leavers:1", "defects:1"], "to": "churn-preprod", **REASON}),
    ("plans", {"model": "leavers:1", "to": "vision-production"}),
    ("models/leavers/rollback", {"stage": "vision-production", **REASON}),
    ("models/leavers/rehearse", {"stage": "vision-preprod", **REASON}),
    ("datasets", {"name": "churn-set", "version": "2", "folder": "training/vision/"}),
    ("datasets", {"name": "churn-set", "version": "2", "folder": "evaluation/vision/"}),
    ("datasets", PUBLICATION | {"files": ["evaluation/vision/holdout.csv"]}),
    ("datasets", {"name": "churn-set", "version": "2", "folder": "predictions/churn/"}),
    ("datasets", PUBLICATION | {"files": ["landing/vision/a.csv"]}),
    ("datasets", PUBLICATION | {"runs": ["retrain-defects-1"]}),
    ("datasets", PUBLICATION | {"runs": ["no-such-run"]}),
    ("datasets", PUBLICATION | {"versions": ["vision-set@1"]}),
    ("datasets", PUBLICATION | {"versions": ["no-such-set@1"]}),
    ("devops/checks", {"start": "data_check", "route": "churn-daily", "path": "landing/vision/a.csv"}),
    ("devops/checks", {"start": "inference", "path": "landing/vision/a.csv"}),
    ("devops/checks", {"start": "promotion", "model": "leavers:1", "to": "vision-preprod"}),
]
TASK = {
    "PlanUrl": "https://dev.azure.com/contoso/",
    "HubName": "build",
    "AuthToken": "a token",
    **dict.fromkeys(
        ("ProjectId", "PlanId", "JobId", "TimelineId", "TaskInstanceId"), "67be341f-5310-552f-e0cd-7c580e77b98b"
    ),
}


@dataclass
class SharedApp(HostedApp):
    """The app with the projects of two teams; *names* of what each has, by the words of the tables."""

    names: dict[str, dict[str, str]]

    async def call(self, who: str, path: str, body: Any = None, method: str = "") -> tuple[int, Any, str]:
        """The status, the answer and its text. *who* is a team, or the platform's operator."""
        headers = {"x-functions-key": OPERATOR_KEY} if who == "platform" else {"Authorization": f"Bearer {who}"}
        url, method = f"{self.host.url}/api/v1/{path}", method or ("GET" if body is None else "POST")
        async with (
            aiohttp.ClientSession() as session,
            session.request(method, url, headers=headers | TASK, json=body) as answer,
        ):
            text = await answer.text()
            return answer.status, json.loads(text), text

    def filled(self, value: Any, team: str) -> Any:
        """*value* of a table with the names of what *team* has."""
        text = json.dumps(value)
        for name, word in self.names[team].items():
            text = text.replace(f"{{{name}}}", word)
        return json.loads(text)

    def total_effects(self) -> int:
        """Everything written or started so far."""
        return sum(self.hub.writes.values())


@pytest.fixture
async def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[SharedApp]:
    files = {
        team: team_file(team).replace(
            f"publish: predictions/{team}/", f"register: {{asset: {team}-seen}}\n    publish: predictions/{team}/"
        )
        + ANSWERS.format(team=team, model=MODELS[team])
        for team in MODELS
    }
    platform = f"{PLATFORM}sources: {{assets: ['*']}}\n"  # What keeps teams apart is no pattern.
    configuration = load(write_two_teams(tmp_path, platform=platform, **files))
    clock = VirtualClock()
    clients = FakeClients(configuration, clock.now)
    people = {
        team: Person(
            oid=team, name=team, groups=tuple(f"{team}-{group}" for group in ("owners", "scientists", "engineers"))
        )
        for team in MODELS
    }
    cloud = MemoryCloud()
    vars(clients).update(
        identities=NamedPeople(people),
        devops_url="https://dev.azure.com",
        models=MemoryModels(cloud),
        bundles=MemoryBundles(cloud),
        endpoints=MemoryEndpoints(cloud),
        data_assets=MemoryDataAssets(),
        drift_files=HubDriftFiles(clients.hub, tmp_path),
        secrets=SealedSecrets(clients.hub, configuration.hub.state, "s" * 32),
    )
    async with hosted(clients, clock, tmp_path, monkeypatch, sweeps="0 0 0 1 1 *") as host:
        shared = SharedApp(host=host, clients=clients, names={"missing": dict.fromkeys(_WORDS, "no-such-thing")})
        for team in MODELS:
            shared.names[team] = await _things_of(shared, team)
        await host.settle()
        yield shared


_WORDS = ("t", "m", "run", "check", "training", "promotion", "letter", "contract")


async def _things_of(app: SharedApp, team: str) -> dict[str, str]:
    """One of each kind of thing for *team*: some really started, others only their records."""
    model, clients, store = MODELS[team], app.clients, app.clients.store
    blob = app.hub.land(f"landing/{team}/a.csv", b"id,y\n1,2\n")
    app.hub.land(f"training/{team}/a.csv", b"id,y\n1,2\n")
    await app.host.call("receive_hub_event", Datum(json.dumps(created(blob, team)), "json"))
    # An event of it that starts nothing: the same file again, in a folder that no route takes, is the platform's.
    stray = app.hub.land(f"landing/{team}-strays/a.csv", b"id,y\n1,2\n")
    await app.host.call("receive_hub_event", Datum(json.dumps(created(stray, f"{team}-stray")), "json"))
    await app.host.settle()
    run = identity.run_id(f"{team}-daily", [identity.arrival_id(blob.arrival("datahub"))])
    check = (await app.call("platform", "data-checks", {"path": f"landing/{team}/a.csv", "route": f"{team}-daily"}))[1]
    promotion = c.Promotion(
        id=identity.promotion_id(model, "1", f"{team}-preprod"),
        model=ModelVersion(name=model, version="1"),
        source="dev",
        target=f"{team}-preprod",
    )
    at = clients.clock.now().isoformat()
    imported = ImportRecord(
        id=f"import-{team}-daily-1",
        route=f"{team}-daily",
        source=f"azureml:{team}-seen:1",
        target=f"landing/{team}/i.csv",
        by=team,
        reason="it is wanted",
        opened=at,
        execution="x",
    )
    store.create(dataset_paths.import_record(imported.id), imported)
    list_import(store, imported)
    store.create(paths.promotion(promotion.id), PromotionRecord(opened=at, execution="x", promotion=promotion))
    row = {"model": model, "version": "1", "target": promotion.target, "opened": at, "fate": ""}
    keep_listed(app.hub, store.container, PROMOTIONS, promotion.id, row)
    standing = RolloutStanding(
        promotion=promotion.id, model=f"{model}:1", environment="prod", endpoint=f"{team}-online", deployment="blue",
        champion="", stage=f"{team}-production", step=0, weights=(10, 100), since=at, looks=0, decision="", because="",
        at=at,
    )  # fmt: skip
    store.create(production.rollout(promotion.id), standing)
    traffic = TrafficChange(
        kind=ChangeKind.SHIFT, environment="prod", endpoint=f"{team}-online", at=clients.clock.now(),
        traffic={"blue": 100}, versions={"blue": f"{model}:1"}, cause=promotion.id, by=team,
    )  # fmt: skip
    sign_change(clients.statements, promotion.id, traffic)
    held = HeldPart(
        part=f"{team}-part", answers=f"{team}-answers", environment="dev", contract="c", at=at, rows=1, outputs="o"
    )
    store.create(held_path(held.part), held)
    rules = clients.configuration.retrained(model)
    training = c.RetrainingRun(
        run=f"retrain-{model}-1", rules=rules, hub=clients.configuration.hub, causes=1, because="b"
    )
    store.create(paths.retraining_part(training.run, "claim.json"), RetrainingClaim(request=training, causes=()))
    past = PastRun(run=training.run, started=clients.clock.now())
    store.create(paths.retraining_book(model), Book(runs=(past,)))
    manifest = DatasetManifest(
        name=f"{team}-set", version="1", kind=DatasetKind.TABLE, purpose=DatasetPurpose.TEST, publication="p",
        content="c", container="signalbox-staging", folder=f"datasets/{team}-set/1", files=(),
        source=f"training/{team}/", snapshot="s", by=team, at=at,
    )  # fmt: skip
    store.create(dataset_paths.dataset_version(manifest.name, manifest.version), manifest)
    clients.audit.append(f"{team}-entry", "planned", f"{model}:1", team, {})
    letter = store_letter(clients, created(blob, f"{team}-poison"), f"what {team} sent cannot be read")
    return {
        "t": team,
        "m": model,
        "run": run,
        "check": check["id"],
        "training": training.run,
        "promotion": promotion.id,
        "letter": letter.partition("/")[2],
        "contract": next(route.contract for route in clients.configuration.routes if route.name == f"{team}-daily"),
    }


def test_every_route_is_in_one_of_the_tables() -> None:
    """A new route without an answer to whose things it shows fails here."""
    by_way = {way: {route.name for route in ROUTES if route.team == way} for way in (IN_SCOPE, PLATFORM_ONLY)}
    handled_lists = {"show_dead_letter", "replay_dead_letter", "show_data_contract"}

    assert by_way[IN_SCOPE] == {*LISTS, *PUBLIC, *handled_lists}
    assert by_way[PLATFORM_ONLY] == {*CLOSED}
    assert {route.name for route in ROUTES} == {*CALLS, *LISTS, *PUBLIC, *CLOSED}


async def test_a_team_gets_what_is_its_own_and_one_answer_for_everything_else(app: SharedApp) -> None:
    wrong = []
    for name, (path, body) in CALLS.items():
        for team, other in OTHERS.items():
            await app.host.settle()
            before = app.total_effects()
            for owner in (other, "missing"):
                status, answer, _ = await app.call(team, app.filled(path, owner), app.filled(body, owner))
                if (status, answer) != (404, NOT_THERE):
                    wrong.append(f"{team} at {name} of {owner}: {status} {answer}")
            await app.host.settle()
            if app.total_effects() != before:
                wrong.append(f"{team} at {name} of {other}: something was written")
            status, answer, text = await app.call(team, app.filled(path, team), app.filled(body, team))
            if status in (401, 403) or status >= 500 or answer == NOT_THERE:
                wrong.append(f"{team} at {name} of its own: {status} {answer}")
            if _traces(other, text):
                wrong.append(f"{team} at {name} of its own: has {_traces(other, text)} in {text}")

    assert wrong == []


def _traces(team: str, text: str) -> list[str]:
    return [word for word in (team, MODELS[team]) if re.search(rf"(?<![a-z]){word}", text)]  # "provision" is no trace.


async def test_a_list_shows_a_team_its_own_and_no_trace_of_another(app: SharedApp) -> None:
    wrong = []
    for name, (path, word) in LISTS.items():
        for team, other in OTHERS.items():
            status, answer, text = await app.call(team, path)
            own = app.filled(word, team)
            if status != 200 or (own not in text and name != "list_ignored_events") or _traces(other, text):
                wrong.append(f"{team} at {name}: {status} {answer}")
            if answer.get("total", 1) != 1:
                wrong.append(f"{team} at {name}: counts {answer['total']}")
        text = (await app.call("platform", path))[2]
        if name not in NOT_OF_PLATFORM and any(app.filled(word, team) not in text for team in OTHERS):
            wrong.append(f"the platform at {name}: {text}")

    assert wrong == []


async def test_what_is_counted_beside_a_list_is_the_teams_own(app: SharedApp) -> None:
    """No number tells how much others have: neither totals, nor the counts by outcome, nor a cursor."""
    others_run = {"route": "vision-daily", "opened": "2026-01-01T00:00:00+00:00", "outcome": "failed", "closed": "x"}
    others_promotion = {"model": "defects", "version": "2", "target": "vision-preprod", "fate": "held", "opened": "x"}
    for number in range(3):
        keep_listed(app.hub, app.clients.store.container, RUNS, f"other-{number}", others_run)
        keep_listed(app.hub, app.clients.store.container, PROMOTIONS, f"other-{number}", others_promotion)

    runs, promotions = [(await app.call("churn", f"{path}?limit=1"))[1] for path in ("runs", "promotions")]
    of_others = (await app.call("churn", "runs?route=vision-daily"))[1]

    assert (runs["total"], sum(runs["outcomes"].values()), runs["next"]) == (1, 1, "")
    assert (promotions["total"], promotions["fates"], promotions["next"]) == (1, {"": 1}, "")
    assert (of_others["total"], of_others["outcomes"], of_others["runs"]) == (0, {}, [])
    assert (await app.call("vision", "runs"))[1]["total"] == (await app.call("platform", "runs"))[1]["total"] - 1 == 4


@pytest.mark.parametrize("path", ["runs", "promotions", "imports", "inbox"])
async def test_the_etag_of_one_team_is_worth_nothing_to_another(app: SharedApp, path: str) -> None:
    etags = {who: await _status_and_etag(app, who, path, "") for who in ("churn", "vision", "platform")}
    assert len(set(etags.values())) == 3
    for who in etags:
        statuses = {other: (await _status_and_etag(app, who, path, etags[other][1]))[0] for other in etags}
        assert statuses == {other: 304 if other == who else 200 for other in etags}


async def _status_and_etag(app: SharedApp, who: str, path: str, etag: str) -> tuple[int, str]:
    identity_headers = {"x-functions-key": OPERATOR_KEY} if who == "platform" else {"Authorization": f"Bearer {who}"}
    headers = identity_headers | ({"If-None-Match": etag} if etag else {})
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{app.host.url}/api/v1/{path}", headers=headers) as answer,
    ):
        return answer.status, answer.headers["ETag"]


async def test_the_console_calls_the_api_with_the_scope_of_its_person(app: SharedApp) -> None:
    no_host: Any = None  # These handlers find in the records what they need.
    person = app.clients.callers.known({"Authorization": "Bearer churn"}, {})

    runs = await api_call(no_host, app.clients, person, "list_runs")
    promotion = await api_call(
        no_host, app.clients, person, "list_decisions", {"promotion": app.names["churn"]["promotion"]}
    )
    inbox = await api_call(no_host, app.clients, person, "show_inbox")

    assert [run.route for run in runs.runs] == ["churn-daily"]
    assert promotion.promotion == app.names["churn"]["promotion"]
    assert _traces("vision", repr(inbox)) == []
    for operation, parameters in (
        ("list_decisions", {"promotion": app.names["vision"]["promotion"]}),
        ("release_run", {"run": app.names["vision"]["run"]}),
        ("cancel_run", {"run": app.names["vision"]["run"]}),
    ):
        body = None if operation == "list_decisions" else REASON
        with pytest.raises(Problem) as refusal:
            await api_call(no_host, app.clients, person, operation, parameters, body=body)
        assert (refusal.value.status, str(refusal.value)) == (404, NOT_THERE["detail"])
    with pytest.raises(Problem) as refusal:
        await api_call(no_host, app.clients, person, "examine_everything")
    assert refusal.value.status == 403


async def test_a_search_finds_a_teams_own_and_nothing_of_another(app: SharedApp) -> None:
    for word in ("run", "training", "promotion", "letter", "contract", "m", "t"):
        _, own, _ = await app.call("churn", f"search?q={app.names['churn'][word]}")
        status, others, _ = await app.call("churn", f"search?q={app.names['vision'][word]}")

        assert app.names["churn"][word] in repr(own["hits"]), word
        assert (status, others["hits"]) == (200, []), word


async def test_a_page_of_the_console_offers_nothing_of_another_team(app: SharedApp) -> None:
    no_host: Any = None
    now, person = app.clients.clock.now(), app.clients.callers.known({"Authorization": "Bearer churn"}, {})
    session = ConsoleSession(sid="1", person=person, opened=now, seen=now, contexts=())
    http = func.HttpRequest(method="GET", url="/console/runs", body=b"")
    for path in ("runs", "promotions", "retraining", "configuration", "data-contracts", "datasets"):
        place = destination_of(path, is_safe=True)
        assert place is not None
        view = await load_deferred(place.page.show)(page_request(no_host, app.clients, session, http, place))
        assert any(word in repr(view.data) for word in ("churn", MODELS["churn"]))
        assert _traces("vision", repr(view.data)) == []
    open_pages = {page.name for page in PAGES if is_open_to(OPERATIONS[page.reads[0]], app.clients, person)}

    assert {page.name for page in PAGES} - open_pages == {"doctor"}


async def test_what_concerns_every_team_is_for_the_platform(app: SharedApp) -> None:
    answers = {name: await app.call("churn", *call) for name, call in CLOSED.items()}
    of_platform = {name: (await app.call("platform", *call))[0] for name, call in CLOSED.items()}

    assert {(status, answer["detail"].partition(",")[0]) for status, answer, _ in answers.values()} == {
        (403, "it concerns every team")
    }
    for_people = {"tear_down_step", "keep_step"}  # And the operator is a machine.
    assert {name for name, status in of_platform.items() if status == 403} == for_people


async def test_the_platform_sees_and_may_do_everything(app: SharedApp) -> None:
    wrong = []
    for name, (path, body) in CALLS.items():
        if name in (
            "approve_promotion",
            "reject_promotion",
            "withdraw_decision",
            "delegate_decision",
            "withdraw_delegation",
            "break_glass",
            "revoke_version",
            "advance_rollout",
        ):
            continue  # For people alone; the operator is a machine.
        status, answer, _ = await app.call("platform", app.filled(path, "churn"), app.filled(body, "churn"))
        if status in (401, 403) or status >= 500 or answer == NOT_THERE:
            wrong.append(f"{name}: {status} {answer}")

    assert wrong == []


async def test_who_asks_for_no_identity_learns_no_name_of_a_team(app: SharedApp) -> None:
    for path in PUBLIC.values():
        text = (await app.call("nobody", path))[2]

        assert [_traces(team, text) for team in OTHERS] == [[], []]


async def test_nothing_of_another_team_is_named_beside_what_is_its_own(app: SharedApp) -> None:
    before, wrong = app.total_effects(), []
    for path, body in BESIDE:
        status, answer, _ = await app.call("churn", path, body)
        if (status, answer) != (404, NOT_THERE):
            wrong.append(f"{path} {body}: {status} {answer}")
    await app.host.settle()

    assert wrong == []
    assert app.total_effects() == before


async def test_a_file_in_the_folder_of_the_team_may_be_checked(app: SharedApp) -> None:
    app.hub.land("signalbox-staging/checks/churn/a.csv", b"id,y\n1,2\n")
    body = {"route": "churn-daily", "path": "signalbox-staging/checks/churn/a.csv"}

    status, answer, _ = await app.call("churn", "data-checks", body)
    await app.host.settle()

    assert status == 202
    assert (await app.call("churn", f"data-checks/{answer['id']}"))[0] == 200
    assert (await app.call("churn", f"operations/{answer['id']}"))[0] == 200
    assert (await app.call("vision", f"operations/{answer['id']}"))[:2] == (404, NOT_THERE)


async def test_the_audit_log_is_filtered_by_team_as_far_as_its_people_may_see(app: SharedApp) -> None:
    audit = app.clients.audit
    audit.append("set", "dataset published", "leavers", "grace", {}, Belonging.DATASET)  # Nobody's, but called so.
    audit.append("key", "key revoked", "leavers", "signalbox", {}, about=None)
    entries = {who: await _audit_keys(app, who) for who in ("churn", "vision", "platform")}
    of_churn = {who: await _audit_keys(app, who, "team=churn") for who in ("churn", "platform")}

    assert entries["churn"] == of_churn["churn"] == of_churn["platform"] == ["churn-entry"]
    assert entries["vision"] == ["vision-entry"]
    assert {"key", "set", "churn-entry", "vision-entry"} <= set(entries["platform"])
    for team in ("vision", "no-such-team"):
        assert (await app.call("churn", f"audit/entries?team={team}"))[:2] == (404, NOT_THERE)
    assert await _audit_keys(app, "platform", "since=2999-01-01") == []
    _, first, _ = await app.call("platform", "audit/entries?limit=1")
    _, second, _ = await app.call("platform", f"audit/entries?limit=1&cursor={first['next']}")
    assert second["entries"][0]["number"] == first["entries"][0]["number"] - 1
    assert audit.verify().problems == ()


async def test_the_history_of_a_model_has_no_data_set_of_another_team(app: SharedApp) -> None:
    audit = app.clients.audit
    vision_set = ("vision-set@1", "dataset published", "vision-set", "vision", {}, Belonging.DATASET)
    entry = audit.append(*vision_set)
    assert entry.team == "vision"
    audit.append("other", "dataset published", "leavers", "vision", {}, Belonging.DATASET)

    _, history, _ = await app.call("churn", "models/leavers/history")
    _, whole, _ = await app.call("platform", "models/leavers/history")

    assert [each["key"] for each in history["entries"]] == ["churn-entry"]
    assert [each["key"] for each in whole["entries"]] == ["churn-entry", "other"]


async def _audit_keys(app: SharedApp, who: str, query: str = "") -> list[str]:
    status, answer, _ = await app.call(who, f"audit/entries?{query}")
    assert status == 200, answer
    return [entry["key"] for entry in answer["entries"]]


async def test_the_folder_of_a_teams_holdout_is_the_teams(app: SharedApp) -> None:
    """The next version of the hold-out is published from it."""
    app.hub.land("evaluation/churn/holdout.csv", b"id,y\n1,2\n")

    check = {"route": "churn-daily", "path": "evaluation/churn/holdout.csv"}
    statuses = [
        (await app.call("churn", "datasets", PUBLICATION | {"folder": "evaluation/churn/"}))[0],
        (await app.call("churn", "data-checks", check))[0],
    ]
    of_vision = [(await app.call("vision", "feature-relevance", {"path": check["path"], "target": "y"}))[:2]]

    assert statuses == [202, 202]
    assert of_vision == [(404, NOT_THERE)]


async def test_letters_of_queues_are_those_of_the_team_that_they_name(app: SharedApp) -> None:
    queues: Any = app.clients.queues
    queues.doors = (QueueDoor.RECORDS, QueueDoor.MESSAGES, QueueDoor.APPROVALS)
    bodies = [
        (QueueDoor.RECORDS, {"stream": "churn-records", "records": []}),
        (QueueDoor.MESSAGES, {"paths": ["landing/churn/a.csv"]}),
        (QueueDoor.MESSAGES, {"paths": ["landing/churn/a.csv", "landing/vision/a.csv"]}),
        (QueueDoor.APPROVALS, {"promotion": app.names["churn"]["promotion"]}),
        (QueueDoor.RECORDS, {"stream": "vision-records", "records": []}),
    ]
    queues.letters += [_letter(door, number, body) for number, (door, body) in enumerate(bodies)]

    listed = {team: await _queue_letters(app, team) for team in ("churn", "vision", "platform")}

    assert listed == {
        "churn": {"service-bus/records/0", "service-bus/messages/1"},
        "vision": {"service-bus/records/4"},
        "platform": {f"service-bus/{door.value}/{number}" for number, (door, _) in enumerate(bodies)},
    }
    assert (await app.call("vision", "dead-letters/letter?path=service-bus/records/0"))[:2] == (404, NOT_THERE)
    assert (await app.call("churn", "dead-letters/letter?path=service-bus/records/0"))[0] == 200


async def _queue_letters(app: SharedApp, who: str) -> set[str]:
    letters = (await app.call(who, "dead-letters"))[1]["letters"]
    return {letter["path"] for letter in letters if letter["path"].startswith("service-bus")}


def _letter(door: QueueDoor, number: int, body: Any) -> DeadMessage:
    return DeadMessage(
        door=door, number=number, reason="MaxDeliveryCountExceeded", description="", enqueued_at=None, deliveries=3,
        id=f"message-{number}", session="", correlation="", body=json.dumps(body).encode(),
    )  # fmt: skip


async def test_pages_of_letters_and_of_ignored_events_name_nothing_of_others(app: SharedApp) -> None:
    for number in range(5):
        for team in OTHERS:
            blob = app.hub.land(f"landing/{team}/{number}.csv", b"id,y\n")
            store_letter(app.clients, created(blob, f"{team}-{number}"), f"poison of {team}")

    letters, cursor, pages = [], "", 0
    while pages == 0 or cursor:
        status, page, _ = await app.call("churn", f"dead-letters?limit=2&cursor={cursor}")
        assert status == 200
        letters += [letter["path"] for letter in page["letters"]]
        cursor, pages = page["next"], pages + 1

    assert pages == 3
    assert len(letters) == len(set(letters)) == 6
