"""An order on a run of inference or training: what callers send, what is recorded, and what they are answered.

It stands alone since runs of inference, runs of training and schedules all take orders.
"""

from dataclasses import dataclass

from shared.records.inference import GivenOrder
from shared.validation.rules import Sentence
from triggers.http.api_route import ApiRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """An order on a run or a schedule, with the reason why; the caller's verified identity is recorded with it."""

    reason: Sentence


@dataclass(frozen=True, slots=True, kw_only=True)
class Ordered:
    """*recorded* is false where the same order had been given before: the first one stands."""

    run: str
    order: str
    recorded: bool


def order_record(request: ApiRequest, run: str, kind: str, reason: str) -> GivenOrder:
    """The order of *kind* as it is recorded: with the verified identity of who gives it, and their *reason*."""
    caller, at = request.caller, request.clients.clock.now().isoformat()
    return GivenOrder(run=run, order=kind, at=at, reason=reason, by=caller.name, oid=caller.oid)
