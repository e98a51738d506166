"""What queues gave up by themselves, among the dead letters: listed with its reason, said first, and taken once."""

import json
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from shared.domain.failures import Refused, Transient
from shared.domain.messaging import DeadMessage, QueueDoor
from tests.fakes.ports import MemoryQueues
from tests.http_api.conftest import ask
from tests.http_api.test_dlq import dlq, letter
from tests.inference.conftest import InferenceApp
from tests.messaging.conftest import BLOBS
from tests.outages import Outage
from tests.recorder import recorder

HOOK = json.loads(Path("tests/payloads/ado/hook_run_state_changed.json").read_text())


@pytest.fixture
def queues(app: InferenceApp) -> MemoryQueues:
    made: Any = app.clients
    vars(made)["settings"] = SimpleNamespace(blob_service=BLOBS)
    made.queues.doors = tuple(QueueDoor)
    return made.queues


def die(queues: MemoryQueues, app: InferenceApp, door: QueueDoor, body: Any, **more: Any) -> str:
    """A message given up an hour after it came; the path under which it is listed."""
    number = len(queues.letters) + 1
    given = {"reason": "MaxDeliveryCountExceeded", "description": "tried 3 times", "id": f"m-{number}", **more}
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    enqueued = app.host.clock.now() - timedelta(hours=1)
    dead = DeadMessage(
        door=door,
        number=number,
        enqueued_at=enqueued,
        deliveries=3,
        session="oslo",
        correlation="",
        body=content,
        **given,
    )
    queues.letters.append(dead)
    return f"service-bus/{door.value}/{number}"


async def test_a_message_is_said_first_and_taken_out_once_its_run_has_started(
    app: InferenceApp, queues: MemoryQueues
) -> None:
    blob = app.land("landing/each/north/a.csv")
    path = die(queues, app, QueueDoor.MESSAGES, {"paths": [f"landing/{blob.path}"]})
    stored = letter(app, "b")

    listed, shown, said = (
        await dlq(app, "list"),
        await dlq(app, "show", path),
        await dlq(app, "replay", path),
    )
    untouched = len(queues.letters), len(app.jobs.created)
    done, again = await dlq(app, "replay", path, "--yes"), await dlq(app, "replay", path, "--yes")
    await app.finish(app.run_of(blob))

    assert [line.split("\t")[0] for line in listed.output.splitlines()[1:]] == [path, stored]
    assert "queue of messages: MaxDeliveryCountExceeded: tried 3 times" in listed.output
    assert '"session": "oslo"' in shown.output
    for each in (shown, said):
        assert "would start a run of route each" in each.output
    assert untouched == (1, 0)
    assert f"run {app.run_of(blob)} started" in done.output
    assert "list the letters first" in again.output
    assert (queues.taken[1], app.jobs.created.total()) == (1, 1)


async def test_a_data_check_by_message_is_said_and_started(app: InferenceApp, queues: MemoryQueues) -> None:
    app.land("landing/each/north/a.csv")
    path = die(queues, app, QueueDoor.MESSAGES, {"check": "landing/each/north/a.csv", "route": "each"})

    said = await dlq(app, "replay", path)
    done = await dlq(app, "replay", path, "--yes")

    assert "would start data check check-" in said.output
    assert "started" in done.output
    assert queues.letters == []


async def test_one_that_was_taken_and_not_taken_out_starts_nothing_again(
    app: InferenceApp, queues: MemoryQueues
) -> None:
    blob = app.land("landing/each/north/a.csv")
    path = die(queues, app, QueueDoor.MESSAGES, {"paths": [f"landing/{blob.path}"]})
    body = {"path": path, "dry_run": False}

    with Outage(queues, "take_out"):
        first = await ask(app, "POST", "dead-letters/replay", body)
    await app.finish(app.run_of(blob))
    second = await ask(app, "POST", "dead-letters/replay", body)

    assert (first[0], second[0]) == (503, 200)
    assert second[2]["events"] == [[f"skipped: run {app.run_of(blob)} is already finished"]]
    assert (app.jobs.created.total(), queues.taken[1]) == (1, 1)


