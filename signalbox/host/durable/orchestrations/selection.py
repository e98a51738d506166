"""Which waiting messages an instance takes in its next step.

Many answers share a step, so that a fan-in is replayed once. An external event or a retry's answer must come
first in its step: only then is it known, without looking into the SDK, in which order tasks were numbered.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from signalbox.host.durable.history import ANSWERS
from signalbox.host.durable.model import Kind, Message, Status
from signalbox.host.durable.orchestrations.state import Instance

_CONTROLS = frozenset({Kind.TERMINATE, Kind.SUSPEND, Kind.RESUME})


@dataclass(slots=True)
class Selection:
    """Messages to take now, to keep for later, and to forget because nobody waits for them."""

    step_messages: list[Message] = field(default_factory=list)
    later_messages: list[Message] = field(default_factory=list)
    stale_messages: list[Message] = field(default_factory=list)

    @property
    def control(self) -> Message | None:
        """The terminate, suspend or resume request; it never shares a step."""
        return self.step_messages[0] if self.step_messages and self.step_messages[0].kind in _CONTROLS else None


def select(instance: Instance, waiting_messages: Iterable[Message]) -> Selection:
    """Choose from *waiting_messages*, in order, what the next step takes."""
    selection = Selection()
    messages = iter(waiting_messages)
    for message in messages:
        if message.kind is Kind.ANSWER and not _is_expected(instance, message):
            selection.stale_messages.append(message)
        elif not _may_be_taken(instance, message):
            selection.later_messages.append(message)
        elif selection.step_messages and (_comes_first(instance, message) or selection.control):
            selection.later_messages.append(message)
            break
        else:
            selection.step_messages.append(message)
    selection.later_messages.extend(messages)
    return selection


def _is_expected(instance: Instance, message: Message) -> bool:
    return message.execution_id == instance.row.execution_id and instance.wants(message.body)


def _may_be_taken(instance: Instance, message: Message) -> bool:
    if message.kind in _CONTROLS:
        return True
    if instance.row.status is Status.SUSPENDED:
        return False
    return message.kind in (Kind.ANSWER, Kind.REWIND) or instance.awaits(message.body["Name"])


def _comes_first(instance: Instance, message: Message) -> bool:
    if message.kind is not Kind.ANSWER:
        return True
    field_name = ANSWERS.get(message.body["EventType"])
    return field_name is not None and message.body[field_name] in instance.retries
