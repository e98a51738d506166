"""Assess a stage: gather the evidence its gates ask for, record it, and let the domain judge.

Evidence is written once for each promotion, stage and phase; what is judged later is what was recorded then.
"""

import json

from activities.effects import once, stamp
from activities.evidence import data_test, live_tests
from shared import contracts as c
from shared.clients import Clients
from shared.codec import encode
from shared.domain import records
from shared.domain.gates import GateSpec, Outcome, Verdict, judge
from shared.domain.gates.evidence import Evidence
from shared.domain.promotion.plans import Phase


def assess_stage(clients: Clients, order: c.StageOrder) -> c.Assessed:
    """The verdicts are history from here on."""
    return once(clients, order.key, c.Assessed, lambda: _assess(clients, order))


def _assess(clients: Clients, order: c.StageOrder) -> c.Assessed:
    gates = order.at.gates(order.phase)
    evidence = _gather(clients, order, gates)
    verdicts = judge(gates, evidence)
    record = {"stage": order.stage, "phase": order.phase.value, "evidence": encode(evidence), "at": stamp(clients)}
    path = records.evidence(order.promotion.id, order.stage, order.phase.value, "evidence.json")
    clients.hub.create(clients.configuration.hub.state, path, json.dumps(record | _said(verdicts)).encode())
    failed = [each for each in verdicts if each.outcome is not Outcome.PASS]
    facts = {"promotion": order.promotion.id, "stage": order.stage, "phase": order.phase.value, **_said(verdicts)}
    clients.audit.append(order.key, "assessed", str(order.plan.model), "signalbox", facts)
    worse = any(each.gate == "better_than_champion" and each.outcome is Outcome.FAIL for each in failed)
    because = tuple(f"{each.gate}: {each.outcome.value}: {each.because}" for each in failed)
    return c.Assessed(passed=not failed, record=path, because=because, worse=worse)


def _gather(clients: Clients, order: c.StageOrder, gates: tuple[GateSpec, ...]) -> Evidence:
    """Only what the gates ask for is measured: scoring a hold-out costs time and money."""
    names = {gate.gate for gate in gates}
    tested = data_test(clients, order.plan.promotable) if "data_tests_passed" in names else None
    if order.phase is Phase.ENTRY or order.at.stage.environment is None:
        return Evidence(at=clients.clock.now(), data_test=tested)
    return live_tests(clients, order, gates, Evidence(at=clients.clock.now(), data_test=tested))


def _said(verdicts: tuple[Verdict, ...]) -> dict[str, object]:
    return {"verdicts": encode(verdicts)}
