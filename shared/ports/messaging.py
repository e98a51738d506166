"""The port of messaging: what the product tells others over a message broker."""

from typing import Protocol

from shared.domain.messaging import Message


class Messenger(Protocol):
    def send(self, topic: str, message: Message) -> None:
        """Send *message*; one with the same id that was sent lately is dropped by the topic. Safe to repeat."""
        ...
