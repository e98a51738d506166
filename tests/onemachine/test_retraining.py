"""Retraining and drift on one machine, with hosts that die between an effect and whoever should know of it."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.onemachine.loop import MODEL, Mortal, configure, counted, publish, put
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
SHORT = ("ledger submitted", "register_challenger", "ledger closed")


@pytest.fixture
def mortal(world: World, tmp_path: Path) -> Iterator[Mortal]:
    (tmp_path / "configuration").mkdir()
    promote_to = "tried" if WHOLE else None
    made = Mortal(world, tmp_path, configure(tmp_path / "configuration", promote_to=promote_to))
    yield made
    world.cloud.kill_host()
    world.cloud.start_host()


@pytest.mark.chaos
def test_a_host_that_dies_at_every_step_trains_registers_and_enters_once(mortal: Mortal, tmp_path: Path) -> None:
    world, moments = mortal.world, (*ACTIVITIES, *RECORDS) if WHOLE else SHORT
    publish(world, tmp_path / "step")
    mortal.start(*moments)
    put(world, "landing/twice/first.csv", range(1, 30))

    mortal.until(lambda: mortal.ended() and mortal.died == set(moments), within=400)

    (run,) = mortal.until(mortal.ended)
    assert (run["outcome"], run["challenger"]) == ("better", f"{MODEL}:1"), run["because"]
    effects = world.control("/_effects")
    assert counted(effects, "jobs", run["run"]) == {f"signalbox-{run['run']}": 1}
    assert set(counted(effects, "assets", f"/models/{MODEL}/").values()) == {1}
