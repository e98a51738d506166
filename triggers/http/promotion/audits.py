"""The audit log over HTTP: what happened to a model, what was true at a time, whether the log is whole, and proofs."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Annotated

from shared.application.datasets.versions import DATASET_ENTRIES
from shared.domain.promotion.audit import Entry
from shared.domain.trust.envelopes import Envelope
from shared.validation.rules import OptionalName, Text
from triggers.http.api_route import ApiRequest
from triggers.http.exchange.pages import (
    PAGE,
    Cursor,
    Limit,
    Moment,
    read_cursor,
    read_offset,
    written_cursor,
    written_offset,
)
from triggers.http.exchange.problems import Problem, outside_scope

_LONGEST_NUMBER, _CURSOR = 12, "entry"
_MOST_LOOKED_AT = 20_000  # Entries; those of a team are found among everybody's.
_MOST_OF_A_PAGE = 2_000  # Entries that a page for the platform looks at: each is read.
_A_DAY, _CLOCKS_DIFFER = timedelta(days=1), timedelta(minutes=15)  # Appenders are on several machines.


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryFilters:
    """*at*: up to this time, ISO 8601, UTC where it names no zone."""

    at: OptionalName = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    model: str
    at: str
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryFilters:
    """*team*: entries that belong to this team; *since*: of this time or later, a day ago without it and without *all*.

    *subject*: of a model, with or without its version; *kind* and *who* are parts of theirs, in any case; *until*: of
    this time or earlier. *all* is the whole log. *sort* is `number` for the oldest first, of one *subject* alone.
    """

    team: OptionalName = ""
    subject: OptionalName = ""
    kind: Annotated[str, Text(shortest=0, longest=100)] = ""
    who: Annotated[str, Text(shortest=0, longest=200)] = ""
    since: Moment = ""
    until: Moment = ""
    all: Annotated[str, Text(shortest=0, longest=4, pattern="(true)?", means="true, or nothing")] = ""
    sort: Annotated[str, Text(shortest=0, longest=10, pattern=r"(-?number)?")] = ""
    limit: Limit = PAGE
    cursor: Cursor = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryPage:
    """The newest first, as they were signed; *next* is the `cursor` of the next page, empty at the end.

    For the platform's roles *size* counts the whole log, and a page looks at 2,000 entries at most: *reached* is the
    last of them.
    """

    entries: tuple[Entry, ...]
    next: str = ""
    size: int | None = None
    reached: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditFilters:
    """*since*: a tree head as this answers it, `SIZE:ROOT` or its size alone; only what came after it is read."""

    since: OptionalName = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditVerdict:
    """*head* is the hash of the last entry, *tree_head* the last signed `SIZE:ROOT`; *broken* names everything that is
    not as it was signed."""

    entries: int
    whole: bool
    broken: tuple[str, ...]
    head: str
    tree_head: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditProof:
    """An entry, its number from 0, its audit path (RFC 6962) and the signed head; bytes are base64."""

    entry: str
    index: int
    size: int
    hashes: tuple[str, ...]
    head: Envelope


def show_history(request: ApiRequest, model: str, query: HistoryFilters) -> History:
    """Every entry on *model* (a name, or NAME:VERSION), up to the time *at* (ISO 8601, UTC where it names no zone)."""
    until = _moment(query.at) if query.at else None
    entries = _about(request, model)
    shown = [entry for entry in entries if until is None or datetime.fromisoformat(entry.at) <= until]
    return History(model=model, at=query.at, entries=tuple(shown))


def list_audit_entries(request: ApiRequest, query: EntryFilters) -> EntryPage:
    """The entries of the audit log on what belongs to the caller's teams, or to one team; the platform sees all."""
    if query.team and not request.scope.covers(query.team):
        raise outside_scope()
    if query.sort == "number" and not query.subject:
        detail = "sort is `number`: the log is proven from its end, so the oldest come first for one subject; name it"
        raise Problem(422, "bad query", detail)
    chosen = _Chosen(request, query)
    if not request.scope.whole:
        return _page_of_own(chosen, query)
    newest = request.clients.audit.head()
    return EntryPage(entries=()) if newest is None else _page_of_all(chosen, query, newest.number)


