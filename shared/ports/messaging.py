"""The ports of messaging: what the product tells others over a message broker, and what its own queues gave up."""

from typing import Protocol

from shared.domain.messaging import DeadMessage, Message, QueueDoor


class Messenger(Protocol):
    def send(self, topic: str, message: Message) -> None:
        """Send *message*; one with the same id that was sent lately is dropped by the topic. Safe to repeat."""
        ...

    def reach(self, topic: str) -> None:
        """Whether *topic* would take a message; nothing is sent."""
        ...


class Queues(Protocol):
    """The dead letters of the queues that the app receives from. Nothing else of them is seen here."""

    @property
    def doors(self) -> tuple[QueueDoor, ...]:
        """Those that there is a queue for."""
        ...

    def dead(self, door: QueueDoor, limit: int) -> tuple[DeadMessage, ...]:
        """The first *limit*, the oldest first; nothing is locked or changed."""
        ...

    def find_dead(self, door: QueueDoor, number: int) -> DeadMessage | None:
        """The one with that sequence number, or None."""
        ...

    def take_out(self, door: QueueDoor, number: int) -> bool:
        """Remove it for good; False where it is not there (any more)."""
        ...
