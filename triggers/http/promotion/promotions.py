"""Promotions over HTTP: list them, show one with its evidence, and explain what it waits for. It writes nothing."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from shared import contracts as c
from shared.application.promotion.awaited_roles import Waited, open_promotions, waited_for
from shared.application.promotion.standing import pack_of
from shared.application.promotion.stored_plans import unverified_opening
from shared.application.promotion.unmet_needs import unmet_at_end, unmet_now
from shared.application.rollout.costs import costs_of_release
from shared.clients import Clients
from shared.contracts import Promotion
from shared.domain.promotion.plans import Phase
from shared.durable.starting import find_instance
from shared.records.listings import PROMOTIONS, listed
from shared.records.promotion import PromotionRecord, find_promotion
from shared.validation.rules import OptionalName
from triggers.http.api_route import ApiRequest
from triggers.http.pages import PAGE, Cursor, Limit, page
from triggers.http.problems import Problem

_WAITING = "waiting"  # No fate of a record: the list's word for what waits for people.


@dataclass(frozen=True, slots=True, kw_only=True)
class PromotionFilters:
    model: OptionalName = ""
    fate: OptionalName = ""
    limit: Limit = PAGE
    cursor: Cursor = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceFilters:
    stage: OptionalName = ""
    phase: Phase | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Awaited:
    """*role* has not spoken on *stage*, *who* can; *people* are those that the role names one by one.

    *glass*: its consent to override failing gates is what is waited for. *evidence* is the digest to look at. *since*
    and *until* are empty where nobody was asked yet.
    """

    stage: str
    role: str
    who: str
    people: tuple[str, ...]
    evidence: str
    since: str
    until: str
    glass: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PromotionRow:
    """*fate* is empty while it is under way; where those that wait are asked for it is `waiting`, and *waits* says for
    whom."""

    promotion: str
    model: str
    version: str
    target: str
    opened: str
    fate: str = ""
    waits: tuple[Awaited, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PromotionPage:
    total: int
    promotions: tuple[PromotionRow, ...]
    next: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceRow:
    """*page* is container/path in the hub; *digest* is what an approval must name."""

    stage: str
    phase: str
    page: str
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PromotionShown:
    """*cost*: of a release that shifts traffic, what two fleets were estimated to cost and have cost so far."""

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


def list_promotions(request: ApiRequest, query: PromotionFilters) -> PromotionPage:
    """The newest promotions first; `model` and `fate` narrow. The fate `waiting` lists what waits for people."""
    rows_of = _waiting if query.fate == _WAITING else _all
    rows = list(rows_of(request.clients))
    for name, value in (("model", query.model), ("fate", query.fate)):
        if value:
            rows = [row for row in rows if getattr(row, name) == value]
    rows_of_page, following = page(rows, lambda row: (row.opened, row.promotion), query.limit, query.cursor)
    return PromotionPage(total=len(rows), promotions=rows_of_page, next=following)


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
        unmet = await asyncio.to_thread(unmet_now, clients.statements, clients.ledger, glass, subject, now)
    elif record.fate is c.Fate.PROMOTED:
        unmet = because
    else:
        models = {model.name: model for model in clients.configuration.ladder.models}
        unmet = unmet_at_end(models.get(subject.model.name), because)
    fate = record.fate.value if record.fate else ""
    return Explained(promotion=promotion, fate=fate, unmet=tuple(unmet))


def _waiting(clients: Clients) -> Iterator[PromotionRow]:
    rows = {row.promotion: row for row in _all(clients)}
    glass, now = clients.configuration.ladder.break_glass, clients.clock.now()
    for promotion in open_promotions(clients.store):
        waits = tuple(map(_awaited, waited_for(clients.statements, clients.ledger, glass, promotion, now)))
        row = rows.get(promotion.id)
        if waits and row is not None:  # A promotion is listed before it waits for anybody.
            yield replace(row, fate=_WAITING, waits=waits)


def _awaited(role_asked: Waited) -> Awaited:
    return Awaited(
        stage=role_asked.stage,
        role=role_asked.role.name,
        who=role_asked.who,
        people=role_asked.role.people,
        evidence=role_asked.evidence,
        since=role_asked.since.isoformat() if role_asked.since else "",
        until=role_asked.until.isoformat() if role_asked.until else "",
        glass=role_asked.glass,
    )


def _all(clients: Clients) -> Iterator[PromotionRow]:
    columns = ("model", "version", "target", "opened", "fate")
    for name, row in listed(clients.hub, clients.configuration.hub.state, PROMOTIONS):
        values: dict[str, Any] = {column: row.get(column, "") for column in columns}
        yield PromotionRow(promotion=name, **values)


def _known(promotion: str, record: PromotionRecord | None) -> PromotionRecord:
    """*record*. Raises Problem where it is None: there is no such promotion."""
    if record is None:
        raise Problem(404, "no such promotion", f"promotion {promotion!r} is not known; list them with `promotions`")
    return record


def _packs(clients: Clients, promotion: str) -> Iterator[EvidenceRow]:
    opening, state = unverified_opening(clients.ledger, promotion), clients.configuration.hub.state
    for at in opening.plan.stages if opening and opening.plan else ():
        for phase in Phase:
            pack = pack_of(clients.ledger, promotion, at.stage.name, phase)
            if pack is not None:
                location = f"{state}/{pack.page}"
                yield EvidenceRow(stage=at.stage.name, phase=phase.value, page=location, digest=pack.digest)
