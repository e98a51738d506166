"""Metrics from the input and result of each activity, by its name; activities themselves measure nothing.

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
from shared.telemetry.instruments import count, record_duration, set_level
from shared.telemetry.spans import record_job


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One execution that gave a result: *request* and *result* are of the contract's types."""

    request: Any
    result: Any
    now: datetime
    trace_link: Carried | None


def measure(activity: str, execution: Seen) -> None:
    record = MEASURES.get(activity)
    if record is not None:
        record(execution)


def _count_publication(execution: Seen) -> None:
    _effect(execution, {"effect": "published", "route": execution.request.inference.route.name})


def _run_ended(execution: Seen) -> None:
    closing: c.RunClosing = execution.request
    count("signalbox.runs", {"route": closing.inference.route.name, "outcome": closing.result.outcome.value})


def _promotion_ended(execution: Seen) -> None:
    closing: c.PromotionClosing = execution.request
    count("signalbox.promotions", {"target": closing.promotion.target, "fate": closing.fate.value})
    if closing.fate is c.Fate.PROMOTED:
        _effect(execution, {"effect": "promoted", "target": closing.promotion.target})


def _approvals(execution: Seen) -> None:
    if execution.result.standing is not ApprovalStanding.WAITING:
        attributes = {"stage": execution.request.stage, "standing": execution.result.standing.value}
        record_duration("signalbox.approval.wait", execution.result.waited_s, attributes)


def _job(execution: Seen) -> None:
    look: c.JobLook = execution.request
    state, submitted_at = execution.result.state, execution.result.created
    if state is JobState.ACTIVE:
        return
    started_at = datetime.fromisoformat(submitted_at) if submitted_at else execution.now
    record_job(
        identity.job_name(look.run),
        look.job,
        started_at,
        execution.now,
        "" if state is JobState.COMPLETED else state.value,
    )
    attributes = {"route": look.route.name, "state": state.value}
    record_duration("signalbox.job.duration", (execution.now - started_at).total_seconds(), attributes)


def _backlog(execution: Seen) -> None:
    backlog: c.Backlog = execution.result
    kinds = [
        ("dead letters", backlog.dead_letters, backlog.oldest_dead_letter_s),
        ("open runs", backlog.open_runs, backlog.oldest_open_run_s),
        ("streamed messages", backlog.held_messages, backlog.oldest_held_message_s),
    ]
    kinds.append(("given up by queues", backlog.given_up, backlog.oldest_given_up_s))
    for kind, number, oldest_s in kinds:
        if number is not None:
            set_level("signalbox.backlog", number, {"what": kind})
            set_level("signalbox.backlog.age", oldest_s, {"what": kind})


def _log_problems(execution: Seen) -> None:
    """One count for each problem of the part that was verified; a problem that stays is counted at each look."""
    for _ in execution.result.problems:
        count("signalbox.audit.problems", {"log": "audit"})


def _effect(execution: Seen, attributes: dict[str, str]) -> None:
    """Count an effect, and its delay if the time of its cause is known."""
    if execution.trace_link is not None and execution.trace_link.since:
        lag = execution.now - datetime.fromisoformat(execution.trace_link.since)
        record_duration(
            "signalbox.effect.lag", lag.total_seconds(), {**attributes, "source": execution.trace_link.source or "look"}
        )


MEASURES: dict[str, Callable[[Seen], None]] = {
    "publish_result": _count_publication,
    "close_run": _run_ended,
    "close_promotion": _promotion_ended,
    "look_at_approvals": _approvals,
    "look_at_job": _job,
    "look_at_backlog": _backlog,
    "look_at_log": _log_problems,
}
