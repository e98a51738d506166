"""The audit log over HTTP: what happened to a model, what was true at a time, whether the log is whole, and proofs."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice

from shared.application.datasets.versions import DATASET_ENTRIES
from shared.domain.promotion.audit import Entry
from shared.domain.trust.envelopes import Envelope
from shared.validation.rules import OptionalName
from triggers.http.api_route import ApiRequest
from triggers.http.exchange.pages import PAGE, Cursor, Limit, Moment, read_offset, written_offset
from triggers.http.exchange.problems import Problem, outside_scope

_LONGEST_NUMBER = 12
_MOST_LOOKED_AT = 20_000  # Entries; those of a team are found among everybody's.
_A_DAY = timedelta(days=1)


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
    """*team*: entries that belong to this team; *since*: of this time or later, a day ago without it."""

    team: OptionalName = ""
    since: Moment = ""
    limit: Limit = PAGE
    cursor: Cursor = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryPage:
    """The newest first; *next* is the `cursor` of the next page, empty at the end."""

    entries: tuple[Entry, ...]
    next: str = ""


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
    now, first = request.clients.clock.now(), read_offset(query.cursor)
    since = _moment(query.since) if query.since else now - _A_DAY
    newest = islice(request.clients.audit.since(since), _MOST_LOOKED_AT)
    own = (entry for entry in newest if _is_listed(request, query, entry) and datetime.fromisoformat(entry.at) >= since)
    rows = list(islice(own, first, first + query.limit + 1))
    following = written_offset(first + query.limit) if len(rows) > query.limit else ""
    return EntryPage(entries=tuple(rows[: query.limit]), next=following)


def _is_listed(request: ApiRequest, query: EntryFilters, entry: Entry) -> bool:
    """By the team that the entry carries: what carries none is the platform's, or is older than the field."""
    return request.scope.covers(entry.team) and query.team in ("", entry.team)


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
    if not (entry.isascii() and entry.isdigit() and len(entry) <= _LONGEST_NUMBER):
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
