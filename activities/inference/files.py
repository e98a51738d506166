"""Move files, always server-side: pin what will be scored, set bad data aside, publish the result."""

import json
import re
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from typing import Any
from urllib.parse import quote

from activities.effects import once, stamp
from activities.inference.members import Membership, find_members
from shared import contracts as c
from shared.application.teams.quotas import leave_room
from shared.clients import Clients
from shared.codec import decode, encode
from shared.domain import identity
from shared.domain.failures import Refused, Transient
from shared.domain.inference.runs import RunOutcome
from shared.domain.paths import patterns
from shared.ports import Blob
from shared.records import paths
from shared.records.datasets.imports import IMPORT_MARK, LeftFile, find_fetched, find_import, leave_to_import
from shared.records.inference import Member, members_of, store_of
from shared.records.lists.rows import RUNS, keep_listed

_AT_ONCE = 8
_LONGEST_MARK = 4096
_IMPORT = re.compile(r"import-[a-z0-9-]{1,120}")  # A name from metadata becomes part of a record's path.
RUN_MARK = "signalbox_run"  # Blob metadata on everything a run writes: what carries it is never scored again.


def gather_files(clients: Clients, gathering: c.Gathering) -> c.Gathered:
    """Copy each member's exact content into the run's folder in staging: what is checked is what is scored."""
    request = gathering.inference
    done = clients.ledger.find(gathering.key)
    if done is not None:
        return decode(c.Gathered, done)
    membership = find_members(clients, request)
    # An incomplete membership is not recorded, so that the next look sees the files that have arrived since.
    if membership.missing:
        return c.Gathered(files=0, missing=membership.missing)
    members = _pin_all(clients, request, membership)
    result = _remember(clients, request, membership, members)
    return decode(c.Gathered, clients.ledger.record(gathering.key, encode(result)))


def quarantine_files(clients: Clients, quarantining: c.Quarantining) -> c.Quarantined:
    """Set the pinned files aside with the report that says why, and take the originals out of the way."""
    request = quarantining.inference
    folder = f"{request.route.name}/{request.run}"

    def act() -> c.Quarantined:
        store = store_of(clients.hub, request)
        members = members_of(store, request.run)
        _at_once(lambda member: _set_aside(clients, request, member, folder), members)
        report = store.read_file(quarantining.report) or b"{}"
        clients.hub.create(request.hub.quarantine, f"{folder}/report.json", report, {RUN_MARK: request.run})
        keep_listed(clients.hub, store.container, RUNS, request.run, {"outcome": RunOutcome.QUARANTINED.value})
        return c.Quarantined(path=f"{request.hub.quarantine}/{folder}", files=len(members))

    return once(clients, quarantining.key, c.Quarantined, act)


def hold_output(clients: Clients, hold: c.OutputHold) -> c.OutputHeld:
    """Put the report where quarantined data has its own, and show the run as held. The predictions stay in staging.

    While it waits for people it has no room in its team's quotas.
    """
    request = hold.inference
    leave_room(clients.configuration, store_of(clients.hub, request), request.route.name, request.run)
    folder = f"{request.route.name}/{request.run}"

    def act() -> c.OutputHeld:
        store = store_of(clients.hub, request)
        report = store.read_file(hold.report) or b"{}"
        clients.hub.create(request.hub.quarantine, f"{folder}/output-report.json", report, {RUN_MARK: request.run})
        keep_listed(clients.hub, store.container, RUNS, request.run, {"outcome": RunOutcome.HELD.value})
        return c.OutputHeld(path=f"{request.hub.quarantine}/{folder}")

    return once(clients, hold.key, c.OutputHeld, act)


def publish_result(clients: Clients, publishing: c.Publishing) -> c.Published:
    """Copy the output to its place, then write the manifest: who sees the manifest sees everything."""
    request = publishing.inference
    container, _, folder = output_folder(request).partition("/")

    def act() -> c.Published:
        for file in publishing.result.files:
            _publish_file(clients, request, file, container, folder)
        manifest = f"{folder}/_manifest.json"
        content = json.dumps(_manifest(clients, publishing), indent=2).encode()
        # Blob storage has no transaction over several blobs. Consumers wait for the manifest, so writing it last
        # publishes all files at once.
        clients.hub.create(container, manifest, content, {RUN_MARK: request.run})
        return c.Published(manifest=f"{container}/{manifest}")

    return once(clients, publishing.key, c.Published, act)


def register_input(clients: Clients, registration: c.InputRegistration) -> c.RegisteredInput:
    """The files that a run scores as a version of its route's data asset, or the reason why they are none.

    A refusal is an answer like any other, and so is an outage once nobody tries again: no prediction waits for it.
    """
    request = registration.inference
    environment = request.route.score.workspace.name

    def act() -> c.RegisteredInput:
        try:
            return _registered_before(clients, request) or _register(clients, request)
        except Refused as refusal:
            return c.RegisteredInput(environment=environment, because=str(refusal))
        except Transient as fault:
            if not registration.last:
                raise
            return c.RegisteredInput(environment=environment, because=f"{fault}; reprocess the run to try again")

    return once(clients, registration.key, c.RegisteredInput, act)


