"""Jobs of batch endpoints and of pipelines: kept in the store, run a few at a time, resumed after a restart."""

import asyncio
import contextlib
import uuid
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol

from azure.core.exceptions import AzureError

from signalbox.emulators.azure_ml.estate import Scope
from signalbox.emulators.azure_ml.faults import FaultBox
from signalbox.emulators.azure_ml.resources import Resources

_AT_ONCE = 2
_FINAL = {"Completed", "Failed", "Canceled"}
Tell = Callable[[str], None]


class JobError(Exception):
    """The job cannot go on; the message is the job's error."""


class Work(Protocol):
    async def run(self, guid: str, raw: Mapping[str, Any], tell: Tell) -> None:
        """Do the job that *raw* specifies and *tell* its statuses. Raises JobError."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class NewJob:
    """*kind* names the work; *spec* has at least `workspace` (ARM id) and `endpoint`; *name* is the caller's."""

    kind: str
    spec: Mapping[str, Any]
    friendly: str = ""
    name: str = ""
    properties: Mapping[str, Any] = field(default_factory=dict)


class JobQueue:
    """Each kind of work has slots of its own."""

    def __init__(
        self,
        resources: Resources,
        faults: FaultBox,
        works: Mapping[str, Work],
        keep_log: Callable[[str, str, str], None],
    ) -> None:
        """*keep_log* is given a workspace, a job and the text of the job's own log, and blocks."""
        self._resources, self._faults, self._works, self._keep_log = resources, faults, works, keep_log
        self._slots = {kind: asyncio.Semaphore(_AT_ONCE) for kind in works}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self.creations: Counter[str] = Counter(
            job["properties"]["displayName"] for job in resources.children("/jobs-by-guid")
        )

    def submit(self, new: NewJob) -> dict[str, Any]:
        guid = new.name or str(uuid.uuid4())
        friendly = new.friendly or new.name or f"batchjob-{guid}"
        properties = {"tags": {}, "properties": {}, **new.properties}
        job = {
            "id": f"{new.spec['workspace']}/jobs/{guid}",
            "name": guid,
            "properties": {"jobType": "Pipeline", **properties, "displayName": friendly, "status": "NotStarted"},
            "kind": new.kind,
            "spec": dict(new.spec),
            "times": {"created": now()},
        }
        self._resources.put_all({f"/jobs-by-guid/{guid}": job, f"/jobs-by-name/{friendly}": {"guid": guid}})
        self.creations[friendly] += 1
        self._start(guid)
        return job

    def find(self, name: str) -> dict[str, Any] | None:
        """By GUID or by friendly name."""
        named_job = self._resources.get(f"/jobs-by-name/{name}")
        return self._resources.get(f"/jobs-by-guid/{named_job['guid'] if named_job else name}")

    def named(self, guid: str) -> dict[str, Any] | None:
        """By GUID, or by the name that its caller gave it, alone."""
        return self._resources.get(f"/jobs-by-guid/{guid}")

    def change(self, guid: str, changes: Mapping[str, Any]) -> dict[str, Any]:
        """The job with other properties of those that may change while it runs and afterwards."""
        job = self._job(guid)
        job["properties"] |= changes
        self._resources.put(f"/jobs-by-guid/{guid}", job)
        return job

    def of_workspace(self, workspace: Scope, endpoint: str = "") -> list[dict[str, Any]]:
        """Newest first; only those of *endpoint*, if one is given."""
        jobs = self._resources.children("/jobs-by-guid")
        own = [job for job in jobs if job["spec"]["workspace"].lower() == workspace.id.lower()]
        return [job for job in own if endpoint.lower() in ("", job["spec"]["endpoint"].lower())]

    def cancel(self, name: str) -> bool:
        """False where there is no such job; a finished one stays as it is."""
        job = self.find(name)
        if job is None:
            return False
        if job["properties"]["status"] not in _FINAL:
            self._set(job["name"], "CancelRequested")
            task = self._tasks.get(job["name"])
            if task:
                task.cancel()
            else:
                self._set(job["name"], "Canceled")
        return True

    def resume(self) -> None:
        """Start again what a restart interrupted."""
        for job in self._resources.children("/jobs-by-guid"):
            if job["properties"]["status"] == "CancelRequested":
                self._set(job["name"], "Canceled")
            elif job["properties"]["status"] not in _FINAL:
                self._start(job["name"])

    async def stop(self) -> None:
        tasks = list(self._tasks.values())
        self._tasks.clear()  # The tasks are stopped and the jobs are not cancelled: they go on after the restart.
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _start(self, guid: str) -> None:
        self._tasks[guid] = asyncio.create_task(self._run(guid))

    async def _run(self, guid: str) -> None:
        try:
            async with self._slots[self._job(guid).get("kind", "scoring")]:
                await self._work(guid)
        except asyncio.CancelledError:
            if guid in self._tasks:
                self._set(guid, "Canceled")
        except KeyError as error:
            await self._fail(guid, f"the deployment or one of its assets has no {error}")
        except (JobError, AzureError, ValueError, OSError) as error:
            await self._fail(guid, str(error))
        finally:
            self._tasks.pop(guid, None)

    async def _work(self, guid: str) -> None:
        job = self._job(guid)
        self._set(guid, "Queued")
        mode = self._faults.job_mode(job["properties"]["displayName"])
        if mode == "fail":
            raise JobError("asked to fail by a test")
        if mode == "hang":
            self._set(guid, "Running")
            await asyncio.Event().wait()
        await self._works[job.get("kind", "scoring")].run(guid, job["spec"], lambda status: self._set(guid, status))
        if mode == "fail-late":
            raise JobError("asked to fail at its end by a test")
        self._set(guid, "Completed")

    async def _fail(self, guid: str, error: str) -> None:
        """Write the log before the status: a client that sees the failure reads the log at once."""
        with contextlib.suppress(AzureError, OSError):  # A job can fail because its storage does.
            await asyncio.to_thread(self._keep_log, self._job(guid)["spec"]["workspace"], guid, f"{error}\n")
        self._set(guid, "Failed", error)

    def _job(self, guid: str) -> dict[str, Any]:
        job = self._resources.get(f"/jobs-by-guid/{guid}")
        assert job is not None
        return job

    def _set(self, guid: str, status: str, error: str = "") -> None:
        job = self._job(guid)
        job["properties"]["status"] = status
        times = job.setdefault("times", {})
        if status == "Running":
            times.setdefault("started", now())
        if status in _FINAL:
            times["ended"] = now()
        if error:
            job["properties"]["error"] = {"message": error[:1000]}
        self._resources.put(f"/jobs-by-guid/{guid}", job)


def now() -> str:
    return datetime.now(UTC).isoformat()
