"""Batch scoring: a job's input folder through the deployment's script into one output file."""

import asyncio
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from signalbox.emulators.azure_ml.batch import generated_script
from signalbox.emulators.azure_ml.batch.workers import WorkerPool
from signalbox.emulators.azure_ml.blobs import Blobs
from signalbox.emulators.azure_ml.estate import BLOB_STORE, Estate, Place, Scope
from signalbox.emulators.azure_ml.jobs import JobError, Tell
from signalbox.emulators.azure_ml.resources import Resources
from signalbox.emulators.azure_ml.tracking.artifacts import Artifacts
from signalbox.emulators.azure_ml.tracking.history import History


@dataclass(frozen=True, slots=True, kw_only=True)
class JobSpec:
    """What a job needs; *workspace* and *deployment* are ARM ids, times are seconds."""

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


class BatchWork:
    """*folder* keeps each job's work and logs; the one step of a job, `batchscoring`, is a run of its own."""

    def __init__(
        self,
        folder: Path,
        resources: Resources,
        estate: Estate,
        blobs: Blobs,
        history: History,
        artifacts: Artifacts,
    ) -> None:
        self._folder, self._resources, self._estate = folder, resources, estate
        self._blobs, self._history, self._artifacts = blobs, history, artifacts

    async def run(self, guid: str, raw: Mapping[str, Any], tell: Tell) -> None:
        spec, folder = JobSpec(**raw), self._folder / guid
        tell("Running")
        shutil.rmtree(folder / "work", ignore_errors=True)
        result = await self._step(spec, guid, folder)
        tell("Finalizing")
        await self._write_output(spec, guid, result)
        shutil.rmtree(folder / "work", ignore_errors=True)

    async def _step(self, spec: JobSpec, guid: str, folder: Path) -> Path:
        """The scored rows; what the step logged is kept, however it ends."""
        uri = spec.output_uri or f"azureml://datastores/{BLOB_STORE}/paths/azureml/{guid}/score"
        outputs = {"score": {"uri": uri, "type": "uri_folder"}}
        step, status = self._history.begin_step(guid, spec.workspace, "batchscoring", outputs), "Canceled"
        shutil.rmtree(folder / "artifacts", ignore_errors=True)
        try:
            result = await self._score(spec, folder)
            status = "Completed"
        except JobError:
            status = "Failed"
            raise
        finally:
            await asyncio.to_thread(self._artifacts.keep, self._scope(spec), step, folder / "artifacts")
            self._history.end_step(step, status)
        return result

    async def _write_output(self, spec: JobSpec, guid: str, result: Path) -> None:
        """A job that was killed while it wrote, or before it said so, may find its own output there."""
        has_begun = self._resources.get(f"/begun-outputs/{guid}") is not None
        self._resources.put(f"/begun-outputs/{guid}", {})
        await asyncio.to_thread(self._blobs.upload, self._output(spec, guid), result, overwrite=has_begun)

    async def _score(self, spec: JobSpec, folder: Path) -> Path:
        work = folder / "work"
        files = await asyncio.to_thread(self._blobs.download, self._place(spec, spec.input_uri), work / "input")
        if not files:
            raise JobError(f"the input {spec.input_uri} holds no file")
        model, script = await asyncio.to_thread(self._fetch_model, spec, work)
        batches = [files[at : at + spec.mini_batch_size] for at in range(0, len(files), spec.mini_batch_size)]
        pool = WorkerPool(model, script, folder / "artifacts" / "logs", spec.timeout_s)
        return await pool.score(
            batches, work / "output", spec.workers, max_retries=spec.max_retries, error_threshold=spec.error_threshold
        )

    def _fetch_model(self, spec: JobSpec, work: Path) -> tuple[Path, Path]:
        """The model's folder and the scoring script, downloaded."""
        deployment = self._must(spec.deployment)["properties"]
        model = self._asset(spec, deployment["model"], "models")
        self._blobs.download(self._place(spec, model["modelUri"]), work / "model")
        configuration = deployment.get("codeConfiguration")
        if not configuration:  # Only an MLflow model can be deployed like this.
            return work / "model", Path(generated_script.__file__)
        code = self._asset(spec, configuration["codeId"], "codes")
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
            raise JobError(f"{spec.workspace} does not exist")
        return scope

    def _output(self, spec: JobSpec, guid: str) -> Place:
        """The one output file: where the output's address names a file, there; else in that folder."""
        uri = spec.output_uri or f"azureml://datastores/{BLOB_STORE}/paths/azureml/{guid}/score"
        location = self._place(spec, uri)
        if location.path.endswith(f"/{spec.output_file}"):
            return location
        return replace(location, path=f"{location.path.rstrip('/')}/{spec.output_file}")

    def _must(self, path: str) -> dict[str, Any]:
        resource = self._resources.get(path)
        if resource is None:
            raise JobError(f"{path} does not exist")
        return resource