def registered_input(clients: Clients, run: str) -> c.RegisteredInput | None:
    """What became of registering the input of *run*; None where nobody asked for it, or it is not known yet."""
    entry = clients.ledger.find(identity.effect_key(run, "registered"))
    return decode(c.RegisteredInput, entry) if entry is not None else None


def output_folder(request: c.Inference) -> str:
    """Where the run's result goes: the route's template, filled."""
    score = request.route.score
    values = {"run": request.run, "route": request.route.name, "model": score.model, "version": score.version}
    return patterns.fill(request.route.publish, request.captures | values | {"date": request.date}).rstrip("/")


def _pin_all(clients: Clients, request: c.Inference, membership: Membership) -> list[Member]:
    def pin(item: tuple[int, Blob]) -> Member | None:
        number, blob = item
        return _pin(clients, request, number, blob)

    return [member for member in _at_once(pin, enumerate(membership.blobs)) if member is not None]


def _pin(clients: Clients, request: c.Inference, number: int, blob: Blob) -> Member | None:
    staging = request.hub.staging
    path = f"{paths.pinned(request.run)}/{identity.pinned_name(number, blob.path.rpartition('/')[2])}"
    imported = _import_of(clients, request, blob)
    marks = {RUN_MARK: request.run, "source_etag": blob.etag} | _source_mark(f"{blob.container}/{blob.path}")
    marks |= {IMPORT_MARK: imported} if imported else {}
    if not clients.hub.copy(blob, staging, path, marks):
        copy = clients.hub.find(staging, path)
        if copy is None or copy.metadata.get("source_etag") != blob.etag:
            return None  # Overwritten before it could be pinned: the newer content is an arrival of its own.
    return Member(
        container=blob.container,
        path=blob.path,
        etag=blob.etag,
        size=blob.size,
        pinned=path,
        imported=imported,
        account=clients.configuration.accounts_elsewhere.get(blob.container, ""),
    )


def _import_of(clients: Clients, request: c.Inference, blob: Blob) -> str:
    """The import that has landed *blob*, by its own record: anybody who may land the file writes its metadata.

    What another attempt has pinned was looked at then.
    """
    name = blob.metadata.get(IMPORT_MARK, "")
    if not name or blob.container == request.hub.staging:
        return name
    source = find_fetched(store_of(clients.hub, request), name) if _IMPORT.fullmatch(name) else None
    paths_of_import = {file.path for file in source.files} if source else set()
    return name if f"{blob.container}/{blob.path}" in paths_of_import else ""


def _source_mark(location: str) -> dict[str, str]:
    """Metadata that say where the file came from. A longer one than Azure allows is left out; the record has it."""
    source = quote(location)
    return {"source": source} if len(source) <= _LONGEST_MARK else {}


def _remember(clients: Clients, request: c.Inference, membership: Membership, members: list[Member]) -> c.Gathered:
    # A repeat after a crash may list other files. The first list of members stays: it says which pinned files belong
    # to the run.
    store_of(clients.hub, request).create(paths.members(request.run), members)
    lost_paths = {blob.path for blob in membership.blobs} - {member.path for member in members}
    notes = [*membership.dropped, *(f"{path} was overwritten before it could be pinned" for path in sorted(lost_paths))]
    return c.Gathered(files=len(members), input_path=paths.pinned(request.run), dropped=tuple(notes[:20]))


def _registered_before(clients: Clients, request: c.Inference) -> c.RegisteredInput | None:
    """The version that the attempt before has made of the same files, if it is one of the asset that is asked for."""
    earlier = registered_input(clients, request.repeats) if request.repeats else None
    if earlier is None or earlier.environment != request.route.score.workspace.name:
        return None
    return earlier if earlier.asset.partition(":")[0] == request.route.input_asset else None


def _register(clients: Clients, request: c.Inference) -> c.RegisteredInput:
    """Copy the pinned files to where nothing is removed in time, and register that folder."""
    workspace, asset, run = request.route.score.workspace, request.route.input_asset, request.run
    version = identity.input_version(run)
    folder = paths.registered_input(asset, version)
    members = members_of(store_of(clients.hub, request), run)
    _at_once(lambda member: _keep(clients, request, member, folder), members)
    tags = {"signalbox.run": run, "signalbox.route": request.route.name, "signalbox.files": str(len(members))}
    clients.data_assets.register(workspace, asset, version, request.hub.address(folder), tags)
    return c.RegisteredInput(environment=workspace.name, asset=f"{asset}:{version}")


def _keep(clients: Clients, request: c.Inference, member: Member, folder: str) -> None:
    staging, marks = request.hub.staging, {RUN_MARK: request.run}
    pinned_file = clients.hub.find(staging, member.pinned)
    target = f"{folder}/{member.pinned.rpartition('/')[2]}"
    if pinned_file is None or not clients.hub.copy(pinned_file, staging, target, marks):
        raise Refused(f"the pinned file {member.pinned} of run {request.run} is gone from staging")


