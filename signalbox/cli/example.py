"""The worked example in `examples/diabetes`: train its model, and deploy it on a local cloud."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import click

from signalbox.launcher.endpoints import Endpoints
from signalbox.launcher.provision import Deployable, provision

_FOLDER = Path("examples") / "diabetes"


def train_example(project: Path, output: Path) -> dict[str, Any]:
    """What is known of the model now in *output*/model. Raises click.ClickException with the script's own words."""
    script = project / _FOLDER / "train.py"
    done = subprocess.run([sys.executable, str(script), str(output)], capture_output=True, text=True, check=False)
    if done.returncode:
        raise click.ClickException(f"{script} failed:\n{done.stderr}")
    return dict(json.loads(done.stdout))


def deploy_example(project: Path, output: Path, endpoints: Endpoints) -> Deployable:
    """Put the trained model behind the endpoint that `signalbox.yaml` names."""
    code = project / _FOLDER
    what = Deployable(
        model="diabetes-progression",
        version="1",
        model_path=output / "model",
        code_path=code,
        scoring_script="score.py",
        environment_file=code / "environment.yaml",
        endpoint="diabetes-batch",
        deployment="blue",
    )
    provision(endpoints, what)
    return what
