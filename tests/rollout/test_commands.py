"""`signalbox rollback`, `rehearse` and `revoke` say how what they have ordered has ended."""

import asyncio
import json
from datetime import timedelta

import pytest
from click.testing import CliRunner, Result

from signalbox.cli import app_client
from signalbox.cli.main import main
from tests.fakes.ports import OPERATOR_KEY
from tests.rollout.conftest import FIRST, SECOND, RolloutApp

WHY = ("--reason", "complaints")


@pytest.fixture(autouse=True)
def _signed_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app_client, "_token", lambda: "linus")  # On Azure it is that of `az login`.
    monkeypatch.setattr(app_client, "_LOOK_EVERY_S", 0.02)


async def run(app: RolloutApp, *words: str) -> Result:
    """What `signalbox` *words* prints, while the app's time goes on."""
    env = {"SIGNALBOX_URL": app.host.url, "SIGNALBOX_KEY": OPERATOR_KEY}
    command = asyncio.create_task(asyncio.to_thread(CliRunner(env=env).invoke, main, [*words]))
    while not command.done():
        await app.pass_time(seconds=1)
    return await command


async def test_a_rollback_is_planned_ordered_and_told_as_it_has_ended(replaced: RolloutApp) -> None:
    planned = await run(replaced, "rollback", "churn", "--plan")
    brought_back = await run(replaced, "rollback", "churn", *WHY)
    again = await run(replaced, "rollback", "churn", *WHY, "--json")
    none = await run(replaced, "rollback", "churn", "--plan")
    answered = await run(replaced, "rollback", "churn", "--plan", "--to", "2")

    assert planned.exit_code == 0, planned.output
    facts = dict(line.split(maxsplit=1) for line in planned.stdout.splitlines())
    assert (facts["from"], facts["to"]) == ("churn:2", "churn:1")
    assert facts["deployment"] == replaced.deployment(FIRST)
    assert brought_back.exit_code == 0, brought_back.output
    assert "churn:1 serves prod/churn-online again instead of churn:2" in brought_back.stdout
    # churn:2 was left: there is nothing more to go back to, and that is no success.
    assert (again.exit_code, json.loads(again.stdout)["status"]) == (1, "failed"), again.output
    assert (none.exit_code, "churn:2: ended well: its last time ended" in none.stdout) == (1, True), none.output
    assert answered.exit_code == 0, answered.output
    assert "with --override you answer for this:\n  no   " in answered.stdout


async def test_a_rollback_that_the_host_has_forgotten_is_told_from_its_record(serving: RolloutApp) -> None:
    rollback = await serving.order_rollback()
    result = await serving.rolled_back(rollback)
    await serving.pass_time(timedelta(hours=1).total_seconds())
    await serving.host.host.client.purge(rollback)

    status, operation = await serving.ask("GET", f"operations/{rollback}")

    assert (status, operation["status"], operation["because"]) == (200, "failed", result.because)


async def test_a_version_that_still_serves_after_its_revocation_is_told_with_one(replaced: RolloutApp) -> None:
    await replaced.roll_back()
    told = await run(replaced, "revoke", "churn:1", *WHY)
    nameless = await run(replaced, "revoke", "churn", *WHY)
    assert (told.exit_code, "nothing is known to be good" in told.stdout) == (1, True), told.output
    assert (nameless.exit_code, "write MODEL:VERSION" in nameless.output) == (2, True)


async def test_what_nobody_knows_is_said_with_what_is_near(replaced: RolloutApp) -> None:
    planned, good = await run(replaced, "rollback", "chrun", "--plan"), await run(replaced, "known-good", "chrun")
    for result in (planned, good):
        assert (result.exit_code, "did you mean churn?" in result.output) == (4, True), result.output
    assert (await run(replaced, "known-good", "churn")).stdout.startswith(f"{SECOND}  ")
