"""Promotions over HTTP: list them, show one with its evidence, and explain what it waits for. It writes nothing."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from shared import contracts as c
from shared.application.promotion.standing import pack_of
from shared.application.promotion.stored_plans import unverified_opening
from shared.application.promotion.unmet_needs import unmet_at_end, unmet_now
from shared.application.provisioning.stage_changes import ShownChange, shown_changes
from shared.application.rollout.costs import costs_of_release
from shared.clients import Clients
from shared.contracts import Promotion
from shared.domain.promotion.plans import Phase
from shared.durable.starting import find_instance
from shared.records.promotion import PromotionRecord, find_promotion
from shared.validation.rules import OptionalName
from triggers.http.api_route import ApiRequest
from triggers.http.exchange.problems import Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceFilters:
    stage: OptionalName = ""
    phase: Phase | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceRow:
    """*page* is container/path in the hub; *digest* is what an approval must name."""

    stage: str
    phase: str
    page: str
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PromotionShown:
    """*cost*: of a release that shifts traffic, what two fleets were estimated to cost and have cost so far.

    *changes* are the change requests of ServiceNow that gate its stages.
    """

    id: str
    status: str
    promotion: Promotion | None = None
    step: str = ""
    doing: dict[str, Any] = field(default_factory=dict)
    opened: str = ""
    closed: str = ""
    fate: str = ""
    because: tuple[str, ...] = ()
    evidence: tuple[EvidenceRow, ...] = ()
    cost: tuple[str, ...] = ()
    changes: tuple[ShownChange, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceShown:
    stage: str
    phase: str
    page: str
    digest: str
    html: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """*unmet*: a sentence for each condition that is not met, with who can meet it.

    Of *promotion*, whose *fate* it is, or of *run*, a run or a training, whose outcome it is.
    """

    fate: str
    unmet: tuple[str, ...]
    promotion: str = ""
    run: str = ""


async def show_promotion(request: ApiRequest, promotion: str) -> PromotionShown:
    """A promotion's record, where it stands now, and where its evidence lies."""
    record = await asyncio.to_thread(find_promotion, request.clients.store, promotion)
    instance = await find_instance(request.client, promotion)
    if record is None and instance is not None:
        return PromotionShown(id=promotion, status=instance.status, step=instance.step)  # It is on its way.
    record = _known(promotion, record)
    return PromotionShown(
        id=promotion,
        status=instance.status if instance else "not known to this host any more",
        promotion=record.promotion,
        step=instance.step if instance else "",
        doing=instance.custom_status if instance else {},
        opened=record.opened,
        closed=record.closed or "",
        fate=record.fate.value if record.fate else "",
        because=record.because or (),
        evidence=await asyncio.to_thread(lambda: tuple(_packs(request.clients, promotion))),
        cost=await asyncio.to_thread(costs_of_release, request.clients, promotion),
        changes=await asyncio.to_thread(_changes, request.clients, promotion),
    )


def show_evidence(request: ApiRequest, promotion: str, query: EvidenceFilters) -> EvidenceShown:
    """The evidence page of `stage` and `phase`, and the digest of what is on it; without `stage`, the newest page."""
    packs = list(_packs(request.clients, promotion))
    filters = {"stage": query.stage, "phase": query.phase.value if query.phase else ""}
    filters = {name: value for name, value in filters.items() if value}
    matches = [pack for pack in packs if all(getattr(pack, name) == value for name, value in filters.items())]
    if not matches:
        pages = ", ".join(f"{pack.stage} {pack.phase}" for pack in packs) or "none"
        raise Problem(404, "no such evidence", f"{promotion} has no page for {filters or 'any stage'}; it has {pages}")
    newest = matches[-1]
    container, _, path = newest.page.partition("/")
    html = request.clients.hub.read(container, path)
    return EvidenceShown(
        stage=newest.stage, phase=newest.phase, page=newest.page, digest=newest.digest, html=(html or b"").decode()
    )


async def explain_promotion(request: ApiRequest, promotion: str) -> Explained:
    """Each unmet condition of a promotion, with who can meet it."""
    clients = request.clients
    record = _known(promotion, await asyncio.to_thread(find_promotion, clients.store, promotion))
    subject, because = record.promotion, list(record.because or ())
    if record.fate is None:
        glass, now = clients.configuration.ladder.break_glass, clients.clock.now()
        unmet = await asyncio.to_thread(
            unmet_now, clients.statements, clients.ledger, clients.audit, glass, subject, now
        )
    elif record.fate is c.Fate.PROMOTED:
        unmet = because
    else:
        models = {model.name: model for model in clients.configuration.ladder.models}
        unmet = unmet_at_end(models.get(subject.model.name), because)
    fate = record.fate.value if record.fate else ""
    return Explained(promotion=promotion, fate=fate, unmet=tuple(unmet))


def _known(promotion: str, record: PromotionRecord | None) -> PromotionRecord:
    """*record*. Raises Problem where it is None: there is no such promotion."""
    if record is None:
        raise Problem(404, "no such promotion", f"promotion {promotion!r} is not known; list them with `promotions`")
    return record


def _changes(clients: Clients, promotion: str) -> tuple[ShownChange, ...]:
    opening = unverified_opening(clients.ledger, promotion)
    if opening is None or opening.plan is None or all(at.stage.change is None for at in opening.plan.stages):
        return ()
    instance, _, _ = clients.settings.service_now_client
    return tuple(shown_changes(clients.audit, promotion, opening.plan, instance))


def _packs(clients: Clients, promotion: str) -> Iterator[EvidenceRow]:
    opening, state = unverified_opening(clients.ledger, promotion), clients.configuration.hub.state
    for at in opening.plan.stages if opening and opening.plan else ():
        for phase in Phase:
            pack = pack_of(clients.ledger, promotion, at.stage.name, phase)
            if pack is not None:
                location = f"{state}/{pack.page}"
                yield EvidenceRow(stage=at.stage.name, phase=phase.value, page=location, digest=pack.digest)
