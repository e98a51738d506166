"""The audit log over HTTP: what happened to a model, what was true at a time, and whether the chain is whole."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice

from shared.clients import Clients
from shared.domain.promotion.audit import Entry, verify
from shared.validation.rules import OptionalName
from triggers.http.api_route import ApiRequest
from triggers.http.problems import Problem


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
class AuditVerdict:
    """*head* is the hash of the last entry; *broken* names every break of the chain."""

    entries: int
    whole: bool
    broken: tuple[str, ...]
    head: str


async def show_history(request: ApiRequest, model: str, query: HistoryFilters) -> History:
    """Every entry on *model* (a name, or NAME:VERSION), up to the time *at* (ISO 8601, UTC where it names no zone)."""
    until = _moment(query.at) if query.at else None
    entries = await asyncio.to_thread(_about, request.clients, model)
    shown = [entry for entry in entries if until is None or datetime.fromisoformat(entry.at) <= until]
    return History(model=model, at=query.at, entries=tuple(shown))


async def verify_audit(request: ApiRequest) -> AuditVerdict:
    """Whether every entry of the audit log is there, unchanged and in order."""
    return await asyncio.to_thread(_verify, request.clients)


def _verify(clients: Clients) -> AuditVerdict:
    """Up to the head of this moment: others append meanwhile."""
    head, entries = clients.audit.head(), iter(clients.audit.entries())
    length = head.number if head else 0
    count, broken = verify(islice(entries, length), head)
    end, filed = length + sum(1 for _ in entries), clients.audit.filed()
    latest = clients.audit.head()
    newest = latest.number if latest else 0
    if end > newest:
        broken += (f"the head says entry {newest}, the chain goes on to {end}",)
    if not length <= filed <= newest:
        broken += (f"{count} entries, {filed} of them are found by their model: `history` would not tell all",)
    return AuditVerdict(entries=count, whole=not broken, broken=tuple(broken), head=head.hash if head else "")


def _about(clients: Clients, model: str) -> list[Entry]:
    return [entry for entry in clients.audit.about(model) if model in (entry.subject, entry.subject.partition(":")[0])]


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise Problem(422, "bad time", f"parameter 'at' is {text!r}; write 2026-11-25T12:00:00Z") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
