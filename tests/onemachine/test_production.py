"""A release to production under load: the short form of `make demo-production`, and hosts that die at its moves.

Each test has a cloud of its own, since its configuration is another one, and takes more than a minute of two cores: so
`make proofs` runs them. Aborts and alerts are in tests/rollout, and whole in the demonstration.
"""

import shutil
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from signalbox.cli.app_client import AppClient
from signalbox.cli.demonstrations.production.acts import tell_first, tell_release, tell_rollback
from signalbox.cli.demonstrations.production.checks import (
    check_callers,
    check_history,
    check_released,
    shifted_shares,
)
from signalbox.cli.demonstrations.production.situation import (
    MODEL,
    OWNER,
    app_settings,
    approve,
    enter,
    has_ended,
    promote,
    publish_at_once,
    set_faults,
    show,
    traffic,
)
from signalbox.cli.demonstrations.stage import Stage, Timeline, signed_in
from signalbox.launcher.hub import hub_client
from tests.onemachine.conftest import PROJECT
from tests.onemachine.loop import Mortal
from tests.onemachine.world import World
from tests.warm_clouds import WarmCloud

pytestmark = [pytest.mark.onemachine, pytest.mark.xdist_group("onemachine"), pytest.mark.proof]

WEIGHTS, RATE = (50, 100), 15.0


@pytest.fixture
def stage(models: Path, tmp_path: Path) -> Iterator[Stage]:
    """A cloud with versions 1 and 2 in the central registry."""
    for recipe in ("ward", "blood"):
        shutil.copytree(models / recipe, tmp_path / recipe)
    settings = app_settings(PROJECT, tmp_path / "configuration", WEIGHTS)
    with WarmCloud(PROJECT, tmp_path / "state", settings=settings) as cloud, hub_client(cloud.endpoints) as hub:
        stage = Stage(
            cloud=cloud,
            app=AppClient(cloud.endpoints.app, cloud.endpoints.function_key),
            hub=hub,
            line=Timeline(),
            folder=tmp_path / "ward",
            project=PROJECT,
            patience_s=300.0,
        )
        publish_at_once(stage)
        set_faults(stage)
        enter(stage, tmp_path / "ward", "1")
        enter(stage, tmp_path / "blood", "2")
        yield stage


def test_a_release_and_a_rollback_lose_no_request(stage: Stage) -> None:
    with tell_first(stage, "1", RATE) as load:
        weights = tell_release(stage, "1", "2", WEIGHTS)
        tell_rollback(stage, "2", "1")
    check_history(stage, [("1", 100), *shifted_shares("1", "2", weights), ("1", 100)])
    check_callers(stage, load.report, set())


def test_hosts_killed_around_every_move_and_every_undo_lose_no_request(stage: Stage, tmp_path: Path) -> None:
    """A release ends wholly with the new version, and an aborted one as it began."""
    enter(stage, tmp_path / "blood", "3")
    with World(stage.cloud, stage.folder) as world, tell_first(stage, "1", RATE) as load:
        mortal = Mortal(world, tmp_path / "mortal", tmp_path / "configuration" / "signalbox.yaml")
        deaths = _around(_steps(_moves(stage, "2")))
        mortal.start(*deaths)
        promotion = _approved(stage, "2")
        mortal.until(partial(has_ended, stage, promotion), within=500.0)
        assert (show(stage, promotion)["fate"], mortal.died) == ("promoted", set(deaths))
        check_released(stage, "1", "2")

        undone = [move for move in _moves(stage, "3") if move != "mark_in_production"]
        deaths += _around([f"undo {move}" for move in undone])
        mortal.start(*deaths)
        promotion = _approved(stage, "3")
        mortal.until(lambda: "3" in traffic(stage))
        mortal.until(lambda: stage.app.get(f"rollouts/{promotion}"))
        signed_in(stage, "linus@example.org").post(f"rollouts/{promotion}/abort", {"reason": "complaints"})
        mortal.until(partial(has_ended, stage, promotion), within=500.0)
        assert (show(stage, promotion)["fate"], mortal.died) == ("held", set(deaths))
        assert traffic(stage) == {"2": 100}
    check_callers(stage, load.report, set())


def _moves(stage: Stage, version: str) -> list[str]:
    """The moves of a release, as the plan lists them."""
    plan = stage.app.post("plans", {"model": f"{MODEL}:{version}", "to": "production"})
    return [str(move).partition(": ")[2] for move in plan["writes"]]


def _steps(moves: list[str]) -> list[str]:
    """*moves*, with each step of the traffic as a move of its own."""
    steps = [f"shift_traffic {step}" for step in range(len(WEIGHTS))]
    return [step for move in moves for step in (steps if move == "shift_traffic" else [move])]


def _around(moves: list[str]) -> list[str]:
    return [f"{when} {move}" for move in moves for when in ("before", "after")]


def _approved(stage: Stage, version: str) -> str:
    promotion = promote(stage, version, "production", "to be proven")
    approve(stage, promotion, "production", {OWNER: "product-owner"})
    return promotion