def _set_aside(clients: Clients, request: c.Inference, member: Member, folder: str) -> None:
    blob = clients.hub.find(request.hub.staging, member.pinned)
    target = f"{folder}/files/{member.pinned.rpartition('/')[2]}"
    if blob is None or not clients.hub.copy(blob, request.hub.quarantine, target, {RUN_MARK: request.run}):
        raise Refused(f"the pinned file {member.pinned} of run {request.run} is gone from staging")
    original = LeftFile(container=member.container, path=member.path, etag=member.etag)
    store = store_of(clients.hub, request)
    if member.imported and leave_to_import(store, member.imported, member.pinned, original):
        return
    # Deleted only as it was pinned: a file that was overwritten since is a new arrival and stays.
    clients.hub.delete(member.container, member.path, member.etag)


def _publish_file(clients: Clients, request: c.Inference, file: c.OutputFile, container: str, folder: str) -> None:
    source = clients.hub.find(request.hub.staging, file.path)
    # A job's identity may still write to staging. The eTag ties what is published to what was counted and hashed.
    if source is None or source.etag != file.etag:
        raise Refused(
            f"the output {file.path} of run {request.run} changed after it was counted; nothing was published"
        )
    target = f"{folder}/{file.path.rpartition('/')[2]}"
    if _published(clients.hub.find(container, target), request, file):
        return
    if not clients.hub.copy(source, container, target, {RUN_MARK: request.run, "sha256": file.sha256}):
        raise Refused(f"the output {file.path} of run {request.run} changed while it was being published")


def _published(blob: Blob | None, request: c.Inference, file: c.OutputFile) -> bool:
    marks = {RUN_MARK: request.run, "sha256": file.sha256}
    return blob is not None and all(blob.metadata.get(name) == value for name, value in marks.items())


def _manifest(clients: Clients, publishing: c.Publishing) -> dict[str, Any]:
    request, result = publishing.inference, publishing.result
    score = request.route.score
    return {
        "run": request.run,
        "route": request.route.name,
        "attempt": identity.attempt_of(request.run),
        "outcome": result.outcome.value,
        "because": result.because,
        "model": {"name": score.model, "version": score.version},
        "scored_by": {
            "workspace": score.workspace.workspace,
            "endpoint": score.endpoint,
            "deployment": score.deployment,
            "pinned": not score.follows,
            "job": publishing.job.job,
            "job_name": publishing.job.friendly_name,
        },
        "overrides": _overrides(request),
        "contract": request.route.contract,
        "data_report": f"{request.hub.state}/{publishing.report}",
        **_output_check(publishing),
        "rows": {"in": result.rows_in, "out": result.rows_out},
        "matched_by": list(result.matched_by),
        "files": [
            {"name": file.path.rpartition("/")[2], "bytes": file.size, "rows": file.rows, "sha256": file.sha256}
            for file in result.files
        ],
        "arrivals": [
            {
                "path": f"{member.container}/{member.path}",
                "etag": member.etag,
                "bytes": member.size,
                "scored_as": member.pinned.rpartition("/")[2],
                **_imported(clients, request, member),
            }
            for member in members_of(store_of(clients.hub, request), request.run)
        ],
        **_input_asset(clients, request),
        "timings": publishing.timings | {"published": stamp(clients)},
    }


def _imported(clients: Clients, request: c.Inference, member: Member) -> dict[str, Any]:
    """Where the file came from before it was in the hub, if it was imported."""
    if not member.imported:
        return {}
    store = store_of(clients.hub, request)
    record, source = find_import(store, member.imported), find_fetched(store, member.imported)
    known = {"source": record.source, "by": record.by, "because": record.reason} if record else {}
    origin = {"origin": source.origin} if source else {}
    return {"imported": {"import": member.imported, **known, **origin}}


def _input_asset(clients: Clients, request: c.Inference) -> dict[str, Any]:
    """The data asset that the input is a version of, or why it is none, where the route asks for one."""
    registered = registered_input(clients, request.run) if request.route.input_asset else None
    return {"input_asset": encode(registered)} if registered is not None else {}


def _overrides(request: c.Inference) -> dict[str, Any]:
    """The settings that the job had of its own, and which of them were `asked` for in this run alone."""
    settings = {name: value for name, value in asdict(request.route.overrides).items() if value is not None}
    asked = asdict(request.overrides) if request.overrides else {}
    return settings | {"asked": sorted(name for name, value in asked.items() if value is not None)}


def _output_check(publishing: c.Publishing) -> dict[str, Any]:
    """What judged the predictions, where the route has an output contract; `released` ones had failed."""
    if not publishing.output_report:
        return {}
    request = publishing.inference
    report = f"{request.hub.state}/{publishing.output_report}"
    contract, outcome = request.route.output_contract, publishing.output_outcome
    return {"output_check": {"contract": contract, "report": report, "outcome": outcome}}


def _at_once(act: Callable[[Any], Any], items: Iterable[Any]) -> list[Any]:
    """*act* on every item, a few at a time; the first failure is raised once all have ended."""
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return list(pool.map(act, items))
