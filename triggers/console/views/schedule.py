"""One schedule: when it is due, what it did last, and its orders: pause, resume, run now."""

from datetime import UTC, datetime

from shared.domain.access.permissions import Action
from shared.domain.teams.ownership import Belonging
from triggers.console.page import PageRequest, View
from triggers.http.exchange.problems import Problem
from triggers.http.places import require


async def show(request: PageRequest) -> View:
    shown = await request.api("show_schedule", request.parameters)
    firings = [{"firing": firing, "due": due_time(firing.due)} for firing in shown.firings]
    data = {"shown": shown, "firings": firings, "may_operate": _may_operate(request)}
    return View(template="schedule.html", title=shown.schedule, data=data)


def due_time(due: str) -> str:
    """*due* as other times are written; a firing's record has it in its name, in UTC and without signs between."""
    try:
        return datetime.strptime(due, "%Y%m%dT%H%M%S%f").replace(tzinfo=UTC).isoformat()
    except ValueError:
        return due


def _may_operate(request: PageRequest) -> bool:
    """Whether its orders are offered; by the places of the route or the model that it is for, as the API has them."""
    team = request.clients.configuration.team_of(Belonging.SCHEDULE, request.parameters["schedule"])
    try:
        require(request.clients, request.session.person, Action.OPERATE, "schedule", request.parameters, team)
    except Problem:
        return False
    return True