STAYS = [
    (QueueDoor.MESSAGES, {"paths": ["landing/each/north/ghost.csv"]}, "not in the hub", "would be stored again"),
    (QueueDoor.MESSAGES, b"{", "not JSON", "would be stored again"),
    (QueueDoor.RECORDS, {"stream": "none", "records": [{"id": "1"}]}, "is not configured", "would be stored again"),
    (QueueDoor.HOOKS, b"not json", "not JSON", "would stay there"),
]


@pytest.mark.parametrize(("door", "body", "because", "would"), STAYS)
async def test_what_still_cannot_be_taken_stays(
    app: InferenceApp, queues: MemoryQueues, door: QueueDoor, body: Any, because: str, would: str
) -> None:
    path = die(queues, app, door, body)

    shown = await ask(app, "GET", f"dead-letters/letter?path={path}")
    replayed = await ask(app, "POST", "dead-letters/replay", {"path": path, "dry_run": False})

    assert shown[2]["would"][0][0].startswith(would)
    assert replayed[2]["events"][0][0].startswith("stays in the queue's dead letters")
    assert because in replayed[2]["events"][0][0]
    assert len(queues.letters) == 1


async def test_a_hook_and_a_decision_go_to_their_own_doors_and_a_token_is_shown_to_nobody(
    app: InferenceApp, queues: MemoryQueues
) -> None:
    hook = die(queues, app, QueueDoor.HOOKS, HOOK)
    decisions = [
        die(queues, app, QueueDoor.APPROVALS, body, reason="TTLExpiredException")
        for body in ({"token": "canary-token"}, b'"canary-token"', b"canary-token {")
    ]

    shown = [str(await ask(app, "GET", f"dead-letters/letter?path={path}")) for path in (hook, *decisions)]
    listed = await dlq(app, "list", "--json")
    replayed = [await dlq(app, "replay", path, "--yes") for path in (hook, *decisions)]

    assert "would look at run" in shown[0]
    assert all("a token" in each or "token has expired" in each for each in shown[1:])
    assert "canary" not in "".join((*shown, listed.output))
    assert replayed[0].output.splitlines()[1].startswith("  hint ")
    assert queues.letters == []


async def test_queues_that_cannot_be_looked_at_are_named_and_the_rest_is_listed(
    app: InferenceApp, queues: MemoryQueues, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored, look = letter(app, "a"), queues.dead
    path = die(queues, app, QueueDoor.HOOKS, HOOK)
    failures = {QueueDoor.MESSAGES: Refused("may not look"), QueueDoor.RECORDS: Transient("does not answer")}

    def fails(door: QueueDoor, most: int) -> Any:
        if door in failures:
            raise failures[door]
        return look(door, most)

    monkeypatch.setattr(queues, "dead", fails)
    page = (await ask(app, "GET", "dead-letters"))[2]
    told = await dlq(app, "list")

    assert [each["path"] for each in page["letters"]] == [path, stored]
    assert page["unseen"] == ["may not look", "does not answer"]
    assert "not looked at: does not answer" in told.stderr


@pytest.mark.parametrize("path", ["service-bus/messages/9", "service-bus/elsewhere/1", "service-bus/hooks/x"])
async def test_one_that_is_not_there_is_not_found(app: InferenceApp, path: str) -> None:
    assert (await ask(app, "GET", f"dead-letters/letter?path={path}"))[0] == 404
    assert (await ask(app, "POST", "dead-letters/replay", {"path": path}))[0] == 404


async def test_what_queues_gave_up_is_a_figure_where_they_can_be_looked_at(
    app: InferenceApp, queues: MemoryQueues, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = recorder()
    die(queues, app, QueueDoor.HOOKS, HOOK)
    await app.host.advance(timedelta(minutes=6), timeout=60)

    levels = told.levels()
    assert levels["signalbox.backlog", "given up by queues"] == 1
    assert 3600 <= levels["signalbox.backlog.age", "given up by queues"] <= 4200

    queues.letters.clear()
    monkeypatch.setattr(queues, "dead", lambda door, most: (_ for _ in ()).throw(Transient("does not answer")))
    await app.host.advance(timedelta(minutes=6), timeout=60)
    levels = told.levels()  # Those that were set since.
    assert levels["signalbox.backlog", "dead letters"] == 0
    assert ("signalbox.backlog", "given up by queues") not in levels
