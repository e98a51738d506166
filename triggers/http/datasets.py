"""Data sets over HTTP: ask for a publication, list the published versions, and show the manifest of one."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, TypeAlias

from shared import contracts as c
from shared.application.datasets.starts import listed_files, next_publication, snapshot_of
from shared.application.datasets.versions import hub_file
from shared.clients import Clients
from shared.domain.datasets.contents import DatasetColumn, DatasetFile, folder_problem
from shared.domain.datasets.references import DATASET_NAME, DATASET_VERSION, read_reference
from shared.domain.datasets.rules import DatasetKind, DatasetPurpose, DatasetRules
from shared.domain.failures import Refused
from shared.domain.teams.ownership import Belonging
from shared.ports import Blob
from shared.records.datasets import DatasetManifest, find_version, manifest_digest, version_names
from shared.records.inference import find_run
from shared.records.retraining import find_retraining
from shared.validation.rules import Many, OptionalName, Text
from triggers.http.api_route import ApiRequest, requester_name
from triggers.http.exchange.idempotency import RequestedStart
from triggers.http.exchange.pages import PAGE, Cursor, Limit, order_of, page
from triggers.http.exchange.problems import Problem
from triggers.http.named_resources import CHECK_FILES, HubPath, OptionalPlace

DatasetName: TypeAlias = Annotated[
    str, Text(longest=63, pattern=DATASET_NAME, means="a name of lower-case letters, digits and dashes")
]
DatasetVersion: TypeAlias = Annotated[
    str, Text(longest=30, pattern=DATASET_VERSION, means="a version of letters, digits, dashes and underscores")
]
Reference: TypeAlias = Annotated[
    str, Text(longest=94, pattern=f"{DATASET_NAME}@{DATASET_VERSION}", means="NAME@VERSION of a published data set")
]
Note: TypeAlias = Annotated[str, Text(shortest=0, longest=1000)]


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicationAsked:
    """*folder* is container/folder/ of the hub. *runs* (also of training), *files* and *versions* are what the set was
    made from.
    """

    name: DatasetName
    version: DatasetVersion
    folder: OptionalPlace
    note: Note = ""
    runs: Annotated[tuple[OptionalName, ...], Many(most=50)] = ()
    files: Annotated[tuple[HubPath, ...], Many(most=50)] = ()
    versions: Annotated[tuple[Reference, ...], Many(most=50)] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetFilters:
    """*sort* is a column, with `-` before it the greatest first; the newest first where it is empty."""

    name: OptionalName = ""
    sort: Annotated[str, Text(shortest=0, longest=10, pattern=r"(-?(at|name))?")] = ""
    limit: Limit = PAGE
    cursor: Cursor = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetRow:
    """*at* is when the version was published, ISO 8601 UTC."""

    name: str
    version: str
    at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetPage:
    """*next* is the `cursor` of the next page, empty on the last one; *total* counts all pages."""

    total: int
    datasets: tuple[DatasetRow, ...]
    next: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetShown:
    """The manifest of a version: *manifest* is its digest, *content* that of its files, which lie in *folder*."""

    name: str
    version: str
    kind: DatasetKind
    purpose: DatasetPurpose
    manifest: str
    content: str
    folder: str
    files: tuple[DatasetFile, ...]
    rows: int
    columns: tuple[DatasetColumn, ...]
    labels: dict[str, int]
    source: str
    by: str
    at: str
    note: str
    contract: str
    publication: str
    lineage: tuple[c.LineageLink, ...]


async def start_publication(request: ApiRequest, body: PublicationAsked) -> RequestedStart:
    """Publish what lies in `folder` as an immutable version. The same request for the same files is one publication."""
    clients = request.clients
    rules = _rules(clients, body.name)
    blobs = await asyncio.to_thread(_listed, clients, rules, body, request.owner)
    snapshot = snapshot_of(blobs)
    await asyncio.to_thread(_refuse_taken, clients, body, snapshot)
    lineage = await asyncio.to_thread(lambda: tuple(_lineage(clients, body)))
    publication = c.DatasetPublication(
        id=await next_publication(request.client, clients.store, body.name, body.version, snapshot),
        rules=rules,
        version=body.version,
        hub=clients.configuration.hub,
        source=body.folder,
        snapshot=snapshot,
        by=requester_name(request.caller, await request.person()),
        note=body.note,
        lineage=lineage,
    )
    resource = f"datasets/{body.name}/versions/{body.version}"
    return RequestedStart(
        orchestration=c.PUBLISH_DATASET, instance=publication.id, payload=publication, resource=resource
    )


async def list_datasets(request: ApiRequest, query: DatasetFilters) -> DatasetPage:
    """The published versions, the newest first; of one data set where `name` is given."""
    entries = await asyncio.to_thread(lambda: list(version_names(request.clients.store, query.name)))
    rows = [
        DatasetRow(name=name, version=version, at=at)
        for name, version, at in entries
        if request.sees(Belonging.DATASET, name)
    ]
    order = order_of(query.sort or "-at")
    shown, cursor = page(
        rows,
        lambda row: (getattr(row, order.column), f"{row.name}@{row.version}"),
        query.limit,
        query.cursor,
        down=order.down,
    )
    return DatasetPage(total=len(rows), datasets=shown, next=cursor)


async def show_dataset(request: ApiRequest, dataset: str, version: str) -> DatasetShown:
    """The manifest of a published version: its files with their digests, its columns, and where it came from."""
    return await asyncio.to_thread(_shown, request.clients, dataset, version)


def _rules(clients: Clients, name: str) -> DatasetRules:
    try:
        return clients.configuration.dataset(name)
    except Refused as refusal:
        raise Problem(404, "no such data set", f"field 'name': {refusal}") from refusal


def _listed(clients: Clients, rules: DatasetRules, body: PublicationAsked, team: str) -> list[Blob]:
    """The files to publish; those of a *team* may lie in its own folder of staging, too. Raises Problem."""
    container, _, folder = body.folder.partition("/")
    hub = clients.configuration.hub
    is_own_folder = bool(team) and body.folder.startswith(f"{hub.staging}/{CHECK_FILES}{team}/")
    if not body.folder.endswith("/") or (container in hub.reserved and not is_own_folder):
        detail = f"field 'folder' is {body.folder!r}; name container/folder/ of the hub's own containers"
        raise Problem(422, "bad body", detail)
    _refuse_production(clients, rules, container)
    blobs = listed_files(clients.hub, body.folder)
    if not blobs:
        detail = f"nothing lies in {body.folder!r} of the hub; put the files there, then publish"
        raise Problem(404, "no such folder", detail)
    if problem := folder_problem(rules.kind, {blob.path.removeprefix(folder): blob.size for blob in blobs}):
        raise Problem(422, "no data set", f"folder {body.folder!r} {problem}")
    return blobs


def _refuse_production(clients: Clients, rules: DatasetRules, container: str) -> None:
    """What lies in a team's own hub becomes no data set but one whose environments are all the hub's."""
    hub = clients.configuration.hub_of(container)
    if hub is not None and not hub.may_fill(rules):
        places = ", ".join(place.name for place in rules.workspaces) or "no environment"
        detail = f"field 'folder' is in hub {hub.name}, and data set {rules.name} is of {places}"
        raise Problem(422, "bad body", f"{detail}, not of the hub's environments alone; copy the files to the Data Hub")


def _refuse_taken(clients: Clients, body: PublicationAsked, snapshot: str) -> None:
    """Say at once what a publication would say at its end; only the files themselves can be the same content."""
    manifest = find_version(clients.store, body.name, body.version)
    if manifest is not None and (manifest.source, manifest.snapshot) == (body.folder, snapshot):
        return
    if manifest is not None and manifest.source == body.folder:
        detail = (
            f"{manifest.reference} was published from {body.folder} at {manifest.at} by {manifest.by}, and the folder "
            "has changed since; a version never changes, so publish another"
        )
        raise Problem(409, "version exists", detail)


def _lineage(clients: Clients, body: PublicationAsked) -> Iterator[c.LineageLink]:
    """What the set was made from, with what names its content now. Raises Problem where something is not there."""
    store = clients.store
    for run in body.runs:
        if find_run(store, run) is None and find_retraining(store, run) is None:
            raise Problem(422, "no such run", f"field 'runs' names {run!r}, which is no run of scoring or training")
        yield c.LineageLink(kind="run", name=run)
    for location in body.files:
        if location.partition("/")[0] in clients.configuration.hub.reserved:
            raise Problem(422, "bad body", f"field 'files' names {location!r}, Signalbox's own record; name data files")
        blob = hub_file(store, location)
        if blob is None:
            raise Problem(422, "no such file", f"field 'files' names {location!r}, which is not in the hub")
        yield c.LineageLink(kind="file", name=location, digest=blob.etag)
    for text in body.versions:
        reference = read_reference(text)
        digest = manifest_digest(store, reference.name, reference.version) if reference else ""
        if not digest:
            raise Problem(422, "no such version", f"field 'versions' names {text!r}, which was not published")
        yield c.LineageLink(kind="version", name=text, digest=digest)


def _shown(clients: Clients, name: str, version: str) -> DatasetShown:
    reference = read_reference(f"{name}@{version}")
    manifest = find_version(clients.store, name, version) if reference and not reference.file else None
    if manifest is None:
        raise Problem(
            404, "no such version", f"{name}@{version} was not published; `signalbox data list` shows what was"
        )
    return _of_manifest(manifest, manifest_digest(clients.store, name, version))


def _of_manifest(manifest: DatasetManifest, digest: str) -> DatasetShown:
    return DatasetShown(
        name=manifest.name,
        version=manifest.version,
        kind=manifest.kind,
        purpose=manifest.purpose,
        manifest=digest,
        content=manifest.content,
        folder=f"{manifest.container}/{manifest.folder}",
        files=manifest.files,
        rows=manifest.rows,
        columns=manifest.columns,
        labels=manifest.labels,
        source=manifest.source,
        by=manifest.by,
        at=manifest.at,
        note=manifest.note,
        contract=manifest.contract,
        publication=manifest.publication,
        lineage=manifest.lineage,
    )
