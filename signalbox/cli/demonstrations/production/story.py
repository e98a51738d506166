"""The story of production, whole: on a local cloud of its own, under a load that never stops, everything checked."""

import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from signalbox.cli.app_client import AppClient
from signalbox.cli.demonstrations.example import offer_answers, train_example
from signalbox.cli.demonstrations.production.acts import (
    tell_abort,
    tell_alert,
    tell_first,
    tell_release,
    tell_rollback,
)
from signalbox.cli.demonstrations.production.checks import check_callers, check_history, shifted_shares
from signalbox.cli.demonstrations.production.situation import (
    MODEL,
    alert_on_errors,
    app_settings,
    enter,
    publish_at_once,
    set_faults,
)
from signalbox.cli.demonstrations.stage import Stage, Timeline, expect
from signalbox.launcher.cloud import LocalCloud
from signalbox.launcher.hub import hub_client

_PATIENCE_S = 180.0


def run_production_demo(project: Path, state: Path) -> None:
    """Run the demonstration. Raises click.ClickException if any check fails."""
    shutil.rmtree(state, ignore_errors=True)
    state.mkdir(parents=True)
    line = Timeline()
    with ThreadPoolExecutor(2) as trainers:
        for training in [trainers.submit(train_example, project, state / name, name) for name in ("ward", "blood")]:
            training.result()
    line.say("models trained", "a ward's model, and one that also knows the blood serum")
    settings = app_settings(project, state / "configuration")
    with LocalCloud(project, state, settings=settings) as cloud, hub_client(cloud.endpoints) as hub:
        line.say("local cloud up", f"app {cloud.endpoints.app}, Azure Monitor {cloud.endpoints.log_analytics}")
        app = AppClient(cloud.endpoints.app, cloud.endpoints.function_key)
        folder = state / "ward"
        stage = Stage(cloud=cloud, app=app, hub=hub, line=line, folder=folder, project=project, patience_s=_PATIENCE_S)
        _set_up(stage)
        _tell_production(stage)
        line.say("done", f"pages in {state / 'pages'}, logs in {state / 'logs'}")


def _set_up(stage: Stage) -> None:
    """Version 1 in the central registry, and an Azure Monitor without delay."""
    offer_answers(stage.cloud.endpoints, stage.folder)
    publish_at_once(stage)
    set_faults(stage)
    _enter(stage, "ward", "1")


def _enter(stage: Stage, recipe: str, *versions: str) -> None:
    for version in versions:
        enter(stage, stage.folder.parent / recipe, version)
        stage.line.say("in the registry", f"{MODEL}:{version}, approved by two people")


def _tell_production(stage: Stage) -> None:
    with ThreadPoolExecutor(1) as clerk:  # The other versions are entered while the first one is deployed.
        others = clerk.submit(_enter, stage, "blood", "2", "3")
        with tell_first(stage, "1") as load:
            others.result()
            released, aborted = _tell_changes(stage)
    shares = [("1", 100), *shifted_shares("1", "2", released), *shifted_shares("2", "3", aborted)]
    check_history(stage, [*shares, ("2", 100), ("1", 100), ("2", 100)])
    check_callers(stage, load.report, {"2", "3"})
    chain = stage.app.get("audit")
    expect(chain["whole"], f"the audit log is broken: {chain['broken']}")
    stage.line.say("audit log verified", f"{chain['entries']} entries, head {chain['head'][:19]}")


def _tell_changes(stage: Stage) -> tuple[list[int], list[int]]:
    """A release, an abort and two rollbacks; the weights of the release, and those of the aborted version."""
    alert_on_errors(stage)
    released = tell_release(stage, "1", "2")
    aborted = tell_abort(stage, "2", "3")
    tell_alert(stage, "2", "1")
    tell_rollback(stage, "1", "2")
    return released, aborted
