"""What the doors of promotion do; `triggers.api` opens them."""

from typing import Any

from triggers import audits, decisions, promotions
from triggers import requests as asked
from triggers.doors import Call

Answer = dict[str, Any]


async def plan_promotion(call: Call, body: asked.PlanAsked) -> Answer:
    return await promotions.plan(call.clients, body)


async def start_promotion(call: Call, body: asked.PromotionAsked) -> Answer:
    return await promotions.promote(call, body)


async def list_promotions(call: Call, query: asked.PromotionFilters) -> Answer:
    return await promotions.list_promotions(call.clients, query)


async def show_promotion(call: Call, promotion: str) -> Answer:
    return await promotions.show(call.client, call.clients, promotion)


async def show_evidence(call: Call, promotion: str, query: asked.EvidenceFilters) -> Answer:
    return await promotions.evidence(call.clients, promotion, query)


async def explain_promotion(call: Call, promotion: str) -> Answer:
    return await promotions.explain(call.clients, promotion)


async def approve_promotion(call: Call, promotion: str, body: asked.Decision) -> Answer:
    return await decisions.decide(call.client, call.clients, promotion, call.caller, True, body)


async def reject_promotion(call: Call, promotion: str, body: asked.Decision) -> Answer:
    return await decisions.decide(call.client, call.clients, promotion, call.caller, False, body)


async def withdraw_decision(call: Call, promotion: str, body: asked.Withdrawal) -> Answer:
    return await decisions.withdraw(call.client, call.clients, promotion, call.caller, body.role)


async def break_glass(call: Call, promotion: str, body: asked.GlassBroken) -> Answer:
    return await decisions.break_glass(call.client, call.clients, promotion, call.caller, body)


async def show_history(call: Call, model: str, query: asked.HistoryFilters) -> Answer:
    return await audits.history(call.clients, model, query.at)


async def recover_model(call: Call, model: str, body: asked.RecoveryAsked) -> Answer:
    return await promotions.recover(call, model, body)


async def verify_audit(call: Call) -> Answer:
    return await audits.verify_chain(call.clients)
