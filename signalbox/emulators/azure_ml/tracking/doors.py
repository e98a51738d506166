"""The doors of MLflow's tracking REST, version 2.0: what a client logs on the runs that there are, and reads of them.

It makes no runs and no experiments, and keeps no artifacts.
"""

import re
from typing import Any

from aiohttp import web

from signalbox.emulators.azure_ml.doors import WORKSPACE, Entrance
from signalbox.emulators.azure_ml.tracking.history import History

_PARENT = re.compile(r"""tags\.[`"]?mlflow\.(?:parentRunId|rootRunId)[`"]?\s*=\s*['"]([^'"]+)['"]""")


class TrackingDoors:
    def __init__(self, entrance: Entrance, history: History) -> None:
        self._entrance, self._history = entrance, history

    def add_to(self, app: web.Application) -> None:
        for version in ("v1.0", "v2.0"):
            root = f"/mlflow/{version}{WORKSPACE}/api/2.0/mlflow/runs"
            app.router.add_get(f"{root}/get", self._get)
            app.router.add_post(f"{root}/search", self._search)
            app.router.add_post(f"{root}/update", self._update)
            app.router.add_post(f"{root}/log-batch", self._log_batch)
            app.router.add_post(f"{root}/log-metric", self._log_metric)
            app.router.add_post(f"{root}/set-tag", self._set_tag)

    async def _get(self, request: web.Request) -> web.Response:
        self._entrance.check_token(request)
        run = self._history.run(request.query.get("run_id", ""))
        return web.json_response({"run": run}) if run else _missing(request.query.get("run_id"))

    async def _search(self, request: web.Request) -> web.Response:
        """By parent; a search by anything else finds nothing here."""
        self._entrance.check_token(request)
        parent = _PARENT.search((await request.json()).get("filter") or "")
        return web.json_response({"runs": [*self._history.steps_of(parent[1])] if parent else []})

    async def _update(self, request: web.Request) -> web.Response:
        """A run's status is the service's own to set: the client only reads it."""
        self._entrance.check_token(request)
        run = (await request.json()).get("run_id")
        record = self._history.run(str(run))
        return web.json_response({"run_info": record["info"]}) if record else _missing(run)

    async def _log_batch(self, request: web.Request) -> web.Response:
        body = await request.json()
        return self._log(request, body, body.get("metrics") or [], body.get("tags") or [])

    async def _log_metric(self, request: web.Request) -> web.Response:
        body = await request.json()
        return self._log(request, body, [body], [])

    async def _set_tag(self, request: web.Request) -> web.Response:
        body = await request.json()
        return self._log(request, body, [], [body])

    def _log(
        self, request: web.Request, body: dict[str, Any], metrics: list[dict[str, Any]], tags: list[dict[str, Any]]
    ) -> web.Response:
        self._entrance.check_token(request)
        points = [{name: metric.get(name, 0) for name in ("key", "value", "timestamp", "step")} for metric in metrics]
        is_known = self._history.log(str(body.get("run_id")), points, {tag["key"]: str(tag["value"]) for tag in tags})
        return web.json_response({}) if is_known else _missing(body.get("run_id"))


def _missing(run: Any) -> web.Response:
    body = {"error_code": "RESOURCE_DOES_NOT_EXIST", "message": f"run {run} does not exist"}
    return web.json_response(body, status=404)
