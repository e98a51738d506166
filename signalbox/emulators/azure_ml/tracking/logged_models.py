"""The doors of MLflow 3 for logged models: what `log_model` makes, before anything is registered."""

import re
import time
from typing import Any
from uuid import uuid4

from aiohttp import web

from signalbox.emulators.azure_ml.doors import Entrance, Refusal
from signalbox.emulators.azure_ml.estate import ARTIFACT_STORE
from signalbox.emulators.azure_ml.resources import Resources
from signalbox.emulators.azure_ml.tracking.answers import ROOTS, missing

_OF_RUN = re.compile(r"""source_run_id\s*=\s*['"]([^'"]+)['"]""")


class LoggedModelDoors:
    def __init__(self, entrance: Entrance, resources: Resources) -> None:
        self._entrance, self._resources = entrance, resources

    def add_to(self, app: web.Application) -> None:
        for root in ROOTS:
            models = f"{root}/mlflow/logged-models"
            app.router.add_post(models, self._create)
            app.router.add_post(f"{models}/search", self._search)
            app.router.add_get(f"{models}/{{model}}", self._show)
            app.router.add_patch(f"{models}/{{model}}", self._finish)
            app.router.add_post(f"{models}/{{model}}/params", self._add)
            app.router.add_patch(f"{models}/{{model}}/tags", self._add)
            app.router.add_post(f"{root}/mlflow/runs/outputs", self._note)

    async def _create(self, request: web.Request) -> web.Response:
        self._entrance.check_token(request)
        body, now = await request.json(), int(time.time() * 1000)
        identity = f"m-{uuid4().hex}"
        info = {
            "model_id": identity,
            "experiment_id": body.get("experiment_id"),
            "name": body.get("name") or identity,
            "creation_timestamp_ms": now,
            "last_updated_timestamp_ms": now,
            "artifact_uri": f"mlflow-artifacts:/{ARTIFACT_STORE}/LoggedModels/{identity}",
            "status": "LOGGED_MODEL_PENDING",
            "model_type": body.get("model_type") or "",
            "source_run_id": body.get("source_run_id") or "",
            "tags": body.get("tags") or [],
        }
        return self._keep({"info": info, "data": {"params": body.get("params") or [], "metrics": []}})

    async def _show(self, request: web.Request) -> web.Response:
        model = self._model(request)
        return web.json_response({"model": model}) if model else _no_model(request)

    async def _search(self, request: web.Request) -> web.Response:
        """Those of experiments, and of one run where the filter names it."""
        self._entrance.check_token(request)
        body = await request.json()
        text = body.get("filter") or ""
        of_run = _OF_RUN.search(text)
        if text and not of_run:
            raise Refusal(501, "NotImplemented", f"The local Azure ML searches logged models by run, not by {text}.")
        models = [
            model
            for model in self._resources.children("/logged-models")
            if model["info"]["experiment_id"] in (body.get("experiment_ids") or [])
            and (not of_run or model["info"]["source_run_id"] == of_run[1])
        ]
        return web.json_response({"models": models})

    async def _finish(self, request: web.Request) -> web.Response:
        model, body = self._model(request), await request.json()
        if model is None:
            return _no_model(request)
        model["info"] |= {"status": body.get("status"), "last_updated_timestamp_ms": int(time.time() * 1000)}
        return self._keep(model)

    async def _add(self, request: web.Request) -> web.Response:
        """Parameters and tags."""
        model, body = self._model(request), await request.json()
        if model is None:
            return _no_model(request)
        model["data"]["params"] += body.get("params") or []
        model["info"]["tags"] += body.get("tags") or []
        return self._keep(model)

    async def _note(self, request: web.Request) -> web.Response:
        """Which models a run has made; the models themselves name their run."""
        self._entrance.check_token(request)
        return web.json_response({})

    def _model(self, request: web.Request) -> dict[str, Any] | None:
        self._entrance.check_token(request)
        return self._resources.get(f"/logged-models/{request.match_info['model']}")

    def _keep(self, model: dict[str, Any]) -> web.Response:
        self._resources.put(f"/logged-models/{model['info']['model_id']}", model)
        return web.json_response({"model": model})


def _no_model(request: web.Request) -> web.Response:
    return missing("logged model", request.match_info["model"])
