"""`signalbox data publish`, `list` and `show` against the running app."""

import asyncio
import json

from click.testing import CliRunner, Result

from signalbox.cli.main import main
from tests.datasets.conftest import FOLDER, DatasetApp
from tests.fakes.ports import OPERATOR_KEY


async def run(app: DatasetApp, *words: str) -> Result:
    env = {"SIGNALBOX_URL": app.host.url, "SIGNALBOX_KEY": OPERATOR_KEY}
    return await asyncio.to_thread(CliRunner(env=env).invoke, main, ["data", *words])


async def test_a_folder_is_published_listed_and_shown(app: DatasetApp) -> None:
    app.land()
    empty = await run(app, "list")
    published = await run(app, "publish", "churn-holdout@3", FOLDER, "--note", "the third quarter", "--json")
    listed = await run(app, "list", "churn-holdout")
    shown = await run(app, "show", "churn-holdout@3")
    missing = await run(app, "show", "churn-holdout@4")

    assert empty.stdout.startswith("nothing was published yet; ")
    assert published.exit_code == 0, published.output
    assert json.loads(published.stdout)["outcome"] == "published"
    assert listed.stdout.splitlines()[1].startswith("churn-holdout@3\t")
    assert "rows.csv\t" in shown.stdout
    assert "the third quarter" in shown.stdout
    assert "id\tinteger\t0" in shown.stdout
    assert (missing.exit_code, "was not published" in missing.output) == (4, True)


async def test_what_is_not_published_ends_with_one_and_says_why(app: DatasetApp) -> None:
    app.land(b"id,x\n1,2,3\n")

    refused = await run(app, "publish", "churn-holdout@1", FOLDER)
    unknown = await run(app, "publish", "churn@1", FOLDER)
    inexact = await run(app, "publish", "churn-holdout", FOLDER)

    assert (refused.exit_code, "3 fields instead of 2" in refused.stdout) == (1, True), refused.output
    assert (unknown.exit_code, "is not configured" in unknown.output) == (4, True)
    assert (inexact.exit_code, "write NAME@VERSION" in inexact.output) == (2, True)
