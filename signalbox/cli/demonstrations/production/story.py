import shutil
from pathlib import Path

from signalbox.cli.app_client import AppClient
from signalbox.cli.demonstrations.example import offer_answers, train_example
from signalbox.cli.demonstrations.production.acts import tell_abort, tell_first, tell_release, tell_rollback
from signalbox.cli.demonstrations.production.situation import (
    MODEL,
    Production,
    configure,
    enter,
    publish_at_once,
    set_faults,
)
from signalbox.cli.demonstrations.stage import Stage, Timeline
from signalbox.launcher.cloud import LocalCloud
from signalbox.launcher.hub import hub_client


def run_production_demo(project: Path, state: Path) -> None:
    """Run the demonstration. Raises click.ClickException if any check fails."""
    shutil.rmtree(state, ignore_errors=True)
    state.mkdir(parents=True)
    line = Timeline()
    for recipe in ("ward", "blood"):
        train_example(project, state / recipe, recipe)
    line.say("models trained", "a ward's model, and one that also knows the blood serum")
    settings = {"SIGNALBOX_CONFIG": str(configure(project, state / "configuration"))}
    with LocalCloud(project, state, settings=settings) as cloud, hub_client(cloud.endpoints) as hub:
        line.say("local cloud up", f"app {cloud.endpoints.app}, Azure Monitor {cloud.endpoints.log_analytics}")
        app = AppClient(cloud.endpoints.app, cloud.endpoints.function_key)
        stage = Stage(cloud=cloud, app=app, hub=hub, line=line, folder=state / "ward", project=project, patience_s=120.0)
        offer_answers(cloud.endpoints, stage.folder)
        publish_at_once(stage)
        set_faults(stage)
        enter(stage, state / "ward", "1")
        enter(stage, state / "blood", "2")
        enter(stage, state / "blood", "3")
        line.say("in the registry", f"{MODEL}:1, :2 and :3, each approved by two people")
        with tell_first(stage, "1") as load:
            production = Production(stage=stage, load=load)
            tell_release(production, "1", "2")
            tell_abort(production, "2", "3")
            tell_rollback(production, "2", "1")
        line.say("done", f"logs in {state / 'logs'}")
        print(load.report)
