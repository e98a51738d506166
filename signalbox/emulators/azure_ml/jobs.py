"""Batch scoring jobs: kept in the store, run one or two at a time, resumed after a restart."""

import asyncio
import shutil
import uuid
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from azure.core.exceptions import AzureError

from signalbox.emulators.azure_ml.blobs import Blobs
from signalbox.emulators.azure_ml.estate import BLOB_STORE, Estate, Place, Scope
from signalbox.emulators.azure_ml.faults import FaultBox
from signalbox.emulators.azure_ml.resources import Resources
from signalbox.emulators.azure_ml.workers import ScoringError, WorkerPool

_AT_ONCE = 2
_FINAL = {"Completed", "Failed", "Canceled"}


@dataclass(frozen=True, slots=True, kw_only=True)
class JobSpec:
    """What a job needs; *workspace* and *deployment* are ARM ids, times are seconds."""

    friendly: str
    workspace: str
    endpoint: str
    deployment: str
    input_uri: str
    output_uri: str
    output_file: str
    mini_batch_size: int
    error_threshold: int
    workers: int
    max_retries: int
    timeout_s: float
    properties: Mapping[str, str] = field(default_factory=dict)


class JobQueue:
    """*folder* keeps each job's work and logs."""

    def __init__(self, folder: Path, resources: Resources, estate: Estate, blobs: Blobs, faults: FaultBox) -> None:
        self._folder, self._resources, self._faults = folder, resources, faults
        self._estate, self._blobs = estate, blobs
        self._slots = asyncio.Semaphore(_AT_ONCE)
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self.created: Counter[str] = Counter(
            job["properties"]["displayName"] for job in resources.children("/jobs-by-guid")
        )

    def submit(self, spec: JobSpec) -> dict[str, Any]:
        guid = str(uuid.uuid4())
        friendly = spec.friendly or f"batchjob-{guid}"
        job = {
            "id": f"{spec.workspace}/jobs/{guid}",
            "name": guid,
            "properties": {
                "displayName": friendly,
                "status": "NotStarted",
                "jobType": "Pipeline",
                "tags": {},
                "properties": dict(spec.properties),
            },
            "systemData": {"createdAt": datetime.now(UTC).isoformat()},
            "spec": asdict(spec),
        }
        self._resources.put_all({f"/jobs-by-guid/{guid}": job, f"/jobs-by-name/{friendly}": {"guid": guid}})
        self.created[friendly] += 1
        self._start(guid)
        return job

    def find(self, name: str) -> dict[str, Any] | None:
        """By GUID or by friendly name."""
        known = self._resources.get(f"/jobs-by-name/{name}")
        return self._resources.get(f"/jobs-by-guid/{known['guid'] if known else name}")

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
        self._tasks.clear()  # Stopped, not cancelled: the jobs go on after the restart.
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _start(self, guid: str) -> None:
        self._tasks[guid] = asyncio.create_task(self._run(guid))

    async def _run(self, guid: str) -> None:
        try:
            async with self._slots:
                await self._work(guid)
        except asyncio.CancelledError:
            if guid in self._tasks:
                self._set(guid, "Canceled")
        except KeyError as error:
            self._set(guid, "Failed", f"the deployment or one of its assets has no {error}")
        except (ScoringError, AzureError, ValueError, OSError) as error:
            self._set(guid, "Failed", str(error))
        finally:
            self._tasks.pop(guid, None)

    async def _work(self, guid: str) -> None:
        job = self._job(guid)
        spec = JobSpec(**job["spec"])
        self._set(guid, "Queued")
        mode = self._faults.job_mode(job["properties"]["displayName"])
        if mode == "fail":
            raise ScoringError("asked to fail by a test")
        self._set(guid, "Running")
        if mode == "hang":
            await asyncio.Event().wait()
        folder = self._folder / guid
        shutil.rmtree(folder / "work", ignore_errors=True)
        result = await self._score(spec, folder)
        self._set(guid, "Finalizing")
        await self._write_output(spec, guid, result)
        shutil.rmtree(folder / "work", ignore_errors=True)
        self._set(guid, "Completed")

    async def _write_output(self, spec: JobSpec, guid: str, result: Path) -> None:
        """A job that was killed while it wrote, or before it said so, may find its own output there."""
        begun = self._job(guid).get("outputBegun", False)
        self._resources.put(f"/jobs-by-guid/{guid}", self._job(guid) | {"outputBegun": True})
        await asyncio.to_thread(self._blobs.upload, self._output(spec, guid), result, again=begun)

    async def _score(self, spec: JobSpec, folder: Path) -> Path:
        work = folder / "work"
        files = await asyncio.to_thread(self._blobs.download, self._place(spec, spec.input_uri), work / "input")
        if not files:
            raise ScoringError(f"the input {spec.input_uri} holds no file")
        model, script = await asyncio.to_thread(self._fetch_model, spec, work)
        batches = [files[at : at + spec.mini_batch_size] for at in range(0, len(files), spec.mini_batch_size)]
        pool = WorkerPool(model, script, folder / "logs", spec.timeout_s)
        return await pool.score(
            batches, work / "output", spec.workers, max_retries=spec.max_retries, error_threshold=spec.error_threshold
        )

    def _fetch_model(self, spec: JobSpec, work: Path) -> tuple[Path, Path]:
        """The model's folder and the scoring script, downloaded."""
        deployment = self._must(spec.deployment)["properties"]
        model = self._asset(spec, deployment["model"], "models")
        configuration = deployment["codeConfiguration"]
        code = self._asset(spec, configuration["codeId"], "codes")
        self._blobs.download(self._place(spec, model["modelUri"]), work / "model")
        self._blobs.download(self._place(spec, code["codeUri"]), work / "code")
        return work / "model", work / "code" / configuration["scoringScript"]

    def _asset(self, spec: JobSpec, reference: Any, kind: str) -> dict[str, Any]:
        path = self._estate.asset_id(reference, self._scope(spec), kind)
        return dict(self._must(path)["properties"])

    def _place(self, spec: JobSpec, uri: str) -> Place:
        return self._estate.place_of(uri, self._scope(spec))

    def _scope(self, spec: JobSpec) -> Scope:
        scope = self._estate.at(spec.workspace)
        if scope is None:
            raise ScoringError(f"{spec.workspace} does not exist")
        return scope

    def _output(self, spec: JobSpec, guid: str) -> Place:
        """The one output file: where the output's address names a file, there; else in that folder."""
        uri = spec.output_uri or f"azureml://datastores/{BLOB_STORE}/paths/azureml/{guid}/score"
        place = self._place(spec, uri)
        if place.path.endswith(f"/{spec.output_file}"):
            return place
        return replace(place, path=f"{place.path.rstrip('/')}/{spec.output_file}")

    def _must(self, path: str) -> dict[str, Any]:
        found = self._resources.get(path)
        if found is None:
            raise ScoringError(f"{path} does not exist")
        return found

    def _job(self, guid: str) -> dict[str, Any]:
        job = self._resources.get(f"/jobs-by-guid/{guid}")
        assert job is not None
        return job

    def _set(self, guid: str, status: str, error: str = "") -> None:
        job = self._job(guid)
        job["properties"]["status"] = status
        if error:
            job["properties"]["error"] = {"message": error[:1000]}
        self._resources.put(f"/jobs-by-guid/{guid}", job)
