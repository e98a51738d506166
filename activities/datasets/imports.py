"""Import files: fetch them from their source into staging, land them where a route takes them, and say how it ended.

Nothing lands before everything is fetched, and a file lands by a conditional create: its arrival starts a run once.
"""

import hashlib
import tempfile
from collections.abc import Callable
from dataclasses import replace
from typing import IO

from activities.effects import once, stamp
from shared import contracts as c
from shared.clients import Clients
from shared.domain.counts import counted
from shared.domain.datasets.sources import AssetReference, SourceRules, asset_objection, landing_of, read_asset
from shared.domain.failures import Refused, Transient
from shared.domain.inference.arrivals import path_problem
from shared.domain.inference.routes import Grouping, Route
from shared.ports import Blob
from shared.records.datasets import paths as dataset_paths
from shared.records.datasets.imports import (
    IMPORT_MARK,
    FetchedSource,
    ImportedFile,
    ImportRecord,
    LeftFile,
    OpenImport,
    find_fetched,
    find_import,
    list_import,
)

_BLOCK = 1024 * 1024
_DIGEST = "sha256"
_Fetch = Callable[[IO[bytes]], str]


def open_import(clients: Clients, opening: c.ImportOpening) -> c.ImportOpened:
    """The record, created by the first execution; any other learns who was first."""
    request, store = opening.request, clients.store
    record = ImportRecord(
        id=request.id,
        route=request.route,
        source=request.source,
        target=request.target,
        by=request.by,
        reason=request.because,
        opened=stamp(clients),
        execution=opening.execution,
    )
    # On the list before its record is there: a sweep removes an entry that stands for nothing.
    store.create(dataset_paths.open_import(request.id), OpenImport(request=request))
    if store.create(dataset_paths.import_record(request.id), record):
        list_import(store, record)
        return c.ImportOpened()
    first = find_import(store, request.id)
    if first is None:
        raise Transient(f"the record of {request.id} was removed while it was opened")
    if first.execution == opening.execution:
        list_import(store, first)
        return c.ImportOpened()
    return c.ImportOpened(already=True, because=f"{request.id} was opened at {first.opened}")


def fetch_source(clients: Clients, step: c.ImportStep) -> c.SourceFetched:
    """Everything that the source has, in staging, with the digest of each file on record. Safe to repeat."""

    def act() -> c.SourceFetched:
        request, rules = step.request, clients.configuration.sources_for(step.request.target)
        asset = read_asset(request.source)
        source = _of_internet(clients, request, rules) if asset is None else _of_asset(clients, request, asset, rules)
        if request.sha256 and [file.sha256 for file in source.files] != [request.sha256]:
            digests = ", ".join(file.sha256 for file in source.files)
            raise Refused(f"field 'sha256' is {request.sha256}, and {source.origin} has {digests}; nothing was landed")
        clients.store.create(dataset_paths.fetched_source(request.id), source)
        return c.SourceFetched(
            origin=source.origin, files=len(source.files), bytes=sum(file.bytes for file in source.files)
        )

    return once(clients, step.key, c.SourceFetched, act)


def land_files(clients: Clients, step: c.ImportStep) -> c.FilesLanded:
    """Each file where it was asked for, by a conditional create. Refused where another file has its name.

    A marker comes last: what it stands for is there by then.
    """

    def act() -> c.FilesLanded:
        request = step.request
        route, source = _route(clients, request), find_fetched(clients.store, request.id)
        if source is None:
            raise Transient(f"the record of what {request.id} has fetched is not there")
        for file in source.files:
            _refuse_untaken(route, file.path)
            _refuse_other(request, file, _landed(clients, file))
        for file in sorted(source.files, key=lambda file: (_is_marker(route, file.path), file.path)):
            _land(clients, request, file)
        return c.FilesLanded(files=tuple(file.path for file in source.files))

    return once(clients, step.key, c.FilesLanded, act)


def close_import(clients: Clients, closing: c.ImportClosing) -> c.Done:
    """Write how it ended on its record, and remove what was staged, and what runs have left to be removed."""

    def act() -> c.Done:
        request, at, store = closing.request, stamp(clients), clients.store
        stored = store.get_stored(ImportRecord, dataset_paths.import_record(request.id))
        if stored is None:
            raise Transient(f"the record of {request.id} is not there")
        result = closing.result
        record = stored.record
        if record.outcome is None:
            record = replace(record, closed=at, outcome=result.outcome, because=result.because)
            store.update(stored, record)
        list_import(store, record)
        for blob in list(clients.hub.list(request.hub.staging, dataset_paths.staged_import(request.id))):
            clients.hub.delete(blob.container, blob.path)
        for path in [blob.path for blob in store.blobs(dataset_paths.left_files(request.id))]:
            if (left := store.get(LeftFile, path)) is not None:
                clients.hub.delete(left.container, left.path, left.etag)
        store.delete(dataset_paths.open_import(request.id))
        return c.Done(at=at)

    return once(clients, closing.key, c.Done, act)


def landed_files(clients: Clients, request: c.SourceImport) -> tuple[tuple[str, ...], int]:
    """Those files of *request* that lie where it has landed them, and how many it has fetched."""
    source = find_fetched(clients.store, request.id)
    files = source.files if source is not None else ()
    return tuple(file.path for file in files if _is_own(request, file, _landed(clients, file))), len(files)


