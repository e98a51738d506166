"""Publish one part: its rows and outputs in the hub, what cannot be read in quarantine, and the manifest last.

A part is published once: its ranges are recorded before, files are only created, and a manifest that is there stands.
"""

import json
from typing import Any

from activities.answers.answers_part import AnswersPart
from activities.answers.output_holds import forget_hold, judge_outputs, refuse_held_part
from activities.answers.part_files import PartFile, PartFiles
from activities.effects import stamp
from activities.inference.files import RUN_MARK
from shared.clients import Clients
from shared.domain.answers.parts import period_bounds
from shared.domain.failures import Refused
from shared.ports import PieceGoneError, ServedEndpoint
from shared.records.store import RecordStore

MANIFEST = "_manifest.json"


def publish_part(clients: Clients, part: AnswersPart) -> dict[str, int]:
    """Publish *part* unless it is; returns how far each collected file is published with it.

    A part without any line is not published. Raises PartHeld where its outputs break their contract, and Refused where
    something else lies at the place of the part.
    """
    container, _, folder = part.folder.partition("/")
    manifest = RecordStore(clients.hub, container).document(f"{folder}/{MANIFEST}")
    if manifest is None:
        refuse_held_part(clients, part)
        with PartFiles(part.rule) as files:
            _read(clients, part, files)
            if files.is_empty:
                return files.taken
            content = _manifest(clients, part, files) | judge_outputs(clients, part, files.outputs)
            for file in (files.inputs, files.outputs):
                _create(clients, part, file, f"{container}/{folder}")
            _create(clients, part, files.unread, _quarantine(clients, part))
            data = json.dumps(content, indent=2).encode()
            clients.hub.create(container, f"{folder}/{MANIFEST}", data, {RUN_MARK: part.id})
        # Read again: where another look was faster, its manifest is the part, and its bounds count.
        manifest = RecordStore(clients.hub, container).document(f"{folder}/{MANIFEST}")
    # Also where the manifest was there: a host may have died between the two.
    forget_hold(clients, part)
    return {piece["path"]: int(piece["until"]) for piece in (manifest or {})["collected"]}


def is_published(clients: Clients, part: AnswersPart) -> bool:
    """Whether the manifest of *part* is there."""
    container, _, folder = part.folder.partition("/")
    return clients.hub.find(container, f"{folder}/{MANIFEST}") is not None


def _read(clients: Clients, part: AnswersPart, files: PartFiles) -> None:
    served = ServedEndpoint(workspace=part.rule.workspace, endpoint=part.rule.endpoint)
    for piece in part.planned.ranges:
        files.taken[piece.path] = piece.start
        try:
            for line in clients.collected_files.lines(served, piece):
                files.add(piece.path, piece.collection, line)
        except PieceGoneError as loss:
            # The part names it, and what lies behind it is not kept waiting. Any other refusal waits for its remedy.
            files.lose(piece, str(loss))


def _quarantine(clients: Clients, part: AnswersPart) -> str:
    return f"{clients.configuration.hub.quarantine}/answers/{part.rule.name}/{part.id}"


def _create(clients: Clients, part: AnswersPart, file: PartFile, place: str) -> None:
    if not file.lines:
        return
    container, _, folder = place.partition("/")
    path, marks = f"{folder}/{file.name}", {RUN_MARK: part.id, "sha256": file.sha256}
    file.file.seek(0)
    if clients.hub.create(container, path, file.file, marks):
        return
    blob = clients.hub.find(container, path)
    if blob is None or any(blob.metadata.get(name) != value for name, value in marks.items()):
        raise Refused(f"{container}/{path} is there, and is not part {part.id}; remove it, or publish elsewhere")


def _manifest(clients: Clients, part: AnswersPart, files: PartFiles) -> dict[str, Any]:
    rule, planned = part.rule, part.planned
    begin, end = period_bounds(planned.period)
    unread = {"path": f"{_quarantine(clients, part)}/{files.unread.name}"} if files.unread.lines else {}
    return {
        "answers": rule.name,
        "part": part.id,
        "number": planned.number,
        "model": {"name": part.model.name, "version": part.model.version},
        "served_by": {
            "workspace": rule.workspace.workspace,
            "endpoint": rule.endpoint,
            "deployment": part.deployment,
        },
        "interval": {"from": begin.isoformat(), "until": end.isoformat(), "first": files.first, "last": files.last},
        "contract": rule.contract_of(part.model.version),
        "rows": {"in": files.inputs.lines, "out": files.outputs.lines},
        "lines": {"requests": files.requests, "answers": files.answers, "unread": files.unread.lines},
        "files": [
            {"name": file.name, "bytes": file.size, "rows": file.lines, "sha256": file.sha256}
            for file in (files.inputs, files.outputs)
            if file.lines
        ],
        "unread": unread,
        "collected": [
            {"path": piece.path, "from": piece.start, "until": files.taken[piece.path]} for piece in planned.ranges
        ],
        "published": stamp(clients),
    }
