"""Remove one lock of retraining, and a named test must fail.

Each case takes one condition out of the running product and lets the test that stands guard over it run.
"""

import pytest

from shared import contracts as c
from tests.amounts import sample
from tests.contracts import test_pipeline_faults as faults
from tests.contracts.conftest import running, service, world  # noqa: F401 (fixtures)
from tests.contracts.service import Service
from tests.mutation.removal import Lock, expect_failure, remove
from tests.retraining import test_data, test_doors, test_hostile, test_once, test_story
from tests.retraining.conftest import RetrainingApp, app, sweeps, ticks  # noqa: F401 (fixtures)

PREDICTIONS = test_hostile.test_predictions_count_only_for_exactly_the_holdout
UNCHECKED = faults.test_a_host_that_is_not_allowed_is_never_called
RUNS = [
    Lock(
        symbol="_absorbed",
        condition="_unclaimed(clients, closing.request.rules.model, closing.request.run)",
        without="[]",
        guard=test_story.test_a_run_in_flight_absorbs_what_comes_meanwhile,
    ),
    Lock(
        symbol="_absorbed",
        condition="[cause.id for cause in causes] if closing.result.outcome.judged else []",
        without="[cause.id for cause in causes]",
        guard=test_story.test_a_run_that_failed_answers_nothing_that_came_meanwhile,
    ),
    Lock(
        symbol="_unclaimed",
        condition="set(_claimed_ids(clients, running)) if running else set()",
        without="set()",
        guard=test_once.test_causes_that_were_claimed_and_not_yet_marked_are_not_claimed_again,
    ),
    Lock(
        symbol="runs._end",
        condition="stored_record.record.closed is not None",
        without="False",
        guard=test_once.test_a_kill_while_a_run_closes_changes_nothing_of_what_it_absorbed,
        arguments={"step": "/run.json"},
    ),
    Lock(
        symbol="_absorbed",
        condition="_unclaimed(clients, closing.request.rules.model, closing.request.run)",
        without="open_causes(clients.store, closing.request.rules.model)",
        guard=test_once.test_causes_that_were_never_marked_are_their_runs_own_however_it_ends,
    ),
    Lock(
        symbol="weigh_causes",
        condition="weighing.key in book.claims",
        without="False",
        guard=test_once.test_a_claim_that_nobody_started_is_started_by_the_timer,
    ),
    Lock(
        symbol="open_retraining",
        condition="first.execution == opening.execution",
        without="True",
        guard=test_once.test_a_run_that_is_started_again_after_its_end_is_a_duplicate_and_does_nothing,
    ),
    Lock(
        symbol="_book_as_of_now",
        condition="right != book",
        without="False",
        guard=test_hostile.test_a_clock_that_goes_back_starts_nothing_twice_and_blocks_nothing_for_longer_than_its_limit,
    ),
    Lock(
        symbol="consider",
        condition="start is Start.STARTED or await asyncio.to_thread(_pauses, store, model)",
        without="True",
        guard=test_doors.test_what_is_asked_as_a_consideration_ends_is_considered_at_once,
    ),
    Lock(
        symbol="retraining._judge",
        condition="judgement.outcome is not c.RetrainingOutcome.BETTER",
        without="False",
        guard=test_story.test_what_is_not_better_goes_no_further_and_says_why,
        arguments={"error": 3.0, "outcome": c.RetrainingOutcome.NOT_BETTER, "said": "wanted 0"},
    ),
    Lock(
        symbol="retraining._stop_failed",
        condition="yield from _stop(ctx, training, result.because)",
        without="None",
        guard=PREDICTIONS,
        arguments={"spoil": lambda lines: lines[:-1], "said": "1 row is missing"},
    ),
    Lock(
        symbol="retraining._carry",
        condition="not verdict.passed",
        without="False",
        guard=test_hostile.test_bad_training_data_starts_no_pipeline,
    ),
    Lock(
        symbol="poll_segment",
        condition="(yield from stop(JobState.FAILED, because))",
        without="c.JobEnd(state=JobState.FAILED, because=because)",
        guard=test_hostile.test_a_run_that_never_ends_is_cancelled_and_that_is_a_failure,
    ),
    Lock(
        symbol="poll_segment",
        condition="job.cancel_asked",
        without="False",
        guard=test_hostile.test_a_metric_beyond_its_rule_stops_the_run,
    ),
    Lock(
        symbol="challengers._judge",
        condition="cancelled_by(clients, request)",
        without='""',
        guard=test_doors.test_an_order_that_comes_while_the_challenger_is_judged_keeps_it_from_being_registered,
    ),
    Lock(
        symbol="challengers._register",
        condition="cancelled_by(clients, request)",
        without='""',
        guard=test_doors.test_an_order_that_comes_before_the_challenger_is_registered_keeps_it_from_being,
    ),
    Lock(
        symbol="challengers._judge",
        condition="rows.digest != trial.sets.digest",
        without="False",
        guard=test_hostile.test_a_holdout_that_is_replaced_meanwhile_voids_the_predictions,
    ),
    Lock(
        symbol="challengers._predictions",
        condition='require_every(values, "predictions.csv")',
        without="None",
        guard=PREDICTIONS,
        arguments={"spoil": lambda lines: [*lines[:-1], "199,nan"], "said": "1 of 200 rows have none"},
    ),
    Lock(
        symbol="challengers._register",
        condition="digest != registration.judged.digest",
        without="False",
        guard=test_hostile.test_files_that_change_after_they_were_judged_are_not_registered,
    ),
    Lock(
        symbol="challengers._version",
        condition="registered_model.tags.get(RUN) == request.run",
        without="False",
        guard=test_once.test_a_lost_record_repeats_no_effect,
        arguments={"step": "registered", "after": False},
    ),
    Lock(
        symbol="_told_apart",
        condition="IMAGE if of_images else holdout.holdout.key",
        without="holdout.holdout.key",
        guard=test_data.test_no_box_of_an_image_of_the_holdout_is_trained_on,
        arguments={"key": "id"},
    ),
    Lock(
        symbol="_write_holdout",
        condition="name != holdout.holdout.target",
        without="True",
        guard=test_hostile.test_the_answers_never_reach_the_pipeline,
    ),
    Lock(
        symbol="_told_apart",
        condition="[IMAGE if of_images else holdout.holdout.key, holdout.holdout.group]",
        without="[IMAGE if of_images else holdout.holdout.key]",
        guard=test_data.test_no_row_of_a_patient_of_the_holdout_is_trained_on,
    ),
    Lock(
        symbol="training_sets._set",
        condition="Merge(route.conflicts, *map(holdout.values, apart))",
        without="Merge(route.conflicts)",
        guard=test_data.test_a_set_has_every_row_once_and_says_what_it_is_made_of,
    ),
    Lock(
        symbol="_refuse_strange_data",
        condition="container in clients.configuration.hub.reserved",
        without="False",
        guard=test_doors.test_what_cannot_be_is_refused_by_name,
    ),
]
HOSTS = [
    Lock(
        symbol="require_allowed_host",
        condition="not any((fnmatchcase(host, pattern.lower()) for pattern in hosts))",
        without="False",
        guard=UNCHECKED,
        arguments={"field": "api"},
    ),
    Lock(
        symbol="Regions.pipelines",
        condition='require_allowed_host(self._named(workspace, "discoveryUrl"), self._hosts, "discoveryUrl", _SETTING)',
        without='self._named(workspace, "discoveryUrl")',
        guard=UNCHECKED,
        arguments={"field": "discoveryUrl"},
    ),
    Lock(
        symbol="Regions.pipelines",
        condition='require_allowed_host(str(services.get("api")), self._hosts, "the discovered api", _SETTING)',
        without='str(services.get("api"))',
        guard=UNCHECKED,
        arguments={"field": "api"},
    ),
    Lock(
        symbol="Regions.tracking",
        condition='require_allowed_host(uri, self._hosts, "mlFlowTrackingUri", _SETTING)',
        without="uri",
        guard=UNCHECKED,
        arguments={"field": "mlFlowTrackingUri"},
    ),
    Lock(
        symbol="BatchInvocations._scoring_uri",
        condition='allowed_uri(str(raw["properties"]["scoringUri"]), self._hosts)',
        without='str(raw["properties"]["scoringUri"])',
        guard=UNCHECKED,
        arguments={"field": "scoringUri"},
    ),
]


@pytest.mark.parametrize("lock", RUNS, ids=str)
def test_every_lock_stands_where_it_is_named(lock: Lock) -> None:
    lock.changed()


@pytest.mark.long
@pytest.mark.parametrize("lock", sample(RUNS, 8), ids=str)
async def test_a_removed_lock_is_noticed(
    app: RetrainingApp,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
    lock: Lock,
) -> None:
    remove(monkeypatch, lock)

    await expect_failure(lock.guard, app=app, **lock.arguments)


@pytest.mark.parametrize("lock", HOSTS, ids=str)
async def test_an_address_that_is_not_checked_is_noticed(
    world: Service,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
    lock: Lock,
) -> None:
    remove(monkeypatch, lock)

    await expect_failure(lock.guard, world=world, **lock.arguments)
