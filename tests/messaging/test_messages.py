"""A message starts what the file's own event would start, its sender hears what became of it, and poison is kept."""

import asyncio
import json
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from azure.functions.servicebus import ServiceBusMessage

from shared.domain import identity
from tests.fakes.ports import FakeClients
from tests.inference.conftest import CONFIGURATION, InferenceApp
from tests.messaging.conftest import BLOBS, HOOKS, MESSAGES, Bus
from tests.outages import Outage
from triggers.queues.hub_messages import receive_message
from triggers.queues.queue_messages import PoisonMessage

PATIENCE_S = 20.0


async def until(condition: Callable[[], Any]) -> Any:
    async with asyncio.timeout(PATIENCE_S):
        while not (found := condition()):
            await asyncio.sleep(0.02)
    return found


async def until_async(look: Callable[[], Any], good: Callable[[Any], Any]) -> Any:
    async with asyncio.timeout(PATIENCE_S):
        while not good(found := await look()):
            await asyncio.sleep(0.02)
    return found


def new(name: str) -> str:
    """The namespace serves the whole session: nothing may meet another test's messages."""
    return f"{name}-{uuid.uuid4().hex[:8]}"


async def send(bus: Bus, body: Any, message_id: str, **more: Any) -> None:
    more.setdefault("session_id", message_id)
    await asyncio.to_thread(bus.send, MESSAGES, body, message_id, **more)


async def ended(app: InferenceApp, run: str) -> None:
    await until(lambda: app.record(run))
    await app.finish(run)


async def test_a_message_starts_the_files_own_run_and_its_sender_hears_of_it(app: InferenceApp, bus: Bus):
    blob, asked = app.land("landing/each/oslo/a.csv"), new("order")
    run = app.run_of(blob)

    await send(bus, {"paths": [f"landing/{blob.path}"]}, asked, session_id="oslo", correlation_id="case-7")
    await ended(app, run)
    await app.tell(blob)

    (told,) = await asyncio.to_thread(bus.results, 1)
    assert (told.session_id, told.correlation_id, told.subject) == ("oslo", "case-7", "Signalbox.Inference.Completed")
    assert json.loads(str(told))["run"] == run
    assert app.jobs.created.total() == 1


async def test_whoever_asks_after_the_end_is_answered_at_once_and_only_once(app: InferenceApp, bus: Bus):
    blob, asked = app.land("landing/each/oslo/late.csv"), new("late")
    await app.tell(blob)
    await app.finish(app.run_of(blob))
    (own,) = await asyncio.to_thread(bus.results, 1)
    assert own.correlation_id == app.run_of(blob)

    for _ in range(2):  # As after a lost settlement.
        await send(bus, {"url": f"{BLOBS}/landing/{blob.path}", "route": "each"}, asked)

    (told,) = await asyncio.to_thread(bus.results, 1)
    assert told.correlation_id == asked
    assert await asyncio.to_thread(bus.results, 1, 0.5) == []
    assert app.jobs.created.total() == 1


async def test_a_failed_run_is_told_to_whoever_asked_with_its_reason(app: InferenceApp, bus: Bus):
    app.jobs.status_after = lambda looks: "Failed"
    blob = app.land("landing/each/oslo/fails.csv")
    await send(bus, {"paths": [f"landing/{blob.path}"]}, new("fails"), session_id="oslo", correlation_id="case-8")
    await ended(app, app.run_of(blob))

    (told,) = await asyncio.to_thread(bus.results, 1)

    assert (told.session_id, told.correlation_id, told.subject) == ("oslo", "case-8", "Signalbox.Inference.Failed")
    said = json.loads(str(told))
    assert (said["run"], said["outcome"]) == (app.run_of(blob), "failed")
    assert "Failed" in said["because"]
    assert (told.application_properties or {})[b"outcome"] == b"failed"


