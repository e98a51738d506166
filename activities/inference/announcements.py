"""Announce how a run ended. A repeated announcement has the same event id, so consumers can drop it."""

from activities.effects import once, stamp
from shared import contracts as c
from shared.clients import Clients
from shared.domain import identity


def announce_run(clients: Clients, announcement: c.Announcement) -> c.Done:
    request, result = announcement.inference, announcement.result
    score = request.route.score
    data = {
        "run": result.run,
        "route": request.route.name,
        "outcome": result.outcome.value,
        "because": result.because[:1000],
        "manifest": result.manifest,
        "report": f"{request.hub.state}/{announcement.report}" if announcement.report else "",
        "model": score.scored_model,
        "tell": list(request.route.tell),
    }
    kind = f"Signalbox.Inference.{result.outcome.value.capitalize()}"
    event_id = identity.announcement_id(result.run, result.outcome.value)

    def act() -> c.Done:
        clients.announcer.announce(event_id, kind, f"runs/{result.run}", data)
        return c.Done(at=stamp(clients))

    return once(clients, announcement.key, c.Done, act)
