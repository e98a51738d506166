"""The story of production, whole: on a local cloud of its own, under a load that never stops, everything checked."""

import shutil
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

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
from signalbox.launcher.load import LoadReport

_PATIENCE_S = 400.0  # A machine that others use too takes three times as long.


def run_production_demo(project: Path, state: Path) -> None:
    """Run the demonstration. Raises click.ClickException if any check fails."""
    shutil.rmtree(state, ignore_errors=True)
    state.mkdir(parents=True)
    line = Timeline()
    settings = app_settings(project, state.resolve() / "configuration")  # The host runs in another folder.
    # The first model is trained while the cloud starts, the second while the first is on its way.
    with ThreadPoolExecutor(1) as trainer:
        first = trainer.submit(train_example, project, state / "ward", "ward")
        with LocalCloud(project, state, settings=settings, workers=1) as cloud, hub_client(cloud.endpoints) as hub:
            line.say("local cloud up", f"app {cloud.endpoints.app}, Azure Monitor {cloud.endpoints.log_analytics}")
            first.result()
            stage = Stage(
                cloud=cloud,
                app=AppClient(cloud.endpoints.app, cloud.endpoints.function_key),
                hub=hub,
                line=line,
                folder=state / "ward",
                project=project,
                patience_s=_PATIENCE_S,
            )
            _set_up(stage)
            _tell_production(stage, trainer.submit(train_example, project, state / "blood", "blood"))
            line.say("done", f"pages in {state / 'pages'}, logs in {state / 'logs'}")


def _set_up(stage: Stage) -> None:
    """Version 1 in the central registry, and an Azure Monitor without delay."""
    offer_answers(stage.cloud.endpoints, stage.folder)
    publish_at_once(stage)
    set_faults(stage)
    _enter(stage, "ward", "1")


def _enter(stage: Stage, recipe: str, version: str) -> None:
    enter(stage, stage.folder.parent / recipe, version)
    stage.line.say("in the registry", f"{MODEL}:{version}, approved by two people")


def _tell_production(stage: Stage, training: Future[Any]) -> None:
    """*training* ends with the model of version 2."""

    def enter_second() -> None:
        training.result()
        _enter(stage, "blood", "2")

    with ThreadPoolExecutor(1) as clerk:
        second = clerk.submit(enter_second)  # It is entered while the first is released.
        with tell_first(stage, "1") as load:
            second.result()
            aborted = tell_abort(stage, "1", "2")
            alert_on_errors(stage)
            released = tell_release(stage, "1", "2")
            verified = clerk.submit(stage.app.get, "audit")  # What comes later is verified after this head.
            tell_alert(stage, "2", "1")
            tell_rollback(stage, "1", "2")
        _check_story(stage, load.report, aborted, released)
        _check_log(stage, verified.result())


def _check_story(stage: Stage, report: LoadReport, aborted: Sequence[int], released: Sequence[int]) -> None:
    shares = [("1", 100), *shifted_shares("1", "2", aborted), ("1", 100), *shifted_shares("1", "2", released)]
    check_history(stage, [*shares, ("1", 100), ("2", 100)])
    check_callers(stage, report, {"2"})


def _check_log(stage: Stage, first: dict[str, Any]) -> None:
    """The log is whole: *first* was found of its first part, and the rest is verified now."""
    rest = stage.app.get("audit", since=first["tree_head"])
    broken = [*first["broken"], *rest["broken"]]
    expect(not broken, f"the audit log is broken: {broken}")
    stage.line.say("audit log verified", f"{rest['entries']} entries, head {rest['head'][:19]}")
