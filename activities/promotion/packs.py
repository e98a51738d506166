"""Write the evidence pack: one self-contained page and its JSON, which approvals are given for by digest."""

from collections.abc import Iterator

from activities.effects import once, stamp
from shared import contracts as c
from shared.application.promotion.stage_training import carried
from shared.application.promotion.standing import askers_of
from shared.application.promotion.stored_plans import stage_order
from shared.clients import Clients
from shared.codec import decode, encode
from shared.domain.failures import Refused, Transient
from shared.domain.promotion.approvals import unverified_reason
from shared.domain.promotion.audit import canonical_digest
from shared.domain.promotion.models import DIGEST, ModelVersion
from shared.domain.promotion.plans import Champion, Phase, Plan, StagePlan
from shared.records import paths
from shared.records.lists.rows import PROMOTIONS, note_change
from shared.records.promotion import evidence_pack_at, measured_at, sign_pack


def write_evidence_pack(clients: Clients, step: c.StageStep) -> c.EvidencePack:
    """The pack of a stage's phase; its digest covers everything on the page."""
    pack = once(clients, step.key, c.EvidencePack, lambda: _write(clients, step))
    note_change(clients.hub, clients.store.container, PROMOTIONS, step.promotion.id)
    return pack


def _write(clients: Clients, step: c.StageStep) -> c.EvidencePack:
    from shared.evidence_page import page

    order = stage_order(clients.statements, clients.ledger, step)
    paths_by_name = {
        name: paths.evidence(order.promotion.id, order.stage, order.phase.value, name)
        for name in ("pack.json", "pack.html")
    }
    path = paths_by_name["pack.json"]
    content = evidence_pack_at(clients.statements, path, order)  # That of before a crash stands.
    if content is None:
        sign_pack(clients.statements, path, order, _content(clients, order), clients.clock.now())
        content = evidence_pack_at(clients.statements, path, order)
    if content is None:
        raise Transient(f"{path} was removed while the pack was written")
    clients.store.create_document(path, content)  # A copy to read; nothing is judged by it.
    digest = canonical_digest(content)
    clients.store.create_file(paths_by_name["pack.html"], page(content, digest).encode())
    facts = {"promotion": order.promotion.id, "stage": order.stage, "phase": order.phase.value, "digest": digest}
    clients.audit.append(order.key, "evidence pack written", str(order.plan.model), "signalbox", facts)
    return c.EvidencePack(digest=digest, page=paths_by_name["pack.html"], record=paths_by_name["pack.json"])


def _content(clients: Clients, order: c.StageOrder) -> dict[str, object]:
    """What changed, what was measured, where it comes from, what would be undone, and who must do what next."""
    plan, request = carried(clients.statements, order).plan, order.promotion
    measured = [(path, measured_at(clients.statements, path, order)) for path in order.seen]
    missing = [path for path, evidence in measured if evidence is None]
    if missing:
        raise Refused(f"no evidence is signed for {', '.join(missing)}: nothing can be shown")
    assessments = [evidence for _, evidence in measured if evidence is not None]
    for assessment in assessments:
        # Who served when that was measured.
        plan = plan.against(assessment["stage"], decode(Champion, assessment["champion"]))
    moves = [f"{at.stage.name}: {move.value}" for at, move in plan.moves()]
    policy, askers = order.at.stage.approvals, askers_of(clients.store, request, order.plan.digest)
    roles = [encode(role) for role in policy.asked(askers)] if order.phase is Phase.ENTRY else []
    return {
        "promotion": request.id,
        "written": stamp(clients),
        "model": str(plan.model),
        "from": order.plan.origin.name,
        "to": plan.target,
        "stage": order.stage,
        "phase": order.phase.value,
        "requested_by": request.requested_by or "the flag on the model",
        "reason": request.reason,
        "plan": order.plan_digest,
        "bundle": plan.digest,
        "contents": encode(plan.contents),
        "lineage": dict(plan.lineage),
        "champions": [{"stage": at.stage.name, **encode(at.champion)} for at in plan.stages],
        "changed": [change for at in plan.stages for change in _changed(clients, plan, at)],
        "assessments": assessments,
        "undo": list(reversed(moves)),
        "asked": roles,
        "unverified": unverified_reason(policy) if roles and askers.unverified else "",
        "expires_after_s": order.at.stage.approvals.expire_after_s,
        **_change_asked(order),
    }


def _change_asked(order: c.StageOrder) -> dict[str, object]:
    """That ServiceNow is asked too. The change's number is not here: it is opened for the digest of this pack."""
    rules = order.at.stage.change
    if rules is None or order.phase is not Phase.ENTRY:
        return {}
    return {"change": {"assignment_group": rules.assignment_group, "give_up_after_s": rules.give_up_after_s}}


def _changed(clients: Clients, plan: Plan, at: StagePlan) -> Iterator[dict[str, str]]:
    """What is known of the challenger's origin and is otherwise for the champion of a stage."""
    name, _, version = at.champion.model.rpartition("/")[2].partition(":")
    champion = ModelVersion(name=name, version=version)
    registered_champion = (
        clients.models.find(at.stage.environment, champion) if version and at.stage.environment else None
    )
    if registered_champion is None:
        return
    challenger = {DIGEST: plan.digest, **plan.lineage}
    for fact, now in challenger.items():
        before = registered_champion.tags.get(fact, "")
        if before != now:
            yield {"stage": at.stage.name, "what": fact, "champion": before, "challenger": now}
