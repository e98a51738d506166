"""Issue receipts, and refuse moves that come without one.

A receipt is issued from what is recorded (evidence, approvals, the source as it is now), not from what callers say.
"""

from dataclasses import replace
from datetime import timedelta

from activities.effects import once
from activities.promotion.forgeries import tell_forgeries
from activities.promotion.removed_decisions import refuse_removed_decisions
from shared import contracts as c
from shared.application.promotion.decisions import log_withdrawals, use_decisions
from shared.application.promotion.planning import require_approved
from shared.application.promotion.stage_entry import Receipts, refuse_held, unproven
from shared.application.promotion.stage_training import Order, carried
from shared.application.promotion.standing import break_glass, glass_stage, judgement, receipt_of, refuse_receipt
from shared.application.promotion.stored_plans import signed_at, stage_order
from shared.application.provisioning.stage_changes import approved_change
from shared.application.rollout.looks import judge_recorded_step
from shared.application.rollout.orders import refuse_aborted
from shared.clients import Clients
from shared.codec import decode, encode
from shared.domain import identity
from shared.domain.failures import Refused
from shared.domain.gates import GateOutcome, Verdict, judge_gates
from shared.domain.gates.evidence import Evidence
from shared.domain.promotion.approvals import ApprovalStanding
from shared.domain.promotion.audit import Entry, canonical_digest
from shared.domain.promotion.bundles import companion
from shared.domain.promotion.models import BUNDLE, FLAG
from shared.domain.promotion.plans import Move, Phase
from shared.domain.promotion.receipts import Receipt, objection
from shared.domain.rollout.steps import SHADOW
from shared.domain.trust.statements import PredicateKind, Statement
from shared.ports import Models
from shared.records import paths
from shared.records.lists.rows import PROMOTIONS, note_change
from shared.records.predicates import BreakGlassPredicate
from shared.records.promotion import SignedDecision, decisions, evidence_pack_at, refuse_changed_origins
from shared.records.registry import refuse_revoked
from shared.records.statements import ForgedError, receipt_objection, signed_receipt

# A move starts within minutes of its receipt. A day leaves room for an outage of Azure, after which the judgement is
# taken to be stale: the stage is then judged anew.
_LIFE = timedelta(hours=24)


def issue_receipt(clients: Clients, step: c.StageStep) -> Receipt:
    """Refused where a gate did not pass, an approval is missing, or the flagged version is not what was planned."""
    receipt = once(clients, step.key, Receipt, lambda: _issue(clients, step))
    if because := refuse_receipt(clients.statements, receipt, step.promotion.id, step.stage, step.phase):
        raise ForgedError(f"{step.key}.json", because)  # It was there before, and nobody who may has signed it.
    note_change(clients.hub, clients.store.container, PROMOTIONS, step.promotion.id)
    return receipt


def require_receipt(clients: Clients, order: c.MoveOrder) -> None:
    """Refused unless *order* carries a living receipt of ours for this very bundle, stage and phase."""
    receipt = order.receipt
    if receipt is None or receipt_objection(clients.signing, receipt):
        raise Refused(f"{order.move.value} at {order.stage} needs a receipt that this app has signed")
    phase = next(phase for phase in Phase if order.move in order.at.moves(phase))
    wrong = objection(
        receipt,
        promotion=order.promotion.id,
        model=order.plan.model,
        digest=_digest(clients, order, phase),
        stage=order.stage,
        phase=phase,
        now=clients.clock.now(),
        step=_needed_step(order),
    )
    if wrong:
        raise Refused(f"{order.move.value} at {order.stage}: {wrong}")


def _needed_step(order: c.MoveOrder) -> int:
    """The step of a rollout whose receipt opens the move. The exit receipt of the stage itself opens the first, or the
    copies before it."""
    if order.move is Move.MIRROR_TRAFFIC:
        return SHADOW
    if order.move is Move.MARK_IN_PRODUCTION:
        return len(order.at.weights) + 1  # After the soak.
    return order.step


