"""Recorded histories: what the host gave the SDK for one orchestration, and the actions it answered with."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import azure.durable_functions as df

from orchestrators.collection import collect_window
from orchestrators.datasets import publish_dataset
from orchestrators.devops import follow_task, mirror, run_devops_pipeline
from orchestrators.drift import check_drift
from orchestrators.inference import run_inference, wait_for_job
from orchestrators.promotion.promotion_sets import promote_set
from orchestrators.promotion.promotions import promote, restore
from orchestrators.provisioning.orders import await_change, provision
from orchestrators.provisioning.standings import reconcile_provisioning, tear_down
from orchestrators.registry import revoke
from orchestrators.retraining import consider_retraining, retrain, wait_for_training
from orchestrators.rollout import rehearse, roll_back, watch_step
from orchestrators.sweeps import reread_log, verify_log
from shared.durable.registration import orchestrator_handler

GOLDEN = Path(__file__).parent / "golden"
BODIES: dict[str, Callable[..., Any]] = {
    "run_inference": run_inference,
    "wait_for_job": wait_for_job,
    "collect_window": collect_window,
    "promote": promote,
    "restore": restore,
    "promote_set": promote_set,
    "retrain": retrain,
    "wait_for_training": wait_for_training,
    "consider_retraining": consider_retraining,
    "check_drift": check_drift,
    "follow_task": follow_task,
    "mirror": mirror,
    "run_devops_pipeline": run_devops_pipeline,
    "watch_step": watch_step,
    "roll_back": roll_back,
    "rehearse": rehearse,
    "revoke": revoke,
    "verify_log": verify_log,
    "reread_log": reread_log,
    "publish_dataset": publish_dataset,
    "provision": provision,
    "await_change": await_change,
    "reconcile_provisioning": reconcile_provisioning,
    "tear_down": tear_down,
}


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
