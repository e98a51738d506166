"""Retraining on one machine: the example's pipeline really trains, and is judged by what really serves.

`make demo-retraining` is the whole loop from drift to pre-production; here is what it costs the least to see.
"""

import csv
import random
from pathlib import Path
from typing import Any

import pytest
import requests
from click.testing import CliRunner

from signalbox.cli import app_client
from signalbox.cli.app_client import AppClient
from signalbox.cli.demonstrations.example import offer_answers, offer_example, prepare_retraining
from signalbox.cli.demonstrations.retraining_checks import served_model
from signalbox.cli.main import main
from signalbox.launcher.hub import hub_client
from signalbox.launcher.people import sign_in
from tests.onemachine.conftest import PROJECT
from tests.onemachine.stored import hub_blobs, real_secrets, recorded_spans, written
from tests.onemachine.world import World
from tests.secrecy import leaks, tokens

pytestmark = [pytest.mark.onemachine, pytest.mark.xdist_group("onemachine")]

MODEL, ENGINEER, SCIENTIST = "diabetes-progression", "linus@example.org", "ada@example.org"
REASON = "the devices were changed"


def as_(world: World, person: str) -> AppClient:
    return AppClient(world.cloud.endpoints.app, token=sign_in(world.cloud.endpoints, person))


def state(world: World) -> dict[str, Any]:
    address, trust = world.cloud.control("/_control/state", "azureml"), str(world.cloud.endpoints.ca)
    return dict(requests.get(address, verify=trust, timeout=30).json())


def mixed_up(file: Path) -> str:
    """The same patients, each with somebody else's body mass index, blood pressure and triglycerides."""
    chance, (header, *rows) = random.Random(1), csv.reader(file.read_text().splitlines())
    columns = list(zip(*rows, strict=True))
    for at in (header.index(name) for name in ("bmi", "bp", "s5")):
        columns[at] = tuple(chance.sample(columns[at], len(rows)))
    return "\n".join(",".join(row) for row in (header, *zip(*columns, strict=True)))


@pytest.fixture
def champion(world: World, models: Path) -> str:
    """Who serves in pre-production: whom test_promotions, which comes first, left there; or one who knows serum."""
    offer_answers(world.cloud.endpoints, models / "ward")
    if not served_model(state(world)):
        offer_example(world.cloud.endpoints, models / "blood", "50")
        wish = {"model": f"{MODEL}:50", "to": "preprod", "reason": "somebody to be better than"}
        promotion = as_(world, ENGINEER).post("promotions", wish)["id"]
        world.eventually(lambda: world.app.get(f"promotions/{promotion}").get("fate"), within=180.0)
    return served_model(state(world))


def idle(world: World) -> dict[str, Any] | None:
    """How the model's retraining stands, once no run is in flight: it would absorb what the test asks for."""
    shown = dict(world.app.get(f"models/{MODEL}/retraining"))
    return None if shown["running"] else shown


@pytest.mark.proof
def test_a_challenger_that_learned_noise_is_refused_with_its_reason(
    world: World, example: Path, champion: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare_retraining(PROJECT, example, world.cloud.endpoints)
    before = world.eventually(lambda: idle(world), within=120.0)["runs"]
    with hub_client(world.cloud.endpoints) as hub:
        rows = hub.get_blob_client("training", "diabetes/patients.csv")
        rows.upload_blob(mixed_up(example / "labelled.csv"), overwrite=True)

    token = sign_in(world.cloud.endpoints, SCIENTIST)
    AppClient(world.cloud.endpoints.app, token=token).post(f"models/{MODEL}/retrain", {"reason": REASON})
    monkeypatch.setattr(app_client, "STATE", world.cloud.state)
    asked = CliRunner().invoke(main, ["retrain", MODEL, "--reason", REASON, "--as", SCIENTIST])
    assert asked.exit_code == 0, asked.output

    def ended() -> dict[str, Any] | None:
        runs = world.app.get(f"models/{MODEL}/retraining")["runs"]
        return next(
            (run for run in runs if run["run"] not in [each["run"] for each in before] and run["outcome"]), None
        )

    run = world.eventually(ended, within=180.0)
    assert (run["outcome"], run["challenger"]) == ("not better", ""), run["because"]
    assert "overall: mae better by -" in run["because"]
    assert run["cost"]["actual"] > 0
    made = state(world)
    assert served_model(made) == champion
    assert not [path for path, body in made.items() if run["run"] in str(body) and "/models/" in path]
    jobs = world.control("/_effects")["jobs"]
    assert [count for name, count in jobs.items() if run["run"] in name] == [1]

    own = written(world)
    records = [*hub_blobs(world, "signalbox/retraining"), *hub_blobs(world, "signalbox/audit")]
    assert any(where.endswith("host.db") and f"{run['run']}-wait".encode() in content for where, content in own)
    assert any(f"/{run['run']}/" in where for where, _ in records)
    everything = (*own, *records, *recorded_spans(world))
    assert leaks(real_secrets(world) | {"token": token, "signature": token.rpartition(".")[2]}, everything) == []
    assert tokens(everything) == []
