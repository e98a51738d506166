"""Registers every activity by name. Contracts and bodies are imported at their first call: cold start is a budget."""

from collections.abc import Callable

from shared.clients import Clients
from shared.durable.registration import Blueprint, add_activity, add_starting_activity, later

# The module of each body, which has the activity's own name, as its contract has in capitals; tests check all of it.
BODIES: dict[str, str] = {
    "open_run": "activities.inference.runs",
    "gather_files": "activities.inference.files",
    "check_data": "activities.inference.data_checks",
    "judge_file": "activities.inference.data_checks",
    "tell_verdict": "activities.inference.results",
    "quarantine_files": "activities.inference.files",
    "look_at_orders": "activities.inference.runs",
    "submit_job": "activities.inference.jobs",
    "look_at_job": "activities.inference.jobs",
    "cancel_job": "activities.inference.jobs",
    "reconcile_rows": "activities.inference.jobs",
    "publish_result": "activities.inference.files",
    "announce_run": "activities.inference.announcements",
    "tell_result": "activities.inference.results",
    "count_run": "activities.drift.windows",
    "look_at_drift": "activities.drift.verdicts",
    "judge_drift": "activities.drift.verdicts",
    "look_at_window": "activities.inference.windows",
    "claim_window": "activities.inference.windows",
    "look_at_records": "activities.inference.streams",
    "look_at_backlog": "activities.inference.backlog",
    "open_promotion": "activities.promotion.promotions",
    "lock_endpoint": "activities.promotion.promotions",
    "unlock_endpoint": "activities.promotion.promotions",
    "close_promotion": "activities.promotion.promotions",
    "look_at_plan": "activities.promotion.promotions",
    "list_entries": "activities.promotion.registry",
    "scrub_entry": "activities.promotion.registry",
    "recover_entry": "activities.promotion.registry",
    "assess_stage": "activities.promotion.assessments",
    "write_evidence_pack": "activities.promotion.packs",
    "look_at_approvals": "activities.promotion.approvals",
    "look_at_glass": "activities.promotion.approvals",
    "remind_approvers": "activities.promotion.approvals",
    "issue_receipt": "activities.promotion.receipts",
    "complete_task": "activities.devops.tasks",
    "start_devops_run": "activities.devops.hints",
    "look_at_devops_run": "activities.devops.hints",
    "make_move": "activities.promotion.moves",
    "undo_move": "activities.promotion.moves",
    "weigh_causes": "activities.retraining.runs",
    "open_retraining": "activities.retraining.runs",
    "close_retraining": "activities.retraining.runs",
    "build_training_sets": "activities.retraining.training_sets",
    "check_training_sets": "activities.retraining.training",
    "submit_training": "activities.retraining.training",
    "look_at_training": "activities.retraining.training",
    "stop_training": "activities.retraining.training",
    "judge_challenger": "activities.retraining.challengers",
    "register_challenger": "activities.retraining.challengers",
    "look_at_promotion": "activities.retraining.sweeps",
}
STARTING_BODIES: dict[str, str] = {
    "begin_task": "activities.devops.tasks",
    "mirror_approvals": "activities.devops.approvals",
    "heed_hint": "activities.devops.hints",
    "report_task": "activities.devops.tasks",
    "start_run": "activities.inference.runs",
    "close_run": "activities.inference.runs",
    "close_batch": "activities.inference.streams",
    "sweep_arrivals": "activities.inference.sweeps",
    "sweep_runs": "activities.inference.run_sweeps",
    "fire_due": "activities.schedules.firing",
    "fire_schedule": "activities.schedules.firing",
    "wake_waiting": "activities.promotion.promotions",
    "sweep_flags": "activities.promotion.flags",
    "sweep_promotions": "activities.promotion.flags",
    "tell_drift": "activities.drift.verdicts",
    "sweep_drift": "activities.drift.sweeps",
    "start_retraining": "activities.retraining.runs",
    "wake_retraining": "activities.retraining.runs",
    "look_at_training_data": "activities.retraining.training_data",
    "begin_promotion": "activities.retraining.sweeps",
    "sweep_retraining": "activities.retraining.sweeps",
}


def activity_blueprint(clients: Callable[[], Clients]) -> Blueprint:
    """All activities, each of which gets its clients from *clients* when it runs."""
    blueprint = Blueprint()
    for name, module in BODIES.items():
        add_activity(blueprint, name, later(module, name), clients)
    for name, module in STARTING_BODIES.items():
        add_starting_activity(blueprint, name, later(module, name), clients)
    return blueprint
