"""Registers every orchestration by name. Contracts and bodies are imported at their first call, as activities' are."""

from shared.durable.registration import Blueprint, add_orchestration, later

# The module of each body, which has the orchestration's own name, as its contract has in capitals.
BODIES = {
    "run_inference": "orchestrators.inference",
    "answer_late": "orchestrators.inference",
    "conclude_adrift": "orchestrators.inference",
    "wait_for_job": "orchestrators.job",
    "collect_window": "orchestrators.window",
    "collect_records": "orchestrators.streams",
    "reconcile": "orchestrators.sweeps",
    "reconcile_promotions": "orchestrators.sweeps",
    "promote": "orchestrators.promotion",
    "restore": "orchestrators.promotion",
    "promote_set": "orchestrators.promotion_set",
    "scrub_registry": "orchestrators.registry",
    "check_hub_file": "orchestrators.checks",
    "recover": "orchestrators.registry",
    "check_drift": "orchestrators.drift",
    "reconcile_drift": "orchestrators.drift",
    "keep_schedules": "orchestrators.schedules",
    "run_schedule": "orchestrators.schedules",
    "follow_task": "orchestrators.devops",
    "mirror": "orchestrators.devops",
    "heed": "orchestrators.devops",
    "run_devops_pipeline": "orchestrators.devops",
    "consider_retraining": "orchestrators.retraining",
    "retrain": "orchestrators.retraining",
    "cancel_training_adrift": "orchestrators.retraining",
    "wait_for_training": "orchestrators.training",
    "watch_training_data": "orchestrators.training",
    "reconcile_retraining": "orchestrators.training",
}


blueprint = Blueprint()

for _name, _module in BODIES.items():
    add_orchestration(blueprint, _name, later(_module, _name))
