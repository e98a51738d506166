"""The list of promotions over HTTP: what is where, since when, and for whom it waits. It writes nothing."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated

from shared.application.lists import RowFilter, counted, matching, rows_in_scope
from shared.application.promotion.awaited_roles import Waited
from shared.application.promotion.waits import Waits
from shared.clients import Clients
from shared.records.lists.index import RowSet
from shared.records.lists.rows import PROMOTIONS
from shared.validation.rules import OptionalName, Text
from triggers.http.api_route import ApiRequest
from triggers.http.exchange.pages import PAGE, Cursor, Limit, Moment, RowState, indexed_page, order_of, utc_text

_WAITING = "waiting"  # No fate of a record: the list's word for what waits for people.


@dataclass(frozen=True, slots=True, kw_only=True)
class PromotionFilters:
    """*since* and *until* bound the time at which the promotion was opened, *until* excluded. *sort* is a column, with
    `-` before it the greatest first; the newest first where it is empty."""

    model: OptionalName = ""
    fate: OptionalName = ""
    target: OptionalName = ""
    stage: OptionalName = ""
    state: RowState | None = None
    since: Moment = ""
    until: Moment = ""
    sort: Annotated[str, Text(shortest=0, longest=20, pattern=r"(-?(opened|model|target|fate|stage|since))?")] = ""
    limit: Limit = PAGE
    cursor: Cursor = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Awaited:
    """*role* has not spoken on *stage*, *who* can; *people* are those that the role names one by one.

    *glass*: its consent to override failing gates is what is waited for. *evidence* is the digest to look at. *since*
    and *until* are empty where nobody was asked yet. *delegated_to* is whom *delegated_by* has left it to.
    """

    stage: str
    role: str
    who: str
    people: tuple[str, ...]
    evidence: str
    since: str
    until: str
    glass: bool = False
    delegated_to: str = ""
    delegated_by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PromotionRow:
    """*fate* is empty while it is under way; where those that wait are asked for it is `waiting`.

    *stage* and *phase* are where it is, or where it ended, *since* then. *waits* says for whom it waits, and *expires*
    when the first of them is too late.
    """

    promotion: str
    model: str
    version: str
    target: str
    opened: str
    fate: str = ""
    waits: tuple[Awaited, ...] = ()
    stage: str = ""
    phase: str = ""
    since: str = ""
    closed: str = ""
    expires: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PromotionPage:
    """*next* is the `cursor` of the next page, empty on the last one; *total* counts all pages. *fates* counts the
    promotions of each fate that the other filters let through."""

    total: int
    promotions: tuple[PromotionRow, ...]
    next: str = ""
    fates: dict[str, int] = field(default_factory=dict)


def list_promotions(request: ApiRequest, query: PromotionFilters) -> PromotionPage:
    """The newest promotions first; the filters narrow. The fate `waiting` lists what waits for people."""
    clients = request.clients
    rows = rows_in_scope(PROMOTIONS, clients.lists.rows(PROMOTIONS), clients.configuration, request.scope)
    narrowed = RowFilter(
        equal={"model": query.model, "target": query.target, "stage": query.stage},
        since=utc_text(query.since),
        until=utc_text(query.until),
        ended="fate",
        is_open=None if query.state is None else query.state is RowState.OPEN,
    )
    entries = matching(PROMOTIONS, rows, narrowed)
    fates = counted(PROMOTIONS, entries, "fate")
    if query.fate == _WAITING:
        under_way = matching(PROMOTIONS, replace(rows, entries=tuple(entries)), RowFilter(ended="fate", is_open=True))
        waits = waits_of(clients, (entry[-1] for entry in under_way), rows)
        entries = [entry for entry in under_way if waits[entry[-1]].roles]
    elif query.fate:
        entries = matching(PROMOTIONS, replace(rows, entries=tuple(entries)), RowFilter(equal={"fate": query.fate}))
    order = order_of(query.sort)
    page, following = indexed_page(PROMOTIONS, order.of(PROMOTIONS, entries), query.limit, query.cursor, order)
    waits = waits_of(clients, (row["name"] for row in page.rows if not row["fate"]), rows)
    promotions = tuple(_row(row, waits.get(row["name"]), query.fate == _WAITING) for row in page.rows)
    return PromotionPage(total=page.total, promotions=promotions, next=following, fates=fates)


def waits_of(clients: Clients, promotions: Iterable[str], rows: RowSet) -> dict[str, Waits]:
    """Whom each of *promotions*, which are under way by *rows*, waits for."""
    return clients.lists.waiting_roles.of(promotions, rows, clients.clock.now())


def _row(row: Mapping[str, str], waits: Waits | None, are_waiting: bool) -> PromotionRow:
    columns = {name: value for name, value in row.items() if name != "name"}
    roles = tuple(map(awaited, waits.roles)) if waits else ()
    columns |= {"fate": _WAITING} if are_waiting else {}
    expires = min((role.until for role in roles if role.until), default="")
    return PromotionRow(promotion=row["name"], waits=roles, expires=expires, **columns)


def awaited(role_asked: Waited) -> Awaited:
    """A role that is waited for, as the API shows it."""
    return Awaited(
        stage=role_asked.stage,
        role=role_asked.role.name,
        who=role_asked.who,
        people=role_asked.role.people,
        evidence=role_asked.evidence,
        since=role_asked.since.isoformat() if role_asked.since else "",
        until=role_asked.until.isoformat() if role_asked.until else "",
        glass=role_asked.glass,
        delegated_to=role_asked.delegation.to if role_asked.delegation else "",
        delegated_by=role_asked.delegation.by.name if role_asked.delegation else "",
    )
