"""A release to production and a rollback by hand under load: the short form of `make demo-production`.

It has a cloud of its own, since its configuration is another one, and takes more than a minute of two cores: so
`make proofs` runs it. Aborts and alerts are in tests/rollout, and whole in the demonstration.
"""

import shutil
from pathlib import Path

import pytest

from signalbox.cli.app_client import AppClient
from signalbox.cli.demonstrations.production.acts import tell_first, tell_release, tell_rollback
from signalbox.cli.demonstrations.production.checks import check_callers, check_history, shifted_shares
from signalbox.cli.demonstrations.production.situation import app_settings, enter, publish_at_once, set_faults
from signalbox.cli.demonstrations.stage import Stage, Timeline
from signalbox.launcher.cloud import LocalCloud
from signalbox.launcher.hub import hub_client
from tests.onemachine.conftest import PROJECT

pytestmark = [pytest.mark.onemachine, pytest.mark.xdist_group("onemachine"), pytest.mark.proof]

WEIGHTS, RATE = (50, 100), 15.0


def test_a_release_and_a_rollback_lose_no_request(models: Path, tmp_path: Path) -> None:
    for recipe in ("ward", "blood"):
        shutil.copytree(models / recipe, tmp_path / recipe)
    settings = app_settings(PROJECT, tmp_path / "configuration", WEIGHTS)
    with LocalCloud(PROJECT, tmp_path / "state", settings=settings) as cloud, hub_client(cloud.endpoints) as hub:
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
        with tell_first(stage, "1", RATE) as load:
            weights = tell_release(stage, "1", "2", WEIGHTS)
            tell_rollback(stage, "2", "1")
        check_history(stage, [("1", 100), *shifted_shares("1", "2", weights), ("1", 100)])
        check_callers(stage, load.report, set())
