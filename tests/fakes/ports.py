"""Fakes of `shared.ports`: they keep the promises of the real adapters (conditions, immutability) in memory."""

import hashlib
import io
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import IO, Any, BinaryIO

from shared.adapters.azure_storage.ledger import BlobLedger
from shared.adapters.internet_files import HttpsFiles
from shared.adapters.project_functions.functions import ProjectFunctionProcesses
from shared.application.callers import Callers
from shared.clients import Clients
from shared.domain.access.permissions import DEFAULT_PERSONAS, Machine, Permissions
from shared.domain.configuration import Configuration
from shared.domain.data.data_contract import Column, DataContract
from shared.domain.data.reference_profile import ReferenceProfile
from shared.domain.failures import Refused, Transient
from shared.domain.inference.arrivals import is_folder_marker, refuse_way_out
from shared.domain.inference.job_logs import LogFile, most_telling
from shared.domain.inference.routes import Scoring, Workspace
from shared.domain.inference.runs import RowMatch
from shared.domain.messaging import DeadMessage, Message, QueueDoor
from shared.ports import BatchJob, Blob, EndpointKind, Folder, HubFile, Job
from tests.fakes.promotion import NamedPeople
from tests.fakes.rollout import MemoryQuotas
from tests.signing import signing

# Opens everything that is not for people only.
OPERATOR_KEY = "the key of the operator"
OPERATOR = Machine(name="operator", acts_as=tuple(each.role.name for each in DEFAULT_PERSONAS))

BLOCKS = 50_000  # What an append blob holds.


