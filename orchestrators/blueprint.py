"""Registers every orchestration. Contracts and bodies are imported at their first call: cold start is a budget.

A body has its orchestration's name, and its contract has it in capitals: `promote` is the body of `PROMOTE`.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from shared.durable.deferred import Deferred
from shared.durable.registration import Blueprint, add_orchestration

if TYPE_CHECKING:
    import orchestrators.collection
    import orchestrators.datasets
    import orchestrators.devops
    import orchestrators.drift
    import orchestrators.imports
    import orchestrators.inference
    import orchestrators.promotion.promotion_sets
    import orchestrators.promotion.promotions
    import orchestrators.provisioning.orders
    import orchestrators.provisioning.standings
    import orchestrators.registry
    import orchestrators.retraining
    import orchestrators.rollout
    import orchestrators.schedules
    import orchestrators.sweeps
else:
    orchestrators = Deferred("orchestrators")

BODIES: tuple[Callable[..., Any], ...] = (
    orchestrators.inference.run_inference,
    orchestrators.inference.answer_late,
    orchestrators.inference.conclude_adrift,
    orchestrators.inference.wait_for_job,
    orchestrators.collection.collect_window,
    orchestrators.collection.collect_records,
    orchestrators.sweeps.reconcile,
    orchestrators.sweeps.reconcile_promotions,
    orchestrators.sweeps.verify_log,
    orchestrators.sweeps.reread_log,
    orchestrators.sweeps.reconcile_production,
    orchestrators.sweeps.reconcile_answers,
    orchestrators.sweeps.deliver_notices,
    orchestrators.promotion.promotions.promote,
    orchestrators.promotion.promotions.restore,
    orchestrators.promotion.promotion_sets.promote_set,
    orchestrators.rollout.watch_step,
    orchestrators.rollout.roll_back,
    orchestrators.rollout.rehearse,
    orchestrators.registry.scrub_registry,
    orchestrators.inference.check_hub_file,
    orchestrators.registry.recover,
    orchestrators.registry.revoke,
    orchestrators.drift.check_drift,
    orchestrators.drift.reconcile_drift,
    orchestrators.schedules.keep_schedules,
    orchestrators.schedules.run_schedule,
    orchestrators.devops.follow_task,
    orchestrators.devops.mirror,
    orchestrators.devops.heed,
    orchestrators.devops.run_devops_pipeline,
    orchestrators.retraining.consider_retraining,
    orchestrators.retraining.retrain,
    orchestrators.retraining.cancel_training_adrift,
    orchestrators.retraining.wait_for_training,
    orchestrators.retraining.watch_training_data,
    orchestrators.retraining.reconcile_retraining,
    orchestrators.datasets.publish_dataset,
    orchestrators.datasets.conclude_publication,
    orchestrators.datasets.reconcile_datasets,
    orchestrators.imports.import_source,
    orchestrators.provisioning.orders.provision,
    orchestrators.provisioning.orders.await_change,
    orchestrators.provisioning.standings.reconcile_provisioning,
    orchestrators.provisioning.standings.tear_down,
)

blueprint = Blueprint()

for _body in BODIES:
    add_orchestration(blueprint, _body)
