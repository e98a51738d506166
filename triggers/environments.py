"""Which environments a request concerns, for the permission matrix; the central registry is called `registry`."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from shared.clients import Clients
from shared.domain import records
from shared.domain.schedules import Target

REGISTRY = "registry"


def of(inside: str, clients: Clients, arguments: Mapping[str, Any]) -> tuple[str, ...]:
    """By the way that a door names. Nothing where what is named is not there: its function will say so."""
    return _WAYS[inside](clients, arguments)


def _of_run(clients: Clients, arguments: Mapping[str, Any]) -> tuple[str, ...]:
    raw = clients.hub.read(clients.configuration.hub.state, records.run_record(arguments["run"]))
    return () if raw is None else (str(json.loads(raw)["inference"]["route"]["score"]["workspace"]["name"]),)


def _of_route(clients: Clients, arguments: Mapping[str, Any]) -> tuple[str, ...]:
    wanted = arguments["body"].route
    return tuple(each.score.workspace.name for each in clients.configuration.routes if each.name == wanted)


def _of_path(clients: Clients, arguments: Mapping[str, Any]) -> tuple[str, ...]:
    """Those of every route that takes the file."""
    path, routes = arguments["body"].path, clients.configuration.routes
    found = {each.score.workspace.name for each in routes if each.captures(path) is not None or each.marked(path)}
    return tuple(sorted(found))


def _of_stage(clients: Clients, arguments: Mapping[str, Any]) -> tuple[str, ...]:
    found = [stage for stage in clients.configuration.ladder.stages if stage.name == arguments["body"].to]
    return tuple(stage.environment.name if stage.environment else REGISTRY for stage in found)


def _of_schedule(clients: Clients, arguments: Mapping[str, Any]) -> tuple[str, ...]:
    """That of the route it scores, or of the pipeline that it makes retrain."""
    configuration, wanted = clients.configuration, arguments["schedule"]
    of = {(each.target, each.of) for each in configuration.schedules if each.name == wanted}
    routes = {route.score.workspace.name for route in configuration.routes if (Target.SCORE, route.name) in of}
    models = {each.pipeline.workspace.name for each in configuration.retraining if (Target.RETRAIN, each.model) in of}
    return tuple(sorted(routes | models))


def _of_environment(clients: Clients, arguments: Mapping[str, Any]) -> tuple[str, ...]:
    del clients
    return (str(arguments["body"].environment),)


def _of_retraining(clients: Clients, arguments: Mapping[str, Any]) -> tuple[str, ...]:
    raw = clients.hub.read(clients.configuration.hub.state, records.retraining_part(arguments["run"], "claim.json"))
    return () if raw is None else (str(json.loads(raw)["request"]["rules"]["pipeline"]["workspace"]["name"]),)


def _of_model(clients: Clients, arguments: Mapping[str, Any]) -> tuple[str, ...]:
    """Where its pipeline runs and registers."""
    wanted = arguments["model"]
    return tuple(each.pipeline.workspace.name for each in clients.configuration.retraining if each.model == wanted)


_WAYS: dict[str, Callable[[Clients, Mapping[str, Any]], tuple[str, ...]]] = {
    "run": _of_run,
    "route": _of_route,
    "path": _of_path,
    "stage": _of_stage,
    "schedule": _of_schedule,
    "environment": _of_environment,
    "model": _of_model,
    "retraining": _of_retraining,
}
WAYS = frozenset(_WAYS)
