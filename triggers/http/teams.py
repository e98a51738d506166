"""Whose the thing is that a request names, where teams share the app. Every route of the table names the way to it.

A caller with a role of a team gets the same answer for what another team has and for what nobody has. Where a request
names nothing, either the handler leaves out what is outside the caller's scope (IN_SCOPE), or the route is for the
platform's roles alone (PLATFORM_ONLY).
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, cast

from shared.application.teams import owners
from shared.clients import Clients
from shared.domain.access.callers import Caller
from shared.domain.access.permissions import Action
from shared.domain.configuration import Configuration
from shared.domain.datasets.sources import read_asset
from shared.domain.devops.orders import OrderKind
from shared.domain.teams.ownership import PLATFORM, WHOLE, Belonging, Scope
from shared.domain.teams.views import (
    configuration_seen_by,
    owner_of_endpoint,
    owner_of_folder,
    owner_of_path,
)
from shared.durable.starting import Client
from triggers.http.api_route import IN_SCOPE, PLATFORM_ONLY, ApiRoute
from triggers.http.exchange.problems import Problem, outside_scope
from triggers.http.named_resources import CHECK_FILES

_Owner = str | None  # A team; PLATFORM; or None where nothing has that name.
# The parameters that name what may be at work before there is a record of it.
_STARTED = {
    "run": "run",
    "promotion": "promotion",
    "retraining": "run",
    "check": "check",
    "operation": "operation",
    "import": "name",
}


class ClientsOfScope:
    """The worker's clients, with the configuration as a caller may see it."""

    def __init__(self, clients: Clients, configuration: Configuration) -> None:
        self._clients, self.configuration = clients, configuration

    def __getattr__(self, name: str) -> Any:
        return getattr(self._clients, name)


def clients_seen_by(clients: Clients, scope: Scope, owner: str = PLATFORM) -> Clients:
    """*clients* with the configuration that is inside *scope*, or only what *owner* has, where the request names it.

    Nothing outside can be named, listed or started with them.
    """
    scope = Scope(teams=frozenset({owner})) if owner else scope
    if scope.whole:
        return clients
    configuration = configuration_seen_by(clients.configuration, scope)
    return cast(Clients, ClientsOfScope(clients, configuration))


def scope_of(clients: Clients, caller: Caller, action: Action) -> Scope:
    """What *caller* may do *action* with. Without teams there is nothing to keep apart."""
    configuration = clients.configuration
    return configuration.permissions.scope(caller, action) if configuration.teams else WHOLE


def is_open_to(route: ApiRoute, clients: Clients, caller: Caller) -> bool:
    """Whether there is anything with which *caller* may do what *route* does."""
    if not clients.configuration.permissions.allows_somewhere(caller, route.may):
        return False
    return route.team != PLATFORM_ONLY or scope_of(clients, caller, route.may).whole


async def owner_in_scope(
    route: ApiRoute, clients: Clients, client: Client, scope: Scope, arguments: Mapping[str, Any]
) -> str:
    """The team that owns what the request names; PLATFORM where it names nothing.

    Raises Problem where that is outside *scope*.
    """
    if not clients.configuration.teams or route.may is Action.ANYONE:
        return PLATFORM
    if route.team == PLATFORM_ONLY and not scope.whole:
        detail = f"it concerns every team, so that {route.may.value} takes a role of the platform"
        raise Problem(403, "not allowed", detail)
    if route.team in (PLATFORM_ONLY, IN_SCOPE):
        return PLATFORM
    owner = await asyncio.to_thread(_WAYS[route.team], clients, arguments)
    name = _instance(route.team, arguments)
    if owner is None and name:
        owner = await owners.owner_of_instance(clients.configuration, clients.store, client, name)
    if not scope.whole and (owner is None or not scope.covers(owner)):
        raise outside_scope()
    return owner or PLATFORM


