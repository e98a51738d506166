"""The story of retraining: the data drifts, a model is retrained without a person, and only a better one serves.

It trains the example's model, brings up a local cloud of its own, and checks everything it says.
"""

import shutil
from pathlib import Path
from typing import Any

from signalbox.cli.app_client import AppClient
from signalbox.cli.commands.hub import upload
from signalbox.cli.demonstrations.example import deploy_example, prepare_retraining, shift_example, train_example
from signalbox.cli.demonstrations.retraining_checks import check_better, check_refused, registered
from signalbox.cli.demonstrations.retraining_turn import (
    MODEL,
    await_fate,
    drift,
    follow,
    keep_page,
    let_in,
    tell_timeline,
)
from signalbox.cli.demonstrations.stage import Stage, Timeline, expect, signed_in, wait_for
from signalbox.launcher.cloud import LocalCloud
from signalbox.launcher.hub import hub_client
from signalbox.product import app_folder

_ENGINEER = "linus@example.org"
_PATIENCE_S, _LIMIT_S = 300.0, 120.0


def run_retraining_demo(project: Path, state: Path) -> None:
    """Run the demonstration. Raises click.ClickException if any check fails."""
    shutil.rmtree(state, ignore_errors=True)
    state.mkdir(parents=True)
    line = Timeline()
    facts = train_example(project, state / "example", "blood")
    shift_example(project, state / "example")
    line.say("model trained", f"{facts['rows']['train']} patients, mean absolute error {facts['metrics']['mae']:.1f}")
    with LocalCloud(app_folder(), state, workers=1) as cloud, hub_client(cloud.endpoints) as hub:
        line.say("local cloud up", f"app {cloud.endpoints.app}, hub {cloud.endpoints.hub}")
        app = AppClient(cloud.endpoints.app, cloud.endpoints.function_key)
        stage = Stage(cloud=cloud, app=app, hub=hub, line=line, folder=state / "example", project=project)
        _set_up(stage)
        tell_better(stage, 1)
        tell_noise(stage, 2, f"{MODEL}:2")
        chain = app.get("audit")
        expect(chain["whole"], f"the audit log is broken: {chain['broken']}")
        line.say("audit log verified", f"{chain['entries']} entries, head {chain['head'][:19]}")
        line.say("done", f"pages in {stage.folder.parent / 'pages'}, logs in {state / 'logs'}")


def _set_up(stage: Stage) -> None:
    """Set up the situation before the drift: a model that serves, and a pipeline that can train it."""
    deploy_example(stage.project, stage.folder, stage.cloud.endpoints)
    pipeline = prepare_retraining(stage.project, stage.folder, stage.cloud.endpoints)
    stage.line.say("model deployed", f"{MODEL}:1 behind batch endpoint diabetes-batch/blue")
    stage.line.say("pipeline published", f"{pipeline.endpoint}/{pipeline.deployment}, component {pipeline.component}")
    wish = {"model": f"{MODEL}:1", "to": "preprod", "reason": "the first"}
    promotion = signed_in(stage, _ENGINEER).post("promotions", wish)["id"]
    record = await_fate(stage, promotion)
    expect(record["fate"] == "promoted", f"the champion ended as {record['fate']}: {record.get('because')}")
    stage.line.say("champion serves", f"{MODEL}:1 in pre-production")
    upload(stage.hub, stage.folder / "before.csv", "landing/diabetes/each/before/patients.csv")
    window = wait_for(lambda: _closed_run(stage), "the first window was not closed", _PATIENCE_S)
    expect(window["outcome"] == "none", f"the first window ended as {window['outcome']}: {window['because']}")
    stage.line.say("no drift", f"{window['rows']} patients as the model knows them: {window['because']}")


def tell_better(stage: Stage, number: int) -> None:
    """New devices measure differently. The model is wrong; run *number* retrains it, and the better one serves."""
    stage.line.say("new devices", "they show a body mass index and a blood pressure that are too high")
    turn = follow(stage, let_in(stage, "devices", holdout=True), number)
    stage.line.say("the loop closed", f"its timeline, from the records of {turn.run['run']}:")
    took = tell_timeline(stage, turn)
    late = "" if took < _LIMIT_S else f"; more than {_LIMIT_S:.0f} s, so this machine is busy with something else"
    stage.line.say("nobody touched it", f"{took:.0f} s from the file to pre-production{late}")
    check_better(stage, turn)
    stage.line.say("drift report", keep_page(stage, drift(stage)["page"], "drift.html"))
    evidence = next(page["page"] for page in turn.promotion["evidence"] if page["phase"] == "exit")
    stage.line.say("evidence of promotion", keep_page(stage, evidence, "preprod.html"))


def tell_noise(stage: Stage, number: int, champion: str) -> None:
    """Broken devices mix patients up. Run *number* of training finds nothing better than *champion*."""
    before = registered(stage)
    stage.line.say("broken devices", "they mix the patients up, and nothing can be learned from what they say")
    turn = follow(stage, let_in(stage, "noise", holdout=False), number)
    stage.line.say("the loop closed", f"its timeline, from the records of {turn.run['run']}:")
    tell_timeline(stage, turn)
    check_refused(stage, turn, champion, before)
    stage.line.say("refused", turn.run["because"])


def _closed_run(stage: Stage) -> dict[str, Any] | None:
    window = drift(stage)["window"]
    return window if window and window["closed"] else None
