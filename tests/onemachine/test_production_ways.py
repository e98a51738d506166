"""Releases to production in ways that the demonstration does not go, each in a cloud of its own.

On Kubernetes, counted by the data collector; and with a ladder whose pre-production is rehearsed and put under load.
"""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from signalbox.cli.app_client import AppClient
from signalbox.cli.demonstrations.example import offer_answers
from signalbox.cli.demonstrations.production.acts import tell_abort, tell_first, tell_release
from signalbox.cli.demonstrations.production.checks import check_callers, check_history, shifted_shares
from signalbox.cli.demonstrations.production.situation import (
    ENDPOINT,
    ENGINEER,
    MODEL,
    PREPROD_ENDPOINT,
    app_settings,
    enter,
    publish_at_once,
    set_faults,
    traffic,
)
from signalbox.cli.demonstrations.stage import Stage, Timeline, control, signed_in
from signalbox.launcher.hub import hub_client
from tests.onemachine.conftest import PROJECT
from tests.warm_clouds import WarmCloud

pytestmark = [pytest.mark.onemachine, pytest.mark.xdist_group("onemachine"), pytest.mark.proof]

WEIGHTS, RATE = (50, 100), 20.0
LIMITS = {"p95_ms": 5000, "seconds": 5, "per_second": 8, "min_requests": 20, "requests": "holdout"}


@contextmanager
def staged(models: Path, folder: Path, change: Callable[[dict[str, Any]], None]) -> Iterator[Stage]:
    """A cloud with the configuration of the demonstration, which *change* has changed."""
    for recipe in ("ward", "blood"):
        shutil.copytree(models / recipe, folder / recipe)
    settings = app_settings(PROJECT, folder / "configuration", WEIGHTS)
    path = Path(settings["SIGNALBOX_CONFIG"])
    content = yaml.safe_load(path.read_text())
    change(content)
    path.write_text(yaml.safe_dump(content, sort_keys=False))
    with WarmCloud(PROJECT, folder / "state", settings=settings) as cloud, hub_client(cloud.endpoints) as hub:
        stage = Stage(
            cloud=cloud,
            app=AppClient(cloud.endpoints.app, cloud.endpoints.function_key),
            hub=hub,
            line=Timeline(),
            folder=folder / "ward",
            project=PROJECT,
            patience_s=300.0,
        )
        offer_answers(cloud.endpoints, folder / "ward")
        publish_at_once(stage)
        set_faults(stage)
        yield stage


def on_kubernetes(content: dict[str, Any]) -> None:
    production = content["ladder"]["production"]
    production["serve"]["kubernetes"] = "aks-prod"
    production["rollout"]["look"] |= {"counts": "collector", "lag": "6s"}
    production["rollout"]["soak"]["for"] = "12s"


def test_a_rollout_on_kubernetes_goes_on_and_is_aborted_by_what_the_collector_has_kept(
    models: Path, tmp_path: Path
) -> None:
    with staged(models, tmp_path, on_kubernetes) as stage:
        enter(stage, tmp_path / "ward", "1")
        enter(stage, tmp_path / "blood", "2")
        enter(stage, tmp_path / "blood", "3")
        with tell_first(stage, "1", RATE) as load:
            released = tell_release(stage, "1", "2", WEIGHTS)
            aborted = tell_abort(stage, "2", "3", every=5)
        shares = [("1", 100), *shifted_shares("1", "2", released), *shifted_shares("2", "3", aborted), ("2", 100)]
        check_history(stage, shares)
        check_callers(stage, load.report, {"3"})


def under_load(content: dict[str, Any]) -> None:
    """Pre-production is put under load before production is approved."""
    ladder = content["ladder"]
    ladder["preprod"]["serve"]["instances"] = 20
    ladder["production"]["entry"]["load"] = LIMITS


def test_load_and_rehearsals_on_demand_leave_everything_as_it_was(models: Path, tmp_path: Path) -> None:
    with staged(models, tmp_path, under_load) as stage:
        enter(stage, tmp_path / "ward", "1")
        with tell_first(stage, "1", RATE) as load:
            enter(stage, tmp_path / "blood", "2")
            warm = rehearse(stage)
            assert (warm["restored"], warm["because"]) == (True, f"{MODEL}:1 answered as before")
            assert traffic(stage, "mlw-preprod", PREPROD_ENDPOINT) == {"2": 100}
            tell_release(stage, "1", "2", WEIGHTS)
            (load_verdict,) = load_verdicts(stage, "2")
            assert (load_verdict[0], "8 requests a second are configured" in load_verdict[1]) == ("pass", True)
            before = deployments(stage)
            cold = rehearse(stage, cold=True, version="1")
            assert (cold["restored"], cold["because"]) == (True, f"{MODEL}:1 answered as before")
            assert cold["deployed_s"] > 0
            assert (traffic(stage), deployments(stage)) == ({"2": 100}, before)
        check_callers(stage, load.report, set())


def rehearse(stage: Stage, **more: object) -> dict[str, Any]:
    """How a rehearsal ended that the engineer has ordered."""
    rehearsal = signed_in(stage, ENGINEER).post(f"models/{MODEL}/rehearse", {"reason": "before the holidays", **more})
    outcome = stage.app.follow(rehearsal)
    assert outcome["status"] == "succeeded", outcome
    return dict(outcome["result"])


def load_verdicts(stage: Stage, version: str) -> list[tuple[str, str]]:
    """What the gate `load` has found of *version* before production was approved, as its history tells it."""
    entries = stage.app.get(f"models/{MODEL}/history")["entries"]
    assessed = [entry for entry in entries if (entry["kind"], entry["subject"]) == ("assessed", f"{MODEL}:{version}")]
    verdicts = [verdict for entry in assessed for verdict in entry["facts"]["verdicts"]]
    return [(verdict["outcome"], verdict["because"]) for verdict in verdicts if verdict["gate"] == "load"]


def deployments(stage: Stage) -> set[str]:
    """The deployments of the production endpoint, as Azure Resource Manager has them."""
    part = f"/mlw-prod/onlineendpoints/{ENDPOINT}/deployments/"
    return {path for path in control(stage, "/_control/state", door="azureml") if part in path.lower()}
