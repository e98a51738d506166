"""The doors of run history: what `jobs.stream`, `jobs.download` and changes of a job's tags ask for.

Shapes: Azure ML's run history REST API v1.0, as azure-ai-ml calls it.
"""

import asyncio
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from signalbox.emulators.azure_ml.blobs import Blobs
from signalbox.emulators.azure_ml.doors import WORKSPACE, Entrance, not_found
from signalbox.emulators.azure_ml.estate import Scope
from signalbox.emulators.azure_ml.jobs import JobQueue
from signalbox.emulators.azure_ml.tracking.artifacts import Artifacts
from signalbox.emulators.azure_ml.tracking.history import History

_LOGS = ("user_logs/", "logs/")
_FIELDS = {"displayName": "displayName", "description": "description", "tags": "tags", "hidden": "isArchived"}


class RunHistoryDoors:
    def __init__(
        self, entrance: Entrance, jobs: JobQueue, history: History, artifacts: Artifacts, blobs: Blobs
    ) -> None:
        self._entrance, self._jobs, self._history = entrance, jobs, history
        self._artifacts, self._blobs = artifacts, blobs

    def add_to(self, app: web.Application) -> None:
        root = f"/history/v1.0{WORKSPACE}"
        app.router.add_get(f"{root}/runs/{{run}}", self._show)
        app.router.add_get(f"{root}/runs/{{run}}/details", self._details)
        app.router.add_get(f"{root}/runs/{{run}}/children", self._children)
        app.router.add_post(f"{root}/rundata", self._data)
        app.router.add_patch(f"{root}/experiments/{{experiment}}/runs/{{run}}", self._patch)
        app.router.add_post(f"/data/v1.0{WORKSPACE}/dataversion/batchGetResolvedUris", self._resolve)

    async def _show(self, request: web.Request) -> web.Response:
        return web.json_response(_run(self._record(request)))

    async def _details(self, request: web.Request) -> web.Response:
        record, scope = self._record(request), self._scope(request)
        files = await asyncio.to_thread(self._log_files, scope, record["id"])
        return web.json_response(_run(record) | {"logFiles": files, "warnings": []})

    async def _children(self, request: web.Request) -> web.Response:
        record = self._record(request)
        return web.json_response({"value": [_run(step) for step in self._history.step_records(record["id"])]})

    async def _data(self, request: web.Request) -> web.Response:
        body = await request.json()
        record = self._record(request, str(body.get("runId")))
        return web.json_response({"runMetadata": _run(record)})

    async def _patch(self, request: web.Request) -> web.Response:
        record, body = self._record(request), await request.json()
        changes = {own: body[name] for name, own in _FIELDS.items() if body.get(name) is not None}
        self._jobs.change(record["id"], changes)
        return web.json_response(_run(self._record(request)))

    async def _resolve(self, request: web.Request) -> web.Response:
        """The addresses of outputs, by the asset ids that `_run` gives them."""
        self._entrance.check_token(request)
        places = {}
        for asset in (await request.json()).get("values") or []:
            run, _, output = str(asset).rpartition("/versions/")[0].rpartition("/data/")[2].partition("_output_")
            record = self._history.record(run.removeprefix("azureml_"))
            if record is not None and output in record["outputs"]:
                place = record["outputs"][output]
                places[asset] = {"uri": place["uri"], "type": place["type"]}
        return web.json_response({"values": places})

    def _record(self, request: web.Request, run: str = "") -> dict[str, Any]:
        self._entrance.check_token(request)
        name = run or request.match_info["run"]
        record = self._history.record(name)
        if record is None:
            raise not_found(f"run {name}")
        return record

    def _scope(self, request: web.Request) -> Scope:
        return self._entrance.workspace_within(request)

    def _log_files(self, scope: Scope, run: str) -> dict[str, str]:
        """A signed address for each log, by its path. Blocks."""
        place = self._artifacts.place(scope, run, "")
        names = [name for name in self._blobs.names(place) if name.startswith(_LOGS)]
        return {name: self._blobs.signed_file(place.below(name)) for name in names}


def _run(record: Mapping[str, Any]) -> dict[str, Any]:
    identity, times = record["id"], record["times"]
    error = {"error": {"error": {"code": "UserError", "message": record["error"]}}} if record["error"] else {}
    outputs = {
        name: {"assetId": f"azureml://data/azureml_{identity}_output_{name}/versions/1", "type": place["type"]}
        for name, place in record["outputs"].items()
    }
    return {
        "runId": identity,
        "rootRunId": record["root"],
        "parentRunId": record["parent"],
        "displayName": record["name"],
        "description": record["description"],
        "experimentId": record["experiment"],
        "status": record["status"],
        "createdUtc": times.get("created") or times.get("started"),
        "startTimeUtc": times.get("started"),
        "endTimeUtc": times.get("ended"),
        "tags": record["tags"],
        "properties": record["properties"],
        "hidden": record["hidden"],
        "outputs": outputs,
        **error,
    }
