"""The worked example in `examples/diabetes`: train its model, and deploy it on a local cloud."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import click

from signalbox.launcher.endpoints import Endpoints
from signalbox.launcher.hub import hub_client
from signalbox.launcher.provision import Candidate, Deployable, offer, provision
from signalbox.launcher.training import TrainingPipeline, publish_training

EXAMPLE = Path("examples") / "diabetes"


def has_example(project: Path) -> bool:
    """Whether the worked example lies in the folder *project*."""
    return (project / EXAMPLE).is_dir()


def train_example(project: Path, output: Path, recipe: str = "ward") -> dict[str, Any]:
    """What is known of the model that *recipe* made in *output*. Raises click.ClickException."""
    return dict(json.loads(_run(project / EXAMPLE / "train.py", str(output), recipe)))


def shift_example(project: Path, output: Path) -> None:
    """Beside what was trained in *output*, the same patients as new devices and broken ones measure them."""
    _run(project / EXAMPLE / "shift.py", str(output))


def deploy_example(project: Path, output: Path, endpoints: Endpoints) -> Deployable:
    """Put the trained model behind the endpoint that `signalbox.yaml` names."""
    code = project / EXAMPLE
    deployable = Deployable(
        model="diabetes-progression",
        version="1",
        model_path=output / "model",
        code_path=code,
        scoring_script="score.py",
        environment_file=code / "environment.yaml",
        endpoint="diabetes-batch",
        deployment="blue",
        extras_path=output / "extras",
    )
    provision(endpoints, deployable)
    return deployable


def offer_example(endpoints: Endpoints, output: Path, version: str, flag: str = "") -> None:
    """Register the trained model in dev as *version*, with what travels with it; *flag* asks for its promotion."""
    offer(
        endpoints,
        Candidate(
            model="diabetes-progression",
            version=version,
            model_path=output / "model",
            extras_path=output / "extras",
            tags={"signalbox.promote": flag} if flag else {},
        ),
    )


def offer_experiment(endpoints: Endpoints, output: Path, version: str, recipe: str, flag: str = "") -> None:
    """Register it in experimentation, with the *recipe* by which dev is to train it."""
    flag_tags = {"signalbox.promote": flag} if flag else {}
    candidate = Candidate(
        model="diabetes-progression",
        version=version,
        model_path=output / "model",
        extras_path=output / "extras",
        tags={"signalbox.recipe.recipe": recipe, **flag_tags},
    )
    offer(endpoints, candidate, "mlw-experiment")


def offer_training_rows(endpoints: Endpoints, output: Path) -> None:
    """Put the patients who are not held out, with their answers, where the ladder trains on them."""
    with hub_client(endpoints) as hub, (output / "labelled.csv").open("rb") as stream:
        hub.get_blob_client("signalbox-staging", "training-sets/diabetes/patients.csv").upload_blob(
            stream, overwrite=True
        )


def prepare_retraining(project: Path, output: Path, endpoints: Endpoints) -> TrainingPipeline:
    """What retraining the example needs: its pipeline, published, rows to train on, and the hold-out to judge by."""
    offer_answers(endpoints, output)
    with hub_client(endpoints) as hub, (output / "labelled.csv").open("rb") as stream:
        hub.get_blob_client("training", "diabetes/patients.csv").upload_blob(stream, overwrite=True)
    return publish_training(endpoints, project / EXAMPLE)


def offer_answers(endpoints: Endpoints, output: Path) -> None:
    """Put the held-out patients and their answers where promotions look for them."""
    with hub_client(endpoints) as hub:
        for name in ("holdout.csv", "answers.csv"):
            with (output / name).open("rb") as stream:
                hub.get_blob_client("evaluation", f"diabetes/{name}").upload_blob(stream, overwrite=True)


def _run(script: Path, *arguments: str) -> str:
    """What *script* printed. Raises click.ClickException with its errors."""
    process = subprocess.run([sys.executable, str(script), *arguments], capture_output=True, text=True, check=False)
    if process.returncode:
        raise click.ClickException(f"{script} failed:\n{process.stderr}")
    return process.stdout
