"""The emulator's own doors, for demonstrations and tests: script a pipeline, run it as somebody, see what happened."""

from aiohttp import web

from signalbox.emulators.azure_devops.access import Gatehouse
from signalbox.emulators.azure_devops.runs import Runs
from signalbox.emulators.azure_devops.store import Store

_KINDS = ("run", "record", "approval", "call", "delivery", "log", "environment", "endpoint", "variablegroup", "check")


class ControlDoors:
    """Open to every process on this machine, as the other emulators' are; no secret is shown."""

    def __init__(self, gatehouse: Gatehouse, store: Store, runs: Runs) -> None:
        self._gatehouse, self._store, self._runs = gatehouse, store, runs

    def add_to(self, app: web.Application) -> None:
        app.router.add_post("/_control/pipelines", self._define)
        app.router.add_post("/_control/runs", self._run)
        app.router.add_get("/_control/runs/{run}", self._show)
        app.router.add_get("/_control/state", self._state)
        app.router.add_post("/_control/expire", self._expire)
        app.router.add_post("/_control/agent", self._set_up_agent)

    async def _define(self, request: web.Request) -> web.Response:
        """`{project, name, parameters, stages, plan_version}`; says the pipeline's id, the same for the same name."""
        body = await request.json()
        project = self._gatehouse.organisation.project(body["project"])
        assert project is not None, f"project {body['project']!r} is not in the organisation"
        existing = next(
            (pipeline for pipeline in self._store.all("pipeline") if pipeline["name"] == body["name"]), None
        )
        number = existing["id"] if existing else self._store.next_number("pipeline")
        self._store.put("pipeline", number, {**body, "project": project.id, "id": number})
        return web.json_response({"id": number, "project": project.id})

    async def _run(self, request: web.Request) -> web.Response:
        """`{pipeline, parameters, person}`: as the person's click on Run does."""
        body = await request.json()
        pipeline = self._store.get("pipeline", body["pipeline"])
        assert pipeline is not None, f"pipeline {body['pipeline']} is not defined"
        member = self._gatehouse.organisation.named(body["person"])
        return web.json_response(self._runs.create(pipeline, body.get("parameters", {}), member))

    async def _show(self, request: web.Request) -> web.Response:
        return web.json_response(self._runs.get(request.match_info["run"]))

    async def _set_up_agent(self, request: web.Request) -> web.Response:
        """`{sources, tools, variables}`: the one agent of this machine, which runs the steps of YAML files."""
        self._store.put("agent", "one", await request.json())
        return web.json_response({})

    async def _state(self, request: web.Request) -> web.Response:
        del request
        documents = {kind: self._store.all(kind) for kind in _KINDS}
        return web.json_response({**documents, "effects": self._store.effects()})

    async def _expire(self, request: web.Request) -> web.Response:
        """`{plan, answer}`: its job access tokens, as after 48 hours, and the status that answers them from now on."""
        body = await request.json()
        self._gatehouse.expire(body["plan"], body.get("answer", 401))
        return web.json_response({})
