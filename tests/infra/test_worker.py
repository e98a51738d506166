"""Microsoft's own worker library loads and runs the packaged folder, without its host: `make proof-worker`."""

import json
import os
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner

from activities.blueprint import BODIES, STARTING_BODIES
from orchestrators.blueprint import BODIES as ORCHESTRATIONS
from signalbox.cli.commands.project.package import package
from triggers.http.routes import ROUTES
from triggers.queues.bindings import QUEUE_FUNCTIONS

PROJECT = Path(__file__).parents[2]
PYTHON, LIBRARIES = os.environ.get("SIGNALBOX_WORKER_PYTHON", ""), os.environ.get("SIGNALBOX_WORKER_LIBRARIES", "")
# A recorded run, from its first step to its last.
GOLDEN = json.loads((PROJECT / "tests" / "replay" / "golden" / "run_inference-released.json").read_text())


@pytest.mark.proof
@pytest.mark.skipif(not PYTHON, reason="SIGNALBOX_WORKER_PYTHON names no Python 3.13 with azure-functions-runtime")
def test_the_packaged_folder_runs_in_microsofts_worker(tmp_path):
    folder = tmp_path / "app"
    arguments = ["--out", str(folder), "--config", str(PROJECT / "signalbox.yaml"), "--app", str(PROJECT)]
    assert CliRunner().invoke(package, arguments).exit_code == 0
    sample = json.loads((PROJECT / "local.settings.sample.json").read_text())["Values"]
    queues = {function.setting: function.name for function in QUEUE_FUNCTIONS}
    environment = {
        **sample,
        **queues,
        "SIGNALBOX_SECRETS_KEY": "s" * 32,
        "ORCHESTRATION": json.dumps(GOLDEN["context"]),
    }

    process = subprocess.run(
        [PYTHON, str(Path(__file__).with_name("worker_driver.py")), str(folder), *filter(None, [LIBRARIES])],
        capture_output=True,
        text=True,
        check=True,
        env={**environment, "PATH": os.environ["PATH"]},
        cwd=tmp_path,
    )

    output = json.loads(process.stdout)
    kinds = list(output["functions"].values())
    assert output["started"] == 1
    assert output["loads"] == len(kinds)
    assert kinds.count("activityTrigger") == len(BODIES) + len(STARTING_BODIES)
    assert kinds.count("orchestrationTrigger") == len(ORCHESTRATIONS)
    assert kinds.count("serviceBusTrigger") == len(QUEUE_FUNCTIONS)
    assert kinds.count("httpTrigger") == len(ROUTES)
    assert json.loads(output["http"]["value"])["status"] == "alive"
    assert "RunOpening.key is missing" in output["activity"]["error"]  # The body's own decoder was reached.
    orchestration = json.loads(output["orchestration"]["value"])
    assert orchestration["isDone"]
    assert {**orchestration["output"], **GOLDEN["output"]} == orchestration["output"]
