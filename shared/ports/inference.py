"""Ports of inference: the hub, the ledger, batch jobs, announcements, data checks and the clock."""

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import IO, Any, BinaryIO, Protocol

from shared.domain.data.data_contract import DataContract
from shared.domain.data.reference_profile import ReferenceProfile
from shared.domain.inference.arrivals import Arrival
from shared.domain.inference.job_logs import LogFile
from shared.domain.inference.routes import Overrides, Scoring, Workspace
from shared.domain.inference.runs import RowMatch


@dataclass(frozen=True, slots=True, kw_only=True)
class Blob:
    """One blob as listed; *size* in bytes, *modified* in UTC, *etag* without quotes."""

    container: str
    path: str
    etag: str
    size: int
    modified: datetime
    metadata: Mapping[str, str] = field(default_factory=dict)

    def age(self, now: datetime) -> timedelta:
        """How long before or after *now* it was written: a clock that was ahead has been put right since."""
        return abs(now - self.modified)

    def arrival(self, account: str) -> Arrival:
        """This content of the blob, which lies in the storage account *account*, as what routes take."""
        return Arrival(account=account, container=self.container, path=self.path, etag=self.etag, size=self.size)


@dataclass(frozen=True, slots=True, kw_only=True)
class Folder:
    """*folders* are whole paths with a slash at their end; *whole* is false where there is more than was asked for."""

    folders: tuple[str, ...]
    blobs: tuple[Blob, ...]
    whole: bool


class DataHub(Protocol):
    """The central store: files that arrive, results, and Signalbox's own records.

    Markers of folders are no files: they are neither listed nor found.
    """

    def list(self, container: str, prefix: str) -> Iterator[Blob]: ...

    def page(self, container: str, prefix: str, limit: int, marker: str = "") -> tuple[tuple[Blob, ...], str]:
        """At most *limit* blobs in order of their paths, and the marker of the next page, empty at the end."""
        ...

    def look_into(self, container: str, folder: str, limit: int) -> Folder:
        """What lies directly in *folder* (empty, or with a slash at its end), at most *limit* of it."""
        ...

    def find(self, container: str, path: str) -> Blob | None: ...

    def is_folder(self, container: str, path: str) -> bool:
        """Whether a blob is there that only marks a folder; `find` and the lists leave it out."""
        ...

    def read(self, container: str, path: str) -> bytes | None: ...

    def load(self, container: str, path: str) -> tuple[Blob, bytes] | None:
        """The blob and its content, both of one version and by one request; None where `find` finds nothing."""
        ...

    def open(self, blob: Blob) -> BinaryIO:
        """A seekable file that reads ranges; Refused once the blob is no longer the one its eTag names."""
        ...

    def copy(self, source: Blob, container: str, path: str, metadata: Mapping[str, str]) -> bool:
        """Copy server-side exactly the content *source* names; False where that content is gone. Safe to repeat."""
        ...

    def create(
        self, container: str, path: str, data: bytes | IO[bytes], metadata: Mapping[str, str] | None = None
    ) -> bool:
        """Write only where nothing is; False where something was. What is long is given as a seekable file."""
        ...

    def replace(
        self, container: str, path: str, data: bytes, etag: str, metadata: Mapping[str, str] | None = None
    ) -> bool:
        """Write only over *etag*; False where it has changed."""
        ...

    def append(self, container: str, path: str, line: bytes) -> bool:
        """Add one line to a log that only grows; False where it is full (see `shared.records.line_logs`)."""
        ...

    def delete(self, container: str, path: str, etag: str = "") -> bool:
        """Remove (only *etag*, if given); False where it was gone or has changed."""
        ...


