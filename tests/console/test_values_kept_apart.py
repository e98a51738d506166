"""Values of the data are for who may `see_data`: a marked one is in no other page, answer, announcement or log line."""

import json
import logging
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from azure.functions.meta import Datum

from shared.adapters.hub_files.data_checks import HubDataChecks
from shared.domain.inference.streams import Stream
from shared.domain.promotion.approvals import Person
from tests.console.conftest import ConsoleApp, console_of
from tests.fakes.ports import MemoryAnnouncer, MemoryJobLogs, MemoryJobs
from tests.inference.conftest import CONFIGURATION as SCORING
from tests.inference.conftest import a_route, created
from tests.promotion.conftest import CONFIGURATION, PEOPLE
from triggers.console.pages import PAGES
from triggers.http.routes import ROUTES
from triggers.queues.queue_messages import RECORDS, PoisonMessage, QueueMessage
from triggers.queues.stream_records import take_records

MARK = "marked-4711"
RULES = """\
format: csv
keys: [id]
columns:
  - {name: id, type: string}
  - {name: x, type: number}
"""
OUTPUTS = """\
format: csv
csv: {delimiter: " ", header: false}
columns:
  - {name: risk, type: number, field: -1}
"""
GOOD, BAD = f"id,x\n{MARK},1\nb,2\n", f"id,x\n{MARK},1\n{MARK},2\nb,{MARK}\n"
CLOSED = {"show_run_log", "show_training_log"}  # What a job prints is the script's, and open by `check_data`.


@pytest.fixture
async def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[ConsoleApp]:
    monkeypatch.setitem(PEOPLE, "root", Person(oid="r", name="root", roles=("PlatformEngineer",)))
    (tmp_path / "c").write_text(RULES)
    (tmp_path / "outputs.yaml").write_text(OUTPUTS)
    routes = (a_route("each"), a_route("judged", output_contract="outputs.yaml"))
    configuration = replace(
        CONFIGURATION,
        routes=routes,
        workspaces=(*CONFIGURATION.workspaces, *SCORING.workspaces),
        streams=(Stream(name="visits", route="each", land="landing/each/{stream}/{batch}.csv"),),
    )
    async with console_of(configuration, tmp_path, monkeypatch) as console:
        vars(console.clients).update(data_checks=HubDataChecks(console.clients.hub, tmp_path))
        yield console


async def arrive(app: ConsoleApp, location: str, data: str) -> None:
    event = created(app.hub.land(location, data.encode()), location)
    await app.host.call("receive_hub_event", Datum(json.dumps(event), "json"))
    await app.host.settle()


async def runs_of(app: ConsoleApp) -> dict[str, str]:
    """A run of each outcome, the first that was opened."""
    _, page = await app.ask("GET", "runs", who="root")
    return {row["outcome"]: row["run"] for row in page["runs"]}


async def names_of(app: ConsoleApp) -> list[str]:
    _, page = await app.ask("GET", "runs", who="root")
    return [row["run"] for row in page["runs"]]


async def happened(app: ConsoleApp) -> list[str]:
    """Everything by which a value could get into a sentence; the names of what came of it."""
    jobs: MemoryJobs = app.clients.jobs  # type: ignore[assignment]
    jobs.predict = lambda row: MARK  # type: ignore[assignment, return-value]
    await arrive(app, "landing/each/north/bad.csv", BAD)
    await arrive(app, "landing/each/south/headless.csv", f"{MARK},7\nb,2\n")
    await arrive(app, "landing/judged/north/good.csv", GOOD)
    jobs.status_after = lambda looks: "Failed"
    logs: MemoryJobLogs = app.clients.job_logs  # type: ignore[assignment]
    logs.logs = {
        f"guid-{number}": {"logs/user/error.txt": f"ValueError: {MARK!r} is odd".encode()} for number in (1, 2)
    }
    await arrive(app, "landing/each/east/good.csv", GOOD)
    for number, sent in enumerate(({"id": "a", "x": MARK}, MARK), 1):
        message = QueueMessage(
            kind=RECORDS, id=f"m{number}", sequence=number, data={"stream": "visits", "records": [sent]}
        )
        with pytest.raises(PoisonMessage):
            await take_records(None, app.clients, message)  # type: ignore[arg-type]
    body = {"path": "landing/lent.csv", "route": "each"}
    app.hub.land(body["path"], BAD.encode())
    status, asked = await app.ask("POST", "data-checks", body, who="root")
    assert status == 202, asked
    await app.host.settle()
    return [*await names_of(app), str(asked["id"])]


async def addresses(app: ConsoleApp, names: list[str]) -> list[str]:
    """Every route that only reads, of everything in *names*."""
    _, letters = await app.ask("GET", "dead-letters", who="root")
    queries = {"show_dead_letter": [f"?path={letter['path']}" for letter in letters["letters"]]}
    assert len(queries["show_dead_letter"]) == 2
    found = list[str]()
    for route in ROUTES:
        if route.method == "GET" and route.name not in CLOSED:
            places = {re.sub(r"\{\w+\}", name, route.path) for name in names}
            found += [f"{place}{query}" for place in sorted(places) for query in queries.get(route.name, [""])]
    return found


async def test_a_marked_value_is_in_nothing_that_is_read_without_see_data(
    app: ConsoleApp, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    names = await happened(app)
    outcomes = await runs_of(app)
    seen = dict[str, str]()
    for who in ("grace", "root"):
        browser = await app.signed_in(who)
        for address in await addresses(app, names):
            seen[f"{who} {address}"] = json.dumps(await app.ask("GET", address, who=who))
        for page in PAGES:
            for name in names if "{" in page.path else [""]:
                address = re.sub(r"\{\w+\}", name, page.path)
                seen[f"{who} page {address}"] = (await browser.get(address)).text

    announcer: MemoryAnnouncer = app.clients.announcer  # type: ignore[assignment]
    assert {"quarantined", "held", "failed"} <= set(outcomes), outcomes
    of_job = f"runs/{outcomes['failed']}"  # With its job's own words, for who may read the log.
    assert [where for where, text in seen.items() if MARK in text] == [f"root {of_job}", f"root page {of_job}"]
    assert len(announcer.events) >= 3
    assert MARK not in str(announcer.events)
    assert MARK not in caplog.text
    assert sum("200" in text[:8] for text in seen.values()) > 60


async def test_who_may_see_data_gets_the_values_beside_the_sentence(app: ConsoleApp) -> None:
    await happened(app)
    outcomes = await runs_of(app)
    shown = [(await app.ask("GET", f"runs/{name}", who="ada"))[1] for name in await names_of(app)]
    _, held = await app.ask("GET", f"runs/{outcomes['held']}", who="ada")
    ada, grace = await app.signed_in("ada"), await app.signed_in("grace")
    pages = [(await browser.get(f"runs/{outcomes['held']}")).text for browser in (ada, grace)]

    samples = [
        sample for run in shown for rule in (run["quarantine"] or {"rules": ()})["rules"] for sample in rule["samples"]
    ]
    assert {"file": "landing/each/north/bad.csv", "row": 3, "value": MARK} in samples
    assert held["held"]["rules"][0]["samples"][0]["value"] == MARK
    assert held["held"]["because"] == [
        "type: column risk: 2 values are not of the column's type (predictions.csv row 1; predictions.csv row 2)"
    ]
    assert "The values that broke them" in pages[0]
    assert f"<code>{MARK}</code>" in pages[0]
    assert "The values are shown to: data-owner, data-scientist, ml-engineer" in pages[1]
