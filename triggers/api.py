"""The HTTP door, /api/v1: follow runs, order them about, check data, promote models. The caller needs a function key.

Refused input answers with a problem document (RFC 9457) that names the field, the value and the remedy.
"""

from collections.abc import Awaitable, Callable
from importlib import import_module
from typing import Any

import azure.functions as func

from shared.clients import Clients
from shared.domain.failures import Refused, Transient
from shared.durable import Blueprint, Client
from triggers.problems import Problem, answer, problem

Door = Callable[[Client, Clients, func.HttpRequest], Awaitable[tuple[int, Any]]]

# By the module that has a function of the door's name, imported at its first call: cold start is a budget.
DOORS: dict[str, tuple[tuple[str, str, str], ...]] = {
    "triggers.run_doors": (
        ("runs", "GET", "list_runs"),
        ("runs/{run}", "GET", "show_run"),
        ("runs/{run}/cancel", "POST", "cancel_run"),
        ("runs/{run}/release", "POST", "release_run"),
        ("runs/{run}/reprocess", "POST", "reprocess_run"),
        ("data-checks", "POST", "check_data_now"),
        ("events", "POST", "receive_events"),
        ("dead-letters", "GET", "list_dead_letters"),
        ("dead-letters/replay", "POST", "replay_dead_letter"),
        ("health", "GET", "health"),
    ),
    "triggers.promotion_doors": (
        ("plans", "POST", "plan_promotion"),
        ("promotions", "POST", "start_promotion"),
        ("promotions", "GET", "list_promotions"),
        ("promotions/{promotion}", "GET", "show_promotion"),
        ("promotions/{promotion}/explain", "GET", "explain_promotion"),
        ("promotions/{promotion}/evidence", "GET", "show_evidence"),
        ("promotions/{promotion}/approve", "POST", "approve_promotion"),
        ("promotions/{promotion}/reject", "POST", "reject_promotion"),
        ("promotions/{promotion}/withdraw", "POST", "withdraw_decision"),
        ("promotions/{promotion}/break-glass", "POST", "break_glass"),
        ("models/{model}/history", "GET", "show_history"),
        ("models/{model}/recover", "POST", "recover_model"),
        ("audit", "GET", "verify_audit"),
    ),
}


def api_blueprint(clients: Callable[[], Clients]) -> Blueprint:
    """Every door of the table above."""
    blueprint = Blueprint()
    for module, doors in DOORS.items():
        for route, method, name in doors:
            _add_door(blueprint, clients, route, method, (module, name))
    return blueprint


def _add_door(
    blueprint: Blueprint, clients: Callable[[], Clients], route: str, method: str, body: tuple[str, str]
) -> None:
    module, name = body

    async def handler(req: func.HttpRequest, client) -> func.HttpResponse:  # type: ignore[no-untyped-def]
        return await _respond(getattr(import_module(module), name), client, clients, req)

    handler.__name__ = name
    bound = blueprint.durable_client_input(client_name="client")(handler)
    blueprint.route(route=f"v1/{route}", methods=[method])(bound)


async def _respond(
    body: Door, client: Client, clients: Callable[[], Clients], req: func.HttpRequest
) -> func.HttpResponse:
    try:
        status, content = await body(client, clients(), req)
    except Problem as refused:
        return problem(refused)
    except Refused as refusal:
        return problem(Problem(422, "refused", str(refusal)))
    except Transient as fault:
        return problem(Problem(503, "try again", str(fault)))
    return answer(status, content)