def _issue(clients: Clients, step: c.StageStep) -> Receipt:
    order = stage_order(clients.statements, clients.ledger, step)
    refuse_changed_source(clients, order)
    refuse_aborted(clients.statements, order.promotion.id, order.stage)
    if order.number:
        refuse_revoked(clients.statements, clients.audit, order.plan.model, _logged(clients, order))
        return _log_and_announce(clients, order, signed_receipt(clients.signing, _step_receipt(clients, order)))
    if order.phase is Phase.ENTRY:
        refuse_held(clients.statements, order.promotion.model)  # It may have been left while people were asked.
    # The log is read once the decisions are used, so that no withdrawal comes in between unseen.
    logged = _use_decisions(clients, order)
    refuse_revoked(clients.statements, clients.audit, order.plan.model, logged)
    override = break_glass(clients.statements, clients.configuration.ladder.break_glass, order, clients.clock.now())
    verdicts = _verdicts(clients, order)
    failures = [f"{verdict.gate}: {verdict.because}" for verdict in verdicts if verdict.outcome is not GateOutcome.PASS]
    if failures and not override:
        raise Refused(f"no receipt for {order.stage} ({order.phase.value}): {'; '.join(failures)}")
    refuse_changed_origins(clients.store, clients.audit, order.plan.model.name, order.plan.digest)
    approvals = _approvals(clients, order)
    refuse_unproven(clients, order)
    receipt = replace(
        _receipt(clients, order, tuple(f"{verdict.gate}: {verdict.outcome.value}" for verdict in verdicts), approvals),
        override=override,
        image=_image(clients, order) if order.phase is Phase.EXIT else "",
        step=SHADOW if order.phase is Phase.EXIT and order.at.has_shadow else 0,
        change=_change(clients, order),
    )
    return _log_and_announce(clients, order, signed_receipt(clients.signing, receipt))


def _receipt(clients: Clients, order: c.StageOrder, verdicts: tuple[str, ...], approvals: tuple[str, ...]) -> Receipt:
    """What every receipt of *order* says, issued now."""
    now = clients.clock.now()
    return Receipt(
        promotion=order.promotion.id,
        model=order.plan.model,
        digest=_digest(clients, order, order.phase),
        stage=order.stage,
        phase=order.phase,
        plan=order.plan_digest,
        evidence=order.evidence,
        verdicts=verdicts,
        approvals=approvals,
        issued=now.isoformat(timespec="seconds"),
        expires=(now + _life(order)).isoformat(timespec="seconds"),
    )


def _step_receipt(clients: Clients, order: c.StageOrder) -> Receipt:
    """Of a step of a rollout, judged anew from the counts that its looks have recorded."""
    because = judge_recorded_step(clients.statements, order)
    judged_part = "copies" if order.number == SHADOW else f"step {order.number - 1}"
    image = _image(clients, order)
    first = receipt_of(clients.statements, clients.ledger, order.promotion.id, order.stage, Phase.EXIT)
    refuse_other_image(first, image, order.stage)
    receipt = _receipt(clients, order, (f"{judged_part}: {because}",), _approvals(clients, order))
    # The phase of copies has a negative number. The receipt over it opens the first step.
    return replace(receipt, step=max(order.number, 0), image=image)


def _use_decisions(clients: Clients, order: c.StageOrder) -> list[Entry]:
    """From now on no decision that the receipt may rest on can be withdrawn; what the audit log has since the plan.

    Raises ForgedError where a decision was removed or put back.
    """
    decisions_by_stage = dict[str, list[SignedDecision]]()
    for stage in (order.stage, glass_stage(order.stage, order.phase)):
        forgeries: list[ForgedError] = []
        records = use_decisions(clients.statements, order, stage, clients.clock.now(), forgeries)
        tell_forgeries(clients, str(order.plan.model), forgeries)
        log_withdrawals(clients.audit, order.promotion, records)
        decisions_by_stage[stage] = records
    logged = _logged(clients, order)
    for stage, records in decisions_by_stage.items():
        refuse_removed_decisions(records, logged, order, stage)
    return logged