def _instance(way: str, arguments: Mapping[str, Any]) -> str:
    """What the orchestration is called that may be at work before a record says whose it is; its input does."""
    if way in ("follow", "task"):
        return _followed(arguments)
    return str(arguments[_STARTED[way]]) if way in _STARTED else ""


def _of_run(clients: Clients, arguments: Mapping[str, Any]) -> _Owner:
    return owners.owner_of_run(clients.configuration, clients.store, arguments["run"])


def _of_promotion(clients: Clients, arguments: Mapping[str, Any]) -> _Owner:
    return owners.owner_of_promotion(clients.configuration, clients.store, arguments["promotion"])


def _of_training(clients: Clients, arguments: Mapping[str, Any]) -> _Owner:
    return owners.owner_of_training(clients.configuration, clients.store, arguments["run"])


def _of_follow(clients: Clients, arguments: Mapping[str, Any]) -> _Owner:
    return owners.owner_of_named(clients.configuration, clients.store, _followed(arguments))


def _followed(arguments: Mapping[str, Any]) -> str:
    return str(arguments.get("name") or getattr(arguments.get("body"), "follow", ""))


def _of_operation(clients: Clients, arguments: Mapping[str, Any]) -> _Owner:
    return owners.owner_of_named(clients.configuration, clients.store, arguments["operation"])


def _of_import(clients: Clients, arguments: Mapping[str, Any]) -> _Owner:
    return owners.owner_of_import(clients.configuration, clients.store, arguments["name"])


def _of_check(clients: Clients, arguments: Mapping[str, Any]) -> _Owner:
    """Only the input of the check says its route: once the host has forgotten it, only the platform sees the report."""
    del clients, arguments
    return None


def _of_held_part(clients: Clients, arguments: Mapping[str, Any]) -> _Owner:
    return owners.owner_of_held_part(clients.configuration, clients.store, arguments["part"])


def _of_model(clients: Clients, arguments: Mapping[str, Any]) -> _Owner:
    """The one team whose models are named, in the path or in the body, as NAME or NAME:VERSION.

    The data and the stage that are named beside them must belong to the same team.
    """
    body, configuration = arguments.get("body"), clients.configuration
    names = (
        [arguments["model"]] if arguments.get("model") else [getattr(body, "model", ""), *getattr(body, "models", ())]
    )
    models = {str(name).partition(":")[0] for name in names if name}
    owners_of_models = {configuration.team_of(Belonging.MODEL, model) for model in models}
    owner = owners_of_models.pop() if len(owners_of_models) == 1 else PLATFORM
    data, stage = getattr(body, "data", ""), _stage_in(body)
    if data and _of_place(clients, data, owner) != owner:
        return PLATFORM
    is_stage = any(own.name == stage for own in configuration.ladder.stages)
    return owner if not is_stage or configuration.team_of(Belonging.STAGE, stage) == owner else PLATFORM


def _stage_in(body: Any) -> str:
    """The stage that a promotion leads to, or that a rollback is of; `to` of a rollback is a version."""
    return str(getattr(body, "stage", "") or getattr(body, "to", "") or "")


def _of_schedule(clients: Clients, arguments: Mapping[str, Any]) -> _Owner:
    return clients.configuration.team_of(Belonging.SCHEDULE, arguments["schedule"])


def _of_route(clients: Clients, arguments: Mapping[str, Any]) -> _Owner:
    """The team whose route it is, if every file that is named beside it is the team's, too."""
    body = arguments["body"]
    owner = clients.configuration.team_of(Belonging.ROUTE, body.route)
    files = (*getattr(body, "paths", ()), *filter(None, (getattr(body, "path", ""),)))
    asset = read_asset(getattr(body, "source", ""))
    if asset is not None and not _of_asset(clients.configuration, asset.name) <= {owner}:
        return PLATFORM
    return owner if all(_of_place(clients, file, owner) == owner for file in files) else PLATFORM


