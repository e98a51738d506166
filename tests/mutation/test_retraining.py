"""Remove one lock of retraining, and a named test must fail.

Each case takes one line out of the running product and lets the test that stands guard over it run.
"""

from collections.abc import Callable
from typing import Any

import pytest

from shared import contracts as c
from tests.contracts import test_pipeline_faults as faults
from tests.contracts.conftest import running, service, world  # noqa: F401 (fixtures)
from tests.contracts.service import Service
from tests.mutation.removal import expect_failure, named, remove
from tests.retraining import test_data, test_doors, test_hostile, test_once, test_story
from tests.retraining.conftest import Works, sweeps, ticks, works  # noqa: F401 (fixtures)

Guard = Callable[..., Any]
Lock = tuple[str, str, str, Guard, dict[str, Any]]  # File, what stands there, what the careless leave, guard, its rest.
CLOSING, JUDGING, TRAINING = (
    "activities/retraining/runs.py",
    "activities/retraining/challengers.py",
    "orchestrators/retraining.py",
)
REGIONS, WAITING = "shared/adapters/azure_ml/regions.py", "orchestrators/waiting.py"
PREDICTIONS = test_hostile.test_predictions_count_only_for_exactly_the_holdout
RUNS: list[Lock] = [
    (
        CLOSING,
        "    causes = _unclaimed(clients, closing.request.rules.model, closing.request.run)\n",
        "    causes = []\n",
        test_story.test_a_run_in_flight_absorbs_what_comes_meanwhile,
        {},
    ),
    (
        CLOSING,
        " if closing.result.outcome.judged else []",
        "",
        test_story.test_a_run_that_failed_answers_nothing_that_came_meanwhile,
        {},
    ),
    (
        CLOSING,
        "set(_claimed_ids(clients, running)) if running else set()",
        "set()",
        test_once.test_causes_that_were_claimed_and_not_yet_marked_are_not_claimed_again,
        {},
    ),
    (
        CLOSING,
        '    if "closed" in record:\n',
        "    if False:\n",
        test_once.test_a_kill_while_a_run_closes_changes_nothing_of_what_it_absorbed,
        {"step": "/run.json"},
    ),
    (
        CLOSING,
        "    causes = _unclaimed(clients, closing.request.rules.model, closing.request.run)\n    return [cause.id",
        "    causes = open_causes(clients, closing.request.rules.model)\n    return [cause.id",
        test_once.test_causes_that_were_never_marked_are_their_runs_own_however_it_ends,
        {},
    ),
    (
        CLOSING,
        "    if weighing.key in book.claims:\n",
        "    if False:\n",
        test_once.test_a_claim_that_nobody_started_is_started_by_the_timer,
        {},
    ),
    (
        CLOSING,
        '    if first.get("execution") == opening.execution:\n',
        "    if True:\n",
        test_once.test_a_run_that_is_started_again_after_its_end_is_a_duplicate_and_does_nothing,
        {},
    ),
    (
        CLOSING,
        "    if right != book:\n",
        "    if False:\n",
        test_hostile.test_a_clock_that_goes_back_starts_nothing_twice_and_blocks_nothing_for_longer_than_its_limit,
        {},
    ),
    (
        "shared/application/retraining/consideration.py",
        "if how is Start.STARTED or await asyncio.to_thread(_pauses, made, model):",
        "if True:",
        test_doors.test_what_is_asked_as_a_consideration_ends_is_considered_at_once,
        {},
    ),
    (
        TRAINING,
        "    if judged.outcome is not c.RetrainingOutcome.BETTER:\n",
        "    if False:\n",
        test_story.test_what_is_not_better_goes_no_further_and_says_why,
        {"error": 3.0, "outcome": c.RetrainingOutcome.NOT_BETTER, "said": "wanted 0"},
    ),
    (
        TRAINING,
        "        yield from _stop(ctx, training, result.because)\n",
        "",
        PREDICTIONS,
        {"spoil": lambda lines: lines[:-1], "said": "1 rows are missing"},
    ),
    (
        TRAINING,
        "    if not verdict.passed:\n",
        "    if False:\n",
        test_hostile.test_bad_training_data_starts_no_pipeline,
        {},
    ),
    (
        WAITING,
        "            return (yield from stop(JobState.FAILED, because))\n",
        "            return c.JobEnd(state=JobState.FAILED, because=because)\n",
        test_hostile.test_a_run_that_never_ends_is_cancelled_and_that_is_a_failure,
        {},
    ),
    (
        WAITING,
        "        if seen.cancel_asked:\n",
        "        if False:\n",
        test_hostile.test_a_metric_beyond_its_rule_stops_the_run,
        {},
    ),
    (
        JUDGING,
        "    if ordered := cancelled_by(clients, request):\n        return",
        "    if ordered := '':\n        return",
        test_doors.test_an_order_that_comes_while_the_challenger_is_judged_keeps_it_from_being_registered,
        {},
    ),
    (
        JUDGING,
        "    if ordered := cancelled_by(clients, request):\n        raise",
        "    if ordered := '':\n        raise",
        test_doors.test_an_order_that_comes_before_the_challenger_is_registered_keeps_it_from_being,
        {},
    ),
    (
        JUDGING,
        "    if rows.digest != trial.sets.digest:\n",
        "    if False:\n",
        test_hostile.test_a_holdout_that_is_replaced_meanwhile_voids_the_predictions,
        {},
    ),
    (
        JUDGING,
        '    require_every(values, "predictions.csv")\n',
        "",
        PREDICTIONS,
        {"spoil": lambda lines: [*lines[:-1], "199,nan"], "said": "1 of 200 rows have none"},
    ),
    (
        JUDGING,
        "    if digest != registration.judged.digest:\n",
        "    if False:\n",
        test_hostile.test_files_that_change_after_they_were_judged_are_not_registered,
        {},
    ),
    (
        JUDGING,
        "        if there.tags.get(RUN) == request.run:\n            return there.model\n",
        "",
        test_once.test_a_lost_record_repeats_no_effect,
        {"step": "registered", "after": False},
    ),
    (
        "activities/retraining/training_sets.py",
        "    return IMAGE if of_images else holdout.holdout.key\n",
        "    return holdout.holdout.key\n",
        test_data.test_no_box_of_an_image_of_the_holdout_is_trained_on,
        {"key": "id"},
    ),
    (
        "activities/retraining/training_sets.py",
        " if name != holdout.holdout.target]",
        "]",
        test_hostile.test_the_answers_never_reach_the_pipeline,
        {},
    ),
    (
        "activities/retraining/training_sets.py",
        "Merge(route.conflicts, holdout.values(apart))",
        "Merge(route.conflicts)",
        test_data.test_a_set_has_every_row_once_and_says_what_it_is_made_of,
        {},
    ),
    (
        "triggers/http/retraining.py",
        "    if not path or container in clients.configuration.hub.reserved:\n",
        "    if not path:\n",
        test_doors.test_what_cannot_be_is_refused_by_name,
        {},
    ),
]
HOSTS: list[tuple[str, str, str, str]] = [
    (
        "shared/adapters/allowed_hosts.py",
        " or not any(fnmatchcase(host, pattern.lower()) for pattern in hosts)",
        "",
        "api",
    ),
    (
        REGIONS,
        'allowed(self._named(workspace, "discoveryUrl"), self._hosts, "discoveryUrl", _SETTING)',
        'self._named(workspace, "discoveryUrl")',
        "discoveryUrl",
    ),
    (
        REGIONS,
        'allowed(str(services.get("api")), self._hosts, "the discovered api", _SETTING)',
        'str(services.get("api"))',
        "api",
    ),
    (
        REGIONS,
        'allowed(uri, self._hosts, "mlFlowTrackingUri", _SETTING)',
        "uri",
        "mlFlowTrackingUri",
    ),
    (
        "shared/adapters/azure_ml/invocations.py",
        'allowed_uri(str(raw["properties"]["scoringUri"]), self._hosts)',
        'str(raw["properties"]["scoringUri"])',
        "scoringUri",
    ),
]


@pytest.mark.parametrize(("file", "lock", "without", "guard", "given"), RUNS, ids=named(RUNS))
async def test_a_removed_lock_is_noticed(
    works: Works,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
    file: str,
    lock: str,
    without: str,
    guard: Guard,
    given: dict[str, Any],
) -> None:
    remove(monkeypatch, file, lock, without)

    await expect_failure(guard, works=works, **given)


@pytest.mark.parametrize(("file", "lock", "without", "field"), HOSTS, ids=named(HOSTS))
async def test_an_address_that_is_not_checked_is_noticed(
    world: Service,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
    file: str,
    lock: str,
    without: str,
    field: str,
) -> None:
    remove(monkeypatch, file, lock, without)

    await expect_failure(faults.test_a_host_that_is_not_allowed_is_never_called, world=world, field=field)