async def test_a_quarantine_is_told_when_it_begins_and_its_end_after_the_release(app: InferenceApp, bus: Bus):
    blob = app.land("landing/each/oslo/bad.csv", b"id,x\nbad,1\n")
    run, asked = app.run_of(blob), new("bad")
    await send(bus, {"paths": [f"landing/{blob.path}"]}, asked)
    await until(lambda: app.record(run))
    await app.pass_time(1)
    (quarantined,) = await asyncio.to_thread(bus.results, 1)

    status, _ = await app.request("POST", f"runs/{run}/release", {"reason": "seen"})
    await app.finish(run)
    (completed,) = await asyncio.to_thread(bus.results, 1)

    subjects = [(told.correlation_id, told.subject) for told in (quarantined, completed)]
    assert subjects == [(asked, f"Signalbox.Inference.{outcome}") for outcome in ("Quarantined", "Completed")]
    assert "bad" in json.loads(str(quarantined))["because"]
    assert (status, app.jobs.created.total()) == (202, 1)


async def test_a_result_whose_sending_was_not_answered_is_sent_again_and_heard_once(app: InferenceApp, bus: Bus):
    blob, sent = app.land("landing/each/oslo/twice.csv"), []
    send_once = app.clients.messenger.send

    def loses_the_first_answer(topic: str, message: Any) -> None:
        send_once(topic, message)
        sent.append(message.id)
        if len(sent) == 1:
            raise ConnectionResetError("lost after it was sent")

    app.clients.messenger.send = loses_the_first_answer  # type: ignore[method-assign]
    await app.tell(blob)
    await app.finish(app.run_of(blob))

    assert len(sent) == 2
    assert len(set(sent)) == 1
    assert len(await asyncio.to_thread(bus.results, 2, 0.5)) == 1


HOSTILE = [
    ({"paths": ["landing/../signalbox/runs/x.csv"]}, "a segment '.' or '..'"),
    ({"paths": ["signalbox/runs/x.csv"]}, "own container"),
    ({"paths": ["quarantine/each/a/x.csv"]}, "own container"),
    ({"paths": ["/etc/passwd"]}, "expected /blobServices"),
    ({"paths": ["LANDING/each/oslo/a.csv"]}, "cannot be a container's name"),
    ({"paths": ["elsewhere/x.csv"]}, "taken by no route"),
    ({"paths": ["landing/each/oslo/ghost.csv"]}, "not in the hub"),
    ({"paths": ["landing/each/oslo/ghost.csv"], "route": "window"}, "no route called 'window'"),
    ({"url": "https://evil.example/landing/each/oslo/a.csv"}, "does not name a blob"),
    ({"url": f"{BLOBS}.evil.example/landing/each/oslo/a.csv"}, "does not name a blob"),
    ({"url": f"{BLOBS}/landing/each/oslo/a.csv?sig=secret"}, "without a signature"),
    ({"url": f"{BLOBS}/landing/each/%2e%2e/signalbox/x.csv"}, "a segment '.' or '..'"),
    ({"paths": ["landing/each/oslo/a.csv"], "url": "x"}, "one of the two"),
    ({}, "names no file"),
    ({"paths": ["landing/each/oslo/a.csv"], "then": "rm"}, "field 'then'"),
    ({"paths": [f"landing/each/oslo/{n}.csv" for n in range(101)]}, "field 'paths'"),
    ([], "field"),
    (b"{", "not JSON"),
    (b"\xff\xfe", "not JSON"),
    (b"[" * 60_000, "not JSON"),
    (b'{"paths":' + b"[" * 40 + b"]" * 40 + b"}", "nested more than"),
    (b'{"route": "' + b"x" * 70_000 + b'"}', "send at most 65536"),
]


@pytest.mark.parametrize(("body", "because"), HOSTILE)
async def test_a_hostile_message_starts_nothing_and_is_stored_with_its_reason(body: Any, because: str):
    made = FakeClients(CONFIGURATION, lambda: datetime(2026, 1, 1, tzinfo=UTC))
    vars(made)["settings"] = SimpleNamespace(blob_service=BLOBS)
    made.hub.land("landing/each/oslo/a.csv", b"id\n1\n")  # type: ignore[attr-defined]
    content = body if isinstance(body, bytes) else json.dumps(body).encode()

    message = ServiceBusMessage(body=content, message_id="m-1", application_properties={}, user_properties={})

    with pytest.raises(PoisonMessage, match=r"^stored as dead-letters/"):
        await receive_message(None, made, message)  # type: ignore[arg-type]

    ((_, letter),) = [each for (container, _), each in made.hub.blobs.items() if container == "dead-letters"]  # type: ignore[attr-defined]
    assert because in json.loads(letter)["reason"]
    assert b"secret" not in letter
    assert len(letter) < 100_000


