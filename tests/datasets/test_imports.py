"""Files of an allowed source land once where a route takes them, and start its ordinary run; or nothing lands."""

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from click.testing import CliRunner, Result

from shared import contracts as c
from shared.codec import decode
from shared.domain.datasets.sources import SourceRules
from shared.domain.failures import Transient
from shared.domain.inference.runs import RunOutcome
from signalbox.cli.main import main
from signalbox.host.clock import VirtualClock
from tests.amounts import sample
from tests.datasets.file_server import CONTENT, FileServer, serving
from tests.fakes.ports import OPERATOR_KEY, FakeClients
from tests.fakes.retraining import MemoryDataAssets
from tests.hosted import hosted
from tests.inference.conftest import CONFIGURATION, InferenceApp
from tests.outages import Outage
from tests.replay.recording import only_when_asked, record, seen  # noqa: F401 (a fixture)

PLACE = "landing/each/north/june.csv"
DIGEST = hashlib.sha256(CONTENT).hexdigest()
REASON = "the hospital sends June by a link"
STAGING = "signalbox-staging"

ASSETS = {
    "dev/wards:3": {"a.csv": CONTENT, "b.csv": CONTENT},
    "dev/ward-empty:1": {},
    "dev/ward-large:1": {"a.csv": b"1" * 1001},
    "dev/ward-many:1": {f"{n}.csv": b"" for n in range(300)},
    "dev/ward-odd:1": {"a.csv": CONTENT, "b.txt": CONTENT},
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FileServer]:
    with serving(tmp_path_factory.mktemp("files")) as made:
        yield made


class ImportApp(InferenceApp):
    """The app whose routes take files of the server and of data assets."""

    server: FileServer

    @property
    def assets(self) -> dict[str, dict[str, bytes]]:
        return self.clients.data_assets.contents  # type: ignore[attr-defined, no-any-return]

    def body(self, source: str = "", path: str = PLACE, **more: Any) -> dict[str, Any]:
        source = source or self.server.address("a.csv")
        return {"route": path.split("/")[1], "source": source, "path": path, "reason": REASON, **more}

    async def bring(self, source: str = "", path: str = PLACE, **more: Any) -> c.ImportResult:
        """How the import ends that is asked for so."""
        status, accepted = await self.request("POST", "imports", self.body(source, path, **more))
        assert status == 202, accepted
        outcome = await self.host.advance_until_finished(accepted["id"], timeout=60)
        assert outcome.status == "Completed", outcome
        return decode(c.ImportResult, outcome.output)

    def import_record(self, name: str) -> dict[str, Any]:
        return dict(json.loads(self.hub.read("signalbox", f"imports/{name}/import.json") or b"{}"))

    def landed(self) -> list[str]:
        return [blob.path for blob in self.hub.list("landing", "")]

    def staged(self) -> list[str]:
        return [blob.path for blob in self.hub.list(STAGING, "imports/")]

    async def run_of_file(self, location: str) -> str:
        """The run that the event of the file at *location* has started, once it has ended."""
        blob = self.hub.find(*location.split("/", 1))
        assert blob is not None
        await self.tell(blob)
        run = self.run_of(blob)
        assert (await self.finish(run)).outcome is RunOutcome.COMPLETED
        return run


@pytest.fixture
async def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: FileServer) -> AsyncIterator[ImportApp]:
    clock, server.content = VirtualClock(), CONTENT
    sources = SourceRules(hosts=(server.host,), assets=("wards", "ward-*"), largest=1000, within_s=20)
    clients = FakeClients(replace(CONFIGURATION, sources=sources), clock.now)
    vars(clients).update(internet_files=server.client(), data_assets=MemoryDataAssets())
    async with hosted(clients, clock, tmp_path, monkeypatch, sweeps="0 0 0 1 1 *") as host:
        made = ImportApp(host=host, clients=clients)
        made.server = server
        yield made


