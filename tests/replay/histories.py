"""Recorded histories: what the host gave the SDK for one orchestration, and the actions it answered with."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import azure.durable_functions as df

from orchestrators.devops import follow_task, mirror, run_devops_pipeline
from orchestrators.drift import check_drift
from orchestrators.inference import run_inference
from orchestrators.job import wait_for_job
from orchestrators.promotion import promote, restore
from orchestrators.retraining import consider_retraining, retrain
from orchestrators.training import wait_for_training
from orchestrators.window import collect_window
from shared import contracts as c
from shared.durable.registration import orchestrator_handler

GOLDEN = Path(__file__).parent / "golden"
BODIES: dict[str, tuple[c.Orchestration[Any, Any], Callable[..., Any]]] = {
    "run_inference": (c.RUN_INFERENCE, run_inference),
    "wait_for_job": (c.WAIT_FOR_JOB, wait_for_job),
    "collect_window": (c.COLLECT_WINDOW, collect_window),
    "promote": (c.PROMOTE, promote),
    "restore": (c.RESTORE, restore),
    "retrain": (c.RETRAIN, retrain),
    "wait_for_training": (c.WAIT_FOR_TRAINING, wait_for_training),
    "consider_retraining": (c.CONSIDER_RETRAINING, consider_retraining),
    "check_drift": (c.CHECK_DRIFT, check_drift),
    "follow_task": (c.FOLLOW_TASK, follow_task),
    "mirror": (c.MIRROR, mirror),
    "run_devops_pipeline": (c.RUN_DEVOPS_PIPELINE, run_devops_pipeline),
}


def replay(name: str, context: dict[str, Any], body: Callable[..., Any] | None = None) -> dict[str, Any]:
    """The SDK's answer to *context* for the orchestration *name*, or for another *body* under that name."""
    contract, own = BODIES[name]
    handle = df.Orchestrator.create(orchestrator_handler(name, lambda: (contract, body or own)))
    return dict(json.loads(handle(json.dumps(context))))


def asked_for(answer: dict[str, Any]) -> list[str]:
    """What an answer's actions ask for, in order: activity and sub-orchestration names, or the kind of action."""
    return [_name(action) for group in answer["actions"] for action in group]


def _name(action: dict[str, Any]) -> str:
    if "compoundActions" in action:
        return " or ".join(_name(each) for each in action["compoundActions"])
    return str(action.get("functionName") or action.get("externalEventName") or f"action {action['actionType']}")
