"""The table of the console's pages. A page is a row here, a module in `views`, and a template."""

from typing import TYPE_CHECKING

from shared.domain.inference.overrides import AskedOverrides
from shared.durable.deferred import Deferred
from shared.records.lists.rows import IMPORTS, PROMOTIONS, RUNS
from triggers.console.page import Page, PageForm

if TYPE_CHECKING:
    import triggers.console.views.dead_letters
    import triggers.console.views.doctor
    import triggers.console.views.evidence
    import triggers.console.views.inbox
    import triggers.console.views.me
    import triggers.console.views.next_attempt
    import triggers.console.views.promotion
    import triggers.console.views.promotions
    import triggers.console.views.records.audit
    import triggers.console.views.records.configuration
    import triggers.console.views.records.contracts
    import triggers.console.views.records.datasets
    import triggers.console.views.records.imports
    import triggers.console.views.records.search
    import triggers.console.views.releases.comparison
    import triggers.console.views.releases.hold
    import triggers.console.views.releases.model
    import triggers.console.views.releases.models
    import triggers.console.views.releases.rehearsal
    import triggers.console.views.releases.revocation
    import triggers.console.views.releases.rollback
    import triggers.console.views.releases.rollout
    import triggers.console.views.releases.rollout_step
    import triggers.console.views.releases.rollouts
    import triggers.console.views.retraining.drift
    import triggers.console.views.retraining.model
    import triggers.console.views.retraining.overview
    import triggers.console.views.retraining.run
    import triggers.console.views.run
    import triggers.console.views.runs
    import triggers.console.views.runs_together
    import triggers.console.views.schedule
    import triggers.console.views.schedules

    views = triggers.console.views
else:
    views = Deferred("triggers.console.views")

_DECISION = ("role", "evidence", "reason")
_LEAVING = (*_DECISION, "to")
_ORDER = ("reason",)
_SETTINGS = tuple(f"overrides.{name}" for name in AskedOverrides.__dataclass_fields__)
_STEP = ("step",)
_ORDER_AT_STEP = (*_STEP, *_ORDER)

