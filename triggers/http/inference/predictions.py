"""What a run published, for those who may see data: its files by the manifest, and their bytes piece by piece.

Nothing but what the manifest names is given out, so no path comes from outside.
"""

import asyncio
import base64

from shared.clients import Clients
from shared.records.inference import Manifest
from shared.records.store import RecordStore
from triggers.http import requests as asked
from triggers.http.door import Call
from triggers.http.inference.run_records import run_record
from triggers.http.problems import Problem
from triggers.http.responses import other as answers

PIECE = 4 * 1024 * 1024  # Of a file, in bytes: what an app of small memory answers at once.


async def list_predictions(call: Call, run: str) -> answers.Predictions:
    """The files that a run published, with the digests by which a copy is checked."""
    return await asyncio.to_thread(_published, call.clients, run)


async def read_prediction(call: Call, run: str, query: asked.PieceAsked) -> answers.PredictionPiece:
    """The bytes of a published file from `offset` on, in base64."""
    return await asyncio.to_thread(_piece, call.clients, run, query)


def _published(clients: Clients, run: str) -> answers.Predictions:
    manifest = _manifest_of(clients, run)
    container, _, path = manifest.partition("/")
    content = RecordStore(clients.hub, container).get(Manifest, path)
    if content is None:
        raise Problem(404, "no such file", f"{manifest} of run {run} is gone from the hub; ask whoever removed it")
    files = tuple(
        answers.PredictionFile(name=file["name"], bytes=file["bytes"], rows=file["rows"], sha256=file["sha256"])
        for file in content.files
    )
    return answers.Predictions(run=run, outcome=content.outcome.value, manifest=manifest, files=files)


def _manifest_of(clients: Clients, run: str) -> str:
    """Where the manifest of *run* lies. Raises Problem where the run is not known, or published nothing."""
    record = run_record(clients, run)
    if not record.manifest:
        state = f"it ended as {record.outcome.value}" if record.outcome else "it has not ended"
        raise Problem(409, "nothing published", f"run {run} has published no predictions: {state}")
    return record.manifest


def _piece(clients: Clients, run: str, query: asked.PieceAsked) -> answers.PredictionPiece:
    published = _published(clients, run)
    file = next((file for file in published.files if file.name == query.name), None)
    if file is None:
        names = ", ".join(file.name for file in published.files[:20])
        raise Problem(404, "no such file", f"run {run} published no {query.name!r}; it published: {names}")
    container, _, path = published.manifest.partition("/")
    blob = clients.hub.find(container, f"{path.rpartition('/')[0]}/{file.name}")
    if blob is None or blob.size != file.bytes:
        raise Problem(409, "not what was published", f"{file.name} of run {run} was removed or changed in the hub")
    if query.offset > blob.size:
        raise Problem(422, "bad query", f"parameter 'offset' is {query.offset}, beyond the file's {blob.size} bytes")
    with clients.hub.open(blob) as stream:
        stream.seek(query.offset)
        content = stream.read(PIECE)
    return answers.PredictionPiece(
        name=file.name, offset=query.offset, total=blob.size, content=base64.b64encode(content).decode()
    )
