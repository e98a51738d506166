"""From experimentation to dev on one machine: the example's pipeline really trains, and what it made really answers."""

from pathlib import Path

import pytest
import requests

from signalbox.cli.demonstrations.example import offer_answers, offer_experiment, offer_training_rows
from signalbox.launcher.training import publish_training
from tests.onemachine.conftest import PROJECT
from tests.onemachine.world import World

pytestmark = [pytest.mark.onemachine, pytest.mark.xdist_group("onemachine")]

MODEL = "diabetes-progression"


@pytest.mark.proof
def test_a_flagged_experiment_is_trained_in_dev_and_answers_there(world: World, example: Path) -> None:
    ends = world.cloud.endpoints
    publish_training(ends, PROJECT / "examples" / "diabetes")
    offer_training_rows(ends, example)
    offer_answers(ends, example)

    offer_experiment(ends, example, "40", "blood", flag=f"{MODEL}:40 -> dev")

    def ended() -> dict[str, object] | None:
        rows = world.app.get("promotions", model=MODEL)["promotions"]
        return next((row for row in rows if row["version"] == "40" and row["fate"]), None)

    row = world.eventually(ended, within=150.0)
    shown = world.app.get(f"promotions/{row['promotion']}")
    assert (row["target"], row["fate"]) == ("dev", "promoted"), shown["because"]
    effects = world.control("/_effects")
    assert [count for name, count in effects["jobs"].items() if str(row["promotion"]) in name] == [1]
    state = requests.get(world.cloud.control("/_control/state", "azureml"), verify=str(ends.ca), timeout=30).json()
    made = next(body for path, body in state.items() if path.endswith(f"/mlw-dev/models/{MODEL}/versions/40"))
    assert made["properties"]["tags"]["signalbox.training"].startswith(f"signalbox-{row['promotion']}")
    assert made["properties"]["tags"]["signalbox.parameters"] == "recipe=blood"