PAGES: tuple[Page, ...] = (
    Page(path="", show=views.inbox.show, reads=("show_inbox",), label="For me", lists=(RUNS, PROMOTIONS)),
    Page(
        path="promotions",
        show=views.promotions.show,
        reads=("list_promotions",),
        label="Promotions",
        lists=(PROMOTIONS,),
    ),
    Page(
        path="promotions/{promotion}",
        show=views.promotion.show,
        reads=("show_promotion", "explain_promotion", "list_decisions", "show_timeline", "show_inbox"),
        forms=(
            PageForm(
                name="approve",
                operation="approve_promotion",
                fields=_DECISION,
                bound=("role", "evidence"),
                done="You have approved it.",
            ),
            PageForm(
                name="reject",
                operation="reject_promotion",
                fields=_DECISION,
                bound=("role", "evidence"),
                done="You have rejected it.",
            ),
            PageForm(
                name="break-glass",
                operation="break_glass",
                fields=(*_DECISION, "stage", "phase"),
                bound=("role", "evidence", "stage", "phase"),
                done="You have agreed to override the failing gates.",
            ),
            PageForm(
                name="delegate",
                operation="delegate_decision",
                fields=_LEAVING,
                bound=("role", "evidence"),
                done="You have left the decision to another person, who is told of it.",
            ),
            PageForm(
                name="take-back",
                operation="withdraw_delegation",
                fields=("role",),
                bound=("role",),
                done="You decide yourself again.",
            ),
            PageForm(
                name="withdraw",
                operation="withdraw_decision",
                fields=("role", "stage", "phase"),
                bound=("role", "stage", "phase"),
                done="You have taken your decision back.",
            ),
        ),
    ),
    Page(path="promotions/{promotion}/evidence", show=views.evidence.show, reads=("show_evidence",)),
    Page(
        path="rollouts",
        show=views.releases.rollouts.show,
        reads=("list_rollouts",),
        label="Rollouts",
        lists=(PROMOTIONS,),
    ),
    Page(
        path="rollouts/{promotion}",
        show=views.releases.rollout.show,
        reads=("show_rollout", "show_looks"),
        lists=(PROMOTIONS,),
        forms=(
            PageForm(
                name="pause",
                operation="pause_rollout",
                done="The rollout is paused.",
                fields=_ORDER_AT_STEP,
                bound=_STEP,
                numbers=_STEP,
            ),
            PageForm(
                name="resume",
                operation="resume_rollout",
                done="The rollout goes on.",
                fields=_ORDER_AT_STEP,
                bound=_STEP,
                numbers=_STEP,
            ),
            PageForm(
                name="advance",
                operation="advance_rollout",
                done="The step goes on.",
                fields=_ORDER_AT_STEP,
                bound=_STEP,
                numbers=_STEP,
            ),
            # An abort is for every step: a person who must stop it is not told to look at another one first.
            PageForm(name="abort", operation="abort_rollout", fields=_ORDER, done="The rollout is being aborted."),
        ),
    ),
    Page(
        path="rollouts/{promotion}/page",
        show=views.releases.rollout_step.show,
        reads=("show_step_page",),
    ),
    Page(path="models", show=views.releases.models.show, reads=("list_models", "show_what_serves"), label="Models"),
    Page(
        path="models/{model}",
        show=views.releases.model.show,
        reads=("show_model", "show_history", "show_serving", "show_known_good"),
    ),
    Page(
        path="models/{model}/comparison",
        show=views.releases.comparison.show,
        reads=("show_model", "compare_versions"),
    ),
    Page(
        path="models/{model}/rollback",
        show=views.releases.rollback.show,
        reads=("show_model", "plan_rollback", "show_known_good"),
        forms=(
            PageForm(
                name="order",
                operation="roll_back_model",
                fields=("stage", "to", "leaving", "override", "reason"),
                bound=("stage", "to", "leaving", "override"),
                done="The rollback has begun.",
            ),
        ),
    ),
    Page(
        path="models/{model}/revocation",
        show=views.releases.revocation.show,
        reads=("show_model", "plan_revocation", "list_promotions"),
        forms=(
            PageForm(
                name="order",
                operation="revoke_version",
                fields=("version", "reason"),
                bound=("version",),
                done="The version is being revoked.",
            ),
        ),
    ),
    Page(
        path="models/{model}/hold",
        show=views.releases.hold.show,
        reads=("show_model", "plan_release"),
        forms=(
            PageForm(
                name="order",
                operation="release_version",
                fields=("version", "reason"),
                bound=("version",),
                done="Nothing holds the version back any more.",
            ),
        ),
    ),
    Page(
        path="models/{model}/rehearsal",
        show=views.releases.rehearsal.show,
        reads=("show_model", "plan_rehearsal", "show_known_good"),
        forms=(
            PageForm(
                name="order",
                operation="rehearse_rollback",
                fields=("stage", "version", "cold", "reason"),
                bound=("stage", "version", "cold"),
                done="The rehearsal has begun. What it finds is told on the model's page.",
            ),
        ),
    ),
    Page(path="runs", show=views.runs.show, reads=("list_runs", "show_configuration"), label="Runs", lists=(RUNS,)),
    Page(
        path="runs/together",
        show=views.runs_together.show,
        reads=("list_runs", "show_run"),
        forms=(
            PageForm(
                name="release",
                operation="release_run",
                fields=_ORDER,
                bound=("names",),
                each="run",
                done="The data of all these runs is released.",
            ),
            PageForm(
                name="reprocess",
                operation="reprocess_run",
                fields=_ORDER,
                bound=("names",),
                each="run",
                done="The next attempts of all these runs have started.",
            ),
        ),
    ),
    Page(
        path="runs/{run}",
        show=views.run.show,
        reads=("show_run",),
        forms=(
            PageForm(name="release", operation="release_run", fields=_ORDER, done="The data is released."),
            PageForm(
                name="release-output", operation="release_output", fields=_ORDER, done="The predictions are released."
            ),
            PageForm(name="cancel", operation="cancel_run", fields=_ORDER, done="The run is being cancelled."),
            PageForm(name="reprocess", operation="reprocess_run", fields=_ORDER, done="The next attempt has started."),
        ),
    ),
    Page(
        path="runs/{run}/attempt",
        show=views.next_attempt.show,
        reads=("suggest_next_size", "show_run"),
        forms=(
            PageForm(
                name="order",
                operation="reprocess_run",
                fields=(*_ORDER, "as_it_was", *_SETTINGS),
                numbers=tuple(name for name in _SETTINGS if name != "overrides.compute"),
                done="The next attempt has started.",
            ),
        ),
    ),
    Page(
        path="retraining",
        show=views.retraining.overview.show,
        reads=("show_learning", "list_retrainings"),
        label="Retraining",
    ),
    Page(
        path="retraining/{model}",
        show=views.retraining.model.show,
        reads=("show_retraining",),
        forms=(
            PageForm(
                name="retrain",
                operation="retrain_model",
                fields=("reason", "data"),
                done="Your wish is recorded, and is weighed with all other causes.",
            ),
        ),
    ),
    Page(
        path="retrainings/{run}",
        show=views.retraining.run.show,
        reads=("show_training",),
        forms=(
            PageForm(
                name="cancel", operation="cancel_retraining", fields=_ORDER, done="The training is being cancelled."
            ),
        ),
    ),
    Page(path="drift/{model}", show=views.retraining.drift.show, reads=("show_drift", "list_drift_looks")),
    Page(
        path="schedules",
        show=views.schedules.show,
        reads=("list_schedules",),
        label="Schedules",
        aside=True,
    ),
    Page(
        path="schedules/{schedule}",
        show=views.schedule.show,
        reads=("show_schedule",),
        forms=(
            PageForm(name="pause", operation="pause_schedule", fields=_ORDER, done="The schedule rests."),
            PageForm(name="resume", operation="resume_schedule", fields=_ORDER, done="The schedule goes on."),
            PageForm(name="run", operation="run_schedule_now", fields=_ORDER, done="It is run now."),
        ),
    ),
    Page(
        path="dead-letters",
        show=views.dead_letters.show,
        reads=("list_dead_letters", "show_dead_letter"),
        label="Dead letters",
        aside=True,
        forms=(
            PageForm(
                name="replay",
                operation="replay_dead_letter",
                fields=("path", "dry_run"),
                bound=("path", "dry_run"),
                done="The letter was taken in again.",
            ),
        ),
    ),
    Page(path="datasets", show=views.records.datasets.show, reads=("list_datasets",), label="Data sets", aside=True),
    Page(
        path="datasets/{dataset}/versions/{version}", show=views.records.datasets.show_version, reads=("show_dataset",)
    ),
    Page(
        path="imports",
        show=views.records.imports.show,
        reads=("list_imports",),
        label="Imports",
        aside=True,
        lists=(IMPORTS,),
    ),
    Page(path="imports/{name}", show=views.records.imports.show_import, reads=("show_import",)),
    Page(
        path="data-contracts",
        show=views.records.contracts.show,
        reads=("list_data_contracts", "show_data_contract"),
        label="Data contracts",
        aside=True,
    ),
    Page(path="audit", show=views.records.audit.show, reads=("list_audit_entries",), label="Audit log", aside=True),
    Page(path="audit/verification", show=views.records.audit.verify, reads=("verify_audit",)),
    Page(path="audit/{entry}", show=views.records.audit.prove, reads=("prove_entry",)),
    Page(
        path="configuration",
        show=views.records.configuration.show,
        reads=("show_whole_configuration",),
        label="Configuration",
        aside=True,
    ),
    Page(path="configuration/history", show=views.records.configuration.show_history, reads=("list_configurations",)),
    Page(
        path="configuration/history/{digest}",
        show=views.records.configuration.show_past,
        reads=("show_past_configuration",),
    ),
    Page(path="doctor", show=views.doctor.show, reads=("examine_everything",), label="Doctor", aside=True),
    Page(path="search", show=views.records.search.show, reads=("search",)),
    Page(path="me", show=views.me.show, reads=("show_me",)),
)
