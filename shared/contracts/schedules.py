"""Schedules' inputs and outputs across the Durable boundary, and their activities and orchestrations."""

from dataclasses import dataclass
from datetime import datetime

from shared.contracts.kinds import Activity, Effect, Orchestration
from shared.contracts.payloads import Sweep
from shared.domain.schedules.due_times import Schedule


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleFiring:
    """*schedule* fires for its time *due*, or, where *by* says who asked, because somebody wants it now."""

    key: str
    schedule: Schedule
    due: datetime
    by: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleFired:
    """*what* was done, in a sentence; *started* are the ids of what it set going, *because* why it could not."""

    at: str
    what: str = ""
    started: tuple[str, ...] = ()
    because: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticked:
    """*more*: not everything that was due has fired yet."""

    fired: int = 0
    more: bool = False


FIRE_DUE = Activity("fire_due", Sweep, Ticked, Effect.WRITES)
FIRE_SCHEDULE = Activity("fire_schedule", ScheduleFiring, ScheduleFired, Effect.WRITES)

KEEP_SCHEDULES = Orchestration("keep_schedules", Sweep, Ticked)
RUN_SCHEDULE = Orchestration("run_schedule", ScheduleFiring, ScheduleFired)
