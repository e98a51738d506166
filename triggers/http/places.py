"""In which places a request would act: environments, or `registry` for the central one; and who may act there.

Every route names the way to its places. Where a request has none, a permission that is limited to some places is no
permission.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from shared import contracts as c
from shared.application.promotion.standing import asking, glass_stage
from shared.application.promotion.stored_plans import unverified_opening
from shared.clients import Clients
from shared.domain.access.callers import Caller
from shared.domain.access.permissions import Action
from shared.domain.devops.orders import OrderKind
from shared.domain.paths.patterns import fixed_prefix, match
from shared.domain.promotion.ladder import Stage
from shared.domain.promotion.plans import Phase
from shared.domain.schedules.due_times import Target
from shared.domain.teams.ownership import PLATFORM
from shared.records.inference import find_run
from shared.records.production.answers import HeldPart, held_path
from shared.records.promotion import decisions, find_promotion
from shared.records.retraining import find_claim
from triggers.http.api_route import WHOLE_APP
from triggers.http.exchange.problems import Problem

# By the kind of order of an Azure DevOps task: how the places are found in which its start would act.
TASK_WAYS = {
    OrderKind.PROMOTION: "stage",
    OrderKind.INFERENCE: "path",
    OrderKind.DATA_CHECK: "route",
    OrderKind.RETRAINING: "model",
    OrderKind.ROLLBACK: "production",
    OrderKind.FOLLOW: "follow",
}


def places_of(way: str, clients: Clients, arguments: Mapping[str, Any]) -> tuple[str, ...]:
    """The places by the *way* that a route names; none where they cannot be told."""
    return () if way == WHOLE_APP else _WAYS[way](clients, arguments)


def require(
    clients: Clients, caller: Caller, action: Action, way: str, arguments: Mapping[str, Any], team: str = PLATFORM
) -> None:
    """Raises Problem unless *caller* may do *action* in every place that the request concerns, for *team*."""
    permissions = clients.configuration.permissions
    for place in places_of(way, clients, arguments) or ("",):
        if not permissions.allows(caller, action, place, team):
            scope = f"in {place}" if place else "where its place is the whole app or cannot be told"
            roles = permissions.who_may(action, place, team)
            raise Problem(403, "not allowed", f"{caller.name} may not {action.value} {scope}; these may: {roles}")


def allowed_teams(
    clients: Clients,
    caller: Caller,
    action: Action,
    way: str,
    arguments: Mapping[str, Any],
    teams: Iterable[str],
) -> frozenset[str]:
    """Those of *teams* for which `require` passes. Raises Problem where it passes for none."""
    refusal, allowed = None, set[str]()
    for team in teams:
        try:
            require(clients, caller, action, way, arguments, team)
        except Problem as problem:
            refusal = problem
        else:
            allowed.add(team)
    if refusal is not None and not allowed:
        raise refusal
    return frozenset(allowed)


def _of_run(clients: Clients, arguments: Mapping[str, Any]) -> tuple[str, ...]:
    record = find_run(clients.store, arguments["run"])
    return () if record is None else (record.inference.route.score.workspace.name,)


def _of_held_part(clients: Clients, arguments: Mapping[str, Any]) -> tuple[str, ...]:
    """The environment whose endpoint gave the answers."""
    hold = clients.store.get(HeldPart, held_path(arguments["part"]))
    return () if hold is None else (hold.environment,)


def _of_reprocessing(clients: Clients, arguments: Mapping[str, Any]) -> tuple[str, ...]:
    """The environments in which the run scored and in which its route would score today."""
    record = find_run(clients.store, arguments["run"])
    name = record.inference.route.name if record else ""
    today = {route.score.workspace.name for route in clients.configuration.routes if route.name == name}
    return tuple(sorted({*_of_run(clients, arguments), *today}))


def _of_route(clients: Clients, arguments: Mapping[str, Any]) -> tuple[str, ...]:
    name = arguments["body"].route
    return tuple(route.score.workspace.name for route in clients.configuration.routes if route.name == name)


def _of_import(clients: Clients, arguments: Mapping[str, Any]) -> tuple[str, ...]:
    """The environments of the route, of every other one that takes what lands, and of pipelines that learn from it."""
    path, configuration = arguments["body"].path, clients.configuration
    takes = [(route.take, route.score.workspace) for route in configuration.routes]
    takes += [(data.take, rules.pipeline.workspace) for rules in configuration.retraining for data in rules.data]
    places = {workspace.name for take, workspace in takes if _may_take(take, path)}
    return tuple(sorted({*_of_route(clients, arguments), *_of_path(clients, arguments), *places}))


def _may_take(take: str, path: str) -> bool:
    """Whether *take* fits *path*, or may fit what lies in it where it is a folder: its files are not known yet."""
    start = fixed_prefix(take)
    if path.endswith("/"):
        return start.startswith(path) or path.startswith(start)
    return match(take, path) is not None


def _of_dataset(clients: Clients, arguments: Mapping[str, Any]) -> tuple[str, ...]:
    """The environments that register the data set; none for a name that is not configured."""
    name, datasets = arguments["body"].name, clients.configuration.datasets
    return tuple(sorted({place.name for rules in datasets if rules.name == name for place in rules.workspaces}))


def _of_path(clients: Clients, arguments: Mapping[str, Any]) -> tuple[str, ...]:
    """The environments of every route that takes the file."""
    path, routes = arguments["body"].path, clients.configuration.routes
    takers = [route for route in routes if route.captures(path) is not None or route.marked(path)]
    return tuple(sorted({route.score.workspace.name for route in takers}))


def _of_stage(clients: Clients, arguments: Mapping[str, Any]) -> tuple[str, ...]:
    return _stages_called(clients, arguments["body"].to)


def _stages_called(clients: Clients, name: str) -> tuple[str, ...]:
    return _places(stage for stage in clients.configuration.ladder.stages if stage.name == name)


def _places(stages: Iterable[Stage]) -> tuple[str, ...]:
    return tuple(sorted({stage.place for stage in stages}))


def _of_promotion(clients: Clients, arguments: Mapping[str, Any]) -> tuple[str, ...]:
    """The stage to which the promotion leads."""
    request = _promotion(clients, arguments)
    return () if request is None else _stages_called(clients, request.target)


def _of_question(clients: Clients, arguments: Mapping[str, Any]) -> tuple[str, ...]:
    """The stage that waits for approvals now; if none does, the stage to which the promotion leads."""
    request, plan = _promotion(clients, arguments), _plan(clients, arguments)
    at = asking(clients.statements, clients.ledger, request, plan) if request and plan else None
    return (at.stage.place,) if at else _of_promotion(clients, arguments)


def _of_glass(clients: Clients, arguments: Mapping[str, Any]) -> tuple[str, ...]:
    """The stage whose gates would be overridden, if the promotion passes it."""
    plan = _plan(clients, arguments)
    return _places(at.stage for at in plan.stages if at.stage.name == arguments["body"].stage) if plan else ()


def _of_decision(clients: Clients, arguments: Mapping[str, Any]) -> tuple[str, ...]:
    """Those of the stages with a decision that the caller may mean; where there is none, where the promotion leads."""
    body, plan = arguments["body"], _plan(clients, arguments)
    stages = [at.stage for at in plan.stages if body.stage in (at.stage.name, "")] if plan else []
    with_decision = [stage for stage in stages if _is_decided(clients, arguments["promotion"], stage.name, body.role)]
    return _places(with_decision or stages) or _of_promotion(clients, arguments)


def _is_decided(clients: Clients, promotion: str, stage: str, role: str) -> bool:
    folders = (stage, *(glass_stage(stage, phase) for phase in Phase))
    return any(
        decision.approval.role == role
        for folder in folders
        for decision in decisions(clients.statements, promotion, folder)
    )


def _promotion(clients: Clients, arguments: Mapping[str, Any]) -> c.Promotion | None:
    record = find_promotion(clients.store, arguments["promotion"])
    return None if record is None else record.promotion


def _plan(clients: Clients, arguments: Mapping[str, Any]) -> c.Plan | None:
    opening = unverified_opening(clients.ledger, arguments["promotion"])
    return opening.plan if opening else None


def _of_schedule(clients: Clients, arguments: Mapping[str, Any]) -> tuple[str, ...]:
    """The environment of the route that it scores, or of the pipeline that it retrains with."""
    configuration, name = clients.configuration, arguments["schedule"]
    targets = {(schedule.target, schedule.of) for schedule in configuration.schedules if schedule.name == name}
    routes = {route.score.workspace.name for route in configuration.routes if (Target.SCORE, route.name) in targets}
    retraining = [rules for rules in configuration.retraining if (Target.RETRAIN, rules.model) in targets]
    return tuple(sorted(routes | {rules.pipeline.workspace.name for rules in retraining}))


def _of_environment(clients: Clients, arguments: Mapping[str, Any]) -> tuple[str, ...]:
    """The environment called so; none for a name that is not configured, since no permission can cover it."""
    name = arguments["body"].environment
    return tuple(workspace.name for workspace in clients.configuration.workspaces if workspace.name == name)


def _of_production(clients: Clients, arguments: Mapping[str, Any]) -> tuple[str, ...]:
    """The stages that shift production traffic: the one that is named, or all."""
    name = getattr(arguments["body"], "stage", "")
    return _places(
        stage for stage in clients.configuration.ladder.stages if stage.rollout is not None and name in ("", stage.name)
    )


def _of_rehearsal(clients: Clients, arguments: Mapping[str, Any]) -> tuple[str, ...]:
    """Production for a cold rehearsal, else the stages where promotions rehearse: the one that is named, or all."""
    if arguments["body"].cold:
        return _of_production(clients, arguments)
    stages, name = clients.configuration.ladder.stages, arguments["body"].stage
    return _places(stage for stage in stages if stage.rehearse and name in ("", stage.name))


def _of_registry(clients: Clients, _: Mapping[str, Any]) -> tuple[str, ...]:
    """The stages that enter the central registry."""
    return _places(stage for stage in clients.configuration.ladder.stages if stage.registry is not None)


def _of_retraining(clients: Clients, arguments: Mapping[str, Any]) -> tuple[str, ...]:
    claim = find_claim(clients.store, arguments["run"])
    return () if claim is None else (claim.request.rules.pipeline.workspace.name,)


def _of_model(clients: Clients, arguments: Mapping[str, Any]) -> tuple[str, ...]:
    """The environments in which the model's pipeline runs and registers."""
    retraining, model = clients.configuration.retraining, arguments["model"]
    return tuple(rules.pipeline.workspace.name for rules in retraining if rules.model == model)


