"""What the doors of promotion do; `triggers.http.routes` opens them."""

from triggers.http import requests as asked
from triggers.http.door import Call
from triggers.http.idempotency import Starting
from triggers.http.promotion import audits, decisions, promotions
from triggers.http.responses import work as answers


async def plan_promotion(call: Call, body: asked.PlanAsked) -> answers.Planned:
    return await promotions.plan(call.clients, body)


async def start_promotion(call: Call, body: asked.PromotionAsked) -> Starting:
    return await promotions.promote(call, body)


async def list_promotions(call: Call, query: asked.PromotionFilters) -> answers.PromotionPage:
    return await promotions.list_promotions(call.clients, query)


async def show_promotion(call: Call, promotion: str) -> answers.PromotionShown:
    return await promotions.show(call.client, call.clients, promotion)


async def show_evidence(call: Call, promotion: str, query: asked.EvidenceFilters) -> answers.EvidenceShown:
    return await promotions.evidence(call.clients, promotion, query)


async def explain_promotion(call: Call, promotion: str) -> answers.Explained:
    return await promotions.explain(call.clients, promotion)


async def approve_promotion(call: Call, promotion: str, body: asked.Decision) -> answers.Decided:
    return await decisions.decide(call.client, call.clients, promotion, call.caller, True, body)


async def reject_promotion(call: Call, promotion: str, body: asked.Decision) -> answers.Decided:
    return await decisions.decide(call.client, call.clients, promotion, call.caller, False, body)


async def withdraw_decision(call: Call, promotion: str, body: asked.Withdrawal) -> answers.Withdrawn:
    return await decisions.withdraw(call.client, call.clients, promotion, call.caller, body)


async def break_glass(call: Call, promotion: str, body: asked.GlassBroken) -> answers.Decided:
    return await decisions.break_glass(call.client, call.clients, promotion, call.caller, body)


async def show_history(call: Call, model: str, query: asked.HistoryFilters) -> answers.History:
    return await audits.history(call.clients, model, query.at)


async def recover_model(call: Call, model: str, body: asked.RecoveryAsked) -> Starting:
    return await promotions.recover(call, model, body)


async def verify_audit(call: Call) -> answers.AuditVerdict:
    return await audits.verify_chain(call.clients)
