"""The kinds of thing that cross the Durable boundary: activities, orchestrations, external events."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

In = TypeVar("In")
Out = TypeVar("Out")


class Effect(StrEnum):
    READS = "reads"
    WRITES = "writes"


@dataclass(frozen=True, slots=True)
class Activity(Generic[In, Out]):
    """*patient*: where a service puts it off, its orchestration hears until when, instead of trying at once."""

    name: str
    takes: type[In]
    gives: type[Out]
    effect: Effect
    patient: bool = False


@dataclass(frozen=True, slots=True)
class Orchestration(Generic[In, Out]):
    name: str
    takes: type[In]
    gives: type[Out]


@dataclass(frozen=True, slots=True)
class ExternalEvent:
    """A wake-up without a payload: the truth it points to is a record, read by an activity."""

    name: str
