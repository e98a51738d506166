"""The processes behind online deployments: brought up from their assets, kept, and restarted when they die."""

import asyncio
import hashlib
import shutil
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from azure.core.exceptions import AzureError

from signalbox.emulators.azure_ml.batch.scoring import seconds
from signalbox.emulators.azure_ml.blobs import Blobs
from signalbox.emulators.azure_ml.doors import not_found
from signalbox.emulators.azure_ml.estate import Estate, Place, Scope
from signalbox.emulators.azure_ml.online import worker
from signalbox.emulators.azure_ml.online.conditions import Conditions
from signalbox.emulators.azure_ml.operations import Operations
from signalbox.emulators.azure_ml.process import Ended, LineProcess, NotStarted
from signalbox.emulators.azure_ml.resources import Resources
from signalbox.emulators.clock import EmulatorClock

_START_S = 120.0
_REQUEST_S = "PT5S"  # The service's own default for a request's time.


@dataclass(slots=True, kw_only=True)
class _Server:
    process: LineProcess
    timeout_s: float
    lock: asyncio.Lock


class Fleet:
    """*folder* keeps the files and logs of each deployment; its process runs while the emulator does."""

    def __init__(
        self,
        folder: Path,
        resources: Resources,
        estate: Estate,
        blobs: Blobs,
        operations: Operations,
        conditions: Conditions,
        clock: EmulatorClock,
    ) -> None:
        self._folder, self._resources, self._estate = folder, resources, estate
        self._blobs, self._operations = blobs, operations
        self._conditions, self._clock = conditions, clock
        self._servers: dict[str, _Server] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def deploy(self, path: str) -> str:
        """Begin to bring up the deployment at *path*; the operation that tells how it ended."""
        operation = self._operations.begin("deploy", {"path": path})
        self._start(self._bring_up(path, operation))
        return operation

    def scale(self, path: str) -> str:
        """Begin to have as many instances as the deployment says; the operation, which may end before they serve."""
        due = self._clock.now() + self._conditions.pace.scale_s
        work = {"path": path, "due": due, "late_s": self._conditions.pace.late_s}
        operation = self._operations.begin("scale", work)
        self._start(self._rescale(work, operation))
        return operation

    def instances(self, path: str) -> int:
        """How many instances serve now; they share one process on one machine."""
        record = self._resources.get(f"/instances{path}")
        return int(record["count"]) if record else 1

    def resume(self) -> None:
        """Start the deployments that served before the restart, and go on with those that were being started."""
        for _, record in self._resources.below("/serving"):
            self._servers[record["path"].lower()] = self._server(record["path"], Path(record["files"]))
            self._start(self._warm(record["path"]))
        for operation, work in self._operations.unfinished("deploy"):
            self._start(self._bring_up(work["path"], operation))
        for operation, work in self._operations.unfinished("scale"):
            self._start(self._rescale(work, operation))
        for _, work in self._resources.below("/instances-to-come"):
            self._start(self._arrive(work))

    async def stop(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for server in self._servers.values():
            await server.process.end()

    def serves(self, path: str) -> bool:
        return path.lower() in self._servers

    async def score(self, path: str, data: str) -> dict[str, Any]:
        """The script's answer. Raises TimeoutError, and Ended where a fresh process died of it too."""
        server = self._servers[path.lower()]
        async with server.lock, self._ending_late(server):
            try:
                return await self._ask(server, data)
            except Ended:
                await server.process.end()
                return await self._ask(server, data)

    async def crash(self, path: str) -> None:
        """The deployment's process dies; the next request starts another one."""
        await self._servers[path.lower()].process.end()

    async def remove(self, path: str) -> None:
        """Remove the deployment with its process and files."""
        for kind in ("serving", "instances", "instances-to-come"):
            self._resources.delete(f"/{kind}{path}")
        server = self._servers.pop(path.lower(), None)
        if server is not None:
            await _end(server)
        shutil.rmtree(self._home(path), ignore_errors=True)

    def logs(self, path: str, lines: int) -> str:
        log = self._home(path) / "log.txt"
        text = log.read_text(errors="replace") if log.is_file() else ""
        return "\n".join(text.splitlines()[-lines:])

    async def _ask(self, server: _Server, data: str) -> dict[str, Any]:
        await server.process.start()
        async with asyncio.timeout(server.timeout_s):
            return await server.process.ask({"data": data})

    @asynccontextmanager
    async def _ending_late(self, server: _Server) -> AsyncIterator[None]:
        """A process that did not answer in time, or was left waiting, would answer the next question wrongly."""
        try:
            yield
        except (TimeoutError, asyncio.CancelledError, Ended):
            await server.process.end()
            raise

    async def _bring_up(self, path: str, operation: str) -> None:
        # A folder of its own for each attempt: the version before serves from its files until the new one takes over.
        files = self._home(path) / uuid4().hex
        try:
            await asyncio.to_thread(self._fetch, path, files)
            server = self._server(path, files)
            async with asyncio.timeout(_START_S):
                await server.process.start()
            await self._clock.sleep_until(self._clock.now() + self._conditions.pace.deployment_s)
        except TimeoutError:
            self._finish(path, operation, f"the scoring script was not ready after {_START_S:.0f} s")
        except (NotStarted, AzureError, ValueError, KeyError, OSError) as error:
            self._finish(path, operation, str(error))
        else:
            await self._take_over(path, operation, files, server)

    async def _rescale(self, work: Mapping[str, Any], operation: str) -> None:
        await self._clock.sleep_until(work["due"])
        path, deployment = work["path"], self._resources.get(work["path"])
        if deployment is None:
            self._operations.end(operation, f"{path} was deleted meanwhile")
            return
        capacity = deployment["sku"]["capacity"]
        late_s = work["late_s"] if capacity > self.instances(path) else 0.0
        arrival = {"path": path, "count": capacity, "due": work["due"] + late_s}
        self._resources.put(f"/instances-to-come{path}", arrival)
        self._start(self._arrive(arrival))
        self._finish(path, operation, "")

    async def _arrive(self, arrival: Mapping[str, Any]) -> None:
        """Let the instances serve once they have come, unless another number was asked for meanwhile."""
        await self._clock.sleep_until(arrival["due"])
        path = arrival["path"]
        if self._resources.get(f"/instances-to-come{path}") == arrival:
            self._resources.put(f"/instances{path}", {"count": arrival["count"]})
            self._resources.delete(f"/instances-to-come{path}")

    async def _take_over(self, path: str, operation: str, files: Path, server: _Server) -> None:
        """Let the new process answer from now on, and end the previous one."""
        before, deployment = self._servers.get(path.lower()), self._resources.get(path)
        if deployment is None:
            await server.process.end()
            self._operations.end(operation, f"{path} was deleted meanwhile")
            return
        self._servers[path.lower()] = server
        self._resources.put(f"/serving{path}", {"path": path, "files": str(files)})
        self._resources.put(f"/instances{path}", {"count": deployment["sku"]["capacity"]})
        self._finish(path, operation, "")
        # Last, so that no request in between finds nobody.
        if before is not None:
            await _end(before)

    def _finish(self, path: str, operation: str, error: str) -> None:
        deployment = self._resources.get(path)
        if deployment is not None:
            deployment["properties"]["provisioningState"] = "Failed" if error else "Succeeded"
            self._resources.put(path, deployment)
        self._operations.end(operation, error)

    def _fetch(self, path: str, files: Path) -> None:
        """The model below its folder's own name, as in the service, and the code."""
        properties, scope = self._deployment(path), self._scope(path)
        model = self._content(properties["model"], scope, "models", "modelUri")
        name = model.path.rstrip("/").rpartition("/")[2]
        if not self._blobs.download(model, files / "model" / name):
            raise ValueError(f"the model {properties['model']} holds no blob")
        code = (properties.get("codeConfiguration") or {}).get("codeId")
        if code:
            self._blobs.download(self._content(code, scope, "codes", "codeUri"), files / "code")

    def _content(self, reference: Any, scope: Scope, kind: str, field: str) -> Place:
        path = self._estate.asset_id(reference, scope, kind)
        asset = self._resources.get(path)
        if asset is None:
            raise ValueError(f"{path} does not exist")
        return self._estate.place_of(asset["properties"][field], self._scope(path))

    def _server(self, path: str, files: Path) -> _Server:
        properties = self._deployment(path)
        code = properties.get("codeConfiguration") or {}
        script = files / "code" / code["scoringScript"] if code.get("scoringScript") else None
        variables = properties.get("environmentVariables") or {}
        environment = {
            **variables,
            "AZUREML_MODEL_DIR": str(files / "model"),
            "AZUREML_ENTRY_SCRIPT": str(script or ""),
        }
        log = self._home(path) / "log.txt"
        log.parent.mkdir(parents=True, exist_ok=True)
        timeout = properties["requestSettings"].get("requestTimeout") or _REQUEST_S
        process = LineProcess(worker.main, [script], environment, log)
        return _Server(process=process, timeout_s=seconds(timeout), lock=asyncio.Lock())

    async def _warm(self, path: str) -> None:
        server = self._servers[path.lower()]
        async with server.lock:
            try:
                await server.process.start()
            except NotStarted:
                await server.process.end()  # The next request tries again, and is told why it fails.

    def _start(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _home(self, path: str) -> Path:
        return self._folder / hashlib.sha256(path.lower().encode()).hexdigest()[:24]

    def _deployment(self, path: str) -> dict[str, Any]:
        deployment = self._resources.get(path)
        if deployment is None:
            raise not_found(path)
        return dict(deployment["properties"])

    def _scope(self, path: str) -> Scope:
        scope = self._estate.at(path)
        if scope is None:
            raise ValueError(f"{path} is in no workspace or registry")
        return scope


async def _end(server: _Server) -> None:
    """End a server that gets no more requests, once those that it has are answered: else they would start it again."""
    async with server.lock:
        await server.process.end()
