"""Recorded histories: what the host gave the SDK for one orchestration, and the actions it answered with."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import azure.durable_functions as df

from orchestrators import blueprint
from shared.durable.registration import orchestrator_handler

GOLDEN = Path(__file__).parent / "golden"
BODIES: dict[str, Callable[..., Any]] = {body.__name__: body for body in blueprint.BODIES}


def replay(name: str, context: dict[str, Any], body: Callable[..., Any] | None = None) -> dict[str, Any]:
    """The SDK's answer to *context* for the orchestration *name*, or for another *body* under that name."""
    handle = df.Orchestrator.create(orchestrator_handler(name, body or BODIES[name]))
    return dict(json.loads(handle(json.dumps(context))))


def asked_for(answer: dict[str, Any]) -> list[str]:
    """What an answer's actions ask for, in order: activity and sub-orchestration names, or the kind of action."""
    return [_name(action) for group in answer["actions"] for action in group]


def _name(action: dict[str, Any]) -> str:
    if "compoundActions" in action:
        return " or ".join(_name(each) for each in action["compoundActions"])
    return str(action.get("functionName") or action.get("externalEventName") or f"action {action['actionType']}")
