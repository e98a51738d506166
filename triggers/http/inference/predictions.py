"""What a run published, for those who may see data: its files by the manifest, and their bytes piece by piece.

Only files that the manifest names are read, so no path comes from outside.
"""

import base64
from dataclasses import dataclass
from typing import Annotated

from shared.clients import Clients
from shared.records.inference import Manifest
from shared.records.store import RecordStore
from shared.validation.rules import Whole
from triggers.http.api_route import ApiRequest
from triggers.http.exchange.problems import Problem
from triggers.http.inference.run_records import run_record
from triggers.http.named_resources import FileName

PIECE = 4 * 1024 * 1024  # Of a file, in bytes: what an app of small memory answers at once.


@dataclass(frozen=True, slots=True, kw_only=True)
class PieceAsked:
    """*name* as the run's predictions list it; *offset* in bytes."""

    name: FileName
    offset: Annotated[int, Whole(least=0, most=2**53)] = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictionFile:
    """*sha256* is of its bytes, as they were counted before they were published."""

    name: str
    bytes: int
    rows: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Predictions:
    """*manifest* is where it lies in the hub; *files* lie beside it."""

    run: str
    outcome: str
    manifest: str
    files: tuple[PredictionFile, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictionPiece:
    """*content* is base64; the next piece begins after it, until *total* bytes are read."""

    name: str
    offset: int
    total: int
    content: str


def list_predictions(request: ApiRequest, run: str) -> Predictions:
    """The files that a run published, with the digests by which a copy is checked."""
    clients = request.clients
    manifest = _manifest_of(clients, run)
    container, _, path = manifest.partition("/")
    content = RecordStore(clients.hub, container).get(Manifest, path)
    if content is None:
        raise Problem(
            404,
            "no such file",
            f"{manifest} of run {run} is gone from the hub; ask the people who can write to the hub",
        )
    files = tuple(
        PredictionFile(name=file["name"], bytes=file["bytes"], rows=file["rows"], sha256=file["sha256"])
        for file in content.files
    )
    return Predictions(run=run, outcome=content.outcome.value, manifest=manifest, files=files)


def _manifest_of(clients: Clients, run: str) -> str:
    """Where the manifest of *run* lies. Raises Problem where the run is not known, or published nothing."""
    record = run_record(clients, run)
    if not record.manifest:
        standing = f"it ended as {record.outcome.value}" if record.outcome else "it has not ended"
        raise Problem(409, "nothing published", f"run {run} has published no predictions: {standing}")
    return record.manifest


def read_prediction(request: ApiRequest, run: str, query: PieceAsked) -> PredictionPiece:
    """The bytes of a published file from `offset` on, in base64."""
    clients, predictions = request.clients, list_predictions(request, run)
    file = next((file for file in predictions.files if file.name == query.name), None)
    if file is None:
        names = ", ".join(file.name for file in predictions.files[:20])
        raise Problem(404, "no such file", f"run {run} published no {query.name!r}; it published: {names}")
    container, _, path = predictions.manifest.partition("/")
    blob = clients.hub.find(container, f"{path.rpartition('/')[0]}/{file.name}")
    # By its size alone, since a digest would read the whole file for each piece. Its reader compares the sha256
    # of the whole.
    if blob is None or blob.size != file.bytes:
        raise Problem(409, "predictions were changed", f"{file.name} of run {run} was removed or changed in the hub")
    if query.offset > blob.size:
        raise Problem(422, "bad query", f"parameter 'offset' is {query.offset}, beyond the file's {blob.size} bytes")
    with clients.hub.open(blob) as stream:
        stream.seek(query.offset)
        content = stream.read(PIECE)
    return PredictionPiece(
        name=file.name, offset=query.offset, total=blob.size, content=base64.b64encode(content).decode()
    )
