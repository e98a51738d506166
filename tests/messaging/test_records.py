"""Streaming records become micro-batches: each record is scored once, in the order of its key, whatever is repeated."""

import json
import os
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import azure.durable_functions as df
import pytest
from azure.functions.servicebus import ServiceBusMessage

from activities.inference.backlog import look_at_backlog
from shared import contracts as c
from shared.domain import identity
from shared.domain.failures import Transient
from shared.domain.inference.streams import AnswerMode, Stream
from signalbox.host.clock import VirtualClock
from tests.fakes.ports import FakeClients, MemoryHub
from tests.hosted import hosted
from tests.inference.conftest import CONFIGURATION, InferenceApp
from triggers.queues.queue_messages import PoisonMessage
from triggers.queues.stream_records import receive_records

VISITS = Stream(name="visits", route="each", land="landing/each/{key}/{batch}.csv", records=4, size=4000, age_s=60)
TOLD, QUICK = replace(VISITS, name="told", answer=AnswerMode.BATCH), replace(VISITS, name="quick", age_s=1)

STRIDE = 1 if "SIGNALBOX_CHAOS_MESSAGES" in os.environ else 3  # `make chaos` dies between any two steps.


class FaultyHub(MemoryHub):
    """Fails call number *at* of those about streams: before its effect, or after it, when the answer is lost."""

    def __init__(self, now: Any) -> None:
        super().__init__(now)
        self.arm(0, False)

    def arm(self, at: int, after: bool) -> None:
        self.calls, self.at, self.after = 0, at, after

    def find(self, *given: Any) -> Any:
        return self._faulty(super().find, *given)

    def read(self, *given: Any) -> Any:
        return self._faulty(super().read, *given)

    def create(self, *given: Any) -> Any:
        return self._faulty(super().create, *given)

    def delete(self, *given: Any) -> Any:
        return self._faulty(super().delete, *given)

    def _faulty(self, work: Callable[..., Any], container: str, path: str, *more: Any) -> Any:
        if container != "landing" and not path.startswith("streams/") and "/askers/" not in path:
            return work(container, path, *more)
        with self._lock:
            self.calls += 1
            hit = self.calls == self.at
        if hit and not self.after:
            raise Transient("killed before")
        result = work(container, path, *more)
        if hit:
            raise Transient("killed after")
        return result


@pytest.fixture
async def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[InferenceApp]:
    clock = VirtualClock()
    hub = replace(CONFIGURATION.hub, results="results")
    made = FakeClients(replace(CONFIGURATION, hub=hub, streams=(VISITS, TOLD, QUICK)), clock.now)
    faulty = FaultyHub(clock.now)
    vars(made).update(hub=faulty)
    for fake in (made.ledger, made.jobs, made.data_checks):
        vars(fake)["_hub"] = faulty
    async with hosted(made, clock, tmp_path, monkeypatch) as host:
        yield InferenceApp(host=host, clients=made)


async def send(
    app: InferenceApp, rows: Any, message: str, key: str = "oslo", sequence: int = 1, stream: str = "visits"
) -> str:
    body = rows if isinstance(rows, bytes) else json.dumps({"stream": stream, "records": rows}).encode()
    sent = ServiceBusMessage(
        body=body,
        message_id=message,
        session_id=key,
        correlation_id=f"case-{message}",
        sequence_number=sequence,
        application_properties={},
        user_properties={},
    )
    client = df.DurableOrchestrationClient(app.host.client_binding())
    return await receive_records(client, app.clients, sent)


def row(name: str, x: Any = 1) -> dict[str, Any]:
    return {"id": name, "x": x}


def scored(app: InferenceApp, key: str) -> list[str]:
    """The ids in the landed files of *key*, in the order of the files' names."""
    files = sorted(path for container, path in app.hub.blobs if container == "landing" and f"/{key}/" in path)
    lines = [line for path in files for line in app.hub.blobs["landing", path][1].decode().splitlines()[1:]]
    return [line.partition(",")[0] for line in lines]


def answers(app: InferenceApp) -> dict[str, Any]:
    return {message.correlation: message for message in app.clients.messenger.sent.values()}  # type: ignore[attr-defined]


async def drained(app: InferenceApp, stream: str, key: str) -> None:
    """Until the collector has seen that nothing comes, and its runs have told their results."""
    await app.host.advance_until_finished(identity.collector_id(stream, key), timeout=60)
    await app.host.settle()


async def test_a_batch_is_closed_by_count_and_the_rest_by_age(app: InferenceApp):
    for number in range(1, 7):
        await send(app, [row(f"r{number}")], f"m{number}", sequence=number)
    await app.pass_time(7)  # A full batch is seen at the next look.

    assert scored(app, "oslo") == ["r1", "r2", "r3", "r4"]
    await app.pass_time(61)
    await drained(app, "visits", "oslo")

    assert scored(app, "oslo") == [f"r{number}" for number in range(1, 7)]
    assert app.jobs.created.total() == 2
    assert sorted(answers(app)) == [f"case-m{number}" for number in range(1, 7)]
    told = answers(app)["case-m5"]
    assert (told.session, told.subject) == ("oslo", "Signalbox.Inference.Completed")
    assert told.body["file"].startswith("landing/each/oslo/0000000000000000005-")


