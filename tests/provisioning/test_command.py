"""`signalbox provision` against the running app."""

import asyncio
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from signalbox.cli import app_client
from signalbox.cli.main import main
from tests.fakes.ports import OPERATOR_KEY
from tests.provisioning.conftest import ProvisioningApp

PROJECT = Path(__file__).parents[2]


async def run(app: ProvisioningApp, *words: str) -> Result:
    env = {"SIGNALBOX_URL": app.host.url, "SIGNALBOX_KEY": OPERATOR_KEY}
    return await asyncio.to_thread(CliRunner(env=env).invoke, main, ["provision", *words])


async def test_orders_are_listed_shown_and_planned(app: ProvisioningApp) -> None:
    empty = await run(app, "status")
    end = await app.provisioned()
    listed, shown, planned = await run(app, "status"), await run(app, "status", end.id), await run(app, "plan", end.id)
    missing = await run(app, "status", "provision-nothing")

    assert empty.stdout.strip() == "nothing was ordered yet"
    assert listed.stdout.splitlines()[1].split("\t") == ["churners/experimentation", end.id, "ready", ""]
    assert "everything" not in shown.stdout
    assert [line.split("\t")[1] for line in shown.stdout.splitlines() if "\t" in line][-1] == "ready"
    assert "Create team:experiment/workspace" in planned.stdout.splitlines()
    assert (missing.exit_code, "is no order" in missing.output) == (4, True)


async def test_drift_ends_with_one_and_names_it(app: ProvisioningApp) -> None:
    await app.provisioned()
    clean = await run(app, "drift")
    app.azure.stands["team:experiment"]["storage"] = "public"
    looked = await run(app, "drift", "--look", "--json")

    assert (clean.exit_code, clean.stdout.strip()) == (0, "everything is as it was verified")
    assert looked.exit_code == 1, looked.output
    assert json.loads(looked.stdout)[0]["drift"] == ["Modify team:experiment/storage"]


async def test_two_people_end_a_step_and_anybody_of_them_takes_it_back(
    app: ProvisioningApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def run_as(who: str, *more: str) -> Result:
        monkeypatch.setattr(app_client, "_token", lambda: who)  # On Azure it is that of `az login`.
        return await run(app, "teardown", "churners", "experimentation", *more)

    await app.provisioned()
    bare = await run_as("linus")
    asked = await run_as("linus", "--role", "platform-engineer", "--reason", "over")
    confirmed = await run_as("grace", "--role", "product-owner", "--reason", "agreed")
    kept = await run_as("grace", "--keep")

    assert (bare.exit_code, "say --role and --reason" in bare.output) == (2, True)
    assert "linus" in asked.stdout, asked.output
    assert "grace" in confirmed.stdout, confirmed.output
    assert (kept.exit_code, "grace" in kept.stdout) == (0, False)


async def test_a_stopped_order_is_resumed(app: ProvisioningApp) -> None:
    app.azure.fails = {"apply"}
    stopped = await app.provisioned()
    app.azure.fails = set()
    # The command follows by the clock of the world, and the app lives by that of the test.
    resuming = asyncio.create_task(run(app, "resume", stopped.id, "--reason", "the quota is raised"))
    while not resuming.done():
        await app.pass_time(5)
        await asyncio.sleep(0.05)
    ended = await resuming

    assert (ended.exit_code, "ready" in ended.stdout) == (0, True), ended.output


async def test_a_person_signs_in_and_has_the_rights_of_one_persona_and_no_more(
    app: ProvisioningApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def sign_in(who: str, *words: str) -> Result:
        monkeypatch.setattr(app_client, "_token", lambda: who)  # On Azure it is that of `az login`.
        return await run(app, "sign-in", *words)

    config = ("--config", str(PROJECT / "signalbox.yaml"))
    as_they_are = await sign_in("grace", "product-owner", *config)
    as_another = await sign_in("grace", "data-scientist", "--json", *config)
    unknown = await sign_in("grace", "astronaut", *config)

    assert (as_they_are.exit_code, as_they_are.stdout) == (0, "grace may do what product-owner may\n")
    problems = json.loads(as_another.stdout)["problems"]
    assert as_another.exit_code == 1
    assert "acts as product-owner too: take the app role away from the group or the person" in problems
    assert any(problem.startswith("does not act as data-scientist") for problem in problems)
    assert "may not retrain in all, which the matrix allows" in problems
    assert "may break_glass in all, which the matrix refuses" in problems
    assert (unknown.exit_code, "use one of" in unknown.output) == (2, True)


@pytest.mark.parametrize("words", [("status",), ("plan", "x"), ("drift",), ("resume", "x", "--reason", "r")])
async def test_nothing_is_shown_to_whom_the_app_does_not_know(app: ProvisioningApp, words: tuple[str, ...]) -> None:
    env = {"SIGNALBOX_URL": app.host.url, "SIGNALBOX_KEY": "wrong"}
    ended = await asyncio.to_thread(CliRunner(env=env).invoke, main, ["provision", *words])

    assert ended.exit_code not in (0, 1)