def _of_internet(clients: Clients, request: c.SourceImport, rules: SourceRules) -> FetchedSource:
    name = request.source.rpartition("/")[2]
    path = landing_of(request.target, name)
    _refuse_untaken(_route(clients, request), path)
    origin = request.source

    def fetch(target: IO[bytes]) -> str:
        nonlocal origin
        origin = clients.internet_files.fetch(request.source, rules, target)
        return origin

    file = _staged(clients, request, 0, path, fetch)
    return FetchedSource(origin=origin, files=(file,))


def _of_asset(clients: Clients, request: c.SourceImport, asset: AssetReference, rules: SourceRules) -> FetchedSource:
    """All files are judged before the first is fetched."""
    if problem := asset_objection(asset, rules):
        raise Refused(problem)
    listing = clients.data_assets.files(request.workspace, asset.name, asset.version, rules.most_files)
    if problem := clients.configuration.asset_objection(request.workspace, listing.storage, request.target):
        raise Refused(f"{request.source} is not imported: {problem}")
    size, count = sum(file.size for file in listing.files), len(listing.files)
    if not listing.files:
        raise Refused(f"nothing lies at {listing.address}, where {request.source} should be")
    if count > rules.most_files or size > rules.largest:
        most = f"{rules.most_files} files and sources.largest, {rules.largest} bytes"
        raise Refused(
            f"{request.source} has {counted(count, 'file')} of {counted(size, 'byte')}, more than {most}; import less"
        )
    if count > 1 and not request.target.endswith("/"):
        raise Refused(
            f"field 'path' is {request.target!r}, one name for {count} files; end it in / to keep their names"
        )
    route, files = _route(clients, request), []
    for file in listing.files:
        _refuse_untaken(route, landing_of(request.target, file.name))
    for number, file in enumerate(listing.files):

        def fetch(target: IO[bytes], file=file) -> str:  # type: ignore[no-untyped-def]
            clients.data_assets.fetch(request.workspace, file, target)
            return listing.address

        files.append(_staged(clients, request, number, landing_of(request.target, file.name), fetch))
    return FetchedSource(origin=listing.address, files=tuple(files))


def _staged(clients: Clients, request: c.SourceImport, number: int, path: str, fetch: _Fetch) -> ImportedFile:
    """What *fetch* writes, in staging; what an earlier try has left there is taken as it is."""
    staging, staged = request.hub.staging, f"{dataset_paths.staged_import(request.id)}{number:05d}"
    blob = clients.hub.find(staging, staged) or _fetched(clients, staging, staged, fetch)
    return ImportedFile(path=path, staged=staged, bytes=blob.size, sha256=blob.metadata[_DIGEST])


def _fetched(clients: Clients, staging: str, staged: str, fetch: _Fetch) -> Blob:
    with tempfile.TemporaryFile() as file:
        fetch(file)
        digest = _digest(file)
        clients.hub.create(staging, staged, file, {_DIGEST: digest})
    blob = clients.hub.find(staging, staged)
    if blob is None:
        raise Transient(f"{staging}/{staged} was removed while it was written")
    return blob


def _digest(file: IO[bytes]) -> str:
    digest = hashlib.sha256()
    file.seek(0)
    while block := file.read(_BLOCK):
        digest.update(block)
    file.seek(0)
    return digest.hexdigest()


def _land(clients: Clients, request: c.SourceImport, file: ImportedFile) -> None:
    container, _, path = file.path.partition("/")
    staged = clients.hub.find(request.hub.staging, file.staged)
    if staged is None:
        raise Refused(f"{file.staged} of {request.id} is gone from staging; import it again")
    marks = {IMPORT_MARK: request.id, _DIGEST: file.sha256}
    with clients.hub.open(staged) as content:
        if not clients.hub.create(container, path, content, marks):
            _refuse_other(request, file, _landed(clients, file))


def _landed(clients: Clients, file: ImportedFile) -> Blob | None:
    container, _, path = file.path.partition("/")
    return clients.hub.find(container, path)


def _refuse_other(request: c.SourceImport, file: ImportedFile, blob: Blob | None) -> None:
    """Raises Refused unless *blob* is none, or what this import has landed, in this attempt or an earlier one."""
    if blob is not None and not _is_own(request, file, blob):
        raise Refused(f"field 'path': {file.path!r} is another file already; name another place")


def _is_own(request: c.SourceImport, file: ImportedFile, blob: Blob | None) -> bool:
    """Whether *blob* is *file*, landed by an attempt at *request*."""
    if blob is None or blob.metadata.get(_DIGEST) != file.sha256:
        return False
    return blob.metadata.get(IMPORT_MARK, "").rpartition("-")[0] == request.id.rpartition("-")[0]


def _route(clients: Clients, request: c.SourceImport) -> Route:
    try:
        return clients.configuration.route(request.route)
    except KeyError as error:  # It was removed since the import was asked for.
        raise Refused(f"field 'route': {error.args[0]}") from error


def _refuse_untaken(route: Route, path: str) -> None:
    if problem := path_problem(path):
        raise Refused(f"field 'path': a path with {problem} is not taken, and {path[:200]!r} has that")
    if route.captures(path) is None and not _is_marker(route, path):
        raise Refused(f"field 'path': {path!r} is not taken by route {route.name}, which takes {route.take}")


def _is_marker(route: Route, path: str) -> bool:
    return route.group.kind is Grouping.MARKER and route.marked(path)
