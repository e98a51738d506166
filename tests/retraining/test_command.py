"""`signalbox retrain` and `signalbox retraining` against the running app, as the person who is signed in to Azure."""

import asyncio
import json
import os
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from signalbox.cli.main import main
from tests.fakes.ports import OPERATOR_KEY
from tests.retraining.conftest import RetrainingApp


class Shell:
    """Runs `signalbox` beside an `az` that has somebody signed in."""

    def __init__(self, app: RetrainingApp, folder: Path) -> None:
        self._works, self._az = app, folder / "az"

    def sign_in(self, person: str) -> None:
        said = json.dumps({"accessToken": person, "expires_on": 4102444800, "tokenType": "Bearer"})
        self._az.write_text(f"#!/bin/sh\necho '{said}'\n")
        self._az.chmod(0o755)

    async def run(self, *given: str) -> Result:
        env = {"SIGNALBOX_URL": self._works.host.url, "SIGNALBOX_KEY": OPERATOR_KEY}
        env["SIGNALBOX_TOKEN_AUDIENCE"] = "an-app"
        path = f"{self._az.parent}{os.pathsep}{os.environ['PATH']}"
        return await asyncio.to_thread(CliRunner(env=env | {"PATH": path}).invoke, main, [*given])


@pytest.fixture
def shell(app: RetrainingApp, tmp_path: Path) -> Shell:
    folder = tmp_path / "bin"
    folder.mkdir()
    made = Shell(app, folder)
    made.sign_in("ada")
    return made


async def test_a_wish_starts_a_run_with_its_data_and_its_reason(app: RetrainingApp, shell: Shell) -> None:
    app.hub.land("extra/wards/north.csv", b"id,x,y\n900,900,900\n")

    asked = await shell.run("retrain", "churn", "--data", "extra/wards/", "--reason", "new ward")
    result = await app.retrained()
    shown = await shell.run("retraining", "churn")

    assert asked.exit_code == 0, asked.output
    said = dict(line.split(maxsplit=1) for line in asked.output.splitlines())
    assert (said["model"], said["considered"], said["resource"]) == ("churn", "now", "/api/v1/models/churn/retraining")
    claim = app.part("claim.json")["causes"][0]
    assert (claim["id"], claim["who"], claim["because"]) == (said["cause"], "ada", "new ward")
    assert claim["facts"] == {"data": "extra/wards/"}
    assert "extra/wards/north.csv" in {member["path"] for member in app.part("data.json")["members"]}
    assert f"{result.run}\tbetter\tchurn:1\t1\t" in shown.output


async def test_json_is_the_whole_answer_and_the_same_wish_is_one_cause(app: RetrainingApp, shell: Shell) -> None:
    asked = [json.loads((await shell.run("retrain", "churn", "--reason", "again", "--json")).output) for _ in range(2)]

    assert [each["considered"] for each in asked] == ["now", "with others"]
    assert len({each["cause"] for each in asked}) == len(app.settled()) == 1


@pytest.mark.parametrize(
    ("person", "given", "said"),
    [
        ("ada", ("fraud", "--reason", "r"), "model 'fraud' has no `retraining` section in the configuration"),
        ("ada", ("churn", "--reason", "r", "--data", "extra/none"), "nothing lies at 'extra/none' in the hub"),
        ("grace", ("churn", "--reason", "r"), "may not retrain"),
        ("nobody", ("churn", "--reason", "r"), "the token is not accepted"),
        ("ada", ("churn",), "Missing option '--reason'"),
    ],
)
async def test_what_is_refused_is_said_and_fails(
    app: RetrainingApp, shell: Shell, person: str, given: tuple[str, ...], said: str
) -> None:
    shell.sign_in(person)

    refused = await shell.run("retrain", *given)

    assert (refused.exit_code != 0, said in refused.output) == (True, True), refused.output
    assert app.settled() == []
