"""One search for every id that people come across: what it names, as far as the caller may see it."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Annotated

from shared.application.lists import rows_in_scope
from shared.domain import identity
from shared.domain.failures import Refused
from shared.domain.teams.ownership import Belonging
from shared.operations.dead_messages import list_dead_messages
from shared.records import paths
from shared.records.datasets import version_names
from shared.records.inference import UsedMessage
from shared.records.lists.paths import IMPORTS, PROMOTIONS, RUNS
from shared.records.operations import ignored_events
from shared.records.retraining import book_of
from shared.validation.rules import Text
from triggers.http.api_route import ApiRequest
from triggers.http.data_contracts import uses_of
from triggers.http.exchange.bodies import decode_query
from triggers.http.exchange.problems import Problem
from triggers.http.letters import queue_letters
from triggers.http.letters.dead_letters import show_dead_letter
from triggers.http.letters.types import LetterNamed
from triggers.http.operations.ignored_events import is_in_scope

_MOST_OF_A_KIND = 20
_MOST_EVENTS = 5_000  # Ignored events that are looked at, the newest.
_SHORTEST_PART = 3  # Letters; an id that is shorter is found whole.


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchFilters:
    """*q*: an id, or at least three letters of one; without it nothing is found."""

    q: Annotated[str, Text(shortest=0, longest=200)] = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchHit:
    """*kind* says what *id* names; *exact* where it is all that was asked for. *about* tells more, *at* when it was.

    *parent* is what has it: the promotion of a decision, the data set of a version.
    """

    kind: str
    id: str
    exact: bool
    about: str = ""
    at: str = ""
    parent: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchResults:
    """At most twenty of each kind, the newest first where they have a time; *more* names the kinds that have more."""

    hits: tuple[SearchHit, ...]
    more: tuple[str, ...] = ()


async def search(request: ApiRequest, query: SearchFilters) -> SearchResults:
    """What a name names: runs, promotions, trainings, models, data sets, schedules, messages, events, decisions"""
    text = query.q.strip()
    if not text:
        return SearchResults(hits=())
    letters = [hit async for hit in _stored_letters(request, text)]
    return await asyncio.to_thread(_found, request, text, letters)


def _found(request: ApiRequest, text: str, letters: list[SearchHit]) -> SearchResults:
    hits, more = list(letters), list[str]()
    for search_kind in _KINDS:
        found = list(islice(search_kind(request, text), _MOST_OF_A_KIND + 1))
        if len(found) > _MOST_OF_A_KIND:
            more.append(found[0].kind)
        hits += found[:_MOST_OF_A_KIND]
    return SearchResults(hits=tuple(hits), more=tuple(more))


def _fits(text: str, name: str) -> bool:
    return text == name or (len(text) >= _SHORTEST_PART and text.casefold() in name.casefold())


def _runs(request: ApiRequest, text: str) -> Iterator[SearchHit]:
    clients = request.clients
    for opened, route, *_, name in rows_in_scope(
        RUNS, clients.lists.rows(RUNS), clients.configuration, request.scope
    ).entries:
        if _fits(text, name):
            yield SearchHit(kind="run", id=name, exact=name == text, about=route, at=opened)


def _promotions(request: ApiRequest, text: str) -> Iterator[SearchHit]:
    clients = request.clients
    for opened, model, version, *_, name in rows_in_scope(
        PROMOTIONS, clients.lists.rows(PROMOTIONS), clients.configuration, request.scope
    ).entries:
        if _fits(text, name):
            yield SearchHit(kind="promotion", id=name, exact=name == text, about=f"{model}:{version}", at=opened)


def _imports(request: ApiRequest, text: str) -> Iterator[SearchHit]:
    clients = request.clients
    for opened, route, *_, name in rows_in_scope(
        IMPORTS, clients.lists.rows(IMPORTS), clients.configuration, request.scope
    ).entries:
        if _fits(text, name):
            yield SearchHit(kind="import", id=name, exact=name == text, about=route, at=opened)


def _trainings(request: ApiRequest, text: str) -> Iterator[SearchHit]:
    store = request.clients.store
    for rules in request.clients.configuration.retraining:
        for past in reversed(book_of(store, rules.model).runs):
            if _fits(text, past.run):
                at = past.started.isoformat()
                yield SearchHit(kind="training", id=past.run, exact=past.run == text, about=rules.model, at=at)


def _names(request: ApiRequest, text: str) -> Iterator[SearchHit]:
    """What the configuration names. A version is found by its model."""
    configuration, (model, _, version) = request.clients.configuration, text.partition(":")
    models = {
        *(own.name for own in configuration.ladder.models),
        *(rules.model for rules in configuration.retraining),
        *(watch.model for watch in configuration.drift),
    }
    named = (
        ("model", sorted(models), model if version else text),
        ("route", [route.name for route in configuration.routes], text),
        ("schedule", [schedule.name for schedule in configuration.schedules], text),
        ("data contract", sorted(uses_of(configuration)), text),
    )
    for kind, names, wanted in named:
        for name in names:
            if _fits(wanted, name):
                about = f"version {version}" if kind == "model" and version else ""
                yield SearchHit(kind=kind, id=name, exact=name == wanted, about=about)


def _datasets(request: ApiRequest, text: str) -> Iterator[SearchHit]:
    for name, version, at in version_names(request.clients.store):
        reference = f"{name}@{version}"
        if _fits(text, reference) and request.sees(Belonging.DATASET, name):
            yield SearchHit(kind="data set", id=version, exact=reference == text, about=name, at=at, parent=name)


def _messages(request: ApiRequest, text: str) -> Iterator[SearchHit]:
    """Messages by their whole ids: those that a batch has, and those that a queue gave up."""
    clients = request.clients
    for stream in clients.configuration.streams:
        used = clients.store.get(UsedMessage, paths.used_message(stream.name, identity.message_digest(text)))
        if used is not None:
            yield SearchHit(kind="message", id=text, exact=True, about=f"in batch {used.batch} of stream {stream.name}")
    if not clients.queues.doors:
        return
    for dead in list_dead_messages(clients.queues)[0]:
        if text == dead.id and (
            request.scope.whole or request.scope.covers(queue_letters.owner_of_dead(clients, dead))
        ):
            path = f"service-bus/{dead.door.value}/{dead.number}"
            yield SearchHit(kind="dead letter", id=path, exact=True, about=dead.reason)


def _events(request: ApiRequest, text: str) -> Iterator[SearchHit]:
    for _, event in islice(ignored_events(request.clients.store), _MOST_EVENTS):
        if text == event.event and is_in_scope(request, event):
            yield SearchHit(kind="event", id=event.event, exact=True, about=f"ignored: {event.reason}", at=event.at)


def _decisions(request: ApiRequest, text: str) -> Iterator[SearchHit]:
    """The entry of the audit log with that key, such as a decision's; the number of an entry, for the platform."""
    audit = request.clients.audit
    try:
        entry = audit.find(text)
    except Refused:  # A log that contradicts itself is for the doctor to tell of.
        return
    if entry is not None and request.sees(Belonging.MODEL, entry.subject.partition(":")[0]):
        kind = "decision" if entry.kind.startswith("decision") else "audit entry"
        promotion = str(entry.facts.get("promotion") or "")
        about = f"{entry.kind}, {entry.subject}"
        yield SearchHit(kind=kind, id=str(entry.number), exact=True, about=about, at=entry.at, parent=promotion)


async def _stored_letters(request: ApiRequest, text: str) -> AsyncIterator[SearchHit]:
    if "/" not in text:
        return
    try:
        letter = await show_dead_letter(request, decode_query(LetterNamed, {"path": text}))
    except (Problem, Refused):
        return
    yield SearchHit(kind="dead letter", id=letter.path, exact=True, about=letter.reason, at=letter.stored)


_KINDS: tuple[Callable[[ApiRequest, str], Iterator[SearchHit]], ...] = (
    _runs,
    _promotions,
    _imports,
    _trainings,
    _names,
    _datasets,
    _messages,
    _events,
    _decisions,
)
