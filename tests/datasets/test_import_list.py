"""Imports are listed and shown: what was fetched, why one failed, and what became of the files."""

import asyncio
import json

import pytest
from click.testing import CliRunner, Result

from shared.records.lists.paths import manifest
from shared.records.lists.rows import IMPORTS
from signalbox.cli.main import main
from tests.datasets.test_imports import PLACE, REASON, ImportApp, app, server, sweep  # noqa: F401 (fixtures)
from tests.fakes.ports import OPERATOR_KEY
from tests.outages import Outage

OTHER = "landing/each/süd/july.csv"


async def names(app: ImportApp, query: str = "") -> list[str]:  # noqa: F811
    status, page = await app.request("GET", f"imports?{query}")
    assert status == 200, page
    return [row["name"] for row in page["imports"]]


async def command(app: ImportApp, *words: str) -> Result:  # noqa: F811
    env = {"SIGNALBOX_URL": app.host.url, "SIGNALBOX_KEY": OPERATOR_KEY}
    return await asyncio.to_thread(CliRunner(env=env).invoke, main, ["imports", *words])


async def test_an_import_is_shown_with_its_steps_its_files_and_their_run(app: ImportApp) -> None:  # noqa: F811
    earlier = app.land(PLACE, b"id,x\n7,7\n")
    await app.tell(earlier)
    await app.finish(app.run_of(earlier))
    app.hub.delete("landing", earlier.path)
    await app.pass_time(1)
    result = await app.bring(app.server.address("moved.csv"))
    run = await app.run_of_file(PLACE)

    _, shown = await app.request("GET", f"imports/{result.id}")
    printed = await command(app, result.id)

    assert (shown["outcome"], shown["status"], shown["reason"], shown["route"]) == (
        "imported",
        "Completed",
        REASON,
        "each",
    )
    assert [step["step"] for step in shown["steps"]] == ["fetched", "landed", "closed"]
    assert (shown["source"], shown["origin"]) == (app.server.address("moved.csv"), app.server.address("a.csv"))
    (file,) = shown["files"]
    assert (file["path"], file["runs"]) == (PLACE, [{"run": run, "outcome": "completed"}])  # And no run of before.
    assert (printed.exit_code, run in printed.stdout, REASON in printed.stdout) == (0, True, True), printed.output


async def test_an_import_that_failed_says_why_and_one_that_is_unknown_is_guessed(app: ImportApp) -> None:  # noqa: F811
    result = await app.bring(sha256="0" * 64)

    _, shown = await app.request("GET", f"imports/{result.id}")
    status, _ = await app.request("GET", "imports/import-none-1")
    unknown = await command(app, result.id[:-3])

    assert (shown["outcome"], "field 'sha256' is" in shown["because"]) == ("failed", True)
    assert (shown["files"], [step["step"] for step in shown["steps"]]) == ([], ["closed"])
    assert (status, unknown.exit_code, f"did you mean {result.id}?" in unknown.output) == (404, 4, True), unknown.output


async def test_the_list_is_filtered_and_sorted(app: ImportApp) -> None:  # noqa: F811
    app.assets["dev/wards:3"] = {"a.csv": b"id,x\n1,2\n"}
    first = (await app.bring(path=OTHER)).id
    await app.pass_time(1)
    second = (await app.bring("azureml:wards:3", "landing/window/n/a.csv")).id
    await app.pass_time(1)
    third = (await app.bring(sha256="0" * 64)).id

    assert await names(app) == [third, second, first]
    assert await names(app, "sort=source") == [second, third, first]
    assert await names(app, "sort=-route") == [second, third, first]
    assert await names(app, "outcome=imported") == [second, first]
    assert await names(app, "route=window") == await names(app, "source=wards:3") == [second]
    assert await names(app, "target=s%C3%BCd/july") == [first]
    assert await names(app, "state=open") == []
    _, page = await app.request("GET", "imports?limit=2")
    assert (page["total"], page["outcomes"]) == (3, {"imported": 2, "failed": 1})
    assert page["imports"][1]["source"] == "azureml:wards:3"
    assert await names(app, f"limit=2&cursor={page['next']}") == [first]
    assert (await names(app, "target=july"))[0] == first
    shown = await command(app, "--route", "windw")
    assert (shown.exit_code, "did you mean window?" in shown.output) == (4, True), shown.output
    listed = json.loads((await command(app, "--outcome", "failed", "--json")).stdout)
    assert [row["name"] for row in listed["imports"]] == [third]


@pytest.mark.parametrize("stuck", ["landing", "closed"])
async def test_an_import_that_is_under_way_is_open_in_the_list_until_it_is_closed(
    app: ImportApp,  # noqa: F811
    stuck: str,
) -> None:
    """Also one whose end a sweep has written; and the sweep keeps the index of the list."""
    outage = (
        Outage(app.hub, "create", lambda container, *_: container == "landing")
        if stuck == "landing"
        else Outage(app.clients.ledger, "record", lambda key, *_: key.endswith("/effects/closed"))
    )
    with outage:
        _, accepted = await app.request("POST", "imports", app.body())
        await app.host.settle()
        _, shown = await app.request("GET", f"imports/{accepted['id']}")
        assert accepted["resource"].endswith(f"imports/{accepted['id']}")
        assert (await names(app, "state=open") == [accepted["id"]]) is (stuck == "landing")
        assert shown["step"] == "landing"
        await app.host.terminate(accepted["id"], "somebody pulled the plug")
    await sweep(app)

    outcome = "failed" if stuck == "landing" else "imported"
    assert await names(app, f"state=ended&outcome={outcome}") == [accepted["id"]]
    assert app.hub.read("signalbox", manifest(IMPORTS)) is not None
