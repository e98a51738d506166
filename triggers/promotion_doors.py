"""What the doors of promotion do; `triggers.api` opens them. Whoever changes anything has their token verified."""

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


async def plan_promotion(client: Client, made: Clients, req: func.HttpRequest) -> Answered:
    del client  # A plan starts nothing.
    return 200, await promotions.plan(made, body_of(req))


async def start_promotion(client: Client, made: Clients, req: func.HttpRequest) -> Answered:
    return 202, await promotions.promote(client, made, await _person(made, req), body_of(req))


async def list_promotions(client: Client, made: Clients, req: func.HttpRequest) -> Answered:
    del client  # The records know every promotion.
    return 200, await promotions.list_promotions(made, req.params)


async def show_promotion(client: Client, made: Clients, req: func.HttpRequest) -> Answered:
    return 200, await promotions.show(client, made, req.route_params["promotion"])


async def show_evidence(client: Client, made: Clients, req: func.HttpRequest) -> Answered:
    del client
    return 200, await promotions.evidence(made, req.route_params["promotion"], req.params)


async def explain_promotion(client: Client, made: Clients, req: func.HttpRequest) -> Answered:
    del client
    return 200, await promotions.explain(made, req.route_params["promotion"])


async def approve_promotion(client: Client, made: Clients, req: func.HttpRequest) -> Answered:
    person, promotion = await _person(made, req), req.route_params["promotion"]
    return 200, await decisions.decide(client, made, promotion, person, True, body_of(req))


async def reject_promotion(client: Client, made: Clients, req: func.HttpRequest) -> Answered:
    person, promotion = await _person(made, req), req.route_params["promotion"]
    return 200, await decisions.decide(client, made, promotion, person, False, body_of(req))


async def withdraw_decision(client: Client, made: Clients, req: func.HttpRequest) -> Answered:
    person, promotion = await _person(made, req), req.route_params["promotion"]
    return 200, await decisions.withdraw(client, made, promotion, person, body_of(req))


async def break_glass(client: Client, made: Clients, req: func.HttpRequest) -> Answered:
    person, promotion = await _person(made, req), req.route_params["promotion"]
    return 200, await decisions.break_glass(client, made, promotion, person, body_of(req))


async def show_history(client: Client, made: Clients, req: func.HttpRequest) -> Answered:
    del client
    return 200, await audits.history(made, req.route_params["model"], req.params.get("at", ""))


async def recover_model(client: Client, made: Clients, req: func.HttpRequest) -> Answered:
    person = await _person(made, req)
    return 202, await promotions.recover(client, made, person, req.route_params["model"], body_of(req))


async def verify_audit(client: Client, made: Clients, req: func.HttpRequest) -> Answered:
    del client, req
    return 200, await audits.verify_chain(made)


async def _person(made: Clients, req: func.HttpRequest) -> Person:
    """The verified caller. Raises Problem 401."""
    try:
        return await asyncio.to_thread(made.identities.verify, req.headers.get("Authorization", ""))
    except Refused as refusal:
        raise Problem(401, "who are you", str(refusal)) from refusal
