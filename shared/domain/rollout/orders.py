"""What people order during a rollout. An order is signed by the door that verified the person, and acts once."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class RolloutOrderKind(StrEnum):
    PAUSE = "pause"
    RESUME = "resume"
    ADVANCE = "advance"  # Over what has not decided yet; never over an abort.
    ABORT = "abort"


@dataclass(frozen=True, slots=True, kw_only=True)
class RolloutOrder:
    """*kind* for step number *step*; *name* and *oid* are the verified person's, *reason* is theirs."""

    kind: RolloutOrderKind
    step: int
    oid: str
    name: str
    reason: str
    at: datetime


def newest(orders: Iterable[RolloutOrder], *kinds: RolloutOrderKind) -> RolloutOrder | None:
    """The last order of one of *kinds*."""
    return max((order for order in orders if order.kind in kinds), key=lambda order: order.at, default=None)


def paused_s(orders: Iterable[RolloutOrder], since: datetime, until: datetime) -> float:
    """For how many seconds between *since* and *until* the rollout was paused."""
    seconds, begun = 0.0, None
    for order in sorted(orders, key=lambda order: order.at):
        moment = min(max(order.at, since), until)
        if order.kind is RolloutOrderKind.PAUSE and begun is None:
            begun = moment
        elif order.kind is RolloutOrderKind.RESUME and begun is not None:
            seconds, begun = seconds + (moment - begun).total_seconds(), None
    return seconds + ((until - begun).total_seconds() if begun is not None else 0.0)
