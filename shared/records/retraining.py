"""Records of retraining: causes, the book of a model's runs, what each run claimed, was trained on, and came to.

Causes are the domain's `Cause`. Their metadata are enough for a decision over many of them, in one listing.
"""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from shared.contracts import RetrainingOutcome, RetrainingRun
from shared.domain.failures import Refused
from shared.domain.retraining.causes import Cause, CauseKind
from shared.domain.retraining.costs import Cost
from shared.domain.retraining.decision import PastRun
from shared.domain.retraining.rules import MOST_RUNS
from shared.ports import Blob
from shared.records import paths
from shared.records.store import LATER, RecordStore, Stored

SETTLED = "settled"  # In a cause's metadata: the run that claimed or absorbed it, or why there was none.
KIND, AT = "kind", "at"
_AT_ONCE, _KEPT_CLAIMS = 16, 20


@dataclass(frozen=True, slots=True, kw_only=True)
class RetrainingRecord:
    """What a run of training was started for, and how it ended; *outcome* and what follows it are None while it runs.

    *challenger* is what it registered, *training* the pipeline's own run, *absorbed* the causes that came meanwhile.
    """

    run: str
    model: str
    opened: str
    execution: str
    because: str
    causes: int
    champion: str
    cost: Cost
    closed: str | None = field(default=None, metadata=LATER)
    outcome: RetrainingOutcome | None = field(default=None, metadata=LATER)
    challenger: str | None = field(default=None, metadata=LATER)
    promotion: str | None = field(default=None, metadata=LATER)
    training: str | None = field(default=None, metadata=LATER)
    absorbed: tuple[str, ...] | None = field(default=None, metadata=LATER)


@dataclass(frozen=True, slots=True, kw_only=True)
class RetrainingClaim:
    """The causes that a run claimed, and its input as it was then."""

    request: RetrainingRun
    causes: tuple[Cause, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Book:
    """*running* is the run in flight; *claims*: key of a weighing -> the run it gave the causes to.

    *used* is the record of the data of the last run that judged a challenger. It is one record, changed only where
    nobody else has changed it: so one run at a time is in flight.
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


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedVerdict:
    """What was decided on *causes* that were weighed together."""

    at: str
    move: str
    rule: str
    because: str
    until: str
    number: int
    causes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainedOn:
    """A file that a run was trained on; *id* is that of its arrival."""

    id: str
    route: str
    path: str
    etag: str
    bytes: int
    rows: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingLineage:
    """Everything that a run was trained on; *holdout* is the digest of what was kept apart from it."""

    run: str
    members: tuple[TrainedOn, ...]
    holdout: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedTrial:
    """How the challenger with the bundle *digest* was measured and judged; *evidence* is the domain's document."""

    evidence: dict[str, Any]
    verdict: dict[str, Any]
    digest: str
    champion: str
    champion_at_start: str
    metrics: dict[str, float]
    at: str


def find_retraining(store: RecordStore, run: str) -> RetrainingRecord | None:
    return store.get(RetrainingRecord, paths.retraining(run))


def find_claim(store: RecordStore, run: str) -> RetrainingClaim | None:
    """What *run* has claimed."""
    return store.get(RetrainingClaim, paths.retraining_part(run, "claim.json"))


def claimed_run(store: RecordStore, run: str) -> RetrainingRun:
    """The run's input as it was when it claimed its causes. Raises Refused where that record is gone."""
    claim = find_claim(store, run)
    if claim is None:
        path = paths.retraining_part(run, "claim.json")
        raise Refused(f"the claim of run {run} is gone from {store.container}/{path}")
    return claim.request


def find_trial(store: RecordStore, run: str) -> RecordedTrial | None:
    """What *run* has measured; None where it has judged nothing."""
    return store.get(RecordedTrial, paths.retraining_part(run, "evaluation.json")) if run else None


def read_book(store: RecordStore, model: str) -> Stored[Book] | None:
    """The book of *model*'s retraining; None before its first run."""
    return store.get_stored(Book, paths.retraining_book(model))


def book_of(store: RecordStore, model: str) -> Book:
    """What the book of *model*'s retraining says: nothing, before its first run."""
    entry = read_book(store, model)
    return Book() if entry is None else entry.record


def write_book(store: RecordStore, model: str, book: Book, entry: Stored[Book] | None) -> None:
    """Write *book* over *entry*. Raises LostRace where somebody else has changed it."""
    claims = dict(list(book.claims.items())[-_KEPT_CLAIMS:])
    store.save(paths.retraining_book(model), replace(book, runs=book.runs[-MOST_RUNS:], claims=claims), entry)


def keep_cause(store: RecordStore, cause: Cause) -> bool:
    """Record *cause* unless its id is known; whether it is new."""
    metadata = {KIND: cause.kind.value, AT: cause.at.isoformat()}
    return store.create(paths.cause(cause.model, cause.id), cause, metadata)


def open_causes(store: RecordStore, model: str) -> list[OpenCause]:
    """Those that no run and no refusal has settled, oldest first."""
    return sorted(_unsettled(store, model), key=lambda cause: (cause.at, cause.id))


def _unsettled(store: RecordStore, model: str) -> Iterator[OpenCause]:
    for blob in store.blobs(paths.causes(model)):
        if SETTLED not in blob.metadata and KIND in blob.metadata:
            name = blob.path.rpartition("/")[2].removesuffix(".json")
            at = datetime.fromisoformat(blob.metadata[AT])
            yield OpenCause(id=name, kind=CauseKind(blob.metadata[KIND]), at=at, blob=blob)


def read_causes(store: RecordStore, causes: Iterable[OpenCause]) -> list[Cause]:
    """The causes as they were recorded."""
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        records = pool.map(lambda cause: store.get(Cause, cause.blob.path), list(causes))
        return [cause for cause in records if cause is not None]


def settle(store: RecordStore, causes: Iterable[OpenCause], by: str) -> None:
    """Mark causes as settled *by* a run or a refusal. Safe to repeat: the first mark stands."""
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        list(pool.map(lambda cause: store.set_metadata(cause.blob, {SETTLED: by}), list(causes)))