def _logged(clients: Clients, order: c.StageOrder) -> list[Entry]:
    """What the audit log has since the promotion was planned, read from its end and by no index."""
    return list(clients.audit.since(signed_at(clients.statements, order.promotion.id, order.plan_digest)))


def _life(order: c.StageOrder) -> timedelta:
    """Long enough for every move that it opens, each as late as it may be."""
    return _LIFE + timedelta(seconds=sum(order.at.within_s(move) for move in order.at.moves(order.phase)))


def _log_and_announce(clients: Clients, order: c.StageOrder, receipt: Receipt) -> Receipt:
    """The receipt that the audit log has: of an attempt that died after it had told the log, the earlier one.

    An override is another kind of fact, so that nobody overlooks it.
    """
    kind = "receipt issued over failing gates" if receipt.override else "receipt issued"
    entry = clients.audit.append(order.key, kind, str(order.plan.model), "signalbox", encode(receipt))
    if receipt.override:
        data = {"promotion": order.promotion.id, "stage": order.stage, "override": receipt.override}
        subject = f"promotions/{order.promotion.id}"
        clients.announcer.announce(order.key, "Signalbox.Promotion.GlassBroken", subject, data)
    kept = decode(Receipt, entry.facts)
    if kept.override:
        _sign_override(clients, order, kept)
    return kept


def _sign_override(clients: Clients, order: c.StageOrder, receipt: Receipt) -> None:
    """Say over which gates *receipt* was issued, and on whose consent."""
    glass = glass_stage(order.stage, order.phase)
    consents = decisions(clients.statements, order.promotion.id, glass)
    predicate = BreakGlassPredicate(
        promotion=receipt.promotion,
        stage=receipt.stage,
        phase=receipt.phase,
        model=str(receipt.model),
        bundle=receipt.digest,
        plan=receipt.plan,
        evidence=receipt.evidence,
        failures=tuple(text for text in receipt.verdicts if not text.endswith(f": {GateOutcome.PASS.value}")),
        override=receipt.override,
        consents=tuple(consent.stored.blob.path for consent in consents if not consent.approval.withdrawn),
    )
    statement = Statement(
        kind=PredicateKind.BREAK_GLASS,
        subjects={str(receipt.model): receipt.digest, f"evidence of {receipt.promotion}": receipt.evidence},
        at=clients.clock.now(),
        predicate=encode(predicate),
    )
    clients.statements.create(paths.broken_glass(order.promotion.id, order.stage, order.phase.value), statement)


def _digest(clients: Clients, order: Order, phase: Phase) -> str:
    """On the way in, of the flagged bundle; on the way out, of the one that was measured, which may be trained here."""
    about = carried(clients.statements, order) if phase is Phase.EXIT else order
    return about.plan.digest


def _change(clients: Clients, order: c.StageOrder) -> str:
    """The change request that is approved for the evidence, read once more; empty where the stage asks for none."""
    if order.phase is Phase.EXIT or order.at.stage.change is None:
        return ""
    return approved_change(clients.provisioner.desk, clients.ledger, clients.audit, order)


def _image(clients: Clients, order: c.StageOrder) -> str:
    """The digest of the image that runs what was measured."""
    return built_image(clients.models, carried(clients.statements, order))