async def test_a_file_of_the_internet_lands_and_its_run_names_the_source(app: ImportApp) -> None:
    result = await app.bring(app.server.address("moved.csv"), sha256=DIGEST)
    run = await app.run_of_file(PLACE)

    assert (result.outcome, result.files) == (c.ImportOutcome.IMPORTED, (PLACE,))
    assert app.hub.read(*PLACE.split("/", 1)) == CONTENT
    record = app.import_record(result.id)
    assert (record["source"], record["reason"], record["outcome"]) == (
        app.server.address("moved.csv"),
        REASON,
        "imported",
    )
    fetched = json.loads(app.hub.read("signalbox", f"imports/{result.id}/fetched.json") or b"")
    assert fetched["origin"] == app.server.address("a.csv")
    assert [(file["path"], file["bytes"], file["sha256"]) for file in fetched["files"]] == [
        (PLACE, len(CONTENT), DIGEST)
    ]
    manifest = json.loads(app.hub.read(*app.record(run)["manifest"].split("/", 1)) or b"")
    assert manifest["arrivals"][0]["imported"] == {
        "import": result.id,
        "source": app.server.address("moved.csv"),
        "by": record["by"],
        "because": REASON,
        "origin": app.server.address("a.csv"),
    }
    assert app.staged() == []
    _, operation = await app.request("GET", f"operations/{result.id}")
    assert (operation["status"], operation["outcome"]) == ("succeeded", "imported")


async def test_another_attempt_at_the_run_names_the_source_too(app: ImportApp) -> None:
    await app.bring()
    run = await app.run_of_file(PLACE)
    _, again = await app.request("POST", f"runs/{run}/reprocess", {"reason": "once more"})
    await app.finish(again["id"])

    manifest = json.loads(app.hub.read(*app.record(again["id"])["manifest"].split("/", 1)) or b"")
    assert manifest["arrivals"][0]["imported"]["source"] == app.server.address("a.csv")


async def test_metadata_that_somebody_wrote_names_no_source(app: ImportApp) -> None:
    result = await app.bring()
    for number, mark in enumerate((result.id, "import-../../configurations", "import-no-such-1")):
        place = f"landing/each/south/{number}.csv"
        blob = app.land(place, signalbox_import=mark)
        await app.tell(blob)
        run = app.run_of(blob)
        await app.finish(run)
        manifest = json.loads(app.hub.read(*app.record(run)["manifest"].split("/", 1)) or b"")
        assert "imported" not in manifest["arrivals"][0]


async def test_a_data_asset_lands_with_the_names_of_its_files(app: ImportApp) -> None:
    app.assets["dev/wards:3"] = {"a.csv": CONTENT, "b.csv": b"id,x\n9,9\n"}

    result = await app.bring("azureml:wards:3", "landing/each/north/")

    assert result.files == ("landing/each/north/a.csv", "landing/each/north/b.csv")
    assert app.hub.read("landing", "each/north/b.csv") == b"id,x\n9,9\n"
    fetched = json.loads(app.hub.read("signalbox", f"imports/{result.id}/fetched.json") or b"")
    assert fetched["origin"] == "azureml://datastores/seen/paths/wards/3"