async def test_a_stream_may_tell_each_batch_once_under_its_own_name(app: InferenceApp):
    for number in range(1, 5):
        await send(app, [row(f"r{number}")], f"m{number}", sequence=number, stream="told")
    await drained(app, "told", "oslo")

    (told,) = answers(app).values()
    assert told.correlation == f"told/oslo/{identity.held_name(1, 'm1')}"


async def test_what_is_delivered_or_sent_again_is_used_once(app: InferenceApp):
    await send(app, [row("a"), row("b")], "m1", sequence=1)
    assert "wait already" in await send(app, [row("a"), row("b")], "m1", sequence=1)  # As after a lost settlement.
    await send(app, [row("a"), row("b")], "m1", sequence=2)  # As sent again by its sender.
    await send(app, [row("c")], "m2", sequence=3)
    await app.pass_time(61)
    assert "skipped" in await send(app, [row("a"), row("b")], "m1", sequence=9)
    await drained(app, "visits", "oslo")

    assert scored(app, "oslo") == ["a", "b", "c"]
    assert not [path for _, path in app.hub.blobs if "/waiting/" in path]


async def test_keys_have_batches_of_their_own_and_a_late_message_joins_the_next(app: InferenceApp):
    await send(app, [row("o2")], "o2", "oslo", sequence=2)
    await send(app, [row("b3")], "b3", "bergen", sequence=3)
    await send(app, [row("o1")], "o1", "oslo", sequence=1)  # Out of order, as from a replay.
    await app.pass_time(61)
    await send(app, [row("o0")], "o0", "oslo", sequence=0)
    await app.pass_time(61)

    assert scored(app, "bergen") == ["b3"]
    assert sorted(scored(app, "oslo")) == ["o0", "o1", "o2"]
    assert app.jobs.created.total() == 3


POISON = [
    ([row("a", "poison"), row("b", "poison")], "record 1: x is poison; record 2: x is poison"),
    ([], "give a list of 1 to 1000"),
    ([{"id": {"deep": 1}}], "'id' of a record is nested"),
    (b"{", "not JSON"),
    (
        b'{"stream": "nobody", "records": [{"id": 1}]}',
        "stream 'nobody' is not configured; there are: visits, told, quick",
    ),
    (b'{"stream": "visits", "records": [{"id": 1}], "also": 1}', "field 'also'"),
    (b'{"stream": "visits", "records": [{"id": NaN}]}', "NaN is not JSON"),
]


@pytest.mark.parametrize(("body", "because"), POISON)
async def test_poison_is_stored_with_its_reason_and_nothing_of_it_is_used(app: InferenceApp, body: Any, because: str):
    with pytest.raises(PoisonMessage, match=r"^stored as dead-letters/"):
        await send(app, body, "m1")

    _, listed = await app.request("GET", "dead-letters")
    assert because in listed["letters"][0]["reason"]
    assert not [path for _, path in app.hub.blobs if path.startswith("streams/")]


async def test_one_bad_record_is_kept_with_its_reason_and_its_neighbours_are_scored(app: InferenceApp):
    rows = [row("a"), row("b", "poison"), {"id": {"deep": 1}}, row("c")]
    summary = await send(app, rows, "m1")
    await send(app, rows, "m1")  # As after a lost settlement: no second letter.
    await app.pass_time(61)
    await drained(app, "visits", "oslo")

    assert "2 records of stream visits wait in group oslo, 2 are refused" in summary
    assert scored(app, "oslo") == ["a", "c"]
    _, listed = await app.request("GET", "dead-letters")
    (letter,) = listed["letters"]
    assert "record 2: x is poison; record 3: field 'id' of a record is nested" in letter["reason"]
    _, shown = await app.request("GET", f"dead-letters/letter?path={letter['path']}")
    assert "m1.refused" in json.dumps(shown)


async def test_refused_records_can_be_replayed_once_the_contract_takes_them(app: InferenceApp):
    await send(app, [row("a"), row("b", "poison")], "m1")
    await app.pass_time(61)
    vars(app.clients.data_checks)["faults"] = lambda contract, records: ((),) * len(records)
    _, listed = await app.request("GET", "dead-letters")
    letter = {"path": listed["letters"][0]["path"], "dry_run": False}
    await app.request("POST", "dead-letters/replay", letter)
    await app.pass_time(61)

    assert scored(app, "oslo") == ["a", "b"]


