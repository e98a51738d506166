"""The HTTP API, /api/v1: every route, who may call it, and its handler. `triggers.http.dispatch` handles a request."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import azure.functions as func

from shared.domain.access.permissions import Action
from shared.durable.deferred import Deferred
from shared.durable.registration import Blueprint
from shared.records.lists.paths import IMPORTS, PROMOTIONS, RUNS
from triggers.http.api_route import IN_SCOPE, PLATFORM_ONLY, WHOLE_APP, ApiRoute

if TYPE_CHECKING:
    import triggers.http.data_contracts
    import triggers.http.datasets
    import triggers.http.devops
    import triggers.http.drift
    import triggers.http.imports
    import triggers.http.inference.data_checks
    import triggers.http.inference.held_answers
    import triggers.http.inference.predictions
    import triggers.http.inference.requested_runs
    import triggers.http.inference.runs
    import triggers.http.inference.suggestions
    import triggers.http.letters.dead_letters
    import triggers.http.operations.events
    import triggers.http.operations.explanations
    import triggers.http.operations.ignored_events
    import triggers.http.operations.job_logs
    import triggers.http.operations.models
    import triggers.http.operations.people
    import triggers.http.operations.search
    import triggers.http.operations.status_urls
    import triggers.http.operations.system
    import triggers.http.promotion.audits
    import triggers.http.promotion.comparisons
    import triggers.http.promotion.decisions
    import triggers.http.promotion.plans_back
    import triggers.http.promotion.promotion_events
    import triggers.http.promotion.promotion_list
    import triggers.http.promotion.promotions
    import triggers.http.promotion.proofs
    import triggers.http.promotion.rehearsals
    import triggers.http.promotion.requested_promotions
    import triggers.http.promotion.revocations
    import triggers.http.promotion.rollbacks
    import triggers.http.promotion.rollouts
    import triggers.http.provisioning
    import triggers.http.retraining.requests
    import triggers.http.retraining.runs
    import triggers.http.schedules
    from shared.clients import Clients

    api = triggers.http
else:
    api = Deferred("triggers.http")


def _get(
    path: str,
    handler: Callable[..., Any],
    place: str,
    team: str,
    may: Action = Action.READ,
    lists: tuple[str, ...] = (),
) -> ApiRoute:
    return ApiRoute(path=path, method="GET", handler=handler, may=may, place=place, team=team, lists=lists)


def _post(path: str, handler: Callable[..., Any], may: Action, place: str, team: str, status: int = 200) -> ApiRoute:
    return ApiRoute(path=path, method="POST", handler=handler, may=may, place=place, team=team, status=status)


ROUTES: tuple[ApiRoute, ...] = (
    _get("runs", api.inference.runs.list_runs, WHOLE_APP, IN_SCOPE, lists=(RUNS,)),
    _post("runs", api.inference.requested_runs.start_inference, Action.START_INFERENCE, "route", "route", 202),
    _post("suggestions", api.inference.suggestions.suggest_size, Action.START_INFERENCE, "route", "route"),
    _get("runs/{run}", api.inference.runs.show_run, "run", "run"),
    _get(
        "runs/{run}/suggestion",
        api.inference.suggestions.suggest_next_size,
        "reprocessing",
        "run",
        Action.START_INFERENCE,
    ),
    _get("runs/{run}/logs", api.operations.job_logs.show_run_log, "run", "run", Action.CHECK_DATA),
    _get("explanations/{name}", api.operations.explanations.explain_anything, "follow", "follow"),
    _post("runs/{run}/cancel", api.inference.runs.cancel_run, Action.OPERATE, "run", "run", 202),
    _post("runs/{run}/release", api.inference.runs.release_run, Action.RELEASE, "run", "run", 202),
    _post("runs/{run}/release-output", api.inference.runs.release_output, Action.RELEASE, "run", "run", 202),
    _post(
        "runs/{run}/reprocess",
        api.inference.requested_runs.reprocess_run,
        Action.START_INFERENCE,
        "reprocessing",
        "run",
        202,
    ),
    _get("answers/held", api.inference.held_answers.list_held_answers, WHOLE_APP, IN_SCOPE),
    _post(
        "answers/{part}/release",
        api.inference.held_answers.release_answers,
        Action.RELEASE,
        "held_part",
        "held part",
        202,
    ),
    _post("data-checks", api.inference.data_checks.start_data_check, Action.CHECK_DATA, "route", "route", 202),
    _get("data-checks/{check}", api.inference.data_checks.show_data_check, WHOLE_APP, "check"),
    _get("operations/{operation}", api.operations.status_urls.show_operation, WHOLE_APP, "operation"),
    _post("events", api.operations.events.receive_events, Action.DELIVER, WHOLE_APP, PLATFORM_ONLY, 202),
    _get("events/ignored", api.operations.ignored_events.list_ignored_events, WHOLE_APP, IN_SCOPE),
    _get("dead-letters", api.letters.dead_letters.list_dead_letters, WHOLE_APP, IN_SCOPE),
    _get("dead-letters/letter", api.letters.dead_letters.show_dead_letter, WHOLE_APP, IN_SCOPE),
    _post("dead-letters/replay", api.letters.dead_letters.replay_dead_letter, Action.OPERATE, WHOLE_APP, IN_SCOPE),
    _get("runs/{run}/predictions", api.inference.predictions.list_predictions, "run", "run", Action.SEE_DATA),
    _get("runs/{run}/predictions/piece", api.inference.predictions.read_prediction, "run", "run", Action.SEE_DATA),
    _get("health", api.operations.system.health, WHOLE_APP, IN_SCOPE, Action.ANYONE),
    _get("openapi.json", api.operations.system.openapi, WHOLE_APP, IN_SCOPE, Action.ANYONE),
    _get("me", api.operations.people.show_me, WHOLE_APP, IN_SCOPE),
    _get("inbox", api.operations.people.show_inbox, WHOLE_APP, IN_SCOPE, lists=(RUNS, PROMOTIONS)),
    _get("search", api.operations.search.search, WHOLE_APP, IN_SCOPE),
    _get("readiness", api.operations.system.readiness, WHOLE_APP, PLATFORM_ONLY),
    _get("configuration", api.operations.system.show_configuration, WHOLE_APP, IN_SCOPE),
    _get("configuration/whole", api.operations.system.show_whole_configuration, WHOLE_APP, IN_SCOPE),
    _get("configuration/versions", api.operations.system.list_configurations, WHOLE_APP, PLATFORM_ONLY),
    _get("configuration/versions/{digest}", api.operations.system.show_past_configuration, WHOLE_APP, PLATFORM_ONLY),
    _get("models", api.operations.models.list_models, WHOLE_APP, IN_SCOPE),
    _get("models/{model}", api.operations.models.show_model, WHOLE_APP, "model"),
    _get("doctor", api.operations.system.examine_everything, WHOLE_APP, PLATFORM_ONLY, Action.OPERATE),
    _get("models/{model}/drift", api.drift.show_drift, WHOLE_APP, "model"),
    _get("models/{model}/drift/looks", api.drift.list_drift_looks, WHOLE_APP, "model"),
    _get("retraining", api.retraining.runs.show_learning, WHOLE_APP, IN_SCOPE),
    _get("retrainings", api.retraining.runs.list_retrainings, WHOLE_APP, IN_SCOPE),
    _get("retrainings/{run}", api.retraining.runs.show_training, "retraining", "retraining"),
    _post("drift-checks", api.drift.check_drift_now, Action.CHECK_DATA, "route", "route"),
    _post("feature-relevance", api.drift.show_relevance, Action.CHECK_DATA, "path", "path"),
    _post("alerts", api.operations.events.receive_alert, Action.DELIVER, WHOLE_APP, PLATFORM_ONLY, 202),
    _post("models/{model}/retrain", api.retraining.requests.retrain_model, Action.RETRAIN, "model", "model", 202),
    _get("models/{model}/retraining", api.retraining.requests.show_retraining, "model", "model"),
    _get(
        "retrainings/{run}/logs",
        api.operations.job_logs.show_training_log,
        "retraining",
        "retraining",
        Action.CHECK_DATA,
    ),
    _post(
        "retrainings/{run}/cancel",
        api.retraining.requests.cancel_retraining,
        Action.OPERATE,
        "retraining",
        "retraining",
        202,
    ),
    _post("plans", api.promotion.requested_promotions.plan_promotion, Action.READ, "stage", "model"),
    _post("promotions", api.promotion.requested_promotions.start_promotion, Action.PROMOTE, "stage", "model", 202),
    _get("promotions", api.promotion.promotion_list.list_promotions, WHOLE_APP, IN_SCOPE, lists=(PROMOTIONS,)),
    _get("promotions/{promotion}", api.promotion.promotions.show_promotion, "promotion", "promotion"),
    _get("promotions/{promotion}/explain", api.promotion.promotions.explain_promotion, "promotion", "promotion"),
    _get("promotions/{promotion}/evidence", api.promotion.promotions.show_evidence, "promotion", "promotion"),
    _get("promotions/{promotion}/decisions", api.promotion.promotion_events.list_decisions, "promotion", "promotion"),
    _get("promotions/{promotion}/timeline", api.promotion.promotion_events.show_timeline, "promotion", "promotion"),
    _get("promotions/{promotion}/proof", api.promotion.proofs.prove_promotion, "promotion", "promotion"),
    _get("promotions/{promotion}/proof-pack", api.promotion.proofs.pack_proof, "promotion", "promotion"),
    _post(
        "promotions/{promotion}/approve",
        api.promotion.decisions.approve_promotion,
        Action.DECIDE,
        "question",
        "promotion",
    ),
    _post(
        "promotions/{promotion}/reject",
        api.promotion.decisions.reject_promotion,
        Action.DECIDE,
        "question",
        "promotion",
    ),
    _post(
        "promotions/{promotion}/withdraw",
        api.promotion.decisions.withdraw_decision,
        Action.DECIDE,
        "decision",
        "promotion",
    ),
    _post(
        "promotions/{promotion}/delegate",
        api.promotion.decisions.delegate_decision,
        Action.DECIDE,
        "question",
        "promotion",
    ),
    _post(
        "promotions/{promotion}/withdraw-delegation",
        api.promotion.decisions.withdraw_delegation,
        Action.DECIDE,
        "question",
        "promotion",
    ),
    _post(
        "promotions/{promotion}/break-glass",
        api.promotion.decisions.break_glass,
        Action.BREAK_GLASS,
        "glass",
        "promotion",
    ),
    _get("rollouts", api.promotion.rollouts.list_rollouts, WHOLE_APP, IN_SCOPE, lists=(PROMOTIONS,)),
    _get("rollouts/{promotion}", api.promotion.rollouts.show_rollout, "promotion", "promotion"),
    _get("rollouts/{promotion}/looks", api.promotion.rollouts.show_looks, "promotion", "promotion"),
    _get("rollouts/{promotion}/page", api.promotion.rollouts.show_step_page, "promotion", "promotion"),
    _post(
        "rollouts/{promotion}/pause", api.promotion.rollouts.pause_rollout, Action.ROLL_OUT, "promotion", "promotion"
    ),
    _post(
        "rollouts/{promotion}/resume", api.promotion.rollouts.resume_rollout, Action.ROLL_OUT, "promotion", "promotion"
    ),
    _post(
        "rollouts/{promotion}/advance",
        api.promotion.rollouts.advance_rollout,
        Action.ROLL_OUT,
        "promotion",
        "promotion",
    ),
    _post(
        "rollouts/{promotion}/abort", api.promotion.rollouts.abort_rollout, Action.ROLL_OUT, "promotion", "promotion"
    ),
    _post(
        "models/{model}/rollback", api.promotion.rollbacks.roll_back_model, Action.ROLL_BACK, "production", "model", 202
    ),
    _post(
        "models/{model}/rehearse",
        api.promotion.rehearsals.rehearse_rollback,
        Action.ROLL_BACK,
        "rehearsal",
        "model",
        202,
    ),
    _post("models/{model}/release", api.promotion.rollbacks.release_version, Action.ROLL_BACK, "production", "model"),
    _post("models/{model}/revoke", api.promotion.revocations.revoke_version, Action.REVOKE, "registry", "model", 202),
    _get("serving", api.promotion.plans_back.show_what_serves, WHOLE_APP, IN_SCOPE),
    _get("models/{model}/rollback-plan", api.promotion.plans_back.plan_rollback, WHOLE_APP, "model"),
    _get("models/{model}/revocation-plan", api.promotion.plans_back.plan_revocation, WHOLE_APP, "model"),
    _get("models/{model}/release-plan", api.promotion.plans_back.plan_release, WHOLE_APP, "model"),
    _get("models/{model}/rehearsal-plan", api.promotion.rehearsals.plan_rehearsal, WHOLE_APP, "model"),
    _get("models/{model}/comparison", api.promotion.comparisons.compare_versions, WHOLE_APP, "model"),
    _get("models/{model}/known-good", api.promotion.rollbacks.show_known_good, WHOLE_APP, "model"),
    _get(
        "environments/{environment}/endpoints/{endpoint}/serving",
        api.promotion.rollbacks.show_serving,
        WHOLE_APP,
        "endpoint",
    ),
    _get(
        "environments/{environment}/endpoints/{endpoint}/alerts",
        api.promotion.rollbacks.show_serving_alerts,
        WHOLE_APP,
        "endpoint",
    ),
    _get("models/{model}/history", api.promotion.audits.show_history, WHOLE_APP, "model"),
    _post(
        "models/{model}/recover",
        api.promotion.requested_promotions.recover_model,
        Action.RECOVER,
        "environment",
        "model",
        202,
    ),
    _get("audit", api.promotion.audits.verify_audit, WHOLE_APP, PLATFORM_ONLY),
    _get("audit/entries", api.promotion.audits.list_audit_entries, WHOLE_APP, IN_SCOPE),
    _get("audit/{entry}/proof", api.promotion.audits.prove_entry, WHOLE_APP, PLATFORM_ONLY),
    _get("data-contracts", api.data_contracts.list_data_contracts, WHOLE_APP, IN_SCOPE),
    _get("data-contracts/contract", api.data_contracts.show_data_contract, WHOLE_APP, IN_SCOPE),
    _post("datasets", api.datasets.start_publication, Action.PUBLISH_DATA, "dataset", "dataset", 202),
    _get("datasets", api.datasets.list_datasets, WHOLE_APP, IN_SCOPE),
    _get("datasets/{dataset}/versions/{version}", api.datasets.show_dataset, WHOLE_APP, "dataset"),
    _get("imports", api.imports.list_imports, WHOLE_APP, IN_SCOPE, lists=(IMPORTS,)),
    _get("imports/{name}", api.imports.show_import, WHOLE_APP, "import"),
    _post("imports", api.imports.start_import, Action.START_INFERENCE, "import", "route", 202),
    _post(
        "provisioning/requests", api.provisioning.provision_step, Action.PROVISION, WHOLE_APP, PLATFORM_ONLY, status=202
    ),
    _post(
        "provisioning/drift-looks",
        api.provisioning.look_for_drift,
        Action.PROVISION,
        WHOLE_APP,
        PLATFORM_ONLY,
        202,
    ),
    _get("provisioning", api.provisioning.list_provisioned, WHOLE_APP, PLATFORM_ONLY),
    _get("provisioning/orders/{order}", api.provisioning.show_order, WHOLE_APP, PLATFORM_ONLY),
    _post(
        "provisioning/orders/{order}/resume",
        api.provisioning.resume_order,
        Action.PROVISION,
        WHOLE_APP,
        PLATFORM_ONLY,
        202,
    ),
    _post(
        "provisioning/teams/{team}/teardown",
        api.provisioning.tear_down_step,
        Action.TEAR_DOWN,
        WHOLE_APP,
        PLATFORM_ONLY,
    ),
    _post("provisioning/teams/{team}/keep", api.provisioning.keep_step, Action.TEAR_DOWN, WHOLE_APP, PLATFORM_ONLY),
    _get("schedules", api.schedules.list_schedules, WHOLE_APP, IN_SCOPE),
    _get("schedules/{schedule}", api.schedules.show_schedule, "schedule", "schedule"),
    _post("schedules/{schedule}/pause", api.schedules.pause_schedule, Action.OPERATE, "schedule", "schedule"),
    _post("schedules/{schedule}/resume", api.schedules.resume_schedule, Action.OPERATE, "schedule", "schedule"),
    _post("schedules/{schedule}/run", api.schedules.run_schedule_now, Action.OPERATE, "schedule", "schedule", 202),
    _post("devops/checks", api.devops.take_task, Action.DELIVER, "task", "task"),
    _post("devops/hooks", api.devops.take_hook, Action.DELIVER, WHOLE_APP, PLATFORM_ONLY, 202),
    _get("devops/gates/{name}", api.devops.show_gate, "follow", "follow"),
)


def api_blueprint(clients: "Callable[[], Clients]") -> Blueprint:
    """Every route of the table above; the handlers' modules are imported at their first request."""
    blueprint = Blueprint()
    for route in ROUTES:
        _add_route(blueprint, clients, route)
    return blueprint


def _add_route(blueprint: Blueprint, clients: "Callable[[], Clients]", route: ApiRoute) -> None:
    async def handler(req: func.HttpRequest, client) -> func.HttpResponse:  # type: ignore[no-untyped-def]
        from triggers.http.dispatch import serve

        return await serve(route, client, clients, req)

    handler.__name__ = route.name
    endpoint = blueprint.durable_client_input(client_name="client")(handler)
    # The app verifies callers itself: the platform's keys cannot tell one machine from another.
    methods = ["GET", "HEAD"] if route.method == "GET" else [route.method]
    blueprint.route(route=f"api/v1/{route.path}", methods=methods, auth_level=func.AuthLevel.ANONYMOUS)(endpoint)
