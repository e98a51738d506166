"""What a promotion means for the routes of its model, in sentences for its plan.

Which deployment scores a run is in `shared.application.inference.scoring`. Nothing here is part of the plan's digest: a
route may be changed after the plan was approved.
"""

from collections.abc import Iterator

from shared.application.inference.scoring import withdrawn_state
from shared.domain.configuration import Configuration
from shared.domain.inference.routes import Route
from shared.domain.promotion.plans import Plan
from shared.records.statements import Statements


def routes_of_plan(configuration: Configuration, statements: Statements, plan: Plan) -> tuple[str, ...]:
    """A sentence for each route that will score with the plan's version, and for each that a pin keeps from it."""
    routes = [route for route in configuration.routes if route.score.model == plan.model.name]
    return tuple(sentence for route in routes for sentence in _sentences(statements, plan, route))


def _sentences(statements: Statements, plan: Plan, route: Route) -> Iterator[str]:
    score = route.score
    if not score.follows:
        yield _pinned(statements, route)
        return
    for at in plan.stages:
        if at.stage.serving.batch == score.endpoint and at.stage.environment == score.workspace:
            yield f"route {route.name} follows {score.endpoint}: {at.stage.name} makes it score with {plan.model}"


def _pinned(statements: Statements, route: Route) -> str:
    score = route.score
    pin = f"route {route.name} is pinned to {score.scored_model} at {score.address}"
    state = withdrawn_state(statements, score)
    if state is None:
        return f"{pin}: this promotion does not change what it scores with"
    return f"error: {pin}, which was {state.value}; leave deployment and version out of its `score`"
