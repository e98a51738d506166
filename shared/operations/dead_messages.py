"""What the app's queues gave up by themselves: all of them looked at, at once, and none of it changed."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from shared.domain.failures import Refused, Transient
from shared.domain.messaging import DeadMessage, QueueDoor
from shared.ports import Queues

MOST = 1000  # Of one queue: what comes after them is seen once these are dealt with.


def list_dead_messages(queues: Queues) -> tuple[tuple[DeadMessage, ...], tuple[str, ...]]:
    """The dead messages of every queue, and the queues that could not be read, with the reason."""
    doors = queues.doors
    if not doors:
        return (), ()
    with ThreadPoolExecutor(len(doors)) as pool:
        results = list(pool.map(_look(queues), doors))
    messages = tuple(dead for look in results if not isinstance(look, str) for dead in look)
    return messages, tuple(look for look in results if isinstance(look, str))


def _look(queues: Queues) -> Callable[[QueueDoor], tuple[DeadMessage, ...] | str]:
    def look(door: QueueDoor) -> tuple[DeadMessage, ...] | str:
        try:
            return queues.dead(door, MOST)
        except (Refused, Transient) as failure:
            return str(failure)

    return look
