"""What people decided on a promotion and what happened to it, over HTTP: each with its time and its author."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from shared.application.promotion.standing import glass_stage, pack_of
from shared.application.promotion.stored_plans import unverified_opening
from shared.clients import Clients
from shared.domain.promotion.audit import Entry
from shared.domain.promotion.plans import Phase
from shared.records.promotion import PromotionRecord, decisions, delegations, find_promotion
from shared.records.statements import ForgedError
from triggers.http.api_route import ApiRequest
from triggers.http.exchange.problems import Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionRow:
    """A decision that a door has signed: by whom and as what, on which evidence.

    *counts*: it was given for the evidence that is shown now, and was not taken back. *used*: something was moved on
    its strength, so that it is too late to withdraw it. *glass*: it overrides failing gates.
    """

    stage: str
    phase: str
    role: str
    by: str
    oid: str
    decision: str
    reason: str
    at: str
    evidence: str
    counts: bool
    withdrawn: bool
    used: bool
    glass: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DelegationRow:
    """*by*, whose object id is *oid*, has left what is asked of *role* to *to*, and why.

    *stands*: it is about the evidence that is shown now, and was not taken back.
    """

    stage: str
    role: str
    to: str
    by: str
    oid: str
    reason: str
    at: str
    evidence: str
    stands: bool
    withdrawn: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionList:
    """The oldest first. *unbelieved*: files among them that no door has signed."""

    promotion: str
    decisions: tuple[DecisionRow, ...]
    unbelieved: tuple[str, ...] = ()
    delegations: tuple[DelegationRow, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TimelineEvent:
    """An entry of the audit log about the promotion; *stage* and *phase* are empty where it is about none."""

    number: int
    at: str
    kind: str
    who: str
    stage: str
    phase: str
    facts: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class PromotionTimeline:
    """The oldest first."""

    promotion: str
    events: tuple[TimelineEvent, ...]


def list_decisions(request: ApiRequest, promotion: str) -> DecisionList:
    """Every decision on a promotion, and to whom one was left; those that were taken back too"""
    clients, forgeries = request.clients, list[ForgedError]()
    _known(clients, promotion)
    rows = sorted(_decisions(clients, promotion, forgeries), key=lambda row: row.at)
    left = sorted(_delegations(clients, promotion, forgeries), key=lambda row: row.at)
    return DecisionList(
        promotion=promotion,
        decisions=tuple(rows),
        unbelieved=tuple(map(str, forgeries)),
        delegations=tuple(left),
    )


def show_timeline(request: ApiRequest, promotion: str) -> PromotionTimeline:
    """What happened to a promotion by the audit log: assessments, evidence, decisions, moves, and how it ended"""
    model = _known(request.clients, promotion).promotion.model
    entries = request.clients.audit.about(model.name)
    events = tuple(_event(entry) for entry in entries if entry.facts.get("promotion") == promotion)
    return PromotionTimeline(promotion=promotion, events=events)


def _known(clients: Clients, promotion: str) -> PromotionRecord:
    record = find_promotion(clients.store, promotion)
    if record is None:
        raise Problem(404, "no such promotion", f"promotion {promotion!r} is not known; list them with `promotions`")
    return record


def _decisions(clients: Clients, promotion: str, forgeries: list[ForgedError]) -> Iterator[DecisionRow]:
    opening = unverified_opening(clients.ledger, promotion)
    for at in opening.plan.stages if opening and opening.plan else ():
        stage = at.stage.name
        folders = [(Phase.ENTRY, stage, False), *((phase, glass_stage(stage, phase), True) for phase in Phase)]
        for phase, folder, glass in folders:
            pack = pack_of(clients.ledger, promotion, stage, phase)
            for decision in decisions(clients.statements, promotion, folder, forgeries):
                approval = decision.approval
                yield DecisionRow(
                    stage=stage,
                    phase=phase.value,
                    role=approval.role,
                    by=approval.name,
                    oid=approval.oid,
                    decision="approved" if approval.approved else "rejected",
                    reason=approval.reason,
                    at=approval.at.isoformat(),
                    evidence=approval.evidence,
                    counts=pack is not None and pack.digest == approval.evidence and not approval.withdrawn,
                    withdrawn=approval.withdrawn,
                    used=approval.used,
                    glass=glass,
                )


def _delegations(clients: Clients, promotion: str, forgeries: list[ForgedError]) -> Iterator[DelegationRow]:
    opening = unverified_opening(clients.ledger, promotion)
    for at in opening.plan.stages if opening and opening.plan else ():
        stage = at.stage.name
        pack = pack_of(clients.ledger, promotion, stage)
        for delegation in delegations(clients.statements, promotion, stage, forgeries):
            yield DelegationRow(
                stage=stage,
                role=delegation.role,
                to=delegation.to,
                by=delegation.by.name,
                oid=delegation.by.oid,
                reason=delegation.reason,
                at=delegation.at.isoformat(),
                evidence=delegation.evidence,
                stands=pack is not None and pack.digest == delegation.evidence and not delegation.withdrawn,
                withdrawn=delegation.withdrawn,
            )


def _event(entry: Entry) -> TimelineEvent:
    stage, phase = (str(entry.facts.get(name) or "") for name in ("stage", "phase"))
    return TimelineEvent(
        number=entry.number, at=entry.at, kind=entry.kind, who=entry.who, stage=stage, phase=phase, facts=entry.facts
    )