async def test_a_key_that_cannot_be_part_of_a_path_is_poison(app: InferenceApp):
    with pytest.raises(PoisonMessage, match="is no key"):
        await send(app, [row("a")], "m1", key="../signalbox")


async def test_poison_can_be_replayed_once_the_stream_takes_it(app: InferenceApp):
    with pytest.raises(PoisonMessage):
        await send(app, [row("a")], "m1", stream="later")
    configuration = app.clients.configuration
    vars(app.clients)["configuration"] = replace(configuration, streams=(replace(VISITS, name="later"),))
    _, listed = await app.request("GET", "dead-letters")
    letter = {"path": listed["letters"][0]["path"]}

    _, would = await app.request("POST", "dead-letters/replay", letter)
    _, done = await app.request("POST", "dead-letters/replay", letter | {"dry_run": False})
    await app.pass_time(61)

    assert would["events"] == [["would add 1 record to stream later, unless a batch has them"]]
    assert "1 record of stream later waits" in done["events"][0][0]
    assert scored(app, "oslo") == ["a"]
    assert answers(app)["case-m1"].body["outcome"] == "completed"


async def test_a_secret_is_not_kept_and_what_was_cut_is_not_replayed(app: InferenceApp):
    body = {"stream": "later", "records": [{"id": "https://h/x?sig=canary"}]}
    with pytest.raises(PoisonMessage):
        await send(app, json.dumps(body).encode(), "m1")
    _, listed = await app.request("GET", "dead-letters")
    letter = {"path": listed["letters"][0]["path"]}

    _, would = await app.request("POST", "dead-letters/replay", letter)

    assert b"canary" not in b"".join(data for _, data in app.hub.blobs.values())
    assert "replay the one in the queue" in would["events"][0][0]


@pytest.mark.parametrize("name", ["message", "key"])
async def test_names_that_hold_a_secret_are_poison_and_kept_without_it(app: InferenceApp, name: str):
    named: dict[str, Any] = {"message": "m1", name: "https://h/x?sig=canary"}

    with pytest.raises(PoisonMessage, match="holds what looks like a secret"):
        await send(app, [row("a")], **named, stream="later")

    assert b"canary" not in b"".join(data for _, data in app.hub.blobs.values())


@pytest.mark.parametrize("more", [{}, {"id": "m1", "sequence": "x"}, {"id": "m1", "sequence": -1}, {"id": 7}])
@pytest.mark.parametrize("kind", ["Signalbox.HubRecords", "Signalbox.HubMessage"])
async def test_a_letter_that_somebody_wrote_by_hand_is_read_as_strictly_and_breaks_nothing(
    app: InferenceApp, kind: str, more: dict[str, Any]
):
    for data in ({"stream": "later", "records": [row("a")]}, {"paths": ["landing/each/oslo/ghost.csv"]}, None):
        raw = {"type": kind, **more, "data": data}
        app.hub.land("dead-letters/by-hand.json", json.dumps({"reason": "", "event": raw}).encode())
        sent = await app.request("POST", "events", raw)
        shown = await app.request("GET", "dead-letters/letter?path=by-hand.json")
        assert (sent[0], shown[0]) == (202, 200)


async def test_a_sweep_closes_what_a_collector_left_behind(app: InferenceApp):
    await send(app, [row("a")], "m1")
    await app.pass_time(5)
    backlog = look_at_backlog(app.clients, c.Sweep(key="k"))
    assert (backlog.held_messages, backlog.oldest_held_message_s >= 5) == (1, True)
    await app.host.terminate(identity.collector_id("visits", "oslo"), "an accident")
    await app.pass_time(301)  # The sweep of these tests comes every five minutes.
    await app.pass_time(61)

    assert scored(app, "oslo") == ["a"]
    assert set(answers(app)) == {"case-m1"}


async def test_a_death_between_any_two_steps_uses_every_record_once(app: InferenceApp):
    hub: FaultyHub = app.hub  # type: ignore[assignment]
    at, steps, killed = 1, 2, list[int]()
    while at < steps:
        killed.append(at)
        key = f"k{at}"
        for number in (1, 2, 3):  # The third is the first, sent again.
            message = f"{key}-{1 if number == 3 else number}"
            await send(app, [row(message)], message, key, number, "quick")
        hub.arm(at, after=at % 2 == 0)
        await app.pass_time(4)
        steps = max(steps, hub.calls)
        hub.arm(0, False)
        assert scored(app, key) == [f"{key}-1", f"{key}-2"], f"killed at {at}"
        at += STRIDE
    await app.pass_time(20)

    assert steps > 15
    assert app.jobs.created.total() == len(killed)
    assert {*answers(app)} == {f"case-k{each}-{number}" for each in killed for number in (1, 2)}
    assert not [path for _, path in hub.blobs if "/waiting/" in path]
    assert all(count == 1 for path, count in hub.writes.items() if path.startswith("landing/"))
