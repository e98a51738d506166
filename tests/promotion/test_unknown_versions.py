"""`promote` refuses at once what no promotion could find, and tells a refusal of the plan where it comes soon."""

import asyncio
import json
import os
from pathlib import Path

from click.testing import CliRunner, Result

from signalbox.cli.main import main
from tests.outages import Outage
from tests.promotion.conftest import PromotionApp

AZ = """#!/bin/sh
echo '{answer}'
"""


async def asked(app: PromotionApp, model: str) -> tuple[int, str]:
    """The answer to a promotion of *model*: its status and what it says."""
    status, answer = await app.ask("POST", "promotions", {"model": model, "to": "central", "reason": "r"}, "linus")
    return status, answer.get("detail", "")


async def test_a_name_that_may_not_climb_is_refused_at_the_door_with_those_that_may(app: PromotionApp) -> None:
    app.register("1", error=1.0, name="chrun")

    status, detail = await asked(app, "chrun:1")

    assert (status, "those that have: churn" in detail) == (404, True), detail
    assert (await app.ask("GET", "promotions"))[1]["promotions"] == []


async def test_a_version_that_the_source_does_not_have_is_refused_at_the_door(app: PromotionApp) -> None:
    app.register("1", error=1.0)

    status, detail = await asked(app, "churn:2")

    assert (status, "churn:2" in detail) == (404, True), detail
    assert (await app.ask("GET", "promotions"))[1]["promotions"] == []


async def test_a_promotion_is_taken_while_nobody_can_say_whether_the_version_is_there(app: PromotionApp) -> None:
    app.register("1", error=1.0)

    with Outage(app.clients.models, "find") as outage:
        status, _ = await asked(app, "churn:1")

    assert (status, bool(outage.refused)) == (202, True)


async def test_the_command_says_why_the_plan_of_its_promotion_was_refused(app: PromotionApp, tmp_path: Path) -> None:
    app.register("1", error=1.0)
    files = app.cloud.state["files"]
    (golden,) = [path for path in files if path.endswith("golden/requests.jsonl")]
    del files[golden]

    refused = await promote(app, tmp_path)

    assert refused.exit_code == 5, refused.output
    assert "was refused: " in refused.stderr
    assert "golden/requests.jsonl" in refused.stderr


async def test_the_command_ends_well_where_the_plan_is_good(app: PromotionApp, tmp_path: Path) -> None:
    app.register("1", error=1.0)

    accepted = await promote(app, tmp_path)

    assert accepted.exit_code == 0, accepted.output
    assert "`signalbox explain " in accepted.stderr


async def promote(app: PromotionApp, folder: Path) -> Result:
    """`signalbox promote churn:1`, by the person that `az` says is signed in."""
    az = folder / "bin" / "az"
    az.parent.mkdir()
    az.write_text(AZ.format(answer=json.dumps({"accessToken": "linus", "expires_on": 4_000_000_000})))
    az.chmod(0o755)
    path = f"{az.parent}{os.pathsep}{os.environ['PATH']}"
    settings = {"SIGNALBOX_URL": app.host.url, "SIGNALBOX_TOKEN_AUDIENCE": "an-app", "PATH": path}
    words = ["promote", "churn:1", "--to", "central", "--reason", "r"]
    return await asyncio.to_thread(CliRunner(env=settings).invoke, main, words)
