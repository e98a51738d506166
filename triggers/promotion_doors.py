"""The doors of promotion. Whoever changes anything is somebody: their token is verified, whatever key they hold."""

import asyncio
from typing import Any

import azure.functions as func

from shared.clients import Clients
from shared.domain.failures import Refused
from shared.domain.promotion.approvals import Person
from shared.durable import Client
from triggers import audits, decisions, promotions
from triggers.bodies import body_of
from triggers.problems import Problem

Answered = tuple[int, Any]


async def _plan(client: Client, made: Clients, req: func.HttpRequest) -> Answered:
    del client  # A plan starts nothing.
    return 200, await promotions.plan(made, body_of(req))


async def _promote(client: Client, made: Clients, req: func.HttpRequest) -> Answered:
    return 202, await promotions.promote(client, made, await _person(made, req), body_of(req))


async def _list(client: Client, made: Clients, req: func.HttpRequest) -> Answered:
    del client  # The records know every promotion.
    return 200, await promotions.list_promotions(made, req.params)


async def _show(client: Client, made: Clients, req: func.HttpRequest) -> Answered:
    return 200, await promotions.show(client, made, req.route_params["promotion"])


async def _explain(client: Client, made: Clients, req: func.HttpRequest) -> Answered:
    del client
    return 200, await promotions.explain(made, req.route_params["promotion"])


async def _approve(client: Client, made: Clients, req: func.HttpRequest) -> Answered:
    person, promotion = await _person(made, req), req.route_params["promotion"]
    return 200, await decisions.decide(client, made, promotion, person, True, body_of(req))


async def _reject(client: Client, made: Clients, req: func.HttpRequest) -> Answered:
    person, promotion = await _person(made, req), req.route_params["promotion"]
    return 200, await decisions.decide(client, made, promotion, person, False, body_of(req))


async def _withdraw(client: Client, made: Clients, req: func.HttpRequest) -> Answered:
    person, promotion = await _person(made, req), req.route_params["promotion"]
    return 200, await decisions.withdraw(client, made, promotion, person, body_of(req))


async def _break_glass(client: Client, made: Clients, req: func.HttpRequest) -> Answered:
    person, promotion = await _person(made, req), req.route_params["promotion"]
    return 200, await decisions.break_glass(client, made, promotion, person, body_of(req))


async def _history(client: Client, made: Clients, req: func.HttpRequest) -> Answered:
    del client
    return 200, await audits.history(made, req.route_params["model"], req.params.get("at", ""))


async def _verify(client: Client, made: Clients, req: func.HttpRequest) -> Answered:
    del client, req
    return 200, await audits.verify_chain(made)


async def _person(made: Clients, req: func.HttpRequest) -> Person:
    """The verified caller. Raises Problem 401."""
    try:
        return await asyncio.to_thread(made.identities.verify, req.headers.get("Authorization", ""))
    except Refused as refusal:
        raise Problem(401, "who are you", str(refusal)) from refusal


DOORS = (
    ("plans", "POST", "plan_promotion", _plan),
    ("promotions", "POST", "start_promotion", _promote),
    ("promotions", "GET", "list_promotions", _list),
    ("promotions/{promotion}", "GET", "show_promotion", _show),
    ("promotions/{promotion}/explain", "GET", "explain_promotion", _explain),
    ("promotions/{promotion}/approve", "POST", "approve_promotion", _approve),
    ("promotions/{promotion}/reject", "POST", "reject_promotion", _reject),
    ("promotions/{promotion}/withdraw", "POST", "withdraw_decision", _withdraw),
    ("promotions/{promotion}/break-glass", "POST", "break_glass", _break_glass),
    ("models/{model}/history", "GET", "show_history", _history),
    ("audit", "GET", "verify_audit", _verify),
)
