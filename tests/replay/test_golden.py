"""Histories recorded from earlier code must still finish, and code that would diverge from them must be seen.

A golden history is never edited to make a test pass: a change that breaks one gets a new orchestration version.
`SIGNALBOX_RECORD=1 make test` records those that are missing (tests/*/test_record.py).
"""

import json
from typing import Any

import pytest

from orchestrators import inference
from shared import contracts as c
from shared.durable.context import Context, Steps, call
from tests.replay.histories import BODIES, GOLDEN, asked_for, replay

FILES = sorted(GOLDEN.glob("*.json"))
_NO_ERROR = {"error": "", "log": ""}
# Fields of outputs that are newer than the history, with their values there: a field is added here by hand.
NEWER: dict[str, dict[str, Any]] = {
    "run_inference-completed": {"job_error": "", "job_log": ""},
    "run_inference-released": {"job_error": "", "job_log": ""},
    "wait_for_job": _NO_ERROR,
    "wait_for_training": _NO_ERROR,
}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_recorded_history_still_finishes_the_same_way(path):
    golden = json.loads(path.read_text())

    answer = replay(golden["name"], golden["context"])

    assert asked_for(answer) == golden["asked_for"]
    assert answer["isDone"]
    newer = NEWER.get(path.stem)
    assert answer.get("output") == (golden["output"] | newer if newer else golden["output"])


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_prefix_of_a_history_asks_for_a_prefix_of_the_actions(path):
    golden = json.loads(path.read_text())
    history = golden["context"]["history"]

    for length in range(1, len(history)):
        if history[length]["EventType"] == 12:  # A prefix ends where a step of the orchestrator ended.
            answer = replay(golden["name"], golden["context"] | {"history": history[:length]})
            asked = asked_for(answer)
            assert asked == golden["asked_for"][: len(asked)]


def hasty(ctx: Context, request: c.Inference) -> Steps[Any]:
    """What must never be: a run that submits before it checks."""
    opening = c.RunOpening(key="k", execution=ctx.unique(), inference=request)
    yield from call(ctx, c.OPEN_RUN, opening)
    return (yield from inference._score(ctx, request, c.Gathered(files=1), c.DataVerdict(passed=True, rows=1)))


def test_code_that_skips_the_check_is_seen_on_a_recorded_history():
    golden = json.loads((GOLDEN / "run_inference-completed.json").read_text())

    try:
        asked = asked_for(replay(golden["name"], golden["context"], hasty))
    except Exception:  # The SDK hands one task's result to another, which then may not decode.
        return
    assert asked != golden["asked_for"]


def second_release(ctx: Context, request: c.Inference) -> Steps[Any]:
    """A release that asks one thing more of every run that begins with it."""
    if ctx.version != "1.0":
        yield from call(ctx, c.OPEN_RUN, c.RunOpening(key="k", execution=ctx.unique(), inference=request))
    return (yield from inference.run_inference(ctx, request))


def replayed_by_the_second_release(version: str) -> tuple[list[str], list[str]]:
    golden = json.loads((GOLDEN / "run_inference-completed.json").read_text())
    (start,) = [event for event in golden["context"]["history"] if event["EventType"] == 0]
    start["Version"] = version
    return asked_for(replay(golden["name"], golden["context"], second_release)), golden["asked_for"]


def test_a_run_of_the_first_release_finishes_under_the_second():
    asked, recorded = replayed_by_the_second_release("1.0")

    assert asked == recorded


def test_a_run_that_the_second_release_begins_takes_its_new_step():
    with pytest.raises(Exception, match=r"Gathered\.files is missing"):  # A step more than the history has.
        replayed_by_the_second_release("2.0")


def test_there_is_a_history_of_each_orchestration():
    assert {json.loads(path.read_text())["name"] for path in FILES} == set(BODIES)


def test_there_is_a_history_of_each_path():
    assert {path.stem for path in FILES} >= {
        *(
            "run_inference-completed",
            "run_inference-released",
            "run_inference-registered",
            "collect_window",
            "wait_for_job",
        ),
        *("retrain-better", "retrain-failed", "wait_for_training", "consider_retraining", "check_drift"),
        *("follow_task", "mirror", "run_devops_pipeline"),
        *("promote-approved", "promote-waited", "restore"),  # By the first version: the plan rides in every order.
        "promote-confirmed",  # Azure is asked at its end.
        *("promote-outlined", "restore-outlined", "promote_set-whole", "promote_set-taken_back"),
        *("promote-rollout", "promote-rollout_aborted", "watch_step-advanced", "watch_step-aborted"),
        *("roll_back-warm", "roll_back-cold", "roll_back-refused", "revoke-rolled_back", "revoke-still_serving"),
        *("verify_log-parts", "reread_log-broken"),
        *("publish_dataset-published", "publish_dataset-bad_data"),
        *("import_source-imported", "import_source-failed"),
        *("provision-ready", "provision-rejected", "provision-unchanged"),
        *("await_change", "reconcile_provisioning", "tear_down"),
    }
