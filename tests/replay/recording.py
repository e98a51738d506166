"""Records golden histories that are missing, when asked to (SIGNALBOX_RECORD=1); none is ever written over.

A long orchestration has a scene of its own in a folder's test_record.py. The short ones are recorded from tests that
run them anyway, which SCENES names.
"""

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from signalbox.host.durable.orchestrations import replay as host_replay
from tests.replay.histories import GOLDEN, asked_for, replay

FOLDERS = {str(Path(__file__).parents[2]): "/app", sys.base_prefix: "/python"}  # Tracebacks name files in them.
ASKED = "SIGNALBOX_RECORD" in os.environ
only_when_asked = pytest.mark.skipif(not ASKED, reason="records only when SIGNALBOX_RECORD is set")
SCENES: dict[str, str] = {  # Orchestration: the test that ends one with something to tell.
    "answer_late": "test_whoever_asks_after_the_end_is_answered_at_once_and_only_once",
    "cancel_training_adrift": "test_a_run_that_is_ended_from_outside_is_cancelled_and_says_so[3]",
    "check_hub_file": "test_the_sender_hears_the_verdict_once_however_often_the_message_comes[id,x\\nbad,1\\n-failed]",
    "collect_records": "test_a_batch_is_closed_by_count_and_the_rest_by_age",
    "conclude_adrift": "test_the_job_of_a_run_terminated_from_outside_is_found_and_cancelled",
    "conclude_publication": "test_a_publication_that_was_ended_from_outside_is_finished[promoted]",
    "deliver_notices": "test_what_belongs_to_a_set_is_what_was_signed",
    "heed": "test_a_merge_that_was_hinted_at_meanwhile_starts_what_it_starts_once",
    "keep_schedules": "test_a_tick_that_was_ended_half_way_is_finished_by_the_next_as_of_its_own_time",
    "reconcile": "test_a_missing_container_keeps_no_other_route_from_being_swept",
    "reconcile_answers": "test_what_belongs_to_a_set_is_what_was_signed",
    "reconcile_datasets": "test_a_publication_that_was_ended_from_outside_is_finished[staged]",
    "reconcile_drift": "test_a_sweep_makes_the_check_that_was_never_started",
    "reconcile_production": "test_what_belongs_to_a_set_is_what_was_signed",
    "reconcile_promotions": "test_of_versions_flagged_together_none_arrives_without_the_others",
    "reconcile_retraining": "test_the_budget_stops_new_runs_and_says_so",
    "recover": "test_an_entry_comes_back_into_an_environment_that_lost_it",
    "run_schedule": "test_a_schedule_runs_now_for_whoever_says_why",
    "scrub_registry": "test_registry_entries_are_compared_with_statements",
    "watch_training_data": "test_new_data_is_counted_as_it_lies_there[0 0 */6 * * *]",
}


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The last context of each instance, as the SDK got it; each step replays its whole history for that."""
    contexts: dict[str, str] = {}
    original = host_replay._context

    def context(instance: Any, replayed: int) -> str:
        text = original(instance, replayed)
        contexts[instance.row.instance_id] = text
        return text

    monkeypatch.setattr(host_replay, "_context", context)
    monkeypatch.setattr(host_replay, "_replays_whole", lambda steps: True)
    return contexts


def record(stem: str, name: str, text: str) -> None:
    path = GOLDEN / f"{stem}.json"
    if not path.exists():
        for folder, name_of_folder in FOLDERS.items():
            text = text.replace(folder, name_of_folder)
        context = json.loads(text)
        answer = replay(name, context)
        golden = {"name": name, "context": context, "asked_for": asked_for(answer), "output": answer.get("output")}
        path.write_text(json.dumps(golden, indent=1) + "\n")


@pytest.fixture(autouse=True)
def scene(request: pytest.FixtureRequest) -> Iterator[None]:
    """Record the orchestrations whose scene this test is."""
    names = {name for name, test in SCENES.items() if ASKED and test == request.node.name.partition("@")[0]}
    contexts: dict[str, str] = request.getfixturevalue("seen") if names else {}
    yield
    for text in contexts.values():
        (start,) = [event for event in json.loads(text)["history"] if event["EventType"] == 0]
        name = start["Name"]
        if name in names and replay(name, json.loads(text))["isDone"]:
            record(name, name, text)
