"""Registers every activity. Contracts and bodies are imported at their first call: cold start is a budget.

A body has its activity's name, and its contract has it in capitals: `open_run` is the body of `OPEN_RUN`.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from shared.clients import Clients
from shared.domain.failures import Refused
from shared.durable.deferred import Deferred, load
from shared.durable.registration import Blueprint, add_activity, add_starting_activity

if TYPE_CHECKING:
    import activities.answers.sweeps
    import activities.datasets.imports
    import activities.datasets.publications
    import activities.datasets.staging
    import activities.datasets.sweeps
    import activities.datasets.versions
    import activities.devops.approvals
    import activities.devops.hints
    import activities.devops.tasks
    import activities.drift.sweeps
    import activities.drift.verdicts
    import activities.drift.windows
    import activities.inference.admissions
    import activities.inference.announcements
    import activities.inference.backlog
    import activities.inference.data_checks
    import activities.inference.files
    import activities.inference.jobs
    import activities.inference.results
    import activities.inference.run_sweeps
    import activities.inference.runs
    import activities.inference.streams
    import activities.inference.sweeps
    import activities.inference.windows
    import activities.notices.letters
    import activities.promotion.approvals
    import activities.promotion.assessments
    import activities.promotion.flags
    import activities.promotion.forgeries
    import activities.promotion.moves
    import activities.promotion.packs
    import activities.promotion.promotions
    import activities.promotion.receipts
    import activities.promotion.registry
    import activities.provisioning.drift
    import activities.provisioning.orders
    import activities.provisioning.plans
    import activities.provisioning.set_up
    import activities.provisioning.stage_changes
    import activities.provisioning.teardowns
    import activities.retraining.challengers
    import activities.retraining.runs
    import activities.retraining.sweeps
    import activities.retraining.training
    import activities.retraining.training_data
    import activities.retraining.training_sets
    import activities.rollout.looks
    import activities.rollout.rehearsals
    import activities.rollout.rollbacks
    import activities.rollout.sweeps
    import activities.rollout.upkeep
    import activities.schedules.firing
    import activities.trust.entry_revocations
    import activities.trust.log_looks
else:
    activities = Deferred("activities")

BODIES: tuple[Callable[..., Any], ...] = (
    activities.inference.runs.open_run,
    activities.inference.admissions.admit_run,
    activities.inference.files.gather_files,
    activities.inference.data_checks.check_data,
    activities.inference.data_checks.judge_file,
    activities.inference.data_checks.check_output,
    activities.inference.results.tell_verdict,
    activities.inference.files.quarantine_files,
    activities.inference.runs.look_at_orders,
    activities.inference.jobs.submit_job,
    activities.inference.jobs.look_at_job,
    activities.inference.jobs.cancel_job,
    activities.inference.jobs.reconcile_rows,
    activities.inference.files.hold_output,
    activities.inference.files.register_input,
    activities.inference.files.publish_result,
    activities.inference.announcements.announce_run,
    activities.inference.results.tell_result,
    activities.drift.windows.count_run,
    activities.drift.verdicts.look_at_drift,
    activities.drift.verdicts.judge_drift,
    activities.inference.windows.look_at_window,
    activities.inference.windows.claim_window,
    activities.inference.streams.look_at_records,
    activities.inference.backlog.look_at_backlog,
    activities.promotion.promotions.open_promotion,
    activities.promotion.promotions.lock_endpoint,
    activities.promotion.promotions.unlock_endpoint,
    activities.promotion.promotions.close_promotion,
    activities.promotion.promotions.look_at_plan,
    activities.rollout.looks.take_look,
    activities.rollout.rollbacks.deploy_target,
    activities.rollout.rollbacks.try_target,
    activities.rollout.rollbacks.shift_back,
    activities.rollout.rollbacks.close_rollback,
    activities.rollout.rehearsals.switch_rehearsed,
    activities.rollout.rehearsals.deploy_rehearsed,
    activities.rollout.rehearsals.try_rehearsed,
    activities.rollout.rehearsals.open_rehearsal,
    activities.promotion.registry.list_entries,
    activities.promotion.registry.scrub_entry,
    activities.promotion.registry.recover_entry,
    activities.trust.log_looks.look_at_log,
    activities.trust.entry_revocations.revoke_entry,
    activities.promotion.assessments.assess_stage,
    activities.promotion.packs.write_evidence_pack,
    activities.promotion.approvals.look_at_approvals,
    activities.promotion.approvals.look_at_glass,
    activities.promotion.approvals.remind_approvers,
    activities.promotion.receipts.issue_receipt,
    activities.devops.tasks.complete_task,
    activities.devops.hints.start_devops_run,
    activities.devops.hints.look_at_devops_run,
    activities.promotion.moves.make_move,
    activities.promotion.moves.undo_move,
    activities.promotion.moves.confirm_effects,
    activities.retraining.runs.weigh_causes,
    activities.retraining.runs.open_retraining,
    activities.retraining.runs.close_retraining,
    activities.retraining.training_sets.build_training_sets,
    activities.retraining.training.check_training_sets,
    activities.retraining.training.submit_training,
    activities.retraining.training.look_at_training,
    activities.retraining.training.stop_training,
    activities.retraining.challengers.judge_challenger,
    activities.retraining.challengers.register_challenger,
    activities.retraining.sweeps.look_at_promotion,
    activities.datasets.publications.open_publication,
    activities.datasets.staging.stage_dataset,
    activities.datasets.staging.check_dataset,
    activities.datasets.staging.discard_dataset,
    activities.datasets.versions.promote_dataset,
    activities.datasets.versions.register_dataset,
    activities.datasets.publications.close_publication,
    activities.datasets.imports.open_import,
    activities.datasets.imports.fetch_source,
    activities.datasets.imports.land_files,
    activities.datasets.imports.close_import,
    activities.provisioning.orders.open_order,
    activities.provisioning.orders.tell_order,
    activities.provisioning.orders.close_order,
    activities.provisioning.plans.read_plan,
    activities.provisioning.plans.open_change,
    activities.provisioning.plans.look_at_change,
    activities.provisioning.stage_changes.open_stage_change,
    activities.provisioning.stage_changes.look_at_stage_change,
    activities.provisioning.stage_changes.close_stage_change,
    activities.provisioning.set_up.set_up_devops,
    activities.provisioning.set_up.look_at_set_up,
    activities.provisioning.drift.list_standings,
    activities.provisioning.drift.read_drift,
    activities.provisioning.teardowns.look_at_teardown,
    activities.provisioning.teardowns.close_teardown,
)
# These start orchestrations: each gets the Durable client too.
STARTING_BODIES: tuple[Callable[..., Any], ...] = (
    activities.devops.tasks.begin_task,
    activities.devops.approvals.mirror_approvals,
    activities.devops.hints.heed_hint,
    activities.devops.tasks.report_task,
    activities.inference.runs.start_run,
    activities.inference.runs.close_run,
    activities.inference.streams.close_batch,
    activities.inference.sweeps.sweep_arrivals,
    activities.inference.run_sweeps.sweep_runs,
    activities.schedules.firing.fire_due,
    activities.schedules.firing.fire_schedule,
    activities.promotion.promotions.wake_waiting,
    activities.rollout.rollbacks.open_rollback,
    activities.rollout.rehearsals.close_rehearsal,
    activities.rollout.sweeps.sweep_alerts,
    activities.rollout.upkeep.sweep_production,
    activities.answers.sweeps.publish_answers,
    activities.notices.letters.send_notices,
    activities.promotion.flags.sweep_flags,
    activities.promotion.flags.sweep_promotions,
    activities.drift.verdicts.tell_drift,
    activities.drift.sweeps.sweep_drift,
    activities.retraining.runs.start_retraining,
    activities.retraining.runs.wake_retraining,
    activities.retraining.training_data.look_at_training_data,
    activities.retraining.sweeps.begin_promotion,
    activities.retraining.sweeps.sweep_retraining,
    activities.datasets.sweeps.sweep_publications,
)


def _telling(body: Callable[..., Any]) -> Callable[..., Any]:
    """*body*, which tells of the forgery that ends its work, whichever activity it is."""

    def activity(ports: Clients, order: Any) -> Any:
        try:
            return load(body)(ports, order)
        except Refused as refusal:
            load(activities.promotion.forgeries.tell_refused)(ports, order, refusal)
            raise

    activity.__name__ = body.__name__
    return activity


def activity_blueprint(clients: Callable[[], Clients]) -> Blueprint:
    """All activities, each of which gets its clients from *clients* when it runs."""
    blueprint = Blueprint()
    for body in BODIES:
        add_activity(blueprint, _telling(body), clients)
    for body in STARTING_BODIES:
        add_starting_activity(blueprint, body, clients)
    return blueprint
