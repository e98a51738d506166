"""Imports over HTTP: fetch files from an allowed source and land them where a route takes them; list and show them."""

import asyncio
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Annotated
from urllib.parse import quote, unquote

from shared import contracts as c
from shared.application.datasets.starts import next_import
from shared.application.lists import RowFilter, matching, rows_in_scope
from shared.clients import Clients
from shared.domain.datasets.sources import asset_objection, landing_of, read_asset
from shared.domain.inference.routes import Grouping, Route
from shared.durable.starting import find_instance
from shared.records.datasets import paths as dataset_paths
from shared.records.datasets.imports import ImportedFile, ImportRecord, find_fetched, find_import
from shared.records.lists.index import row_of
from shared.records.lists.rows import IMPORTS, RUNS, listed_file
from shared.validation.rules import Name, OptionalName, Sentence, Text
from triggers.http.api_route import ApiRequest, requester_name
from triggers.http.exchange.idempotency import RequestedStart
from triggers.http.exchange.pages import PAGE, Cursor, Limit, Moment, RowState, indexed_page, order_of, utc_text
from triggers.http.exchange.problems import Problem
from triggers.http.inference.run_records import Step, recorded_steps
from triggers.http.named_resources import Place, find_route

_STEPS = ("fetched", "landed")  # What concludes an import comes behind them.


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportAsked:
    """Land what *source* has at *path* for *route*. A *path* that ends in / keeps the names of the files.

    *source* is `azureml:NAME:VERSION`, a data asset of the workspace in which the route scores, or https://HOST/PATH.
    *sha256* is what the file must have.
    """

    route: Name
    source: Annotated[
        str, Text(longest=1000, pattern=r"(azureml:|https://)[!-~]+", means="azureml:NAME:VERSION or https://HOST/PATH")
    ]
    path: Place
    reason: Sentence
    sha256: Annotated[
        str, Text(shortest=0, longest=64, pattern=r"([0-9a-f]{64})?", means="64 hexadecimal digits; empty for any")
    ] = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportFilters:
    """*source* and *target* are parts of where the files come from, and of where they land.

    *since* and *until* bound the time at which it was opened, *until* excluded. *sort* is a column, with `-` before it
    the greatest first; the newest first where it is empty.
    """

    route: OptionalName = ""
    outcome: OptionalName = ""
    source: Annotated[str, Text(shortest=0, longest=1000)] = ""
    target: Annotated[str, Text(shortest=0, longest=1024)] = ""
    state: RowState | None = None
    since: Moment = ""
    until: Moment = ""
    sort: Annotated[str, Text(shortest=0, longest=20, pattern=r"(-?(opened|route|outcome|source|target|closed))?")] = ""
    limit: Limit = PAGE
    cursor: Cursor = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportRow:
    """*outcome* and *closed* are empty while the import is under way. Times are ISO 8601 UTC."""

    name: str
    route: str
    opened: str
    source: str
    target: str
    outcome: str = ""
    closed: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportPage:
    """*next* is the `cursor` of the next page, empty on the last one; *total* counts all pages. *outcomes* counts the
    imports of each outcome that the other filters let through."""

    total: int
    imports: tuple[ImportRow, ...]
    next: str = ""
    outcomes: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOfFile:
    """A run that a file has opened; *outcome* is empty while it is under way."""

    run: str
    outcome: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileFetched:
    """What was fetched for *path* (container/path), and the *runs* that the file at this place has opened since."""

    path: str
    bytes: int
    sha256: str
    runs: tuple[RunOfFile, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportShown:
    """*status* is the host's word and *step* where it is. *reason* is the asker's, and *because* why it failed.

    *origin* is where the bytes came from in the end: the last address, or the asset's own.
    """

    name: str
    status: str
    step: str = ""
    route: str = ""
    source: str = ""
    target: str = ""
    by: str = ""
    reason: str = ""
    opened: str = ""
    closed: str = ""
    outcome: str = ""
    because: str = ""
    origin: str = ""
    steps: tuple[Step, ...] = ()
    files: tuple[FileFetched, ...] = ()


async def list_imports(request: ApiRequest, query: ImportFilters) -> ImportPage:
    """The newest imports first; the filters narrow."""
    return await asyncio.to_thread(_listed_imports, request, query)


def _listed_imports(request: ApiRequest, query: ImportFilters) -> ImportPage:
    narrowed = RowFilter(
        equal={"route": query.route},
        part={"source": quote(query.source), "target": quote(query.target)},
        since=utc_text(query.since),
        until=utc_text(query.until),
        ended="closed",
        is_open=None if query.state is None else query.state is RowState.OPEN,
    )
    lists = request.clients.lists
    select = partial(lists.selection, IMPORTS, lists.rows(IMPORTS), request.clients.configuration, request.scope)
    outcomes = dict(select(narrowed, "outcome").counts)
    wanted, order = replace(narrowed, equal={"route": query.route, "outcome": query.outcome}), order_of(query.sort)
    entries = select(wanted, "outcome", order).entries
    page, following = indexed_page(IMPORTS, entries, query.limit, query.cursor, order)
    texts = ({**row, "source": unquote(row["source"]), "target": unquote(row["target"])} for row in page.rows)
    imports = tuple(ImportRow(**row) for row in texts)
    return ImportPage(total=page.total, imports=imports, next=following, outcomes=outcomes)


async def show_import(request: ApiRequest, name: str) -> ImportShown:
    """An import's record, the steps that it has taken, what it has fetched, and the runs of that."""
    record = await asyncio.to_thread(find_import, request.clients.store, name)
    instance = await find_instance(request.client, name)
    status = instance.status if instance else "not known to this host any more"
    shown = ImportShown(name=name, status=status, step=instance.step if instance else "")
    if record is not None:
        return await asyncio.to_thread(_described, request, shown, record)
    if instance is None or instance.name != c.IMPORT_SOURCE.name:
        raise Problem(404, "no such import", f"import {name!r} is not recorded; `signalbox imports` lists them")
    return shown  # Its record is on its way.


def _described(request: ApiRequest, shown: ImportShown, record: ImportRecord) -> ImportShown:
    store = request.clients.store
    fetched = find_fetched(store, record.id)
    effects = recorded_steps(store, dataset_paths.import_effects(record.id))
    return replace(
        shown,
        route=record.route,
        source=record.source,
        target=record.target,
        by=record.by,
        reason=record.reason,
        opened=record.opened,
        closed=record.closed or "",
        outcome=record.outcome.value if record.outcome else "",
        because=record.because or "",
        origin=fetched.origin if fetched else "",
        steps=tuple(sorted(effects, key=lambda step: (step.step not in _STEPS, step.step))),
        files=_files(request, record, fetched.files) if fetched else (),
    )


def _files(request: ApiRequest, record: ImportRecord, files: tuple[ImportedFile, ...]) -> tuple[FileFetched, ...]:
    """Of a window the first file has opened the run, and the list of runs names that one alone."""
    clients, runs = request.clients, dict[str, list[RunOfFile]]()
    places = {listed_file(file.path) for file in files}
    rows = rows_in_scope(RUNS, clients.lists.rows(RUNS), clients.configuration, request.scope)
    for entry in matching(RUNS, rows, RowFilter(since=record.opened)):
        row = row_of(RUNS, entry)
        if row["file"] in places:
            runs.setdefault(unquote(row["file"]), []).append(RunOfFile(run=row["name"], outcome=row["outcome"]))
    return tuple(
        FileFetched(path=file.path, bytes=file.bytes, sha256=file.sha256, runs=tuple(runs.get(file.path, ())))
        for file in files
    )


async def start_import(request: ApiRequest, body: ImportAsked) -> RequestedStart:
    """Fetch the files of `source` and land them at `path`. The same request is one import: its files arrive once."""
    clients = request.clients
    route = find_route(clients, body.route)
    _refuse_source(clients, body)
    _refuse_target(route, body)
    payload = c.SourceImport(
        id=await next_import(request.client, clients.store, body.route, body.source, body.path, body.sha256),
        route=body.route,
        workspace=route.score.workspace,
        hub=clients.configuration.hub,
        source=body.source,
        target=body.path,
        by=requester_name(request.caller, await request.person()),
        because=body.reason,
        sha256=body.sha256,
    )
    resource = f"imports/{payload.id}"
    return RequestedStart(orchestration=c.IMPORT_SOURCE, instance=payload.id, payload=payload, resource=resource)


def _refuse_source(clients: Clients, body: ImportAsked) -> None:
    """Say at once what the import would say after its first step. Raises Problem."""
    rules, asset = clients.configuration.sources_for(body.path), read_asset(body.source)
    if asset is not None:
        problem = asset_objection(asset, rules)
    elif "?" in body.source:
        problem = "an address with a query may have a secret in it, and would be kept on record; name one without"
    elif body.source.startswith("https://"):
        problem = clients.internet_files.objection(body.source, rules)
    else:
        problem = f"{body.source!r} names no data asset; write azureml:NAME:VERSION with the exact version"
    if problem:
        raise Problem(422, "source not allowed", f"field 'source': {problem}")


def _refuse_target(route: Route, body: ImportAsked) -> None:
    """A folder of a data asset is judged by its files, once they are known. Raises Problem."""
    is_folder = body.path.endswith("/")
    if is_folder and read_asset(body.source) is not None:
        return
    name = body.source.rpartition("/")[2]
    path = landing_of(body.path, name)
    is_marker = route.group.kind is Grouping.MARKER and route.marked(path)
    if path.endswith("/") or (route.captures(path) is None and not is_marker):
        detail = f"field 'path': {path!r} is not taken by route {route.name}, which takes {route.take}"
        raise Problem(422, "wrong route", detail)
