"""The processes behind online deployments: one each, started again when it dies, with its log kept."""

import asyncio
import contextlib
import json
import os
import shutil
import signal
import sys
from pathlib import Path
from typing import Any

from signalbox.emulators.azure_ml.blobs import Blobs
from signalbox.emulators.azure_ml.estate import Estate
from signalbox.emulators.azure_ml.resources import Resources

_WORKER = "signalbox.emulators.azure_ml.online_worker"
_START_WITHIN_S, _ANSWER_WITHIN_S = 60.0, 30.0


class ServingError(Exception):
    """The deployment cannot serve; the message ends with its log."""


class OnlineServer:
    """One deployment's process; requests are answered one after the other, as one instance with one worker does."""

    def __init__(self, model: Path, script: Path | None, log: Path) -> None:
        self._model, self._script, self.log = model, script, log
        self._process: asyncio.subprocess.Process | None = None
        self._turn = asyncio.Lock()

    async def ask(self, body: str) -> dict[str, Any]:
        """{"ok": bool, "body": ...}. Raises ServingError where the process does not start or dies over the request."""
        async with self._turn, asyncio.timeout(_START_WITHIN_S + _ANSWER_WITHIN_S):
            process = await self.ready()
            assert process.stdin is not None
            assert process.stdout is not None
            with contextlib.suppress(ConnectionError):  # A process that has ended answers with an empty line below.
                process.stdin.write(json.dumps({"body": body}).encode() + b"\n")
                await process.stdin.drain()
            line = await process.stdout.readline()
            if not line:
                await self.end()
                raise ServingError(f"the worker died over the request; its log ends: {self.tail()}")
            return dict(json.loads(line))

    async def ready(self) -> asyncio.subprocess.Process:
        """The running process, started if need be. Raises ServingError."""
        if self._process is not None and self._process.returncode is None:
            return self._process
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-Pm",
                _WORKER,
                *([str(self._script)] if self._script else []),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                limit=64 * 1024**2,
                env={**os.environ, "AZUREML_MODEL_DIR": str(self._model)},
                start_new_session=True,
            )
        assert self._process.stdout is not None
        if not await self._process.stdout.readline():
            await self.end()
            raise ServingError(f"the scoring script did not start; its log ends: {self.tail()}")
        return self._process

    async def end(self) -> None:
        process, self._process = self._process, None
        if process is not None and process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()

    def tail(self, length: int = 600) -> str:
        return self.log.read_text(errors="replace")[-length:] if self.log.is_file() else ""


class OnlineServers:
    """The servers of all deployments; files come from the workspaces' storage when a server is first needed."""

    def __init__(self, folder: Path, resources: Resources, estate: Estate, blobs: Blobs) -> None:
        self._folder, self._resources, self._estate, self._blobs = folder, resources, estate, blobs
        self._servers: dict[str, OnlineServer] = {}
        self._making = asyncio.Lock()

    async def of(self, path: str) -> OnlineServer:
        """The server of the deployment at *path*. Raises ServingError, KeyError and ValueError for a wrong one."""
        async with self._making:
            if path.lower() not in self._servers:
                self._servers[path.lower()] = await asyncio.to_thread(self._make, path)
        return self._servers[path.lower()]

    async def drop(self, path: str) -> None:
        server = self._servers.pop(path.lower(), None)
        if server is not None:
            await server.end()
        await asyncio.to_thread(shutil.rmtree, self._files(path), ignore_errors=True)

    async def stop(self) -> None:
        for server in self._servers.values():
            await server.end()

    def log(self, path: str) -> str:
        log = self._files(path) / "log.txt"
        return log.read_text(errors="replace") if log.is_file() else ""

    def _make(self, path: str) -> OnlineServer:
        scope, properties = self._estate.at(path), self._must(path)["properties"]
        if scope is None:
            raise ServingError(f"{path} does not exist")
        folder = self._files(path)
        shutil.rmtree(folder / "model", ignore_errors=True)
        model = self._must(self._estate.asset_id(properties["model"], scope, "models"))["properties"]
        self._blobs.download(self._estate.place_of(model["modelUri"], scope), folder / "model")
        configuration = properties.get("codeConfiguration")
        if not configuration:
            if model.get("modelType") != "mlflow_model":
                raise ServingError("codeConfiguration is missing: only MLflow models are served without code")
            return OnlineServer(folder / "model", None, folder / "log.txt")
        code = self._must(self._estate.asset_id(configuration["codeId"], scope, "codes"))["properties"]
        self._blobs.download(self._estate.place_of(code["codeUri"], scope), folder / "code")
        return OnlineServer(folder / "model", folder / "code" / configuration["scoringScript"], folder / "log.txt")

    def _must(self, path: str) -> dict[str, Any]:
        found = self._resources.get(path)
        if found is None:
            raise ServingError(f"{path} does not exist")
        return found

    def _files(self, path: str) -> Path:
        return self._folder / path.lower().strip("/").replace("/", "_")[-180:]