async def test_poison_ends_among_the_dead_letters_and_holds_up_nobody(app: InferenceApp, bus: Bus):
    blob, asked = app.land("landing/each/oslo/after.csv"), new("poison")
    await send(bus, {"paths": ["signalbox/runs/x.csv"]}, asked, session_id=asked)
    await send(bus, {"paths": [f"landing/{blob.path}"]}, new("good"), session_id=asked)
    await ended(app, app.run_of(blob))
    (dead,) = await asyncio.to_thread(bus.dead, MESSAGES)

    assert (dead.message_id, dead.dead_letter_reason) == (asked, "MaxDeliveryCountExceeded")
    assert app.hub.writes["dead-letters/" + next(p for c, p in app.hub.blobs if c == "dead-letters")] == 1
    await asyncio.to_thread(bus.results, 1)


async def test_a_stored_message_can_be_replayed_once_its_file_is_there(app: InferenceApp, bus: Bus):
    asked, place = new("early"), "landing/each/oslo/early.csv"
    await send(bus, {"paths": [place]}, asked)
    await asyncio.to_thread(bus.dead, MESSAGES)
    _, listed = await app.request("GET", "dead-letters")
    (letter,) = listed["letters"]
    blob = app.land(place)

    _, would = await app.request("POST", "dead-letters/replay", {"path": letter["path"]})
    assert would["events"] == [["would start a run of route each, unless it has run"]]
    await app.request("POST", "dead-letters/replay", {"path": letter["path"], "dry_run": False})
    await app.finish(app.run_of(blob))
    (told,) = await asyncio.to_thread(bus.results, 1)

    assert told.correlation_id == asked


async def test_what_the_queue_gave_up_in_an_outage_is_listed_and_replayed_once_by_its_message(
    app: InferenceApp, bus: Bus
):
    blob, asked = app.land("landing/each/oslo/outage.csv"), new("outage")

    with Outage(app.hub, "find"):
        await send(bus, {"paths": [f"landing/{blob.path}"]}, asked)
        listed = await until_async(lambda: app.request("GET", "dead-letters"), lambda answer: answer[1]["letters"])
    (letter,) = listed[1]["letters"]
    body = {"path": letter["path"], "dry_run": False}
    first, again = [await app.request("POST", "dead-letters/replay", body) for _ in range(2)]
    await app.finish(app.run_of(blob))
    (told,) = await asyncio.to_thread(bus.results, 1)

    assert letter["path"].startswith("service-bus/messages/")
    assert letter["reason"].startswith("queue of messages: MaxDeliveryCountExceeded")
    assert (first[1]["events"], again[0]) == ([[f"run {app.run_of(blob)} started"]], 404)
    assert (told.correlation_id, app.jobs.created.total()) == (asked, 1)


async def test_a_transient_fault_abandons_the_message_and_its_session_keeps_its_order(app: InferenceApp, bus: Bus):
    first, second = (app.land(f"landing/each/oslo/{name}.csv") for name in ("first", "second"))
    session = new("ordered")
    with Outage(app.hub, "find", lambda _, path: path == first.path and not outage.refused) as outage:
        for blob in (first, second):
            await send(bus, {"paths": [f"landing/{blob.path}"]}, new("m"), session_id=session)
        for blob in (first, second):
            await ended(app, app.run_of(blob))

    opened = [app.record(app.run_of(blob))["opened"] for blob in (first, second)]
    assert outage.refused
    assert opened == sorted(opened)
    assert len(await asyncio.to_thread(bus.results, 2)) == 2


async def test_a_service_hook_from_a_queue_is_a_hint_and_one_that_is_no_json_a_dead_letter(app: InferenceApp, bus: Bus):
    sample = json.loads(Path("tests/payloads/ado/hook_run_state_changed.json").read_text())
    delivery = f"{sample.get('subscriptionId', '')}/{sample.get('notificationId', '')}/{sample.get('id', '')}"
    hint = identity.hint_id("run", "11", delivery)

    await asyncio.to_thread(bus.send, HOOKS, sample, new("hook"))
    await asyncio.to_thread(bus.send, HOOKS, b"not json", new("hook"))
    (dead,) = await asyncio.to_thread(bus.dead, HOOKS)

    assert str(dead) == "not json"
    await until(lambda: app.host.get(hint))
