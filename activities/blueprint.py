"""Registers every activity by name. Contracts and bodies are imported at their first call: cold start is a budget."""

from collections.abc import Callable

from shared.clients import Clients
from shared.durable import Blueprint, add_activity, add_starting_activity, later

# The module of each body, which has the activity's own name, as its contract has in capitals; tests check all of it.
BODIES: dict[str, str] = {
    "open_run": "activities.runs",
    "gather_files": "activities.files",
    "check_data": "activities.data",
    "judge_file": "activities.data",
    "tell_verdict": "activities.results",
    "quarantine_files": "activities.files",
    "look_at_orders": "activities.runs",
    "submit_job": "activities.jobs",
    "look_at_job": "activities.jobs",
    "cancel_job": "activities.jobs",
    "reconcile_rows": "activities.jobs",
    "publish_result": "activities.files",
    "announce_run": "activities.announcements",
    "tell_result": "activities.results",
    "count_run": "activities.drift_windows",
    "look_at_drift": "activities.drift",
    "judge_drift": "activities.drift",
    "look_at_window": "activities.windows",
    "claim_window": "activities.windows",
    "look_at_records": "activities.streams",
    "look_at_backlog": "activities.backlog",
    "open_promotion": "activities.promotions",
    "lock_endpoint": "activities.promotions",
    "unlock_endpoint": "activities.promotions",
    "close_promotion": "activities.promotions",
    "look_at_plan": "activities.promotions",
    "list_entries": "activities.registry",
    "scrub_entry": "activities.registry",
    "recover_entry": "activities.registry",
    "assess_stage": "activities.assessments",
    "write_evidence_pack": "activities.packs",
    "look_at_approvals": "activities.approvals",
    "look_at_glass": "activities.approvals",
    "remind_approvers": "activities.approvals",
    "issue_receipt": "activities.receipts",
    "complete_task": "activities.devops_tasks",
    "start_devops_run": "activities.devops_hints",
    "look_at_devops_run": "activities.devops_hints",
    "make_move": "activities.moves",
    "undo_move": "activities.moves",
    "weigh_causes": "activities.retraining",
    "open_retraining": "activities.retraining",
    "close_retraining": "activities.retraining",
    "build_training_sets": "activities.training_sets",
    "check_training_sets": "activities.training",
    "submit_training": "activities.training",
    "look_at_training": "activities.training",
    "stop_training": "activities.training",
    "judge_challenger": "activities.challengers",
    "register_challenger": "activities.challengers",
    "look_at_promotion": "activities.retraining_sweeps",
}
STARTING_BODIES: dict[str, str] = {
    "begin_task": "activities.devops_tasks",
    "mirror_approvals": "activities.devops_approvals",
    "heed_hint": "activities.devops_hints",
    "report_task": "activities.devops_tasks",
    "start_run": "activities.runs",
    "close_run": "activities.runs",
    "close_batch": "activities.streams",
    "sweep_arrivals": "activities.sweeps",
    "sweep_runs": "activities.run_sweeps",
    "fire_due": "activities.schedules",
    "fire_schedule": "activities.schedules",
    "wake_waiting": "activities.promotions",
    "sweep_flags": "activities.flags",
    "sweep_promotions": "activities.flags",
    "tell_drift": "activities.drift",
    "sweep_drift": "activities.drift_sweeps",
    "start_retraining": "activities.retraining",
    "wake_retraining": "activities.retraining",
    "look_at_training_data": "activities.training_data",
    "begin_promotion": "activities.retraining_sweeps",
    "sweep_retraining": "activities.retraining_sweeps",
}


def activity_blueprint(clients: Callable[[], Clients]) -> Blueprint:
    """All activities, each of which gets its clients from *clients* when it runs."""
    blueprint = Blueprint()
    for name, module in BODIES.items():
        add_activity(blueprint, name, later(module, name), clients)
    for name, module in STARTING_BODIES.items():
        add_starting_activity(blueprint, name, later(module, name), clients)
    return blueprint