async def test_a_marker_lands_after_the_files_that_it_stands_for(
    app: ImportApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    app.assets["dev/wards:3"] = {"_SUCCESS": b"", "a.csv": CONTENT, "z.csv": CONTENT}
    order, create = list[str](), app.hub.create
    monkeypatch.setattr(
        app.hub, "create", lambda *a: (order.append(a[1]) if a[0] == "landing" else None, create(*a))[1]
    )

    await app.bring("azureml:wards:3", "landing/success/north/")

    assert order == ["success/north/a.csv", "success/north/z.csv", "success/north/_SUCCESS"]


async def test_the_same_import_again_is_one_file(app: ImportApp) -> None:
    first = await app.bring()
    again = await app.bring(reason="asked by somebody else")

    assert again == first
    assert app.hub.writes[PLACE] == 1
    assert app.import_record(first.id)["reason"] == REASON


async def test_the_same_key_is_the_same_import_and_another_request_with_it_is_refused(app: ImportApp) -> None:
    headers = {"x-functions-key": OPERATOR_KEY, "Idempotency-Key": "one"}
    answers = []
    async with aiohttp.ClientSession() as session:
        for body in (app.body(), app.body(), app.body(path="landing/each/north/other.csv")):
            url = f"{app.host.url}/api/v1/imports"
            async with session.post(url, json=body, headers=headers) as answer:
                answers.append((answer.status, (await answer.json(content_type=None)).get("id")))

    assert [status for status, _ in answers] == [202, 202, 409]
    assert answers[0] == answers[1]


KILLS: list[Any] = [
    pytest.param("hub", "create", lambda container, path, *_: container == STAGING and "imports/" in path, id="staged"),
    pytest.param("hub", "create", lambda _, path, *__: path.endswith("/fetched.json"), id="noted"),
    pytest.param("ledger", "record", lambda key, *_: key.endswith("/effects/fetched"), id="fetched"),
    pytest.param("hub", "create", lambda container, *_: container == "landing", id="landing"),
    pytest.param("ledger", "record", lambda key, *_: key.endswith("/effects/landed"), id="landed"),
    pytest.param("hub", "delete", lambda container, path, *_: "imports/" in path, id="cleaned"),
    pytest.param("ledger", "record", lambda key, *_: key.endswith("/effects/closed"), id="closed"),
]


@pytest.mark.long
@pytest.mark.parametrize(("client", "call", "holds"), sample(KILLS, 3))
async def test_a_host_that_dies_between_two_steps_lands_the_file_once(
    app: ImportApp, client: str, call: str, holds: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each write once fails before it happens, and once after it has: its answer is lost."""
    subject = getattr(app.clients, client)
    for moment, place in (("before", PLACE), ("after", "landing/each/north/july.csv")):
        works, left = getattr(subject, call), [True]

        def dying(*arguments: Any, works: Any = works, left: Any = left, moment: str = moment, **named: Any) -> Any:
            if not (left and holds(*arguments)):
                return works(*arguments, **named)
            left.clear()
            if moment == "after":
                works(*arguments, **named)
            raise Transient("the host died")

        with monkeypatch.context() as patched:
            patched.setattr(subject, call, dying)
            result = await app.bring(path=place)

        assert (result.outcome, left) == (c.ImportOutcome.IMPORTED, []), moment
        assert app.hub.writes[place] == 1
        assert app.staged() == []


async def test_what_is_fetched_again_is_what_was_fetched_first(app: ImportApp) -> None:
    """The source changes while the host is dead: what was staged before counts, and the source is not asked again."""
    tries = iter([True])

    def dies(key: str, *_: Any) -> bool:
        app.server.content = b"id,x\n5,5\n"
        return key.endswith("/fetched") and next(tries, False)

    app.server.asked.clear()
    with Outage(app.clients.ledger, "record", dies) as outage:
        result = await app.bring()

    assert (len(outage.refused), app.server.asked["a.csv"]) == (1, 1)
    assert (result.outcome, app.hub.read(*PLACE.split("/", 1))) == (c.ImportOutcome.IMPORTED, CONTENT)


FAILURES: list[tuple[str, dict[str, str], str]] = [
    ("endless.csv", {}, "more bytes than sources.largest, 1000 bytes"),
    ("away.csv", {}, "host 'elsewhere.example.org' is not allowed"),
    ("gone.csv", {}, "answers 404"),
    ("a.csv", {"sha256": "0" * 64}, f"field 'sha256' is {'0' * 64}, and "),
    ("busy.csv", {}, "fetch_source"),
    ("azureml:wards:4", {}, "data wards:4 is not in dev; name a version that is registered there"),
    ("azureml:wards:3", {}, "one name for 2 files; end it in / to keep their names"),
    ("azureml:ward-empty:1", {}, "nothing lies at azureml://datastores/seen/paths/ward-empty/1"),
    ("azureml:ward-large:1", {}, "has 1 file of 1001 bytes, more than 200 files and sources.largest, 1000 bytes"),
    ("azureml:ward-many:1", {}, "has 201 files of 0 bytes, more than 200 files"),
    ("azureml:ward-odd:1", {"path": "landing/each/north/"}, "is not taken by route each"),
    ("azureml:wards:3", {"path": "landing/each/north/", "sha256": "0" * 64}, "field 'sha256'"),
]


async def test_what_cannot_be_imported_lands_nothing_and_says_why(app: ImportApp) -> None:
    app.assets.update(ASSETS)
    for source, more, words in FAILURES:
        result = await app.bring(source if source.startswith("azureml:") else app.server.address(source), **more)

        assert result.outcome is c.ImportOutcome.FAILED
        assert words in result.because
        assert words in app.import_record(result.id)["because"]
        assert (app.landed(), app.staged()) == ([], []), source


async def test_an_import_that_failed_may_be_asked_for_again(app: ImportApp) -> None:
    app.server.content = b"1" * 1001
    failed = await app.bring()
    app.server.content = CONTENT
    result = await app.bring()

    assert failed.outcome is c.ImportOutcome.FAILED
    assert (result.outcome, result.id) == (c.ImportOutcome.IMPORTED, f"{failed.id[:-1]}2")


async def test_an_import_that_was_ended_from_outside_may_be_asked_for_again(app: ImportApp) -> None:
    with Outage(app.hub, "create", lambda container, *_: container == "landing"):
        _, accepted = await app.request("POST", "imports", app.body())
        await app.host.settle()
        await app.host.terminate(accepted["id"], "somebody pulled the plug")
    result = await app.bring()

    assert (result.outcome, result.id) == (c.ImportOutcome.IMPORTED, f"{accepted['id'][:-1]}2")
    assert app.hub.writes[PLACE] == 1


async def sweep(app: ImportApp) -> None:
    """The sweep, two minutes later."""
    await app.pass_time(120)
    name = f"sweep-{app.clients.clock.now():%H%M%S}"
    await app.host.start("reconcile_datasets", name, {"key": name})
    outcome = await app.host.advance_until_finished(name, timeout=60)
    assert outcome.status == "Completed", outcome


def opened(app: ImportApp) -> list[str]:
    return [blob.path for blob in app.hub.list("signalbox", "imports-open/")]


@pytest.mark.parametrize(
    ("stuck", "outcome", "because"),
    [
        ("fetched.json", "failed", "when 0 of 0 fetched files had landed; import them again"),
        ("landing", "failed", "when 0 of 1 fetched files had landed; import them again"),
        ("landed", "imported", ""),
    ],
)
async def test_an_import_that_was_ended_from_outside_is_closed_by_what_has_landed(
    app: ImportApp, stuck: str, outcome: str, because: str
) -> None:
    outage = (
        Outage(app.clients.ledger, "record", lambda key, *_: key.endswith(f"/effects/{stuck}"))
        if stuck == "landed"
        else Outage(app.hub, "create", lambda container, path, *_: container == stuck or path.endswith(stuck))
    )
    with outage:
        _, accepted = await app.request("POST", "imports", app.body())
        await app.host.settle()
        await app.host.terminate(accepted["id"], "somebody pulled the plug")
    assert len(opened(app)) == 1
    await sweep(app)

    record = app.import_record(accepted["id"])
    assert record["outcome"] == outcome
    assert because in (record["because"] or "")
    assert (opened(app), app.staged()) == ([], [])
    _, again = await app.request("POST", "imports", app.body())  # One that has landed is not begun again.
    await app.host.settle()
    assert (again["id"] == accepted["id"], app.hub.writes[PLACE]) == (outcome == "imported", 1)


async def test_an_import_that_is_under_way_is_left_alone_by_the_sweep(app: ImportApp) -> None:
    with Outage(app.hub, "create", lambda container, *_: container == "landing"):
        _, accepted = await app.request("POST", "imports", app.body())
        await app.host.settle()
        await sweep(app)
        assert app.import_record(accepted["id"]).get("outcome") is None
    assert (await app.bring()).id == accepted["id"]
    assert opened(app) == []


@pytest.mark.parametrize("is_ended", [False, True])
async def test_a_file_that_its_run_sets_aside_meanwhile_does_not_land_twice(app: ImportApp, is_ended: bool) -> None:
    """The file has landed, the host dies before the ledger says so, and the run finds the file bad in between."""
    app.server.content = b"id,x\n1,bad\n"
    with Outage(app.clients.ledger, "record", lambda key, *_: key.endswith("/effects/landed")):
        _, accepted = await app.request("POST", "imports", app.body())
        await app.host.settle()
        blob = app.hub.find(*PLACE.split("/", 1))
        assert blob is not None
        await app.tell(blob)
        await app.host.settle()
        assert [each.path for each in app.hub.list("quarantine", "")] != []
        assert app.landed() == [blob.path]  # It stays for the import, which could not tell otherwise.
        if is_ended:
            await app.host.terminate(accepted["id"], "somebody pulled the plug")
    if is_ended:
        await sweep(app)
    else:
        await app.host.advance_until_finished(accepted["id"], timeout=60)

    assert app.import_record(accepted["id"])["outcome"] == "imported"
    assert (app.hub.writes[PLACE], app.landed()) == (1, [])


async def test_a_file_of_an_import_that_is_over_is_taken_away_by_its_run(app: ImportApp) -> None:
    app.server.content = b"id,x\n1,bad\n"
    await app.bring()
    blob = app.hub.find(*PLACE.split("/", 1))
    assert blob is not None
    await app.tell(blob)
    await app.host.settle()

    assert app.landed() == []


async def test_a_file_that_lies_there_already_is_never_replaced(app: ImportApp) -> None:
    app.land(PLACE, b"id,x\n7,7\n")

    result = await app.bring()

    assert result.outcome is c.ImportOutcome.FAILED
    assert f"field 'path': '{PLACE}' is another file already; name another place" in result.because
    assert app.hub.read(*PLACE.split("/", 1)) == b"id,x\n7,7\n"


async def test_a_route_that_was_removed_meanwhile_gets_nothing(app: ImportApp) -> None:
    with Outage(app.hub, "create", lambda container, *_: container == "landing"):
        _, accepted = await app.request("POST", "imports", app.body())
        await app.host.settle()
        vars(app.clients)["configuration"] = replace(app.clients.configuration, routes=CONFIGURATION.routes[1:])
    outcome = await app.host.advance_until_finished(accepted["id"], timeout=60)

    assert outcome.output["outcome"] == "failed"
    assert "route 'each' is not configured" in outcome.output["because"]
    assert app.landed() == []


REFUSALS: list[tuple[dict[str, str], int, str]] = [
    ({"route": "eech"}, 404, "field 'route': route 'eech' is not configured"),
    (
        {"source": "https://data.example.org/a.csv"},
        422,
        "field 'source': host 'data.example.org' is not allowed; add",
    ),
    ({"source": "https://localhost/a.csv?token=x"}, 422, "field 'source': an address with a query"),
    ({"source": "https://user@localhost/a.csv"}, 422, "is no plain https address"),
    ({"source": "azureml:patients:1"}, 422, "data asset 'patients' is not allowed; add it to sources.assets"),
    ({"source": "azureml:wards"}, 422, "write azureml:NAME:VERSION with the exact version"),
    ({"source": "azureml:wards@latest"}, 422, "write azureml:NAME:VERSION with the exact version"),
    ({"source": "http://localhost/a.csv"}, 400, "azureml:NAME:VERSION or https://HOST/PATH"),
    ({"path": "landing/north.csv"}, 422, "field 'path': 'landing/north.csv' is not taken by route each"),
    ({"path": "signalbox/runs/x/run.json"}, 422, "is not taken by route each"),
    ({"path": "landing/each/../x.csv"}, 400, "field 'path'"),
    ({"sha256": "abc"}, 400, "64 hexadecimal digits"),
    ({"reason": " "}, 400, "a text that says something"),
]


async def test_the_door_refuses_at_once_and_writes_nothing(app: ImportApp) -> None:
    before = app.hub.writes.total()
    for changes, status, words in REFUSALS:
        answered, problem = await app.request("POST", "imports", app.body() | changes)

        assert (answered, words in problem["detail"]) == (status, True), problem
    assert app.hub.writes.total() == before


async def test_without_sources_nothing_may_be_imported(app: ImportApp) -> None:
    vars(app.clients)["configuration"] = replace(app.clients.configuration, sources=SourceRules())
    for source in (app.server.address("a.csv"), "azureml:wards:3"):
        status, problem = await app.request("POST", "imports", app.body(source))
        assert (status, problem["detail"].endswith("which allows none")) == (422, True), problem


async def test_rules_that_became_stricter_meanwhile_count(app: ImportApp) -> None:
    app.assets["dev/wards:3"] = {"a.csv": CONTENT}
    for source in (app.server.address("a.csv"), "azureml:wards:3"):
        wide = app.clients.configuration
        with Outage(app.clients.ledger, "find", lambda key: key.endswith("/fetched")):
            status, accepted = await app.request("POST", "imports", app.body(source))
            assert status == 202
            await app.host.settle()
            vars(app.clients)["configuration"] = replace(wide, sources=SourceRules())
        outcome = await app.host.advance_until_finished(accepted["id"], timeout=60)
        vars(app.clients)["configuration"] = wide
        assert "is not allowed" in outcome.output["because"]


@only_when_asked
async def test_record_imports(app: ImportApp, seen: dict[str, str]) -> None:  # noqa: F811
    """Golden histories: one file landed, and one whose digest is another."""
    imported, failed = await app.bring(), await app.bring(path="landing/each/x/y.csv", sha256="0" * 64)

    record("import_source-imported", "import_source", seen[imported.id])
    record("import_source-failed", "import_source", seen[failed.id])


async def command(app: ImportApp, *words: str) -> Result:
    env = {"SIGNALBOX_URL": app.host.url, "SIGNALBOX_KEY": OPERATOR_KEY}
    return await asyncio.to_thread(CliRunner(env=env).invoke, main, ["import", *words, "--reason", REASON])


async def test_the_command_lands_a_file_and_says_where(app: ImportApp) -> None:
    app.assets["dev/wards:3"] = {"z.csv": CONTENT}
    captured = await command(app, "each", app.server.address("a.csv"), "--capture", "site=oslo")
    asset = await command(app, "each", "azureml:wards:3", "--json")
    refused = await command(app, "each", app.server.address("a.csv"), "--to", PLACE, "--sha256", "0" * 64)
    unknown = await command(app, "eech", app.server.address("a.csv"), "--to", PLACE)
    both = await command(app, "each", "azureml:wards:3", "--to", PLACE, "--capture", "site=x")
    begun = await command(app, "each", app.server.address("a.csv"), "--to", "landing/each/x/y.csv", "--no-wait")

    assert (captured.exit_code, "landing/each/oslo/a.csv" in captured.stdout) == (0, True), captured.output
    assert json.loads(asset.stdout)["result"]["files"] == ["landing/each/local/z.csv"]
    assert (refused.exit_code, "field 'sha256'" in refused.stdout) == (1, True), refused.output
    assert (unknown.exit_code, "did you mean each?" in unknown.output) == (4, True), unknown.output
    assert (both.exit_code, "not both" in both.output) == (2, True)
    assert (begun.exit_code, "operations/import-each-" in begun.stdout) == (0, True), begun.output
