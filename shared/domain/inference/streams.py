"""Streams of records, and when what waits of one becomes a micro-batch: by count, by bytes or by age. Pure.

It decides from what lies there, never from the messages that announced it; a message is never split.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from shared.domain.paths.patterns import captures_of, fill

ALL = "all"  # The one group of a stream whose batches are not made by key.
KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")  # Of a session, where it becomes part of a path.
FILLED = ("stream", "key", "batch")  # What `land` may use.
DEFAULT_RECORDS, DEFAULT_SIZE, DEFAULT_AGE_S = 500, 1_000_000, 30
_LEAST_LOOK_S = 1.0


class AnswerMode(StrEnum):
    MESSAGE = "message"  # The sender of a message hears what became of its records.
    BATCH = "batch"  # The topic tells it once for each batch.


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """One row of `streams`: *land* says where a batch lies as a file, which *route* takes; *size* is in bytes."""

    name: str
    route: str
    land: str
    records: int = DEFAULT_RECORDS
    size: int = DEFAULT_SIZE
    age_s: int = DEFAULT_AGE_S
    answer: AnswerMode = AnswerMode.MESSAGE

    @property
    def by_key(self) -> bool:
        """Whether each key (session) has batches of its own."""
        return "key" in captures_of(self.land)

    def group_of(self, key: str) -> str:
        return key if self.by_key else ALL

    def place(self, group: str, batch: str) -> str:
        """Where *batch* lies as a file: container/path."""
        return fill(self.land, {"stream": self.name, "key": group, "batch": batch})


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingMessage:
    """A message that waits to be in a batch; *size* in bytes as it is kept."""

    name: str
    records: int
    size: int
    age_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """The messages of the batch to close now, or how long to wait before looking again (None: nothing waits)."""

    batch: tuple[str, ...] = ()
    wait_s: float | None = None


def cut(messages: Iterable[WaitingMessage], stream: Stream) -> Cut:
    """What to do about *messages*, in the order of their names, which is that of the queue.

    A batch has as many whole messages as fit, and one at least; it closes when no more fits or its oldest is due.
    """
    batch, full = _fitting(messages, stream)
    if not batch:
        return Cut()
    remaining_s = stream.age_s - max(message.age_s for message in batch)
    if full or remaining_s <= 0:
        return Cut(batch=tuple(message.name for message in batch))
    return Cut(wait_s=round(max(0.1, min(remaining_s, max(_LEAST_LOOK_S, stream.age_s / 10))), 3))


def _fitting(messages: Iterable[WaitingMessage], stream: Stream) -> tuple[list[WaitingMessage], bool]:
    """As many as fit, and whether the batch is full."""
    batch, records, size = list[WaitingMessage](), 0, 0
    for message in messages:
        records, size = records + message.records, size + message.size
        if batch and (records > stream.records or size > stream.size):
            return batch, True
        batch.append(message)
        if records >= stream.records or size >= stream.size:
            return batch, True
    return batch, False