class MemoryHub:
    """Counts the successful writes of every path, and can fail the next calls."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now, self._lock = now, threading.RLock()
        self.blobs: dict[tuple[str, str], tuple[Blob, bytes | bytearray]] = {}  # The latter is a log, which grows.
        self.writes: Counter[str] = Counter()
        self.blocks: Counter[str] = Counter()
        self.missing: set[str] = set()  # Containers that nobody has made: what asks for a blob in them finds none.
        self._versions = 0

    def land(self, location: str, data: bytes, metadata: Mapping[str, str] | None = None) -> Blob:
        container, _, path = location.partition("/")
        return self._put(container, path, data, metadata or {})

    def list(self, container: str, prefix: str) -> Iterator[Blob]:
        self._enter(container, prefix)
        with self._lock:
            paths = sorted(path for place, path in self.blobs if place == container and path.startswith(prefix))
            blobs = [self.blobs[container, path][0] for path in paths]
        return iter([blob for blob in blobs if not is_folder_marker(blob.path, blob.metadata)])

    def page(self, container: str, prefix: str, most: int, marker: str = "") -> tuple[tuple[Blob, ...], str]:
        rest = [blob for blob in self.list(container, prefix) if blob.path > marker]
        return tuple(rest[:most]), rest[most - 1].path if len(rest) > most else ""

    def look_into(self, container: str, folder: str, most: int) -> Folder:
        inside = dict[str, Blob | None]()
        for blob in self.list(container, folder):
            name, slash, _ = blob.path.removeprefix(folder).partition("/")
            inside[f"{folder}{name}{slash}"] = None if slash else blob
        shown = list(inside.items())[:most]
        return Folder(
            folders=tuple(path for path, blob in shown if blob is None),
            blobs=tuple(blob for _, blob in shown if blob is not None),
            whole=len(inside) <= most,
        )

    def find(self, container: str, path: str) -> Blob | None:
        refuse_way_out(container, path)
        there = self.blobs.get((container, path))
        return there[0] if there and not is_folder_marker(path, there[0].metadata) else None

    def is_folder(self, container: str, path: str) -> bool:
        there = self.blobs.get((container, path))
        return there is not None and is_folder_marker(path, there[0].metadata)

    def read(self, container: str, path: str) -> bytes | None:
        refuse_way_out(container, path)
        there = self.blobs.get((container, path))
        return bytes(there[1]) if there else None

    def load(self, container: str, path: str) -> tuple[Blob, bytes] | None:
        """By `find` and `read`: hubs of tests that count or fail those do so here too."""
        with self._lock:
            blob = self.find(container, path)
            data = None if blob is None else self.read(container, path)
        return None if blob is None or data is None else (blob, data)

    def open(self, blob: Blob) -> BinaryIO:
        there, data = self.blobs[(blob.container, blob.path)]
        assert there.etag == blob.etag
        return io.BytesIO(data)

    def copy(self, source: Blob, container: str, path: str, metadata: Mapping[str, str]) -> bool:
        with self._lock:
            there = self.blobs.get((source.container, source.path))
            if there is None or there[0].etag != source.etag:
                return False
            self._put(container, path, bytes(there[1]), metadata)
            return True

    def create(
        self, container: str, path: str, data: bytes | IO[bytes], metadata: Mapping[str, str] | None = None
    ) -> bool:
        with self._lock:
            if (container, path) in self.blobs:
                return False
            self._put(container, path, data if isinstance(data, bytes) else data.read(), metadata or {})
            return True

    def replace(
        self, container: str, path: str, data: bytes, etag: str, metadata: Mapping[str, str] | None = None
    ) -> bool:
        with self._lock:
            there = self.blobs.get((container, path))
            if there is None or there[0].etag != etag:
                return False
            self._put(container, path, data, metadata or {})
            return True

    def append(self, container: str, path: str, line: bytes) -> bool:
        """As on Azure, a blob takes no more than 50,000 of them."""
        with self._lock:
            there = self.blobs.get((container, path))
            if self.blocks[f"{container}/{path}"] >= BLOCKS:
                return False
            content = there[1] if there and isinstance(there[1], bytearray) else bytearray(there[1] if there else b"")
            content += line + b"\n"
            self.blocks[f"{container}/{path}"] += 1
            self._put(container, path, content, {})
            return True

    def delete(self, container: str, path: str, etag: str = "") -> bool:
        with self._lock:
            there = self.blobs.get((container, path))
            if there is None or (etag and there[0].etag != etag):
                return False
            del self.blobs[(container, path)]
            self.blocks.pop(f"{container}/{path}", None)  # A log that begins anew has room again.
            return True

    def _enter(self, container: str, path: str) -> None:
        refuse_way_out(container, path)
        if container in self.missing:
            raise Refused(f"{container}/{path}: 404 The specified container does not exist.")

    def _put(self, container: str, path: str, data: bytes | bytearray, metadata: Mapping[str, str]) -> Blob:
        self._enter(container, path)
        with self._lock:
            self._versions += 1
            blob = Blob(
                container=container,
                path=path,
                etag=f"0x{self._versions:08X}",
                size=len(data),
                modified=self._now(),
                metadata=dict(metadata),
            )
            self.blobs[(container, path)] = (blob, data)
            self.writes[f"{container}/{path}"] += 1
            return blob


class MemoryJobs:
    """Scores each file at once unless told to wait: one prediction per row, into the output folder."""

    def __init__(self, hub: MemoryHub, staging: str) -> None:
        self._hub, self._staging = hub, staging
        self.jobs: dict[str, Job] = {}
        self.created: Counter[str] = Counter()
        self.cancelled: Counter[str] = Counter()
        self.looks = 0
        self.status_after: Callable[[int], str] = lambda looks: "Completed"
        self.predict: Callable[[str], float] = lambda row: 1.0
        self.lose_rows = 0
        self.lose_next_answer = False

    def submit(self, job: BatchJob) -> Job:
        found = self.find(job.scoring, job.name)
        if found:
            return found
        made = Job(id=f"guid-{len(self.jobs) + 1}", name=job.name, status="Running")
        self.jobs[made.id] = made
        self.created[job.name] += 1
        self._score(job)
        if self.lose_next_answer:
            self.lose_next_answer = False
            raise Transient("the connection was lost after the job was made")
        return made

    def find(self, scoring: Scoring, name: str) -> Job | None:
        return next((job for job in self.jobs.values() if job.name == name), None)

    def look(self, scoring: Scoring, job: str) -> Job:
        self.looks += 1
        if self.cancelled[job]:
            return replace(self.jobs[job], status="Canceled")
        return replace(self.jobs[job], status=self.status_after(self.looks))

    def cancel(self, workspace: Workspace, job: str) -> None:
        self.cancelled[job] += 1

    def _score(self, job: BatchJob) -> None:
        lines = []
        for blob in self._hub.list(self._staging, f"{job.input_path}/"):
            rows = (self._hub.read(self._staging, blob.path) or b"").splitlines()[1:]
            lines += [f"{blob.path} {row.decode()} {self.predict(row.decode())}" for row in rows]
        kept = lines[: len(lines) - self.lose_rows]
        self._hub.create(self._staging, f"{job.output_path}/{job.overrides.output_file_name}", "\n".join(kept).encode())


class MemoryJobLogs:
    """*logs* by job: the content of each file."""

    def __init__(self) -> None:
        self.logs: dict[str, dict[str, bytes]] = {}
        self.fail_with: Exception | None = None

    def files(self, workspace: Workspace, job: str) -> tuple[LogFile, ...]:
        if self.fail_with:
            raise self.fail_with
        found = self.logs.get(job, {})
        return most_telling(tuple(LogFile(run=job, path=path, size=len(data)) for path, data in found.items()))

    def tail(self, workspace: Workspace, file: LogFile, most: int) -> bytes:
        return self.logs[file.run][file.path][-most:]

    def studio(self, workspace: Workspace, job: str) -> str:
        return f"https://ml.azure.com/runs/{job}?wsid=/{workspace.workspace}"


class MemoryAnnouncer:
    def __init__(self) -> None:
        self.events: list[tuple[str, str, dict[str, Any]]] = []

    def announce(self, event_id: str, kind: str, subject: str, data: Mapping[str, Any]) -> None:
        self.events.append((event_id, kind, dict(data)))

    @property
    def kinds(self) -> list[str]:
        return [kind for _, kind, _ in self.events]


class MemoryMessenger:
    """Drops what was sent before, as a topic with duplicate detection does; counts every attempt."""

    def __init__(self) -> None:
        self.sent: dict[str, Message] = {}
        self.attempts: Counter[str] = Counter()
        self.lose_next_answer = False

    def reach(self, topic: str) -> None:
        return

    def send(self, topic: str, message: Message) -> None:
        self.attempts[message.id] += 1
        self.sent.setdefault(message.id, message)
        if self.lose_next_answer:
            self.lose_next_answer = False
            raise Transient("the connection was lost after the message was sent")


class MemoryQueues:
    """What the queues gave up; *taken* counts what was taken out."""

    def __init__(self) -> None:
        self.doors: tuple[QueueDoor, ...] = ()
        self.letters: list[DeadMessage] = []
        self.taken: Counter[int] = Counter()

    def dead(self, door: QueueDoor, most: int) -> tuple[DeadMessage, ...]:
        return tuple(each for each in self.letters if each.door is door)[:most]

    def find_dead(self, door: QueueDoor, number: int) -> DeadMessage | None:
        return next((each for each in self.dead(door, 1000) if each.number == number), None)

    def take_out(self, door: QueueDoor, number: int) -> bool:
        found = self.find_dead(door, number)
        if found is None:
            return False
        self.letters.remove(found)
        self.taken[number] += 1
        return True


class RowChecks:
    """Fails a file that contains the word `bad`; counts lines below the header as rows."""

    def __init__(self, hub: MemoryHub) -> None:
        self._hub = hub

    def check(self, contract: str, files: Sequence[HubFile]) -> dict[str, Any]:
        contents = {file.name: self._hub.read(file.blob.container, file.blob.path) or b"" for file in files}
        bad = [name for name, data in contents.items() if b"bad" in data]
        rows = sum(len(data.splitlines()) - 1 for data in contents.values())
        outcome = "failed" if bad else "passed"
        return {"outcome": outcome, "rows": rows, "summary": [f"{name} is bad" for name in bad]}

    def contract(self, contract: str) -> tuple[DataContract, ReferenceProfile | None]:
        return DataContract(format="csv", columns=(Column(name="id", type="string"),), owner=contract), None

    def faults(self, contract: str, records: Sequence[Mapping[str, Any]]) -> tuple[tuple[str, ...], ...]:
        return tuple((f"x is {record['x']}",) if record.get("x") == "poison" else () for record in records)

    def match(self, contract: str, inputs: Sequence[HubFile], outputs: Sequence[HubFile]) -> RowMatch:
        contents = {file.name: self._hub.read(file.blob.container, file.blob.path) or b"" for file in outputs}
        return RowMatch(records={name: len(data.splitlines()) for name, data in contents.items()})

    def written(self, contract: str, records: Sequence[Mapping[str, Any]]) -> bytes:
        return "\n".join(["id,x", *(f"{record['id']},{record['x']}" for record in records), ""]).encode()


class HostClock:
    """Reads the host's own (virtual) clock."""

    def __init__(self) -> None:
        self.now: Callable[[], datetime] = lambda: datetime.now(UTC)


