"""Answers that a caller has already, heads, and pages by Accept: what is sent, and what is worked out for it."""

import json
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from shared.records.lists.paths import journal
from shared.records.lists.rows import IMPORTS, PROMOTIONS, RUNS, keep_listed
from signalbox.host.clock import VirtualClock
from tests.fakes.ports import OPERATOR_KEY, FakeClients, MemoryHub
from tests.hosted import HostedApp, hosted
from tests.inference.conftest import CONFIGURATION
from triggers.http.exchange.conditional import names_etag
from triggers.http.exchange.problems import prefers_html
from triggers.http.routes import ROUTES

STATE = CONFIGURATION.hub.state


@pytest.fixture
async def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[HostedApp]:
    clock = VirtualClock()
    clients = FakeClients(CONFIGURATION, clock.now)
    for number in range(3):
        row = {"route": "each", "opened": f"2026-01-0{number + 1}T00:00:00+00:00", "outcome": ""}
        keep_listed(clients.hub, STATE, RUNS, f"each-{number}", row)
    async with hosted(clients, clock, tmp_path, monkeypatch) as host:
        yield HostedApp(host=host, clients=clients)


async def ask(app: HostedApp, method: str, path: str, **headers: str) -> tuple[int, Mapping[str, str], bytes]:
    sent = {"x-functions-key": OPERATOR_KEY, **headers}
    async with (
        aiohttp.ClientSession() as session,
        session.request(method, f"{app.host.url}/api/v1/{path}", headers=sent) as answer,
    ):
        return answer.status, answer.headers, await answer.read()


async def test_every_get_without_a_parameter_has_an_etag_that_is_worth_a_304(app: HostedApp) -> None:
    paths = [route.path for route in ROUTES if route.method == "GET" and "{" not in route.path]
    for path in paths:
        status, headers, body = await ask(app, "GET", path)
        if status != 200:
            continue
        again, head, empty = await ask(app, "GET", path, **{"If-None-Match": f'"other", W/{headers["ETag"]}'})
        if path not in ("doctor", "readiness"):  # These measure something anew.
            assert (again, empty, head["ETag"]) == (304, b"", headers["ETag"]), path
        assert headers["X-Content-Type-Options"] == head["X-Content-Type-Options"] == "nosniff"
        assert body


async def test_head_is_get_without_the_body(app: HostedApp) -> None:
    _, headers, _ = await ask(app, "GET", "runs")
    status, head, body = await ask(app, "HEAD", "runs")

    assert (status, body, head["ETag"]) == (200, b"", headers["ETag"])
    assert (await ask(app, "HEAD", "runs/none"))[0] == 404
    assert (await ask(app, "HEAD", "runs", **{"x-functions-key": "wrong"}))[0] == 401


async def test_a_change_of_a_row_is_seen_by_the_next_poll_of_each_list(app: HostedApp) -> None:
    for path, kind in (("runs", RUNS), ("promotions", PROMOTIONS), ("imports", IMPORTS), ("inbox", RUNS)):
        _, headers, _ = await ask(app, "GET", path)
        etag = {"If-None-Match": headers["ETag"]}
        assert (await ask(app, "GET", path, **etag))[0] == 304, path

        row = {"opened": "2026-01-09T00:00:00+00:00", "outcome": "failed", "closed": "2026-01-09T00:00:00+00:00"}
        promotion = {"model": "m", "version": "1", "target": "dev", "fate": "held", "opened": row["opened"]}
        keep_listed(app.hub, STATE, kind, f"new-{path}", promotion if kind == PROMOTIONS else row)
        if path == "inbox":
            continue  # The clock of the test is elsewhere: it failed long ago.
        status, _, body = await ask(app, "GET", path, **etag)
        assert (status, f"new-{path}".encode() in body) == (200, True)


