"""The doors of MLflow's tracking REST, version 2.0: experiments and runs, what is logged on them, and reads of them.

A job's own run has the job's status. Logged models are in `logged_models`; traces, and searches by anything but the
parent, are not served.
"""

import re
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from signalbox.emulators.azure_ml.doors import Entrance, Refusal
from signalbox.emulators.azure_ml.estate import Scope
from signalbox.emulators.azure_ml.tracking.answers import ROOTS, exists, missing
from signalbox.emulators.azure_ml.tracking.history import History
from signalbox.emulators.azure_ml.tracking.tracked import TrackedRuns

_PARENT = re.compile(r"""tags\.[`"]?mlflow\.(?:parentRunId|rootRunId)[`"]?\s*=\s*['"]([^'"]+)['"]""")


class TrackingDoors:
    def __init__(self, entrance: Entrance, history: History, tracked: TrackedRuns) -> None:
        self._entrance, self._history, self._tracked = entrance, history, tracked

    def add_to(self, app: web.Application) -> None:
        for root in ROOTS:
            runs, experiments = f"{root}/mlflow/runs", f"{root}/mlflow/experiments"
            app.router.add_post(f"{experiments}/create", self._create_experiment)
            app.router.add_get(f"{experiments}/get", self._get_experiment)
            app.router.add_get(f"{experiments}/get-by-name", self._get_experiment)
            app.router.add_post(f"{experiments}/search", self._search_experiments)
            app.router.add_post(f"{runs}/create", self._create)
            app.router.add_get(f"{runs}/get", self._get)
            app.router.add_post(f"{runs}/search", self._search)
            app.router.add_post(f"{runs}/update", self._update)
            app.router.add_post(f"{runs}/log-batch", self._log_batch)
            app.router.add_post(f"{runs}/log-metric", self._log_metric)
            app.router.add_post(f"{runs}/log-parameter", self._log_parameter)
            app.router.add_post(f"{runs}/set-tag", self._set_tag)
            app.router.add_get(f"{root}/mlflow/metrics/get-history", self._metric_history)

    async def _create_experiment(self, request: web.Request) -> web.Response:
        scope, name = self._scope(request), str((await request.json()).get("name"))
        identity = self._tracked.create_experiment(scope, name)
        return exists("experiment", name) if identity is None else web.json_response({"experiment_id": identity})

    async def _get_experiment(self, request: web.Request) -> web.Response:
        """By id or by name."""
        scope = self._scope(request)
        wanted_id, name = request.query.get("experiment_id"), request.query.get("experiment_name")
        for experiment in self._tracked.experiments(scope):
            if wanted_id == experiment["experiment_id"] or name == experiment["name"]:
                return web.json_response({"experiment": experiment})
        return missing("experiment", wanted_id or name)

    async def _search_experiments(self, request: web.Request) -> web.Response:
        return web.json_response({"experiments": self._tracked.experiments(self._scope(request))})

    async def _create(self, request: web.Request) -> web.Response:
        scope, body = self._scope(request), await request.json()
        tags = {tag["key"]: str(tag["value"]) for tag in body.get("tags") or []}
        name = body.get("run_name") or tags.get("mlflow.runName", "")
        run = self._tracked.create_run(scope, str(body.get("experiment_id")), name)
        self._history.log(run, [], tags)
        return web.json_response({"run": self._history.run(run)})

    async def _get(self, request: web.Request) -> web.Response:
        self._entrance.check_token(request)
        run = self._history.run(request.query.get("run_id", ""))
        return web.json_response({"run": run}) if run else missing("run", request.query.get("run_id"))

    async def _search(self, request: web.Request) -> web.Response:
        scope, body = self._scope(request), await request.json()
        text = body.get("filter") or ""
        parent = _PARENT.search(text)
        if parent:
            return web.json_response({"runs": [*self._history.steps_of(parent[1])]})
        if text:
            message = f"The local Azure ML searches runs by their parent or by nothing, not by {text}."
            raise Refusal(501, "NotImplemented", message)
        names = self._tracked.runs_of(scope, body.get("experiment_ids") or [])
        runs = [self._history.run(name) for name in names]
        return web.json_response({"runs": [run for run in runs if run is not None]})

    async def _update(self, request: web.Request) -> web.Response:
        """The status of a job's run is the service's own to set: the client only reads it."""
        self._entrance.check_token(request)
        body = await request.json()
        run = str(body.get("run_id"))
        self._tracked.end_run(run, str(body.get("status")), str(body.get("run_name") or ""))
        record = self._history.run(run)
        return web.json_response({"run_info": record["info"]}) if record else missing("run", run)

    async def _log_batch(self, request: web.Request) -> web.Response:
        body = await request.json()
        lists = {name: body.get(name) or [] for name in ("metrics", "tags", "params")}
        return self._log(request, body, **lists)

    async def _log_metric(self, request: web.Request) -> web.Response:
        body = await request.json()
        return self._log(request, body, metrics=[body])

    async def _log_parameter(self, request: web.Request) -> web.Response:
        body = await request.json()
        return self._log(request, body, params=[body])

    async def _set_tag(self, request: web.Request) -> web.Response:
        body = await request.json()
        return self._log(request, body, tags=[body])

    async def _metric_history(self, request: web.Request) -> web.Response:
        self._entrance.check_token(request)
        run, key = request.query.get("run_id", ""), request.query.get("metric_key", "")
        return web.json_response({"metrics": self._history.metric_points(run, key)})

    def _log(self, request: web.Request, body: Mapping[str, Any], **lists: list[dict[str, Any]]) -> web.Response:
        self._entrance.check_token(request)
        metrics = lists.get("metrics", [])
        points = [{name: metric.get(name, 0) for name in ("key", "value", "timestamp", "step")} for metric in metrics]
        tags, params = (
            {entry["key"]: str(entry["value"]) for entry in lists.get(kind, [])} for kind in ("tags", "params")
        )
        is_known = self._history.log(str(body.get("run_id")), points, tags, params)
        return web.json_response({}) if is_known else missing("run", body.get("run_id"))

    def _scope(self, request: web.Request) -> Scope:
        self._entrance.check_token(request)
        return self._entrance.workspace_within(request)
