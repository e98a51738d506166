"""The scenes of the demonstrations that test_promotions does not play, on the cloud of the other tests.

`make demo`, `demo-messaging` and `demo-retraining` play the same scenes, each on a cloud of its own; each scene checks
what it tells. They come after the promotions, which leave a champion to beat, and before test_retraining, whose open
causes would start another training; the last scene closes the window of drift that the files before it have opened.
They take a minute of two cores, and their rules have tests of their own in the folders of the capabilities: so
`make proofs` runs them.
"""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from signalbox.cli.demonstrations.example import offer_answers, prepare_retraining
from signalbox.cli.demonstrations.inference import tell_inference
from signalbox.cli.demonstrations.messaging import tell_messaging
from signalbox.cli.demonstrations.retraining import tell_noise
from signalbox.cli.demonstrations.retraining_checks import served_model
from signalbox.cli.demonstrations.stage import Stage, control
from signalbox.emulators.service_bus import is_available
from tests.onemachine.conftest import PROJECT

pytestmark = [pytest.mark.onemachine, pytest.mark.xdist_group("onemachine"), pytest.mark.proof]


def test_a_file_is_scored_once_and_a_bad_one_is_released(stage: Stage) -> None:
    tell_inference(stage)


@pytest.mark.skipif(not is_available(), reason="no Service Bus emulator: Qpid Proton is not built")
def test_messages_are_answered_and_streamed_records_come_once(stage: Stage) -> None:
    tell_messaging(stage)


def test_a_model_that_is_trained_on_noise_is_refused(stage: Stage, models: Path, tmp_path: Path) -> None:
    offer_answers(stage.cloud.endpoints, models / "ward")
    shutil.copytree(models / "blood", tmp_path / "example")
    prepare_retraining(PROJECT, tmp_path / "example", stage.cloud.endpoints)
    runs = stage.app.get("models/diabetes-progression/retraining")["runs"]
    champion = served_model(control(stage, "/_control/state", door="azureml"))

    tell_noise(replace(stage, folder=tmp_path / "example"), len(runs) + 1, champion)