def _verdicts(clients: Clients, order: c.StageOrder) -> tuple[Verdict, ...]:
    """The gates judged anew from the recorded evidence, freezes as of now: people may have thought for days."""
    path, place = _pack_path(order), f"{order.stage} ({order.phase.value})"
    shown = evidence_pack_at(clients.statements, path, order)
    if shown is None:
        raise Refused(f"no evidence is recorded for {place}: nothing passes without it")
    if canonical_digest(shown) != order.evidence:
        raise Refused(f"{path} is not the evidence {order.evidence} any more, which was shown for {place}")
    evidence = replace(decode(Evidence, shown["assessments"][-1]["evidence"]), at=clients.clock.now())
    return judge_gates(order.at.gates(order.phase), evidence, clients.project_functions.ask)


def _pack_path(order: c.StageOrder) -> str:
    """Whose digest is what people approve; the phase's own evidence is the last in it."""
    return paths.evidence(order.promotion.id, order.stage, order.phase.value, "pack.json")


def _approvals(clients: Clients, order: c.StageOrder) -> tuple[str, ...]:
    if order.phase is Phase.EXIT:  # Given on the way in, for the evidence of that moment.
        receipt = receipt_of(clients.statements, clients.ledger, order.promotion.id, order.stage)
        if receipt is None:
            if not order.at.stage.approvals.roles:
                return ()
            raise Refused(f"the receipt of {order.stage} (entry) is gone, and nobody else knows who approved")
        if (receipt.model, receipt.plan) != (order.plan.model, order.plan_digest):
            path = identity.promotion_key(order.promotion.id, f"{order.stage}/entry/receipt.json")
            raise ForgedError(path, f"it was issued for {receipt.model} by plan {receipt.plan}")
        return receipt.approvals
    judgement_now = judgement(clients.statements, clients.ledger, order, clients.clock.now())
    if judgement_now.standing is not ApprovalStanding.APPROVED:
        raise Refused(f"no receipt for {order.stage}: {'; '.join(judgement_now.unmet)}")
    return tuple(f"{approval.role}: {approval.name} ({approval.oid})" for approval in judgement_now.approvals)


def refuse_unproven(clients: Clients, order: c.StageOrder) -> None:
    """No stage is skipped: the one before must have measured and passed this very bundle."""
    receipts = Receipts(clients.store, clients.ledger, clients.signing, clients.audit)
    because = unproven(receipts, clients.configuration.ladder, order.plan, order.at, order.promotion.id)
    tell_forgeries(clients, order.promotion.id, receipts.forgeries)
    if because:
        raise Refused(f"no receipt for {because}")


def refuse_changed_source(clients: Clients, order: c.StageOrder) -> None:
    """The flagged version must still be the planned one: same folder, same extras, same flag."""
    plan = order.plan
    registered_model = clients.models.find(plan.origin, plan.model)
    if registered_model is None:
        raise Refused(f"{plan.model} has gone from {plan.origin.name} during its promotion")
    if plan.registry:
        require_approved(clients.statements, clients.audit, plan.model, plan.digest)
    current = {
        "folder": registered_model.folder,
        BUNDLE: registered_model.tags.get(BUNDLE, ""),
        FLAG: registered_model.tags.get(FLAG, ""),
    }
    planned = {"folder": plan.folder, BUNDLE: plan.extras, FLAG: plan.flag}
    for name, value in current.items():
        if value != planned[name]:
            raise Refused(f"{name} of {plan.model} was {planned[name]!r} and is {value!r}: edited during the promotion")


def built_image(models: Models, order: Order) -> str:
    """The digest of the image in the stage's workspace; empty where it has none, or the service does not say."""
    environment, plan = order.at.stage.environment, order.plan
    return models.image_digest(environment, companion(plan.model, plan.digest)) if environment else ""


def refuse_other_image(first: Receipt | None, image: str, stage: str) -> None:
    """Raise Refused where *image* is not the one that was measured, by the exit receipt *first* of the *stage*.

    An image of which the service says nothing, then or now, is no other image.
    """
    if first is not None and first.image and image and image != first.image:
        raise Refused(
            f"the image of {first.model} at {stage} is {image}, and {first.image} was measured: it was built again; "
            "promote the version anew"
        )
