"""Logs that go on where a blob is full, with the hub's true limit of 50,000 appends."""

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from shared.application.events.intake import take_in
from shared.domain.configuration import Configuration
from shared.domain.events import BlobArrived, Irrelevant
from shared.domain.inference.arrivals import Arrival
from shared.domain.inference.routes import HubLayout
from shared.records.line_logs import append_line, newest_lines
from tests.amounts import amount
from tests.fakes import ports
from tests.fakes.ports import BLOCKS, FakeClients, MemoryHub
from triggers.events.receiver import receive_event

NOON = datetime(2026, 11, 29, 12, tzinfo=UTC)


@pytest.mark.long
def test_sixty_thousand_ignored_events_in_a_day_are_all_kept(monkeypatch):
    """In short a tenth of it, with a tenth of the limit."""
    count, limit = amount(6_000, 60_000), amount(BLOCKS // 10, BLOCKS)
    monkeypatch.setattr(ports, "BLOCKS", limit)
    clients = FakeClients(Configuration(hub=HubLayout(account="datahub"), routes=()), lambda: NOON)

    log = "ignored/2026-11-29.jsonl"

    async def storm() -> None:
        """Every sixtieth comes through the door; the others save the time that its thread takes."""
        for number in range(count):
            if number % 60:
                append_line(clients.hub, "signalbox", log, json.dumps({"event": f"e{number}"}).encode())
            else:
                await take_in(None, clients, Irrelevant(event_id=f"e{number}", subject="s", reason="starts nothing"))

    asyncio.run(storm())

    kept = [json.loads(line)["event"] for line in newest_lines(clients.hub, "signalbox", log, 100_000)]
    assert kept == [f"e{number}" for number in range(count)]
    parts = [blob.path for blob in clients.hub.list("signalbox", "ignored/")]
    assert parts == [log, "ignored/2026-11-29.part-000002.jsonl"]
    more = count - limit + 1  # One of them lies in the first part.
    assert len(newest_lines(clients.hub, "signalbox", log, more)) == more
    assert [json.loads(line)["event"] for line in newest_lines(clients.hub, "signalbox", log, 2)] == [
        f"e{count - 2}",
        f"e{count - 1}",
    ]


def test_many_writers_go_on_in_the_same_part():
    hub = MemoryHub(lambda: NOON)
    hub.blocks["signalbox/log.jsonl"] = hub.blocks["signalbox/log.part-000002.jsonl"] = BLOCKS - 50

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: append_line(hub, "signalbox", "log.jsonl", b"%d" % number), range(400)))

    assert sorted(map(int, newest_lines(hub, "signalbox", "log.jsonl", 100_000))) == list(range(400))
    assert [blob.path[-8:] for blob in hub.list("signalbox", "log.part-")] == ["02.jsonl", "03.jsonl"]


def test_the_event_of_a_log_of_ours_is_one_line_and_no_further_blob():
    """A blob is announced when it is created, and not when it grows: nothing follows from the line."""
    clients = FakeClients(Configuration(hub=HubLayout(account="datahub"), routes=()), lambda: NOON)
    append_line(clients.hub, "signalbox", "ignored/2026-11-29.jsonl", b"{}")
    before = clients.hub.writes.total()
    arrival = Arrival(account="datahub", container="signalbox", path="ignored/2026-11-29.part-000002.jsonl", etag="1")

    asyncio.run(take_in(None, clients, BlobArrived(event_id="e", arrival=arrival)))

    assert clients.hub.writes.total() == before + 1
    assert [blob.path for blob in clients.hub.list("signalbox", "")] == ["ignored/2026-11-29.jsonl"]


def test_what_an_event_says_is_kept_at_a_bounded_length():
    clients = FakeClients(Configuration(hub=HubLayout(account="datahub"), routes=()), lambda: NOON)
    raw = {"id": "i" * 9000, "eventType": "Other" * 9000, "subject": "s" * 200_000, "eventTime": NOON.isoformat()}

    asyncio.run(receive_event(None, clients, raw))

    (line,) = newest_lines(clients.hub, "signalbox", "ignored/2026-11-29.jsonl", 100_000)
    assert len(line) < 3000