def looks_at(hub: MemoryHub, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the storage is asked for from now on."""
    looks = list[str]()

    def noting(name: str, method: Any) -> Any:
        return lambda container, path, *rest: (looks.append(f"{name} {path}"), method(container, path, *rest))[1]

    for name in ("list", "read", "load", "find"):
        monkeypatch.setattr(hub, name, noting(name, getattr(hub, name)))
    return looks


async def test_a_poll_to_which_nothing_happened_reads_one_small_listing(
    app: HostedApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, headers, _ = await ask(app, "GET", "runs")
    looks = looks_at(app.hub, monkeypatch)
    status, _, _ = await ask(app, "GET", "runs", **{"If-None-Match": headers["ETag"]})

    assert (status, looks) == (304, ["list index/runs/"])


async def test_a_page_reads_one_small_listing_and_what_has_changed(
    app: HostedApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    await ask(app, "GET", "runs")
    looks = looks_at(app.hub, monkeypatch)
    await ask(app, "GET", "runs?outcome=failed")
    unchanged = looks.copy()
    keep_listed(app.hub, STATE, RUNS, "each-1", {"outcome": "failed"})
    looks.clear()
    await ask(app, "GET", "runs?outcome=failed")

    assert (unchanged, looks) == (["list index/runs/"], ["list index/runs/", f"read {journal(RUNS)}"])


async def test_counts_and_pages_are_those_of_the_rows_as_they_are_now(app: HostedApp) -> None:
    async def seen(query: str) -> tuple[int, dict[str, int]]:
        page = (await ask(app, "GET", f"runs?{query}"))[2]
        return json.loads(page)["total"], json.loads(page)["outcomes"]

    before = [await seen(query) for query in ("", "outcome=failed", "route=each", "route=other", "")]
    keep_listed(app.hub, STATE, RUNS, "each-1", {"outcome": "failed"})
    after = [await seen(query) for query in ("", "outcome=failed", "route=each", "route=other", "")]

    whole = {"": 3}
    assert before == [(3, whole), (0, whole), (3, whole), (0, {}), (3, whole)]
    whole = {"": 2, "failed": 1}
    assert after == [(3, whole), (1, whole), (3, whole), (0, {}), (3, whole)]


async def test_one_callers_answer_is_not_anothers(app: HostedApp) -> None:
    _, headers, _ = await ask(app, "GET", "inbox")

    assert (await ask(app, "GET", "inbox", **{"x-functions-key": "x", "If-None-Match": headers["ETag"]}))[0] == 401


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("state=open", ["each-2", "each-1", "each-0"]),
        ("state=ended", []),
        ("since=2026-01-02&until=2026-01-03", ["each-1"]),
        ("since=2026-01-02T01:00%2B01:00", ["each-2", "each-1"]),
        ("model=other:1", []),
    ],
)
async def test_runs_are_narrowed_by_the_server(app: HostedApp, query: str, names: list[str]) -> None:
    async with aiohttp.ClientSession(headers={"x-functions-key": OPERATOR_KEY}) as session:
        page = await (await session.get(f"{app.host.url}/api/v1/runs?{query}")).json()

    assert [row["run"] for row in page["runs"]] == names
    assert page["outcomes"] == ({"": len(names)} if names else {})


@pytest.mark.parametrize("query", ["since=2026-02-30", "since=yesterday", "state=neither"])
async def test_a_filter_that_means_nothing_is_refused(app: HostedApp, query: str) -> None:
    status, _, body = await ask(app, "GET", f"runs?{query}")

    assert (status, b"bad query" in body) == (400, True)


@pytest.mark.parametrize(
    ("accept", "html"),
    [
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", True),
        ("*/*", False),
        ("", False),
        ("application/json, text/html;q=0.5", False),
        ("text/html;q=x", False),
    ],
)
def test_a_browser_is_given_the_page_and_a_program_the_json(accept: str, html: bool) -> None:
    assert prefers_html(accept) is html


def test_any_etag_is_what_a_star_names() -> None:
    assert names_etag({"If-None-Match": "*"}, '"x"')
    assert not names_etag({}, '"x"')