def _of_follow(clients: Clients, arguments: Mapping[str, Any]) -> tuple[str, ...]:
    """The places of the run, promotion or training that has the name."""
    name = arguments.get("name") or arguments["body"].follow
    names = {"run": name, "promotion": name}
    return _of_run(clients, names) or _of_promotion(clients, names) or _of_retraining(clients, names)


def _of_task(clients: Clients, arguments: Mapping[str, Any]) -> tuple[str, ...]:
    """The places of what the task asks to start or to follow."""
    body = arguments["body"]
    way = TASK_WAYS.get(body.start or OrderKind.FOLLOW)
    return places_of(way, clients, {"body": body, "model": body.model}) if way else ()


_WAYS: dict[str, Callable[[Clients, Mapping[str, Any]], tuple[str, ...]]] = {
    "run": _of_run,
    "held_part": _of_held_part,
    "route": _of_route,
    "import": _of_import,
    "dataset": _of_dataset,
    "path": _of_path,
    "stage": _of_stage,
    "schedule": _of_schedule,
    "environment": _of_environment,
    "production": _of_production,
    "rehearsal": _of_rehearsal,
    "registry": _of_registry,
    "model": _of_model,
    "retraining": _of_retraining,
    "reprocessing": _of_reprocessing,
    "promotion": _of_promotion,
    "question": _of_question,
    "glass": _of_glass,
    "decision": _of_decision,
    "follow": _of_follow,
    "task": _of_task,
}
WAYS = frozenset(_WAYS)
