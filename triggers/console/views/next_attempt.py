"""The next attempt of a run, with settings of its own: how far these may go, and what earlier runs suggest."""

from collections.abc import Iterator
from typing import Any

from shared.domain import identity
from shared.domain.inference.overrides import ANY_NUMBER
from shared.domain.inference.routes import Route
from triggers.console.page import PageRequest, View
from triggers.console.views.releases.parts_of_page import part_of

_MINUTE_S = 60
_SETTINGS = {  # Each number that a route may limit, in words, and the least that it can be.
    "instance_count": ("Machines", 1),
    "mini_batch_size": ("Files for each call of the scoring script", 1),
    "error_threshold": ("Files that may fail before the job does", 0),
    "retries": ("Further attempts at a mini-batch", 0),
    "timeout_s": ("Seconds that a mini-batch may take", 30),
}


async def show(request: PageRequest) -> View:
    within = _minutes(request)
    query = {"within_s": str(within * _MINUTE_S)} if within else {}
    suggested = await part_of(request.api("suggest_next_size", request.parameters, query))
    shown = await request.api("show_run", request.parameters)
    route = next((route for route in request.clients.configuration.routes if route.name == shown.route), None)
    data = {
        "run": shown,
        "suggested": suggested,
        "within": within,
        "settings": list(_settings(route)) if route else [],
        "computes": route.limits.computes if route else (),
        "node_hour": route.limits.node_hour if route else 0,
        "following": identity.next_attempt(shown.run),
    }
    return View(template="next_attempt.html", title=f"Score {shown.run} again", data=data)


def _minutes(request: PageRequest) -> int:
    """How long the job may take, as the address asks; 0 leaves the route's own time."""
    text = request.query.get("within", "")
    return int(text) if text.isdecimal() and len(text) <= 5 else 0


def _settings(route: Route) -> Iterator[dict[str, Any]]:
    """The settings that *route* lets one run change, with the most that it allows and what holds without a change."""
    if route.score.online:
        return
    for name, (words, least) in _SETTINGS.items():
        most = getattr(route.limits, name)
        if most is not None:
            own = getattr(route.overrides, name)
            yield {
                "name": name,
                "words": words,
                "least": least,
                "most": None if most == ANY_NUMBER else most,
                "own": own,
            }