class _Chosen:
    """The entries of the log that *query* asks for and the caller may see."""

    def __init__(self, request: ApiRequest, query: EntryFilters) -> None:
        self._request, self._query = request, query
        since = request.clients.clock.now() - _A_DAY if not query.since and not query.all else None
        self._since = _moment(query.since) if query.since else since
        self._until = _moment(query.until) if query.until else None

    def behind(self, number: int = 0) -> Iterator[Entry]:
        """The entries that are listed behind *number*, all of them where it is 0, as far as they can matter."""
        audit, known = self._request.clients.audit, self._query.subject
        if self._query.sort == "number":
            yield from (entry for entry in _about(self._request, known) if entry.number > number)
            return
        entries: Iterable[Entry] = reversed(_about(self._request, known)) if known else ()
        if not known and number != 1:
            entries = audit.backwards(max(0, number - 1))
        for entry in entries:
            if self._since and datetime.fromisoformat(entry.at) < self._since - _CLOCKS_DIFFER:
                return
            if not number or entry.number < number:
                yield entry

    def fits(self, entry: Entry) -> bool:
        query, at = self._query, datetime.fromisoformat(entry.at)
        return (
            _is_listed(self._request, query, entry)
            and query.kind.casefold() in entry.kind.casefold()
            and query.who.casefold() in entry.who.casefold()
            and (self._since is None or at >= self._since)
            and (self._until is None or at <= self._until)
        )


def _is_listed(request: ApiRequest, query: EntryFilters, entry: Entry) -> bool:
    """By the team that the entry carries: what carries none is the platform's, or is older than the field."""
    return request.scope.covers(entry.team) and query.team in ("", entry.team)


def _page_of_own(chosen: _Chosen, query: EntryFilters) -> EntryPage:
    """The cursor counts rows of the caller's teams: a place in the log would count everybody's."""
    first = read_offset(query.cursor)
    own = filter(chosen.fits, islice(chosen.behind(), _MOST_LOOKED_AT))
    rows = list(islice(own, first, first + query.limit + 1))
    following = written_offset(first + query.limit) if len(rows) > query.limit else ""
    return EntryPage(entries=tuple(rows[: query.limit]), next=following)


def _page_of_all(chosen: _Chosen, query: EntryFilters, size: int) -> EntryPage:
    rows, reached, looked_at, following = list[Entry](), _reached(query.cursor), 0, ""
    for entry in chosen.behind(reached):
        if len(rows) == query.limit or looked_at == _MOST_OF_A_PAGE:
            following = written_cursor((_CURSOR, str(reached)))
            break
        reached, looked_at = entry.number, looked_at + 1
        if chosen.fits(entry):
            rows.append(entry)
    return EntryPage(entries=tuple(rows), next=following, size=size, reached=reached)


def _reached(cursor: str) -> int:
    """The last entry that the page before has looked at, 0 without one. Raises Problem."""
    if not cursor:
        return 0
    kind, number = read_cursor(cursor)
    if kind != _CURSOR or not _is_number(number):
        raise Problem(422, "bad query", "cursor is not one that a page gave as `next`; leave it out to start")
    return int(number)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= _LONGEST_NUMBER


def verify_audit(request: ApiRequest, query: AuditFilters) -> AuditVerdict:
    """Whether every entry of the audit log is there, unchanged, in order, signed, and as its heads were published."""
    report = request.clients.audit.verify(query.since)
    return AuditVerdict(
        entries=report.entries,
        whole=not report.problems,
        broken=report.problems,
        head=report.head,
        tree_head=report.tree_head,
    )


def prove_entry(request: ApiRequest, entry: str) -> AuditProof:
    """That entry number *entry* is in the log under its newest signed head, for a verifier without the product."""
    if not _is_number(entry):
        raise Problem(404, "no such entry", f"{entry!r} is not the number of an entry; they count from 1")
    proof = request.clients.audit.prove(int(entry))
    return AuditProof(entry=proof.entry, index=proof.index, size=proof.size, hashes=proof.hashes, head=proof.head)


def _about(request: ApiRequest, model: str) -> list[Entry]:
    """The entries on *model*, in order; a data set of another team may be called like it."""
    return [
        entry
        for entry in request.clients.audit.about(model)
        if model in (entry.subject, entry.subject.partition(":")[0])
        and (entry.kind not in DATASET_ENTRIES or request.scope.covers(entry.team))
    ]


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise Problem(422, "bad time", f"parameter 'at' is {text!r}; write 2026-11-25T12:00:00Z") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
