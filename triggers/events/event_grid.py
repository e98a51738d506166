"""The Event Grid subscription: what lands in the Data Hub starts what the routes say.

A bad event is stored and acknowledged, since Event Grid drops what is refused with a 4xx; a transient fault raises, so
that the host answers 5xx and the event is delivered again. It stands alone since it is all that a cold start imports.
"""

from collections.abc import Callable

from shared.clients import Clients
from shared.durable.registration import Blueprint
from triggers.events.event_binding import event_as_sent, keep_events_as_sent


def hub_event_blueprint(clients: Callable[[], Clients]) -> Blueprint:
    """The function that Event Grid delivers to."""
    blueprint = Blueprint()
    keep_events_as_sent()

    @blueprint.event_grid_trigger(arg_name="event")
    @blueprint.durable_client_input(client_name="client")
    async def receive_hub_event(event, client) -> None:  # type: ignore[no-untyped-def]  # Either envelope's class.
        from triggers.events.dispatch import dispatch  # Not before the first event: cold start is a budget.

        await dispatch(client, clients(), event_as_sent(event))

    return blueprint
