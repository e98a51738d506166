"""Fakes that survive a kill: every change is a record of a file, flushed before it is answered."""

import pickle
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from shared.domain.inference.routes import Scoring
from shared.ports import BatchJob, Blob, Job
from tests.fakes.ports import MemoryHub, MemoryJobs

_JOBS = "jobs"


class KeptHub(MemoryHub):
    def __init__(self, now: Callable[[], datetime], file: Path) -> None:
        super().__init__(now)
        self._folders: defaultdict[tuple[str, str], set[str]] = defaultdict(set)  # A run's folder to what is in it.
        self._lengths: defaultdict[tuple[str, str], int] = defaultdict(
            int
        )  # Of the blobs, as far as the file has them.
        whole = 0
        if file.exists():
            with file.open("rb") as log, suppress(EOFError, pickle.UnpicklingError):  # The last may be torn by a kill.
                while True:
                    self._restore(*pickle.load(log))
                    whole = log.tell()
            with file.open("r+b") as log:
                log.truncate(whole)
        self._log = file.open("ab")

    def close(self) -> None:
        self._log.close()

    def list(self, container: str, prefix: str) -> Iterator[Blob]:
        if prefix.count("/") < 2:
            return super().list(container, prefix)
        with self._lock:
            paths = sorted(path for path in self._folders[container, _folder(prefix)] if path.startswith(prefix))
            return iter([self.blobs[container, path][0] for path in paths])

    def delete(self, container: str, path: str, etag: str = "") -> bool:
        with self._lock:
            deleted = super().delete(container, path, etag)
            if deleted:
                self._keep((container, path), None)
            return deleted

    def _put(self, container: str, path: str, data: bytes, metadata: Mapping[str, str]) -> Blob:
        with self._lock:
            blob = super()._put(container, path, data, metadata)
            # Of a blob that is appended to only what is new: a journal kept whole at each of its lines took 20 GB.
            kept = self._lengths[container, path] if isinstance(data, bytearray) else 0
            self._keep((container, path), (blob, data[kept:]), kept)
            return blob

    def _keep(self, place: tuple[str, str], there: tuple[Blob, bytes] | None, kept: int = 0) -> None:
        self._note(place, there)
        self._lengths[place] = kept + len(there[1]) if there else 0
        pickle.dump((place, there, kept), self._log)
        self._log.flush()

    def _note(self, place: tuple[str, str], there: tuple[Blob, bytes] | None) -> None:
        inside = self._folders[place[0], _folder(place[1])]
        inside.discard(place[1]) if there is None else inside.add(place[1])

    def _restore(self, place: tuple[str, str], there: tuple[Blob, bytes] | None, kept: int) -> None:
        """Take up a record: the blob, of which the first *kept* bytes are those that were there."""
        self._note(place, there)
        if there is None:
            self.blobs.pop(place, None)
            return
        blob, data = there
        if kept:
            whole = self.blobs[place][1]
            data = whole if isinstance(whole, bytearray) else bytearray(whole)
            data += there[1]
        self.blobs[place] = blob, data
        self._lengths[place] = len(data)
        self.writes["/".join(place)] += 1
        self._versions = max(self._versions, int(blob.etag, 16))


def _folder(path: str) -> str:
    return "/".join(path.split("/")[:2])


class KeptJobs(MemoryJobs):
    """A job is a blob of the hub, so that one made before a kill is found after it; counts are the hub's."""

    def submit(self, job: BatchJob) -> Job:
        self._score(job)  # Before the job is there: a real one goes on when the host dies, and ends with its output.
        self._hub.create(_JOBS, job.name, b"")
        return self._job(job.name)

    def find(self, scoring: Scoring, name: str) -> Job | None:
        return self._job(name) if self._hub.find(_JOBS, name) else None

    def look(self, scoring: Scoring, job: str) -> Job:
        return self._job(job)

    def _job(self, name: str) -> Job:
        return Job(id=name, name=name, status="Completed")
