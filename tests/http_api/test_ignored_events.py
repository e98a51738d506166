"""Events that started nothing are listed with the reason: page by page, the newest first, without secrets."""

import json
from typing import Any

import pytest

from shared.records import paths
from shared.records.line_logs import append_line
from tests.cli.conftest import run
from tests.http_api.conftest import ask
from tests.inference.conftest import InferenceApp

SOURCE = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/elsewhere"


def event(number: int, **changes: Any) -> dict[str, Any]:
    return {
        "id": f"e{number}",
        "eventType": "Microsoft.Storage.BlobCreated",
        "topic": SOURCE,
        "subject": "/blobServices/default/containers/landing/blobs/a.csv",
        "eventTime": "2026-11-29T12:00:00Z",
        "data": {"api": "PutBlob", "eTag": "0x1"},
        **changes,
    }


async def listed(app: InferenceApp, query: str = "") -> Any:
    status, _, page = await ask(app, "GET", f"events/ignored{query}")
    assert status == 200, page
    return page


async def test_an_ignored_event_is_told_with_source_subject_type_and_reason(app: InferenceApp) -> None:
    await ask(app, "POST", "events", [event(1)])

    (row,) = (await listed(app))["events"]

    assert row == {
        "event": "e1",
        "at": row["at"],
        "subject": "/blobServices/default/containers/landing/blobs/a.csv",
        "source": SOURCE,
        "type": "Microsoft.Storage.BlobCreated",
        "reason": row["reason"],
    }
    assert "is not the hub's account" in row["reason"]
    assert row["at"].startswith(app.clients.clock.now().date().isoformat())


async def test_pages_go_on_where_the_last_one_ended_although_events_come_meanwhile(app: InferenceApp) -> None:
    await ask(app, "POST", "events", [event(number) for number in range(5)])

    first = await listed(app, "?limit=2")
    await ask(app, "POST", "events", [event(9)])
    second = await listed(app, f"?limit=2&cursor={first['next']}")
    last = await listed(app, f"?limit=2&cursor={second['next']}")

    names = [[row["event"] for row in page["events"]] for page in (first, second, last)]
    assert (names, last["next"]) == ([["e4", "e3"], ["e2", "e1"], ["e0"]], "")


async def test_older_days_and_their_parts_follow_and_one_day_can_be_asked_for(app: InferenceApp) -> None:
    container = app.clients.configuration.hub.state
    for path, name in (
        (paths.ignored("2026-01-30"), "first"),
        (paths.ignored("2026-01-31"), "second"),
        (paths.log_part(paths.ignored("2026-01-31"), 2), "third"),
    ):
        line = {"event": name, "subject": "", "at": "", "reason": ""}  # As releases before wrote them.
        append_line(app.clients.hub, container, path, json.dumps(line).encode())
    append_line(app.clients.hub, container, paths.ignored("2026-01-29"), b"{no JSON")

    every, one = await listed(app), await listed(app, "?day=2026-01-31")

    assert [row["event"] for row in every["events"]] == ["third", "second", "first", ""]
    assert every["events"][-1]["reason"] == "its record cannot be read"
    assert [row["event"] for row in one["events"]] == ["third", "second"]


@pytest.mark.parametrize(
    "changes",
    [
        {"subject": "https://h.blob.core.windows.net/c/a.csv?sv=1&sig=S3cret", "eventType": "Other"},
        {"topic": "https://h.example/?code=S3cret"},
        {"id": "https://h.example/?sig=S3cret"},
    ],
)
async def test_a_secret_in_an_ignored_event_is_neither_kept_nor_shown(
    app: InferenceApp, changes: dict[str, Any]
) -> None:
    await ask(app, "POST", "events", [event(1, **changes)])

    (row,) = (await listed(app))["events"]

    assert "REDACTED" in json.dumps(row)
    assert "S3cret" not in json.dumps(row)
    assert b"S3cret" not in b"".join(bytes(content) for _, content in app.hub.blobs.values())


async def test_a_secret_that_an_older_release_kept_is_not_shown(app: InferenceApp) -> None:
    line = {"event": "e", "subject": "https://h/c/a?sig=S3cret", "at": "", "reason": ""}
    container = app.clients.configuration.hub.state
    append_line(app.clients.hub, container, paths.ignored("2026-01-30"), json.dumps(line).encode())

    assert (await listed(app))["events"][0]["subject"] == "https://h/c/a?sig=REDACTED"


@pytest.mark.parametrize(
    "query",
    ["?day=2026-02-30", "?day=today", "?limit=0", "?limit=101", "?cursor=x", "?cursor=WyJhIiwgImIiXQ==", "?x=1"],
)
async def test_a_wrong_query_is_refused(app: InferenceApp, query: str) -> None:
    assert (await ask(app, "GET", f"events/ignored{query}"))[0] in (400, 422)


async def test_the_command_lists_them(app: InferenceApp) -> None:
    await ask(app, "POST", "events", [event(number) for number in range(3)])

    table, answer = await run(app, "events", "ignored", "--limit", "2"), await run(app, "events", "ignored", "--json")

    header, *rows = (line.split("\t") for line in table.output.splitlines())
    assert header == ["at", "reason", "subject", "type", "source", "event"]
    assert [row[-1] for row in rows] == ["e2", "e1"]
    assert [row["event"] for row in json.loads(answer.output)] == ["e2", "e1", "e0"]
