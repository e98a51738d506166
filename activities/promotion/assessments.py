"""Assess a stage: gather the evidence its gates ask for, record it, and let the domain judge.

Evidence is written once for each promotion, stage and phase; what is judged later is what was recorded then.
"""

from dataclasses import replace
from datetime import timedelta

from activities.effects import once, stamp
from activities.promotion.evidence import data_test, live_tests
from activities.promotion.trials.outcomes import batch_trial
from activities.retraining.challengers import RUN, recorded_evaluation
from activities.rollout.load import load_test
from activities.rollout.pre_production import ComparedStages
from shared import contracts as c
from shared.application.promotion.planning import champion_at
from shared.application.promotion.stage_training import carried
from shared.application.promotion.stored_plans import stage_order
from shared.application.rollout.costs import release_cost
from shared.clients import Clients
from shared.codec import encode
from shared.domain.failures import Refused, Transient
from shared.domain.gates import GateOutcome, GateSpec, judge_gates
from shared.domain.gates.evidence import Evaluation, Evidence, Rollback
from shared.domain.promotion.gate_specs import BATCH_GATE
from shared.domain.promotion.plans import Champion, Phase
from shared.domain.rollout.rehearsals import newest_rehearsal
from shared.records import paths
from shared.records.lists.rows import note_stage
from shared.records.predicates import StageEvidence
from shared.records.production.rehearsals import rehearsals_of
from shared.records.promotion import sign_evidence, stage_evidence_at


def assess_stage(clients: Clients, step: c.StageStep) -> c.Assessed:
    """The verdicts are history from here on."""
    return once(clients, step.key, c.Assessed, lambda: _assess(clients, step))


def _assess(clients: Clients, step: c.StageStep) -> c.Assessed:
    order = stage_order(clients.statements, clients.ledger, step)
    note_stage(clients.store, order.promotion.id, order.stage, order.phase.value, stamp(clients))
    path = paths.evidence(order.promotion.id, order.stage, order.phase.value, "evidence.json")
    stage_evidence = stage_evidence_at(clients.statements, path)  # What was measured before a crash stands.
    if stage_evidence is None:
        sign_evidence(clients.statements, path, order, _measured(clients, order), clients.clock.now())
        stage_evidence = stage_evidence_at(clients.statements, path)
    if stage_evidence is None:
        raise Transient(f"the evidence of {path} was removed while the stage was assessed")
    clients.store.create(path, stage_evidence)  # A copy to read; nothing is judged by it.
    verdicts = stage_evidence.verdicts
    failures = [verdict for verdict in verdicts if verdict.outcome is not GateOutcome.PASS]
    facts = {"promotion": order.promotion.id, "stage": order.stage, "phase": order.phase.value}
    facts |= {"verdicts": encode(verdicts)}
    clients.audit.append(order.key, "assessed", str(order.plan.model), "signalbox", facts)
    # FAIL alone: an inconclusive comparison says nothing against the challenger, and its training need not be cancelled
    # for it.
    worse = any(verdict.gate == "better_than_champion" and verdict.outcome is GateOutcome.FAIL for verdict in failures)
    because = tuple(f"{verdict.gate}: {verdict.outcome.value}: {verdict.because}" for verdict in failures)
    return c.Assessed(passed=not failures, record=path, because=because, worse=worse)


def _measured(clients: Clients, order: c.StageOrder) -> StageEvidence:
    gates, serving = order.at.gates(order.phase), _champion(clients, order)
    about = replace(order, plan=order.plan.against(order.stage, serving))
    evidence = _gather(clients, carried(clients.statements, about), gates)
    verdicts = judge_gates(gates, evidence, clients.project_functions.ask)
    return StageEvidence(
        stage=order.stage,
        phase=order.phase.value,
        champion=serving,
        evidence=encode(evidence),
        at=stamp(clients),
        verdicts=tuple(verdicts),
    )


def _champion(clients: Clients, order: c.StageOrder) -> Champion:
    """Who serves the stage at this moment: the plan may be days old. Refused where somebody approved another."""
    now, approved = champion_at(clients.endpoints, order.at.stage), _approved_champion(clients, order)
    if approved not in (None, now):
        raise Refused(f"{order.stage}: the champion was {approved} when this was approved and is {now}; plan again")
    return now


def _approved_champion(clients: Clients, order: c.StageOrder) -> Champion | None:
    """The champion that the approved plan names, or else the one that the approvers of the stage were shown."""
    if order.promotion.plan:
        return order.at.champion
    if order.phase is Phase.ENTRY or not order.at.stage.approvals.roles:
        return None
    path = paths.evidence(order.promotion.id, order.stage, Phase.ENTRY.value, "evidence.json")
    stage_evidence = stage_evidence_at(clients.statements, path)
    return stage_evidence.champion if stage_evidence else None


def _gather(clients: Clients, order: c.StageOrder, gates: tuple[GateSpec, ...]) -> Evidence:
    """Only what the gates ask for is measured: scoring a hold-out costs time and money."""
    names = {gate.gate for gate in gates}
    data_result = data_test(clients, order.plan.promotable) if "data_tests_passed" in names else None
    days = next((spec.options.get("days") for spec in gates if spec.gate == "budget"), None)
    cost = release_cost(clients, order.at, days) if "budget" in names else None
    rehearsed = _rehearsed(clients, order) if "rollback_rehearsed" in names else None
    evidence = Evidence(at=clients.clock.now(), data_test=data_result, cost=cost, rollback=rehearsed)
    evidence = _with_live(clients, order, gates, evidence)
    # Last: the other figures are of a deployment that nobody presses.
    return replace(evidence, load=load_test(clients, order, gates)) if "load" in names else evidence


def _with_live(clients: Clients, order: c.StageOrder, gates: tuple[GateSpec, ...], evidence: Evidence) -> Evidence:
    """With what models answered: the deployed challenger, or before it is deployed what was recorded of it."""
    names = {gate.gate for gate in gates}
    if order.phase is Phase.EXIT and order.at.stage.environment is not None:
        if BATCH_GATE in names and order.at.tries_batch:
            evidence = replace(evidence, batch=batch_trial(clients, order))
        return live_tests(clients, order, gates, evidence)
    if "better_than_champion" in names:
        evidence = replace(evidence, evaluation=_evaluated(clients, order))
    if "outputs_agree" in names and order.at.stage.rollout is not None:
        stages = ComparedStages(clients, order)
        return replace(evidence, agreement=stages.on_rows(), collected=stages.on_requests())
    return evidence


def _rehearsed(clients: Clients, order: c.StageOrder) -> Rollback | None:
    """The last rehearsal in which this very bundle was left for the version before it; None without one."""
    model, digest = order.plan.model, order.plan.digest
    newest = newest_rehearsal(
        rehearsal
        for rehearsal in rehearsals_of(clients.statements, model.name)
        if (rehearsal.left, rehearsal.digest) == (str(model), digest)
    )
    if newest is None:
        return None
    age = clients.clock.now() - newest.at
    return Rollback(restored=newest.restored, seconds=newest.seconds, age_days=age / timedelta(days=1))


def _evaluated(clients: Clients, order: c.StageOrder) -> Evaluation | None:
    """Nothing is deployed yet: what the run that trained this very bundle has measured of it, None without one."""
    model = clients.models.find(order.plan.origin, order.plan.model)
    run = model.tags.get(RUN, "") if model else ""
    return recorded_evaluation(clients, run, order.plan.digest)
