"""What a look at the backlog finds: the figures that alerts are set on. It stands alone: no workflow carries it."""

from dataclasses import dataclass

from shared.contracts.kinds import Activity, Effect
from shared.contracts.payloads import Sweep


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """What waits, and for how long the oldest of it has; None where that could not be seen."""

    dead_letters: int | None = 0
    oldest_dead_letter_s: float = 0.0
    open_runs: int | None = 0
    oldest_open_run_s: float = 0.0
    held_messages: int | None = 0
    oldest_held_message_s: float = 0.0
    given_up: int | None = None
    oldest_given_up_s: float = 0.0


LOOK_AT_BACKLOG = Activity("look_at_backlog", Sweep, Backlog, Effect.READS)