class NoEndpoints:
    """An Azure ML without endpoints: routes with a pin ask for none."""

    def find(self, workspace: Workspace, kind: EndpointKind, name: str) -> None:
        del workspace, kind, name

    def deployment(self, workspace: Workspace, kind: EndpointKind, endpoint: str, name: str) -> None:
        del workspace, kind, endpoint, name


class FakeClients(Clients):
    """The product's clients, all in memory."""

    def __init__(self, configuration: Configuration, now: Callable[[], datetime]) -> None:
        self.clock = HostClock()
        self.clock.now = now
        memory = MemoryHub(now)
        vars(self).update(
            configuration=_with_operator(configuration),
            identities=NamedPeople({}),
            dependencies={"hub": lambda: memory.find(configuration.hub.state, "readiness")},
            hub=memory,
            ledger=BlobLedger(memory, configuration.hub.state),
            jobs=MemoryJobs(memory, configuration.hub.staging),
            job_logs=MemoryJobLogs(),
            announcer=MemoryAnnouncer(),
            messenger=MemoryMessenger(),
            queues=MemoryQueues(),
            endpoints=NoEndpoints(),
            monitoring_set_up=MemoryQuotas(),
            data_checks=RowChecks(memory),
            project_functions=ProjectFunctionProcesses(Path()),
            internet_files=HttpsFiles(),
            signing=signing(),
            tree_heads=None,
        )

    @cached_property
    def callers(self) -> Callers:
        digest = hashlib.sha256(OPERATOR_KEY.encode()).hexdigest()
        return Callers(self.identities, self.configuration.permissions, {OPERATOR.name: digest})


def _with_operator(configuration: Configuration) -> Configuration:
    allowed = configuration.permissions
    known = Permissions(personas=allowed.personas, machines=(*allowed.machines, OPERATOR))
    return replace(configuration, permissions=known)
