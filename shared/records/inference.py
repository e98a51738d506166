"""Records of batch inference: runs and what belongs to them, windows, streams, and what sweeps have seen to.

Data reports are documents of `shared.domain.data`, of which only what decides is read here. Results are no records:
they lie where a route publishes them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from shared.codec import decode
from shared.contracts import Inference, InferenceResult
from shared.domain.failures import Refused
from shared.domain.inference.arrivals import ArrivalPlace
from shared.domain.inference.runs import RunOutcome
from shared.domain.messaging import Asker
from shared.domain.newer import NEWER
from shared.ports import Blob, DataHub
from shared.records import paths
from shared.records.store import LATER, RecordStore


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """What a run was started for, and how it ended; *closed* and all fields after it are None while it is open.

    Where its route follows an endpoint, *inference* names what the endpoint answered at the opening; *unscored* says
    why nothing could score. *restored* says when the record was made anew, after the store had lost it.
    """

    run: str
    route: str
    execution: str
    opened: str
    inference: Inference
    unscored: str | None = field(default=None, metadata=LATER)
    restored: str | None = field(default=None, metadata=LATER)
    closed: str | None = field(default=None, metadata=LATER)
    outcome: RunOutcome | None = field(default=None, metadata=LATER)
    because: str | None = field(default=None, metadata=LATER)
    manifest: str | None = field(default=None, metadata=LATER)
    job_error: str | None = field(default=None, metadata=LATER)
    job_log: str | None = field(default=None, metadata=LATER)

    @property
    def result(self) -> InferenceResult | None:
        """How the run has ended; None where it has not."""
        if self.closed is None or self.outcome is None:
            return None
        return InferenceResult(
            run=self.run,
            outcome=self.outcome,
            because=self.because or "",
            manifest=self.manifest or "",
            job_error=self.job_error or "",
            job_log=self.job_log or "",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenRun:
    """An entry of the list of open runs."""

    inference: Inference


@dataclass(frozen=True, slots=True, kw_only=True)
class FileClaim:
    """The files that belong to a run, as they were when they were given to it."""

    inference: Inference
    files: tuple[Blob, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A file of a run: where it came from, and where in staging its content is pinned.

    *imported* is the import that has landed it, if one has. *account* is the team's own account in which it arrived;
    empty for the Data Hub.
    """

    container: str
    path: str
    etag: str
    size: int
    pinned: str
    imported: str = field(default="", metadata=NEWER)
    account: str = field(default="", metadata=NEWER)

    @property
    def arrived(self) -> ArrivalPlace:
        return ArrivalPlace(container=self.container, account=self.account)


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenOrder:
    """What a person ordered for a run (of scoring or training): *order* is `cancel`, `release` or `release-output`."""

    by: str
    reason: str
    run: str = ""
    order: str = ""
    at: str = ""
    oid: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportedCheck:
    """What decides in the report of a data check; the document has more, for people."""

    outcome: str
    rows: int
    summary: tuple[str, ...] = ()
    findings: tuple[dict[str, Any], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowIndex:
    """Of the files that still lie in a window, which belong to which run.

    *runs*: arrival id -> run; *claims*: key of a claim -> run.
    """

    runs: dict[str, str] = field(default_factory=dict)
    claims: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldMessage:
    """A message of a stream that waits to be in a batch."""

    id: str
    session: str
    correlation: str
    records: tuple[dict[str, Any], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class UsedMessage:
    """Which batch has a message; *message* is its group and its name in the queue."""

    group: str
    batch: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchMessages:
    """The names of the messages that a batch has claimed."""

    messages: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What is read of the manifest of a run's published result, which lies beside its files."""

    outcome: RunOutcome
    because: str
    files: tuple[dict[str, Any], ...] = ()
    arrivals: tuple[dict[str, Any], ...] = ()
    timings: dict[str, str] = field(default_factory=dict)


def store_of(hub: DataHub, inference: Inference) -> RecordStore:
    """The store in which the run was begun: its records stay there, whatever is configured today."""
    return RecordStore(hub, inference.hub.state)


def find_run(store: RecordStore, run: str) -> RunRecord | None:
    return store.get(RunRecord, paths.run_record(run))


def claim_files(hub: DataHub, inference: Inference, files: Sequence[Blob]) -> None:
    """Keep *files* as they are now for the run of *inference*. Safe to repeat: the first claim stands."""
    claim = FileClaim(inference=inference, files=tuple(files))
    store_of(hub, inference).create(paths.claim(inference.run), claim)


def claim_of(store: RecordStore, run: str) -> FileClaim:
    """What *run* has claimed. Raises Refused where that record is gone."""
    claim = store.get(FileClaim, paths.claim(run))
    if claim is None:
        raise Refused(f"the claim of run {run} is gone from {store.container}/{paths.claim(run)}")
    return claim


def members_of(store: RecordStore, run: str) -> tuple[Member, ...]:
    """The files that *run* has pinned; none before it has."""
    return store.get(tuple[Member, ...], paths.members(run)) or ()


def arrival_places(store: RecordStore, inference: Inference) -> frozenset[ArrivalPlace]:
    """Where the files of *inference* have arrived, through all the runs that it repeats; empty where no record says so:
    records of repeated runs are removed at the end of their time, and what they pinned may be there for longer."""
    while inference.repeats:
        record = find_run(store, inference.repeats)
        if record is None:
            return frozenset()
        inference = record.inference
    return frozenset(member.arrived for member in members_of(store, inference.run))


def note_askers(store: RecordStore, run: str, askers: Sequence[Asker], name: str) -> None:
    """Keep those who asked for *run* by a message, under *name*. Safe to repeat."""
    # A file for each message and not one list: two queues' hosts that note askers at once would have to merge it.
    store.create(f"{paths.askers(run)}{name}.json", askers)


def askers_of(store: RecordStore, run: str) -> list[Asker]:
    """Everybody who asked for *run* by a message."""
    askers = list[Asker]()
    for blob in store.blobs(paths.askers(run)):
        document = store.document(blob.path) or []
        # An earlier release wrote each asker into a file of its own.
        documents = document if isinstance(document, list) else [document]
        askers += [decode(Asker, asker) for asker in documents]
    return askers
