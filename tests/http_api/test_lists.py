"""Every list route and its command answer an empty app and a full one, also where a caller says a default aloud.

The doors are found in the table, by the rows that they give page by page: a new list fails here until it has a command
and rows of its own below.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import MISSING, fields, is_dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from shared.domain.promotion.ladder import Holdout, Ladder, Promotable
from shared.domain.schedules.due_times import Schedule, Target
from shared.records.datasets.paths import dataset_version
from shared.records.lists.rows import IMPORTS, PROMOTIONS, RUNS, keep_listed
from shared.records.provisioning.paths import standing as standing_path
from signalbox.cli.main import main
from signalbox.host.clock import VirtualClock
from tests.fakes.ports import OPERATOR_KEY, FakeClients
from tests.hosted import hosted
from tests.inference.conftest import CONFIGURATION, InferenceApp
from triggers.http.api_route import ApiRoute
from triggers.http.dispatch import Signature, signature
from triggers.http.exchange.bodies import decode_query
from triggers.http.routes import ROUTES

ROWS = [(route, signature(route.handler)) for route in ROUTES]
COMMANDS = {
    "list_runs": ["status"],
    "list_promotions": ["promotions"],
    "list_dead_letters": ["dlq", "list"],
    "list_schedules": ["schedules", "list"],
    "list_datasets": ["data", "list"],
    "list_imports": ["imports"],
    "list_provisioned": ["provision", "status"],
}
UNCOUNTED = {"list_dead_letters"}  # Where a page has not all rows: counting costs a listing of everything.
HOLDOUT = Holdout(path="evaluation/m.csv", target="y", key="id", tolerance=1.0)


def is_list(route: ApiRoute, handler: Signature) -> bool:
    """Whether the route gives rows page by page."""
    given = fields(handler.response) if is_dataclass(handler.response) else ()
    return route.method == "GET" and {"total", "next"} <= {each.name for each in given}


LISTS = {route.name: (route, handler) for route, handler in ROWS if is_list(route, handler)}


def fill(clients: FakeClients) -> None:
    """Three rows for every list."""
    state = clients.configuration.hub.state
    for number in "123":
        run = {"route": "each", "opened": f"2026-01-0{number}T00:00:00+00:00", "outcome": "completed"}
        keep_listed(clients.hub, state, RUNS, f"each-{number}-1", run)
        promotion = {"model": "m", "version": number, "target": "dev", "opened": run["opened"], "fate": "held"}
        keep_listed(clients.hub, state, PROMOTIONS, f"m-{number}-dev", promotion)
        imported = {"route": "each", "opened": run["opened"], "outcome": "imported", "source": "s", "target": "t"}
        keep_listed(clients.hub, state, IMPORTS, f"import-{number}", imported)
        letter = json.dumps({"reason": "it has no type", "event": {"id": number}}).encode()
        clients.hub.create("dead-letters", f"signalbox/{number}.json", letter)
        clients.hub.create(state, dataset_version("set", number), b"{}")
        standing = json.dumps({"team": f"team-{number}", "step": "experimentation"}).encode()
        clients.hub.create(state, standing_path(f"team-{number}", "experimentation"), standing)


SCHEDULES = tuple(Schedule(name=f"nightly-{n}", cron="0 3 * * *", target=Target.SCORE, of="each") for n in "123")
FULL = replace(
    CONFIGURATION, schedules=SCHEDULES, ladder=Ladder(models=(Promotable(name="m", contract="c", holdout=HOLDOUT),))
)
EMPTY = replace(CONFIGURATION, routes=())


@asynccontextmanager
async def running(full: bool, folder: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[InferenceApp]:
    clock = VirtualClock()
    clients = FakeClients(FULL if full else EMPTY, clock.now)
    if full:
        fill(clients)
    async with hosted(clients, clock, folder, monkeypatch) as host:
        yield InferenceApp(host=host, clients=clients)


def rows_of(answer: dict[str, Any]) -> list[Any]:
    """The one list of objects in a page."""
    (rows,) = (value for name, value in answer.items() if isinstance(value, list) and name != "unseen")
    return rows


def defaults_of(handler: Signature) -> dict[str, Any]:
    return {each.name: each.default for each in fields(handler.query) if each.default not in (MISSING, None)}


def test_every_list_has_a_command() -> None:
    assert set(LISTS) == set(COMMANDS)


@pytest.mark.parametrize(
    ("route", "handler"), [row for row in ROWS if row[1].query], ids=lambda each: getattr(each, "name", "")
)
def test_a_filters_own_default_may_be_sent_aloud(route: ApiRoute, handler: Signature) -> None:
    file = "x.csv" if route.name == "read_prediction" else "somewhere/x.csv"
    required = {each.name: file for each in fields(handler.query) if each.default is MISSING}
    aloud = {name: str(value) for name, value in defaults_of(handler).items()}

    assert decode_query(handler.query, required | aloud) == decode_query(handler.query, required)


@pytest.mark.parametrize("full", [False, True], ids=["empty", "full"])
async def test_every_list_route_gives_its_rows_page_by_page(
    full: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(full, tmp_path, monkeypatch) as app:
        for name, (route, handler) in LISTS.items():
            aloud = "&".join(f"{key}={value}" for key, value in defaults_of(handler).items() if key != "limit")
            status, page = await app.request("GET", f"{route.path}?limit=2&{aloud}")
            total = None if full and name in UNCOUNTED else 3 * full
            assert (status, page["total"], len(rows_of(page))) == (200, total, 2 * full), name
            if full:
                follow = "after" if "after" in defaults_of(handler) else "cursor"
                _, rest = await app.request("GET", f"{route.path}?limit=2&{follow}={page['next']}")
                assert (len(rows_of(rest)), rest["next"]) == (1, ""), name
            else:
                assert page["next"] == "", name


@pytest.mark.parametrize("full", [False, True], ids=["empty", "full"])
async def test_every_list_command_shows_what_there_is(
    full: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(full, tmp_path, monkeypatch) as app:
        monkeypatch.setenv("SIGNALBOX_URL", app.host.url)
        monkeypatch.setenv("SIGNALBOX_KEY", OPERATOR_KEY)
        for command in COMMANDS.values():
            for json_flag in ([], ["--json"]):
                ended = await asyncio.to_thread(CliRunner().invoke, main, [*command, *json_flag])
                assert ended.exit_code == 0, (command, ended.output)
                assert ended.exception is None
            found = json.loads(ended.output)
            assert len(found if isinstance(found, list) else rows_of(found)) == 3 * full, command
