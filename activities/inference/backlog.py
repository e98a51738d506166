"""Count what waits, and how long the oldest of it has: the figures that alerts are set on. It changes nothing."""

import logging
from collections.abc import Sequence
from datetime import datetime

from shared import contracts as c
from shared.clients import Clients
from shared.domain.failures import Refused
from shared.operations.dead_messages import list_dead_messages
from shared.records import paths

_log = logging.getLogger(__name__)


def look_at_backlog(clients: Clients, sweep: c.Sweep) -> c.Backlog:
    del sweep  # Its key is the sweep's own.
    hub = clients.configuration.hub
    letters, oldest_letter_s = _waiting(clients, hub.dead_letters, "")
    runs, oldest_run_s = _waiting(clients, hub.state, paths.OPEN_RUNS)
    streams = [paths.held_records(stream.name) for stream in clients.configuration.streams]
    messages, oldest_held_s = _waiting(clients, hub.state, *streams)
    dead, unseen = list_dead_messages(clients.queues)
    return c.Backlog(
        dead_letters=letters,
        oldest_dead_letter_s=oldest_letter_s,
        open_runs=runs,
        oldest_open_run_s=oldest_run_s,
        held_messages=messages,
        oldest_held_message_s=oldest_held_s,
        given_up=None if unseen else len(dead),
        oldest_given_up_s=_age(clients, [message.enqueued_at for message in dead if message.enqueued_at]),
    )


def _waiting(clients: Clients, container: str, *prefixes: str) -> tuple[int | None, float]:
    """How many blobs lie there, None where they may not be seen, and the age of the oldest in seconds."""
    try:
        times = [blob.modified for prefix in prefixes for blob in clients.hub.list(container, prefix)]
    except Refused as refusal:
        _log.error("the backlog in %s is not known: %s", container, refusal)
        return None, 0.0
    return len(times), _age(clients, times)


def _age(clients: Clients, times: Sequence[datetime]) -> float:
    return (clients.clock.now() - min(times)).total_seconds() if times else 0.0
