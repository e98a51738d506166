"""Training pipelines: their steps run as processes, one after another, from folders of storage into others."""

import asyncio
import contextlib
import os
import shutil
import signal
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from signalbox.emulators.azure_ml.blobs import Blobs
from signalbox.emulators.azure_ml.estate import BLOB_STORE, Estate, Scope
from signalbox.emulators.azure_ml.jobs import JobError, Tell
from signalbox.emulators.azure_ml.pipelines.components import Step, arguments, bind, defaults, output_of, steps
from signalbox.emulators.azure_ml.resources import Resources
from signalbox.emulators.azure_ml.tracking.artifacts import Artifacts
from signalbox.emulators.azure_ml.tracking.history import History

_TAIL = 600


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingSpec:
    """*workspace*, *component* and *published* (a GUID) are ids; *folders* and *outputs* are addresses by name."""

    workspace: str
    component: str
    folders: Mapping[str, str]
    literals: Mapping[str, str]
    outputs: Mapping[str, str]
    endpoint: str = ""
    published: str = ""


class TrainingWork:
    """*folder* keeps each run's logs, a file for each step; *addresses* are what a step's MLflow client needs."""

    def __init__(
        self,
        folder: Path,
        resources: Resources,
        estate: Estate,
        blobs: Blobs,
        history: History,
        artifacts: Artifacts,
        addresses: Callable[[Scope], Mapping[str, str]],
    ) -> None:
        self._folder, self._resources, self._estate = folder, resources, estate
        self._blobs, self._history, self._artifacts, self._addresses = blobs, history, artifacts, addresses

    async def run(self, guid: str, raw: Mapping[str, Any], tell: Tell) -> None:
        training = TrainingSpec(**raw)
        scope, work = self._scope(training.workspace), self._folder / guid / "work"
        tell("Preparing")
        shutil.rmtree(work, ignore_errors=True)
        spec = self.component(training.component, scope)
        folders = await asyncio.to_thread(self._fetch, training.folders, scope, work / "inputs")
        tell("Running")
        results = await self._steps(guid, spec, {**defaults(spec), **training.literals, **folders}, scope)
        tell("Finalizing")
        for name, folder in results.items():
            uri = training.outputs.get(name) or f"azureml://datastores/{BLOB_STORE}/paths/azureml/{guid}/{name}/"
            await asyncio.to_thread(self._upload, folder, uri, scope)
        shutil.rmtree(work, ignore_errors=True)

    async def _steps(
        self, guid: str, spec: Mapping[str, Any], inputs: Mapping[str, str], scope: Scope
    ) -> dict[str, Path]:
        """The folders of the pipeline's own outputs."""
        step_outputs: dict[tuple[str, str], str] = {}
        results: dict[str, Path] = {}
        for step in steps(spec):
            for name, path in (await self._step(guid, step, inputs, step_outputs, scope)).items():
                step_outputs[step.name, name] = str(path)
                results[output_of(step.outputs.get(name, ""))] = path
        return {name: path for name, path in results.items() if name}

    def component(self, reference: str, scope: Scope) -> dict[str, Any]:
        """The specification of a component version. Raises JobError."""
        path = self._estate.asset_id(reference, scope, "components")
        asset = self._resources.get(path)
        if asset is None:
            raise JobError(f"{path} does not exist")
        return dict(asset["properties"]["componentSpec"])

    async def _step(
        self,
        guid: str,
        step: Step,
        parent_inputs: Mapping[str, str],
        step_outputs: Mapping[tuple[str, str], str],
        scope: Scope,
    ) -> dict[str, Path]:
        """The folders that the step has written, by the names of its outputs."""
        spec, folder = self.component(step.component, scope), self._folder / guid / "work" / step.name
        code = await asyncio.to_thread(self._fetch_code, spec, scope, folder / "code")
        outputs = {name: folder / "outputs" / name for name in spec.get("outputs") or {}}
        for path in outputs.values():
            path.mkdir(parents=True, exist_ok=True)
        step_inputs = {name: bind(value, parent_inputs, step_outputs) for name, value in step.inputs.items()}
        inputs = {**defaults(spec), **{name: value for name, value in step_inputs.items() if value is not None}}
        command = arguments(spec["command"], inputs, {name: str(path) for name, path in outputs.items()})
        await self._execute(guid, step.name, command, code, scope)
        return outputs

    async def _execute(self, guid: str, name: str, command: list[str], code: Path, scope: Scope) -> None:
        run, log = self._history.begin_step(guid, scope.id, name), self._folder / guid / "logs" / f"{name}.txt"
        own = {"MLFLOW_RUN_ID": run, "AZUREML_RUN_ID": run, "AZUREML_ROOT_RUN_ID": guid}
        status = "Canceled"
        try:
            exit_code = await _execute(command, code, {**self._addresses(scope), **own}, log)
            status = "Failed" if exit_code else "Completed"
        finally:
            await asyncio.to_thread(self._artifacts.keep_file, scope, run, log, "user_logs/std_log.txt")
            self._history.end_step(run, status)
        if exit_code:
            raise JobError(f"step {name} ended with code {exit_code}; its log ends: {_end(log)}")

    def _fetch(self, folders: Mapping[str, str], scope: Scope, target: Path) -> dict[str, str]:
        for name, uri in folders.items():
            if not self._blobs.download(self._estate.place_of(uri, scope), target / name):
                raise JobError(f"the input {name} at {uri} holds no file")
        return {name: str(target / name) for name in folders}

    def _fetch_code(self, spec: Mapping[str, Any], scope: Scope, target: Path) -> Path:
        target.mkdir(parents=True)
        if spec.get("code"):
            path = self._estate.asset_id(spec["code"], scope, "codes")
            asset = self._resources.get(path)
            if asset is None:
                raise JobError(f"{path} does not exist")
            self._blobs.download(self._estate.place_of(asset["properties"]["codeUri"], scope), target)
        return target

    def _upload(self, folder: Path, uri: str, scope: Scope) -> None:
        location = self._estate.place_of(uri, scope)
        for file in sorted(path for path in folder.rglob("*") if path.is_file()):
            self._blobs.upload(location.below(file.relative_to(folder).as_posix()), file, overwrite=True)

    def _scope(self, workspace: str) -> Scope:
        scope = self._estate.at(workspace)
        if scope is None:
            raise JobError(f"{workspace} does not exist")
        return scope


async def _execute(command: list[str], folder: Path, environment: Mapping[str, str], log: Path) -> int:
    """The exit code; a cancelled wait kills the process and what it has started."""
    log.parent.mkdir(parents=True, exist_ok=True)
    path = os.pathsep.join([str(Path(__file__).parents[4]), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
    with log.open("ab") as stream:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "signalbox.emulators.azure_ml.pipelines.step", *command),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=stream,
            stderr=stream,
            cwd=folder,
            env={**os.environ, "PYTHONPATH": path, "PYTHONUNBUFFERED": "1", **environment},
            start_new_session=True,
        )
    try:
        return await process.wait()
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()


def _end(log: Path) -> str:
    return log.read_text(errors="replace")[-_TAIL:].strip()
