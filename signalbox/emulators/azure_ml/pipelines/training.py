"""Training pipelines: their steps run as processes, one after another, from folders of storage into others."""

import asyncio
import contextlib
import os
import shutil
import signal
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from signalbox.emulators.azure_ml.assets.versions import AssetStore
from signalbox.emulators.azure_ml.blobs import Blobs
from signalbox.emulators.azure_ml.doors import Refusal
from signalbox.emulators.azure_ml.estate import Estate, Scope
from signalbox.emulators.azure_ml.jobs import JobError, Tell, now
from signalbox.emulators.azure_ml.pipelines.components import Step, arguments, bind, defaults, output_of, steps
from signalbox.emulators.azure_ml.pipelines.files import RunFiles, input_type, is_remote, output_paths
from signalbox.emulators.azure_ml.pipelines.specs import output_places
from signalbox.emulators.azure_ml.resources import Resources
from signalbox.emulators.azure_ml.tracking.artifacts import Artifacts
from signalbox.emulators.azure_ml.tracking.history import History

_TAIL = 600
_LOG_EVERY_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingSpec:
    """*workspace*, *component* and *published* (a GUID) are ids; *folders* and *outputs* are addresses by name.

    *inline* is the specification of a job that was put whole, which then has no component. *registered* has the
    name and the version of the assets that outputs become.
    """

    workspace: str
    component: str
    folders: Mapping[str, str]
    literals: Mapping[str, str]
    outputs: Mapping[str, str]
    endpoint: str = ""
    published: str = ""
    inline: Mapping[str, Any] | None = None
    registered: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One command of a run: *run* is the id under which it logs, which is that of *job* where it is the whole job."""

    job: str
    run: str
    name: str
    spec: Mapping[str, Any]
    inputs: Mapping[str, str]
    scope: Scope


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
        assets: AssetStore,
        addresses: Callable[[Scope], Mapping[str, str]],
    ) -> None:
        self._folder, self._resources, self._estate = folder, resources, estate
        self._history, self._artifacts, self._assets, self._addresses = history, artifacts, assets, addresses
        self._files = RunFiles(resources, estate, blobs)

    async def run(self, guid: str, raw: Mapping[str, Any], tell: Tell) -> None:
        training = TrainingSpec(**raw)
        scope, work = self._scope(training.workspace), self._folder / guid / "work"
        tell("Preparing")
        shutil.rmtree(work, ignore_errors=True)
        spec = self.specification(training, scope)
        folders = await asyncio.to_thread(self._files.fetch_all, training.folders, spec, scope, work / "inputs")
        tell("Running")
        inputs = {**defaults(spec), **training.literals, **folders}
        if spec.get("type") == "command":
            command = Command(job=guid, run=guid, name="std_log", spec=spec, inputs=inputs, scope=scope)
            results = await self._perform(command, work / "command")
        else:
            results = await self._steps(guid, spec, inputs, scope, training.outputs)
        tell("Finalizing")
        places = {**output_places(guid, spec, {}), **training.outputs}
        for name, path in results.items():
            await asyncio.to_thread(self._files.upload, path, places[name], scope)
        for name, asset in training.registered.items():
            self._register(scope, asset, spec["outputs"][name].get("type", "uri_folder"), f"{guid}/outputs/{name}")
        shutil.rmtree(work, ignore_errors=True)

    def specification(self, training: TrainingSpec, scope: Scope) -> Mapping[str, Any]:
        """What the run does: its own specification, or that of its component. Raises JobError."""
        return training.inline or self._component(training.component, scope)

    async def _steps(
        self, guid: str, spec: Mapping[str, Any], inputs: Mapping[str, str], scope: Scope, places: Mapping[str, str]
    ) -> dict[str, Path]:
        """The paths of the pipeline's own outputs."""
        step_outputs: dict[tuple[str, str], str] = {}
        results: dict[str, Path] = {}
        for step in steps(spec):
            await asyncio.to_thread(self._artifacts.keep_log, scope.id, guid, f"{now()} {step.name} starts\n")
            for name, path in (await self._step(guid, step, inputs, step_outputs, scope, places)).items():
                step_outputs[step.name, name] = str(path)
                results[output_of(step.outputs.get(name, ""))] = path
        return {name: path for name, path in results.items() if name}

    async def _step(
        self,
        guid: str,
        step: Step,
        parent_inputs: Mapping[str, str],
        step_outputs: Mapping[tuple[str, str], str],
        scope: Scope,
        places: Mapping[str, str],
    ) -> dict[str, Path]:
        """What the step has written, by the names of its outputs."""
        spec, folder = self._component(step.component, scope), self._folder / guid / "work" / step.name
        bound = {name: bind(value, parent_inputs, step_outputs) for name, value in step.inputs.items()}
        values = {name: value for name, value in bound.items() if value is not None}
        remote = {name: value for name, value in values.items() if is_remote(value, input_type(spec, name))}
        fetched = await asyncio.to_thread(self._files.fetch_all, remote, spec, scope, folder / "inputs")
        kept_outputs = {
            name: {"uri": places[output_of(value)], "type": spec["outputs"][name].get("type", "uri_folder")}
            for name, value in step.outputs.items()
            if output_of(value) in places
        }
        run = self._history.begin_step(guid, scope.id, step.name, kept_outputs)
        inputs = {**defaults(spec), **values, **fetched}
        command = Command(job=guid, run=run, name=step.name, spec=spec, inputs=inputs, scope=scope)
        status = "Canceled"
        try:
            results = await self._perform(command, folder)
            status = "Completed"
        except JobError:
            status = "Failed"
            raise
        finally:
            self._history.end_step(run, status)
        return results

    async def _perform(self, command: Command, folder: Path) -> dict[str, Path]:
        """Run the command in its code; what it has written, by the names of its outputs. Raises JobError."""
        spec = command.spec
        code = await asyncio.to_thread(self._files.fetch_code, spec, command.scope, folder / "code")
        outputs = output_paths(spec, folder / "outputs")
        words = arguments(spec["command"], command.inputs, {name: str(path) for name, path in outputs.items()})
        log = self._folder / command.job / "logs" / f"{command.name}.txt"
        environment = {
            **(spec.get("environmentVariables") or {}),
            **self._addresses(command.scope),
            **{"MLFLOW_RUN_ID": command.run, "AZUREML_RUN_ID": command.run, "AZUREML_ROOT_RUN_ID": command.job},
        }
        kept_log = (command.scope, command.run, log, "user_logs/std_log.txt")
        try:
            exit_code = await _execute(words, code, environment, log, partial(self._artifacts.keep_file, *kept_log))
        finally:
            await asyncio.to_thread(self._artifacts.keep_file, *kept_log)
        if exit_code:
            raise JobError(f"step {command.name} ended with code {exit_code}; its log ends: {_end(log)}")
        return outputs

    def _register(self, scope: Scope, asset: Mapping[str, str], kind: str, output: str) -> None:
        """Make the *output* of a job a version of an asset. Raises JobError."""
        try:
            self._assets.put_output(scope, asset["name"], asset["version"], kind, f"azureml://jobs/{output}")
        except Refusal as refusal:
            raise JobError(str(refusal)) from refusal

    def _component(self, reference: str, scope: Scope) -> dict[str, Any]:
        """The specification of a component version. Raises JobError."""
        path = self._estate.asset_id(reference, scope, "components")
        asset = self._resources.get(path)
        if asset is None:
            raise JobError(f"{path} does not exist")
        return dict(asset["properties"]["componentSpec"])

    def _scope(self, workspace: str) -> Scope:
        scope = self._estate.at(workspace)
        if scope is None:
            raise JobError(f"{workspace} does not exist")
        return scope


async def _execute(
    command: list[str], folder: Path, environment: Mapping[str, str], log: Path, keep_log: Callable[[], None]
) -> int:
    """The exit code; a cancelled wait kills the process and what it has started.

    While it runs, its log is kept again whenever it has grown, for those who follow it.
    """
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
        return await _followed(process, log, keep_log)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()


async def _followed(process: asyncio.subprocess.Process, log: Path, keep_log: Callable[[], None]) -> int:
    kept_size = 0
    while True:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LOG_EVERY_S):
                return await process.wait()
        if log.stat().st_size > kept_size:
            kept_size = log.stat().st_size
            await asyncio.to_thread(keep_log)


def _end(log: Path) -> str:
    return log.read_text(errors="replace")[-_TAIL:].strip()