def _of_asset(configuration: Configuration, name: str) -> set[str]:
    """Who registers versions of the data asset *name*, of a data set, of what arrives or of training data.

    The platform's data sets are for every team.
    """
    datasets = {
        configuration.team_of(Belonging.DATASET, rules.name) for rules in configuration.datasets if rules.name == name
    }
    arriving = {
        configuration.team_of(Belonging.ROUTE, route.name)
        for route in configuration.routes
        if route.input_asset == name
    }
    training = {
        configuration.team_of(Belonging.MODEL, rules.model)
        for rules in configuration.retraining
        if name in {f"{rules.model}-{data.name}" for data in rules.data}
    }
    return (datasets - {PLATFORM}) | arriving | training


def _of_dataset(clients: Clients, arguments: Mapping[str, Any]) -> _Owner:
    """The team whose data set it is, if everything that a new version is said to be made from is the team's, too.

    A version of the platform's may be among it.
    """
    configuration, body = clients.configuration, arguments.get("body")
    owner = configuration.team_of(Belonging.DATASET, arguments["dataset"] if body is None else body.name)
    if body is None:
        return owner
    files_are_own = all(_of_place(clients, place, owner) == owner for place in (body.folder, *body.files))
    runs_are_own = all(owners.owner_of_named(configuration, clients.store, run) == owner for run in body.runs)
    platform_sets = {
        rules.name for rules in configuration.datasets if not configuration.team_of(Belonging.DATASET, rules.name)
    }
    versions_are_own = all(
        name in platform_sets or configuration.team_of(Belonging.DATASET, name) == owner
        for name in (version.partition("@")[0] for version in body.versions)
    )
    return owner if files_are_own and runs_are_own and versions_are_own else PLATFORM


def _of_path(clients: Clients, arguments: Mapping[str, Any]) -> _Owner:
    place = arguments["body"].path
    names = (team.name for team in clients.configuration.teams)
    return next((name for name in names if _of_place(clients, place, name) == name), PLATFORM)


def _of_place(clients: Clients, place: str, team: str) -> str:
    """Whose the file (or with / at its end the folder) at *place* is: the arrivals of a team, or files that it has put
    into its own folder of staging to have them checked."""
    configuration = clients.configuration
    if team and place.startswith(f"{configuration.hub.staging}/{CHECK_FILES}{team}/"):
        return team
    find_owner = owner_of_folder if place.endswith("/") else owner_of_path
    return find_owner(configuration, place)


def _of_endpoint(clients: Clients, arguments: Mapping[str, Any]) -> _Owner:
    return owner_of_endpoint(clients.configuration, arguments["environment"], arguments["endpoint"])


def _of_task(clients: Clients, arguments: Mapping[str, Any]) -> _Owner:
    """Whose it is what the task asks to start or to follow."""
    body = arguments["body"]
    way = _TASK_WAYS.get(body.start or OrderKind.FOLLOW)
    return PLATFORM if way is None else _WAYS[way](clients, {"body": body, "model": body.model})


_TASK_WAYS = {
    OrderKind.PROMOTION: "model",
    OrderKind.INFERENCE: "path",
    OrderKind.DATA_CHECK: "route",
    OrderKind.RETRAINING: "model",
    OrderKind.ROLLBACK: "model",
    OrderKind.FOLLOW: "follow",
}
_WAYS: dict[str, Callable[[Clients, Mapping[str, Any]], _Owner]] = {
    "run": _of_run,
    "promotion": _of_promotion,
    "retraining": _of_training,
    "follow": _of_follow,
    "operation": _of_operation,
    "import": _of_import,
    "check": _of_check,
    "held part": _of_held_part,
    "model": _of_model,
    "schedule": _of_schedule,
    "route": _of_route,
    "dataset": _of_dataset,
    "path": _of_path,
    "endpoint": _of_endpoint,
    "task": _of_task,
}
TEAM_WAYS = frozenset(_WAYS)
