"""Build a run's training sets: immutable, named by their content, every key once, with manifest and lineage.

The hold-out goes beside them, its features without its answers, and no row of it or of its groups is trained on.
"""

import csv
import io
import json
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from activities.effects import once, stamp
from activities.promotion.holdout.rows import HoldoutRows, read_rows
from activities.retraining.training_files import (
    TrainingFile,
    header_line,
    named_files,
    rows_of,
    takes_named,
    waiting_files,
)
from activities.retraining.training_spool import Spool
from shared import contracts as c
from shared.clients import Clients
from shared.codec import encode
from shared.domain import identity
from shared.domain.failures import Refused
from shared.domain.retraining.boxes import IMAGE
from shared.domain.retraining.rules import TrainingKind, TrainingRoute
from shared.domain.retraining.sets import Merge, Row, set_version
from shared.ports import Blob
from shared.records import paths
from shared.records.retraining import TrainedOn, TrainingLineage
from shared.records.store import RecordStore


def build_training_sets(clients: Clients, start: c.RetrainingStart) -> c.TrainingSets:
    """What lies there now, whatever events announced; the same content is the same version, written once."""
    return once(clients, start.key, c.TrainingSets, lambda: _build(clients, start.request))


def _build(clients: Clients, request: c.RetrainingRun) -> c.TrainingSets:
    holdout = read_rows(clients, clients.configuration.ladder.promotable(request.rules.model).holdout)
    sets, trained_on = [], list[TrainedOn]()
    for route in request.rules.data:
        members = _members(clients, request, route)
        training_set = _set(clients, request, route, members, holdout)
        sets.append(training_set)
        trained_on += [_described(clients, route, member) for member in members]
    lineage = TrainingLineage(run=request.run, members=tuple(trained_on), holdout=holdout.digest)
    path = paths.retraining_part(request.run, "data.json")
    # The lineage is created once: the next looks for new data compare with what this run has really used.
    RecordStore(clients.hub, request.hub.state).create(path, lineage)
    folder = _write_holdout(clients, request, holdout)
    return c.TrainingSets(sets=tuple(sets), holdout=folder, digest=holdout.digest)


def _members(clients: Clients, request: c.RetrainingRun, route: TrainingRoute) -> list[TrainingFile]:
    waiting_blobs = waiting_files(clients, route)
    named_blobs = named_files(clients, request, route) if takes_named(request.rules, route) else []
    blobs = {(blob.container, blob.path): blob for blob in [*waiting_blobs, *named_blobs]}
    for container in sorted({container for container, _ in blobs}):
        # People, pipelines and schedules name data too, and the configuration may have changed since they were asked.
        if problem := clients.configuration.closed_training(request.rules, container):
            raise Refused(problem)
    if not blobs:
        raise Refused(f"there is no training data: nothing in the hub matches {route.take}")
    return [TrainingFile(blob=blobs[place]) for place in sorted(blobs)]


def _set(
    clients: Clients, request: c.RetrainingRun, route: TrainingRoute, members: list[TrainingFile], holdout: HoldoutRows
) -> c.TrainingSet:
    apart = _told_apart(route, holdout)
    merge = Merge(route.conflicts, *map(holdout.values, apart))
    # The merge sees the newest file first: the first row with a key is then the newest, and only digests of rows stay
    # in memory.
    newest = sorted(range(len(members)), key=lambda at: (members[at].blob.modified, at), reverse=True)
    for at in newest:
        for number, row in enumerate(rows_of(clients, route, members[at], apart)):
            merge.offer(at, number, row)
    header = header_line(_one_header(members))
    with tempfile.TemporaryDirectory() as folder:
        spool = Spool(Path(folder), route.kind, header)
        # The files are read a second time. Keeping the rows of the first pass would need memory for the whole set.
        for row in _chosen(clients, route, members, merge, apart):
            spool.add(row.line, row.labels)
        return _written(clients, request, route, members, merge, spool.end())


def _told_apart(route: TrainingRoute, holdout: HoldoutRows) -> list[str]:
    """The columns that tell what is held out: the key, or for boxes their image, of which all are held out or none; and
    the group, since a model that has learned from one row of a patient knows something of the others.
    """
    of_images = route.kind is TrainingKind.BOXES and IMAGE in holdout.table.header
    columns = [IMAGE if of_images else holdout.holdout.key, holdout.holdout.group]
    return list(dict.fromkeys(filter(None, columns)))


