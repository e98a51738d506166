"""The demonstration: a file's way to its predictions, and a model's way to the central registry.

It trains the example's models, brings up a local cloud of its own, and checks everything it says.
"""

import shutil
from pathlib import Path

from signalbox.cli.app_client import AppClient
from signalbox.cli.demonstrations.example import deploy_example, train_example
from signalbox.cli.demonstrations.inference import tell_inference
from signalbox.cli.demonstrations.promotion import tell_promotion
from signalbox.cli.demonstrations.stage import Stage, Timeline
from signalbox.launcher.cloud import LocalCloud
from signalbox.launcher.hub import hub_client
from signalbox.product import app_folder


def run_demo(project: Path, state: Path) -> None:
    """Run the demonstration. Raises click.ClickException if any check fails."""
    shutil.rmtree(state, ignore_errors=True)
    state.mkdir(parents=True)
    line = Timeline()
    facts = train_example(project, state / "example")
    line.say("model trained", f"{facts['rows']['train']} patients, mean absolute error {facts['metrics']['mae']:.1f}")
    with LocalCloud(app_folder(), state, workers=1) as cloud, hub_client(cloud.endpoints) as hub:
        line.say("local cloud up", f"app {cloud.endpoints.app}, hub {cloud.endpoints.hub}")
        app = AppClient(cloud.endpoints.app, cloud.endpoints.function_key)
        stage = Stage(cloud=cloud, app=app, hub=hub, line=line, folder=state / "example", project=project)
        example = deploy_example(project, stage.folder, cloud.endpoints)
        address = f"{example.endpoint}/{example.deployment}"
        line.say("model deployed", f"{example.model}:{example.version} behind batch endpoint {address}")
        tell_inference(stage)
        tell_promotion(stage)
        line.say("done", f"logs in {state / 'logs'}")
        line.say("look at it", f"signalbox up --demo, then {cloud.endpoints.console}/promotions in a browser")
