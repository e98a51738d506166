"""Registers every activity under its contract; bodies are imported at their first call, for cold start is a budget."""

from collections.abc import Callable
from functools import cache
from importlib import import_module
from typing import Any

from shared import contracts as c
from shared.clients import Clients
from shared.durable import Blueprint, add_activity, add_starting_activity

# The module of each body, which has the activity's own name; a test checks every pair and its types.
BODIES: dict[c.Activity[Any, Any], str] = {
    c.OPEN_RUN: "activities.runs",
    c.GATHER_FILES: "activities.files",
    c.CHECK_DATA: "activities.data",
    c.QUARANTINE_FILES: "activities.files",
    c.LOOK_AT_ORDERS: "activities.runs",
    c.SUBMIT_JOB: "activities.jobs",
    c.LOOK_AT_JOB: "activities.jobs",
    c.CANCEL_JOB: "activities.jobs",
    c.RECONCILE_ROWS: "activities.jobs",
    c.PUBLISH_RESULT: "activities.files",
    c.ANNOUNCE_RUN: "activities.announcements",
    c.CLOSE_RUN: "activities.runs",
    c.LOOK_AT_WINDOW: "activities.windows",
    c.CLAIM_WINDOW: "activities.windows",
    c.OPEN_PROMOTION: "activities.promotions",
    c.LOCK_ENDPOINT: "activities.promotions",
    c.UNLOCK_ENDPOINT: "activities.promotions",
    c.CLOSE_PROMOTION: "activities.promotions",
    c.ASSESS_STAGE: "activities.assessments",
    c.WRITE_EVIDENCE_PACK: "activities.packs",
    c.LOOK_AT_APPROVALS: "activities.approvals",
    c.LOOK_AT_GLASS: "activities.approvals",
    c.REMIND_APPROVERS: "activities.approvals",
    c.ISSUE_RECEIPT: "activities.receipts",
    c.MAKE_MOVE: "activities.moves",
    c.UNDO_MOVE: "activities.moves",
}
STARTING_BODIES: dict[c.Activity[Any, Any], str] = {
    c.START_RUN: "activities.runs",
    c.SWEEP_ARRIVALS: "activities.sweeps",
    c.SWEEP_JOBS: "activities.sweeps",
    c.SWEEP_FLAGS: "activities.flags",
    c.SWEEP_PROMOTIONS: "activities.flags",
}


def activity_blueprint(clients: Callable[[], Clients]) -> Blueprint:
    """All activities, each of which gets its clients from *clients* when it runs."""
    blueprint = Blueprint()
    for activity, module in BODIES.items():
        add_activity(blueprint, activity, _later(module, activity.name), clients)
    for activity, module in STARTING_BODIES.items():
        add_starting_activity(blueprint, activity, _later(module, activity.name), clients)
    return blueprint


def _later(module: str, name: str) -> Callable[..., Any]:
    @cache
    def body() -> Callable[..., Any]:
        found: Callable[..., Any] = getattr(import_module(module), name)
        return found

    return lambda *arguments: body()(*arguments)
