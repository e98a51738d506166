"""What an activity's input and result tell in figures, by the activity's name: activities themselves measure nothing.

An activity may run twice, so a figure may be counted twice; effects never are.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared import contracts as c
from shared.domain import identity
from shared.domain.inference.runs import JobState
from shared.domain.promotion.approvals import ApprovalStanding
from shared.telemetry.carried import Carried
from shared.telemetry.instruments import count, stands, took
from shared.telemetry.spans import job_ended


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One execution that gave a result: *given* and *gave* are of the contract's types."""

    given: Any
    gave: Any
    now: datetime
    carried: Carried | None


def measure(activity: str, seen: Seen) -> None:
    found = MEASURES.get(activity)
    if found is not None:
        found(seen)


def _published(seen: Seen) -> None:
    _effect(seen, {"effect": "published", "route": seen.given.inference.route.name})


def _run_ended(seen: Seen) -> None:
    closing: c.RunClosing = seen.given
    count("signalbox.runs", {"route": closing.inference.route.name, "outcome": closing.result.outcome.value})


def _promotion_ended(seen: Seen) -> None:
    closing: c.PromotionClosing = seen.given
    count("signalbox.promotions", {"target": closing.promotion.target, "fate": closing.fate.value})
    if closing.fate is c.Fate.PROMOTED:
        _effect(seen, {"effect": "promoted", "target": closing.promotion.target})


def _approvals(seen: Seen) -> None:
    if seen.gave.standing is not ApprovalStanding.WAITING:
        said = {"stage": seen.given.stage, "standing": seen.gave.standing.value}
        took("signalbox.approval.wait", seen.gave.waited_s, said)


def _job(seen: Seen) -> None:
    look: c.JobLook = seen.given
    state, created = seen.gave.state, seen.gave.created
    if state is JobState.ACTIVE:
        return
    began = datetime.fromisoformat(created) if created else seen.now
    job_ended(
        identity.job_name(look.run), look.job, began, seen.now, "" if state is JobState.COMPLETED else state.value
    )
    said = {"route": look.route.name, "state": state.value}
    took("signalbox.job.duration", (seen.now - began).total_seconds(), said)


def _backlog(seen: Seen) -> None:
    found: c.Backlog = seen.gave
    waiting = [
        ("dead letters", found.dead_letters, found.oldest_dead_letter_s),
        ("open runs", found.open_runs, found.oldest_open_run_s),
        ("streamed messages", found.held_messages, found.oldest_held_message_s),
    ]
    waiting.append(("given up by queues", found.given_up, found.oldest_given_up_s))
    for what, number, oldest_s in waiting:
        if number is not None:
            stands("signalbox.backlog", number, {"what": what})
            stands("signalbox.backlog.age", oldest_s, {"what": what})


def _effect(seen: Seen, said: dict[str, str]) -> None:
    """Only where the cause's time is known."""
    if seen.carried is not None and seen.carried.since:
        lag = seen.now - datetime.fromisoformat(seen.carried.since)
        took("signalbox.effect.lag", lag.total_seconds(), {**said, "source": seen.carried.source or "look"})


MEASURES: dict[str, Callable[[Seen], None]] = {
    "publish_result": _published,
    "close_run": _run_ended,
    "close_promotion": _promotion_ended,
    "look_at_approvals": _approvals,
    "look_at_job": _job,
    "look_at_backlog": _backlog,
}