class Ledger(Protocol):
    """What has been done, by key: each key is written once and never changed."""

    def find(self, key: str) -> dict[str, Any] | None: ...

    def record(self, key: str, result: Mapping[str, Any]) -> dict[str, Any]:
        """Record *result* under *key* unless something is there; returns what is there now."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchJob:
    """A batch scoring job; *input_path* is a folder of *datastore*, *output_path* a folder that does not exist yet."""

    name: str
    scoring: Scoring
    datastore: str
    input_path: str
    output_path: str
    overrides: Overrides


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A submitted job: *id* is Azure ML's GUID, *name* the one we gave, *created* ISO 8601 where it is said."""

    id: str
    name: str
    status: str
    created: str = ""


class Jobs(Protocol):
    def submit(self, job: BatchJob) -> Job:
        """The job called `job.name`, found or created. Safe to repeat."""
        ...

    def find(self, scoring: Scoring, name: str) -> Job | None:
        """The endpoint's job with the name we gave."""
        ...

    def look(self, scoring: Scoring, job: str) -> Job: ...
    def cancel(self, workspace: Workspace, job: str) -> None:
        """Ask for cancellation; a job that has finished stays as it is."""
        ...


class JobLogs(Protocol):
    def files(self, workspace: Workspace, job: str) -> tuple[LogFile, ...]:
        """What the job and its steps have logged so far, the file that says most of an error first."""
        ...

    def tail(self, workspace: Workspace, file: LogFile, limit: int) -> bytes:
        """The last *limit* bytes of *file*."""
        ...

    def studio(self, workspace: Workspace, job: str) -> str:
        """The page of the job for people, empty where the cloud has none; asks nobody."""
        ...


class Announcer(Protocol):
    def announce(self, event_id: str, kind: str, subject: str, data: Mapping[str, Any]) -> None:
        """Publish a CloudEvent to the product's topic; the same *event_id* is the same event."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class HubFile:
    """A pinned file to be checked."""

    name: str
    blob: Blob


class DataChecks(Protocol):
    def contract(self, contract: str) -> tuple[DataContract, ReferenceProfile | None]:
        """The rules at path *contract*, and the profile that arrivals are compared with. Refused where unreadable."""
        ...

    def check(self, contract: str, files: Sequence[HubFile]) -> dict[str, Any]:
        """The plain-JSON report of *files* against the contract at path *contract* (`shared.domain.data`)."""
        ...

    def faults(self, contract: str, records: Sequence[Mapping[str, Any]]) -> tuple[tuple[str, ...], ...]:
        """For each of *records*, what is wrong with it by itself, in sentences; nothing where it is right."""
        ...

    def match(self, contract: str, inputs: Sequence[HubFile], outputs: Sequence[HubFile]) -> RowMatch:
        """How the records of *outputs* answer the rows of *inputs* by the keys of the contract; content never makes it
        raise. Without *inputs* records are counted."""
        ...

    def written(self, contract: str, records: Sequence[Mapping[str, Any]]) -> bytes:
        """*records* as a file that the contract describes; see `shared.domain.data.record_files`."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledImage:
    """One line of a file of boxes in canonical text, or what is *wrong* with it.

    *given* boxes came, of which *labels* differ; *values* are those of the fields that were asked for.
    """

    line: str = ""
    labels: int = 0
    given: int = 0
    values: tuple[str, ...] = ()
    wrong: str = ""


class RowFiles(Protocol):
    """Files row by row; no file is ever in memory as a whole.

    *update*, of a digest, is called with every byte of a file that is read to its end.
    """

    def cells(self, blob: Blob, update: Callable[[bytes], object] | None = None) -> Generator[list[str], None, None]:
        """The cells of each row of a CSV file in UTF-8, its header first. Refused where it is none."""
        ...

    def images(
        self, blob: Blob, labels: Sequence[str], fields: Sequence[str], update: Callable[[bytes], object] | None = None
    ) -> Iterator[LabelledImage]:
        """Each image of a file of JSON Lines with boxes of *labels* (any where there are none). Refused where it is
        not in UTF-8."""
        ...


class Clock(Protocol):
    def now(self) -> datetime:
        """The time now, in UTC."""
        ...
