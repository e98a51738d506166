"""What a caller with a low permission can reach: not Signalbox's own records, nor rows by way of errors."""

import json
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.security.conftest import AttackedApp

ROUTE = "diabetes-each"
OWN = ("signalbox", "signalbox-staging", "quarantine", "dead-letters")
SECRET = "Ada-Lovelace-HIV-positive"
PATHS_TAKEN = {
    "feature-relevance": {"target": "y"},
    "drift-checks": {"route": ROUTE},
    "data-checks": {"route": ROUTE},
}


def bearer(app: AttackedApp, *roles: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {app.issuer.token(oid='low', roles=[*roles])}"}


def scientist(app: AttackedApp) -> dict[str, str]:
    return bearer(app, "DataScientist", "DataOwner")


@pytest.mark.parametrize("container", OWN)
@pytest.mark.parametrize(("door", "more"), PATHS_TAKEN.items())
async def test_no_door_reads_what_signalbox_keeps(
    app: AttackedApp, door: str, more: dict[str, str], container: str
) -> None:
    app.hub.land(f"{container}/runs/x.csv", f"{SECRET},y\n1,2\n".encode())

    for path in ("runs/x.csv", "runs/none.csv"):
        status, answer = await app.ask("POST", door, scientist(app), {"path": f"{container}/{path}", **more})
        assert (status, SECRET in json.dumps(answer)) == (403, False)
        assert "Signalbox's own record; name a data file" in answer["detail"]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("x.csv", f"a,b\n1,2\n{SECRET},3,4\n"),
        ("x.csv", "a\n" + "1\n" * 600_000 + f"{SECRET}\n"),
        ("x.csv", f"{SECRET},b\n1,2\n"),
        ("x.jsonl", f'{{"a": 1}}\n{{"a": "{SECRET}"}}\n'),
        ("x.jsonl", f'{{"a": "{SECRET}'),
        ("x.jsonl", "[" * 100_000),
        ("x.jsonl", "null\n7\n"),
        ("x.parquet", f"PAR1{SECRET}PAR1"),
    ],
)
async def test_no_error_repeats_a_row(app: AttackedApp, name: str, content: str) -> None:
    app.hub.land(f"landing/{name}", content.encode())
    body = {"path": f"landing/{name}", "target": "none"}

    status, answer = await app.ask("POST", "feature-relevance", scientist(app), body)

    assert (status, SECRET in json.dumps(answer)) == (422, False), answer


async def test_no_more_than_a_hundred_events_come_at_once(app: AttackedApp) -> None:
    events: list[Any] = [{"id": str(number)} for number in range(101)]
    before = app.effects()

    status, answer = await app.ask("POST", "events", bearer(app, "PlatformEngineer"), events)

    assert (status, answer["detail"]) == (413, "the body has 101 events; send at most 100 at once")
    assert await app.settled() == before


async def test_no_browser_takes_an_answer_for_a_page(app: AttackedApp) -> None:
    for path, status in (("health", 200), ("runs", 401), ("openapi.json", 200)):
        async with aiohttp.ClientSession() as session, session.get(f"{app.host.url}/api/v1/{path}") as answer:
            headers = answer.headers
            assert answer.status == status
            assert headers["X-Content-Type-Options"] == "nosniff"
            assert headers["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"
            assert (headers["Cache-Control"], headers["Referrer-Policy"]) == ("no-store", "no-referrer")


class Tags(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))


@pytest.mark.parametrize("name", ["page.html", "drift.html"])
def test_a_page_says_first_that_nothing_may_run_or_be_fetched(name: str) -> None:
    source = (Path("shared/evidence_page") / name).read_text()
    tags = Tags(source).seen
    policies = [attrs["content"] for tag, attrs in tags if attrs.get("http-equiv") == "Content-Security-Policy"]

    assert policies == ["default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"]
    assert [tag for tag, _ in tags].index("style") > [attrs.get("http-equiv") is not None for _, attrs in tags].index(
        True
    )
    assert not {tag for tag, _ in tags} & {"script", "iframe", "object", "embed", "form", "link", "base", "img"}
    assert not [name for _, attrs in tags for name in attrs if name.startswith("on")]
