"""The HTTP API, /api/v1: every route, and who may call it. `triggers.http.dispatch` handles a request."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import azure.functions as func

from shared.domain.access.permissions import Action
from shared.durable.registration import Blueprint
from triggers.http.door import WHOLE_APP, Door

if TYPE_CHECKING:
    from shared.clients import Clients


def _get(route: str, name: str, place: str, may: Action = Action.READ) -> Door:
    return Door(route=route, method="GET", name=name, may=may, place=place)


def _post(route: str, name: str, may: Action, place: str, status: int = 200) -> Door:
    return Door(route=route, method="POST", name=name, may=may, place=place, status=status)


# By the module that has a function of the door's name, imported at its first call: cold start is a budget.
DOORS: dict[str, tuple[Door, ...]] = {
    "triggers.http.inference.doors": (
        _get("runs", "list_runs", WHOLE_APP),
        _post("runs", "start_inference", Action.START_INFERENCE, "route", 202),
        _get("runs/{run}", "show_run", "run"),
        _get("runs/{run}/logs", "show_run_log", "run", Action.CHECK_DATA),
        _get("explanations/{name}", "explain_anything", "follow"),
        _post("runs/{run}/cancel", "cancel_run", Action.OPERATE, "run", 202),
        _post("runs/{run}/release", "release_run", Action.RELEASE, "run", 202),
        _post("runs/{run}/reprocess", "reprocess_run", Action.START_INFERENCE, "reprocessing", 202),
        _post("data-checks", "start_data_check", Action.CHECK_DATA, "route", 202),
        _get("data-checks/{check}", "show_data_check", WHOLE_APP),
        _get("operations/{operation}", "show_operation", WHOLE_APP),
        _post("events", "receive_events", Action.DELIVER, WHOLE_APP, 202),
        _get("dead-letters", "list_dead_letters", WHOLE_APP),
        _get("dead-letters/letter", "show_dead_letter", WHOLE_APP),
        _post("dead-letters/replay", "replay_dead_letter", Action.OPERATE, WHOLE_APP),
    ),
    "triggers.http.inference.predictions": (
        _get("runs/{run}/predictions", "list_predictions", "run", Action.SEE_DATA),
        _get("runs/{run}/predictions/piece", "read_prediction", "run", Action.SEE_DATA),
    ),
    "triggers.http.operations.system": (
        _get("health", "health", WHOLE_APP, Action.ANYONE),
        _get("openapi.json", "openapi", WHOLE_APP, Action.ANYONE),
        _get("readiness", "readiness", WHOLE_APP),
        _get("configuration", "show_configuration", WHOLE_APP),
        _get("models", "list_models", WHOLE_APP),
        _get("models/{model}", "show_model", WHOLE_APP),
    ),
    "triggers.http.operations.doctor": (_get("doctor", "examine_everything", WHOLE_APP, Action.OPERATE),),
    "triggers.http.drift": (
        _get("models/{model}/drift", "show_drift", WHOLE_APP),
        _post("drift-checks", "check_drift_now", Action.CHECK_DATA, "route"),
        _post("feature-relevance", "show_relevance", Action.CHECK_DATA, "path"),
        _post("alerts", "receive_alert", Action.DELIVER, WHOLE_APP, 202),
    ),
    "triggers.http.retraining": (
        _post("models/{model}/retrain", "retrain_model", Action.RETRAIN, "model", 202),
        _get("models/{model}/retraining", "show_retraining", "model"),
        _get("retrainings/{run}/logs", "show_training_log", "retraining", Action.CHECK_DATA),
        _post("retrainings/{run}/cancel", "cancel_retraining", Action.OPERATE, "retraining", 202),
    ),
    "triggers.http.promotion.doors": (
        _post("plans", "plan_promotion", Action.READ, "stage"),
        _post("promotions", "start_promotion", Action.PROMOTE, "stage", 202),
        _get("promotions", "list_promotions", WHOLE_APP),
        _get("promotions/{promotion}", "show_promotion", "promotion"),
        _get("promotions/{promotion}/explain", "explain_promotion", "promotion"),
        _get("promotions/{promotion}/evidence", "show_evidence", "promotion"),
        _post("promotions/{promotion}/approve", "approve_promotion", Action.DECIDE, "question"),
        _post("promotions/{promotion}/reject", "reject_promotion", Action.DECIDE, "question"),
        _post("promotions/{promotion}/withdraw", "withdraw_decision", Action.DECIDE, "decision"),
        _post("promotions/{promotion}/break-glass", "break_glass", Action.BREAK_GLASS, "glass"),
        _get("models/{model}/history", "show_history", WHOLE_APP),
        _post("models/{model}/recover", "recover_model", Action.RECOVER, "environment", 202),
        _get("audit", "verify_audit", WHOLE_APP),
    ),
    "triggers.http.schedules": (
        _get("schedules", "list_schedules", WHOLE_APP),
        _get("schedules/{schedule}", "show_schedule", "schedule"),
        _post("schedules/{schedule}/pause", "pause_schedule", Action.OPERATE, "schedule"),
        _post("schedules/{schedule}/resume", "resume_schedule", Action.OPERATE, "schedule"),
        _post("schedules/{schedule}/run", "run_schedule_now", Action.OPERATE, "schedule", 202),
    ),
    "triggers.http.devops.doors": (
        _post("devops/checks", "take_task", Action.DELIVER, "task"),
        _post("devops/hooks", "take_hook", Action.DELIVER, WHOLE_APP, 202),
        _get("devops/gates/{name}", "show_gate", "follow"),
    ),
}


def api_blueprint(clients: "Callable[[], Clients]") -> Blueprint:
    """Every door of the table above."""
    blueprint = Blueprint()
    for module, doors in DOORS.items():
        for door in doors:
            _add_door(blueprint, clients, module, door)
    return blueprint


def _add_door(blueprint: Blueprint, clients: "Callable[[], Clients]", module: str, door: Door) -> None:
    async def handler(req: func.HttpRequest, client) -> func.HttpResponse:  # type: ignore[no-untyped-def]
        from triggers.http.dispatch import serve

        return await serve(door, module, client, clients, req)

    handler.__name__ = door.name
    bound = blueprint.durable_client_input(client_name="client")(handler)
    # The doors verify their callers themselves: the platform's keys cannot tell one machine from another.
    blueprint.route(route=f"v1/{door.route}", methods=[door.method], auth_level=func.AuthLevel.ANONYMOUS)(bound)
