"""What is recorded of a model's retraining: its open causes, and the book of its runs.

The book is one record, changed only where nobody else has changed it: so one run at a time is in flight.
"""

import json
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime

from shared.codec import decode, encode
from shared.domain.failures import Transient
from shared.domain.retraining.causes import Cause, CauseKind
from shared.domain.retraining.decision import PastRun
from shared.domain.retraining.rules import MOST_RUNS
from shared.ports import Blob
from shared.records import paths as records
from shared.records.access import Records

SETTLED = "settled"  # In a cause's metadata: the run that claimed or absorbed it, or why there was none.
KIND, AT = "kind", "at"
_AT_ONCE, _KEPT_CLAIMS = 16, 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Book:
    """*running* is the run in flight; *claims*: key of a weighing -> the run it gave the causes to.

    *used* is the record of the data of the last run that judged a challenger.
    """

    running: str = ""
    runs: tuple[PastRun, ...] = ()
    claims: dict[str, str] = field(default_factory=dict)
    used: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenCause:
    """A cause that no run has, as its record's metadata describe it: enough to decide, and one listing for all."""

    id: str
    kind: CauseKind
    at: datetime
    blob: Blob


def read_book(made: Records, model: str) -> tuple[Book, str]:
    """The book and its eTag, which is empty where there is no book yet."""
    state, path = made.configuration.hub.state, records.retraining_book(model)
    there, raw = made.hub.find(state, path), made.hub.read(state, path)
    if there is None or raw is None:
        return Book(), ""
    return decode(Book, json.loads(raw)), there.etag


def write_book(made: Records, model: str, book: Book, etag: str) -> None:
    """Raises Transient where somebody else has changed it."""
    state, path = made.configuration.hub.state, records.retraining_book(model)
    claims = dict(list(book.claims.items())[-_KEPT_CLAIMS:])
    content = json.dumps(encode(replace(book, runs=book.runs[-MOST_RUNS:], claims=claims))).encode()
    hub = made.hub
    written = hub.replace(state, path, content, etag) if etag else hub.create(state, path, content)
    if not written:
        raise Transient(f"the book of {model}'s retraining was changed by somebody else")


def open_causes(made: Records, model: str) -> list[OpenCause]:
    """Those that no run and no refusal has settled, oldest first."""
    found = []
    for blob in made.hub.list(made.configuration.hub.state, records.causes(model)):
        if SETTLED not in blob.metadata and KIND in blob.metadata:
            name = blob.path.rpartition("/")[2].removesuffix(".json")
            at = datetime.fromisoformat(blob.metadata[AT])
            found.append(OpenCause(id=name, kind=CauseKind(blob.metadata[KIND]), at=at, blob=blob))
    return sorted(found, key=lambda cause: (cause.at, cause.id))


def read_causes(made: Records, blobs: Iterable[Blob]) -> list[Cause]:
    """The causes as they were recorded."""

    def read(blob: Blob) -> Cause | None:
        raw = made.hub.read(blob.container, blob.path)
        return None if raw is None else decode(Cause, json.loads(raw))

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return [cause for cause in pool.map(read, list(blobs)) if cause is not None]


def settle(made: Records, blobs: Iterable[Blob], by: str) -> None:
    """Mark causes as settled *by* a run or a refusal. Safe to repeat: the first mark stands."""

    def mark(blob: Blob) -> None:
        raw = made.hub.read(blob.container, blob.path)
        if raw is not None:
            made.hub.replace(blob.container, blob.path, raw, blob.etag, {**blob.metadata, SETTLED: by})

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        list(pool.map(mark, list(blobs)))
