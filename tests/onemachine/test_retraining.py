"""Retraining and drift on one machine, with hosts that die between an effect and the record that should know of it."""

import copy
import os
from collections.abc import Iterator
from typing import Any

import pytest

from tests.onemachine.loop import MODEL, Mortal, configure, counted, payload, publish, put, shifted
from tests.onemachine.world import World

pytestmark = [pytest.mark.onemachine, pytest.mark.xdist_group("onemachine")]

# `make chaos` asks for all of them; what is here otherwise is enough to see each kind of accident.
WHOLE = bool(os.environ.get("SIGNALBOX_CHAOS_LOOP"))
ACTIVITIES = (
    *("weigh_causes", "start_retraining", "open_retraining", "build_training_sets", "check_training_sets"),
    *("submit_training", "look_at_training", "judge_challenger", "register_challenger", "begin_promotion"),
    *("look_at_promotion", "close_retraining", "wake_retraining"),
)
RECORDS = tuple(
    f"ledger {step}" for step in ("data", "submitted", "judged", "registered", "entered", "promoted", "closed")
)
SHORT = ("ledger submitted", "register_challenger")


@pytest.fixture(scope="module")
def mortal(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mortal]:
    folder = tmp_path_factory.mktemp("mortal")
    made = Mortal(world, folder, configure(folder / "configuration", promote_to="tried" if WHOLE else None))
    publish(world, folder / "step")
    yield made
    world.cloud.kill_host()
    world.cloud.start_host()


@pytest.mark.chaos
def test_a_host_that_dies_at_every_step_trains_registers_and_enters_once(mortal: Mortal) -> None:
    world, moments = mortal.world, (*ACTIVITIES, *RECORDS) if WHOLE else SHORT
    mortal.start(*moments)
    put(world, "landing/twice/first.csv", range(1, 30))
    mortal.until(mortal.retraining)
    world.control("/_deliver", {"event": world.event_of("landing/twice/first.csv"), "times": 20})

    mortal.until(lambda: mortal.ended() and mortal.died == set(moments), within=400)

    (run,) = mortal.until(mortal.ended)
    assert (run["outcome"], run["challenger"]) == ("better", f"{MODEL}:1"), run["because"]
    effects = world.control("/_effects")
    assert counted(effects, "jobs", run["run"]) == {f"signalbox-{run['run']}": 1}
    assert set(counted(effects, "assets", f"/models/{MODEL}/").values()) == {1}


DRIFT = ("count_run", "ledger drift-counted", "judge_drift", "ledger look-0", "tell_drift", "ledger told")
WATCHED = "diabetes-progression"


@pytest.mark.chaos
def runs_in_window(world: World) -> int:
    """How many runs of earlier tests are in the window that is open, if one is."""
    versions = world.app.get(f"models/{WATCHED}/drift")["versions"]
    windows = [row["window"] for row in versions if row["window"] and not row["window"]["closed"]]
    return sum(window["runs"] for window in windows)


def test_a_host_that_dies_during_a_drift_check_counts_announces_and_records_once(mortal: Mortal) -> None:
    world, moments = mortal.world, DRIFT if WHOLE else ("ledger drift-counted", "ledger told")
    before, earlier = set(mortal.causes(WATCHED)), runs_in_window(world)
    mortal.start(*moments)
    shifted(world, "landing/diabetes/each/drift/shifted.csv")

    mortal.until(lambda: mortal.died >= set(moments), within=200)
    (cause,) = mortal.until(lambda: [each for name, each in mortal.causes(WATCHED).items() if name not in before])

    assert (cause["kind"], "bmi" in cause["facts"]["features"]) == ("drift", True)
    (shown,) = mortal.until(lambda: world.app.get(f"models/{WATCHED}/drift")["versions"])
    assert (shown["window"]["runs"], shown["problem"]) == (earlier + 1, None)
    window = f"-{cause['facts']['window']}"
    told = [row["event"]["id"] for row in world.control("/_events?topic=signalbox&type=Signalbox.Drift.Detected")]
    assert len([each for each in told if each.endswith(window)]) == 1


def test_what_other_monitors_tell_comes_through_event_grid_and_the_alerts_door_as_one_cause_each(
    mortal: Mortal,
) -> None:
    world, before = mortal.world, set(mortal.causes(WATCHED))
    mortal.start()
    drifted, breached, alert = (
        payload(name)
        for name in ("dataset_drift_detected.grid", "run_status_changed.monitor.grid", "common_alert.fired")
    )
    drifted["data"]["DataDriftName"] = "diabetes-monitor"
    breached["data"]["runTags"] = {
        name: text.replace("weekly-", "diabetes-") for name, text in breached["data"]["runTags"].items()
    }
    untagged = copy.deepcopy(breached) | {"id": "untagged"}
    untagged["data"]["runTags"] = {}
    alert["data"]["essentials"]["alertRule"] = "diabetes-drift-alert"
    for event in (untagged, drifted, breached):
        event["topic"] = mortal.workspace
        for _ in range(3):
            world.control("/_accept", {"topic": "ml", "event": event})
    said = [world.app.post("alerts", alert) for _ in range(3)]

    def found() -> list[Any] | None:
        new = [each for name, each in mortal.causes(WATCHED).items() if name not in before]
        return new if len(new) >= 3 else None

    assert sorted(each["kind"] for each in mortal.until(found)) == ["alert", "drift", "drift"]
    assert ["to retrain diabetes-progression" in str(each) for each in said] == [True] * 3
    assert not mortal.ignored("untagged"), "Event Grid's filter keeps runs without the tag from the app"