def _chosen(
    clients: Clients, route: TrainingRoute, members: list[TrainingFile], merge: Merge, apart: list[str]
) -> Iterator[Row]:
    """The rows of the set by file and row: uploading a file again does not make another set of it."""
    for at, member in enumerate(members):
        again = TrainingFile(blob=member.blob)
        for number, row in enumerate(rows_of(clients, route, again, apart)):
            if merge.takes(at, number, row):
                yield row


def _written(
    clients: Clients,
    request: c.RetrainingRun,
    route: TrainingRoute,
    members: Sequence[TrainingFile],
    merge: Merge,
    spool: Spool,
) -> c.TrainingSet:
    """Parts first, the manifest last: a set without its manifest is none yet. Nothing is ever overwritten."""
    if not spool.parts:
        raise Refused(f"no row of {route.take} is left to train on: {asdict(merge.dropped)}")
    digests, rows = spool.digests(), sum(spool.rows)
    version = set_version(spool.header, digests)
    staging, folder = request.hub.staging, paths.training_set(request.rules.model, route.name, version)
    for path in spool.parts:
        clients.hub.create(staging, f"{folder}/{path.name}", path.read_bytes())
    manifest = {
        **_identity(request, route, version),
        "columns": list(members[0].header),
        "rows": rows,
        "dropped": {**asdict(merge.dropped), "on_conflict": route.conflicts.value},
        "parts": [
            {"name": path.name, "rows": number, "bytes": path.stat().st_size, "sha256": digest}
            for path, number, digest in zip(spool.parts, spool.rows, digests, strict=True)
        ],
        "members": [_described(clients, route, member) for member in members],
        "made": stamp(clients),
    }
    clients.hub.create(staging, f"{folder}-manifest.json", json.dumps(encode(manifest), indent=2).encode())
    _register(clients, request, route, folder, version, rows)
    names = tuple(path.name for path in spool.parts)
    return c.TrainingSet(
        name=route.name, version=version, folder=folder, rows=rows, parts=names, contract=route.contract
    )


def _identity(request: c.RetrainingRun, route: TrainingRoute, version: str) -> dict[str, Any]:
    return {
        "model": request.rules.model,
        "route": route.name,
        "kind": route.kind.value,
        "version": version,
        "key": list(route.key),
        "run": request.run,
    }


def _register(
    clients: Clients, request: c.RetrainingRun, route: TrainingRoute, folder: str, version: str, rows: int
) -> None:
    """As a data asset of the workspace that trains."""
    tags = {"signalbox.model": request.rules.model, "signalbox.rows": str(rows), "signalbox.run": request.run}
    workspace, name = request.rules.pipeline.workspace, f"{request.rules.model}-{route.name}"
    clients.data_assets.register(workspace, name, version, request.hub.address(folder), tags)


def _one_header(members: Sequence[TrainingFile]) -> tuple[str, ...]:
    """Refused where files have different columns: a set is one table."""
    first = members[0]
    for member in members:
        if member.header != first.header:
            differing = sorted({*member.header} ^ {*first.header})
            raise Refused(f"{member.blob.path} and {first.blob.path} differ in the columns {', '.join(differing)}")
    return first.header


def _described(clients: Clients, route: TrainingRoute, member: TrainingFile) -> TrainedOn:
    blob = member.blob
    return TrainedOn(
        id=arrival_of(clients, blob),
        route=route.name,
        path=f"{blob.container}/{blob.path}",
        etag=blob.etag,
        bytes=blob.size,
        rows=member.rows,
        sha256=member.sha256,
    )


def arrival_of(clients: Clients, blob: Blob) -> str:
    return identity.arrival_id(blob.arrival(clients.configuration.account_of(blob.container)))


def _write_holdout(clients: Clients, request: c.RetrainingRun, holdout: HoldoutRows) -> str:
    """What the challenger is asked: every column but the answer."""
    folder = f"{paths.training_folder(request.run)}/holdout"
    columns = [name for name in holdout.table.header if name != holdout.holdout.target]
    with tempfile.TemporaryFile() as file:
        text = io.TextIOWrapper(file, encoding="utf-8", newline="")
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(columns)
        for part in holdout.batches(columns):
            writer.writerows(part)
        text.flush()
        file.seek(0)
        clients.hub.create(request.hub.staging, f"{folder}/holdout.csv", file)
    return folder
