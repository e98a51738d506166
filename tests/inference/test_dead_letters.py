"""What could not be taken in is listed with its reason, and replayed: dry first."""

import json

from tests.inference.conftest import InferenceApp, created


async def test_an_unreadable_event_is_listed_and_stays_unreadable(app: InferenceApp) -> None:
    await app.request("POST", "events", {"id": "1"})

    _, listed = await app.request("GET", "dead-letters")
    (letter,) = listed["letters"]
    _, said = await app.request("POST", "dead-letters/replay", {"path": letter["path"]})

    assert "eventType" in letter["reason"]
    assert (said["dry_run"], said["events"][0][0].startswith("would be stored again")) == (True, True)


async def test_a_letter_keeps_no_signature_and_all_that_a_replay_needs(app: InferenceApp) -> None:
    blob = app.land("landing/each/north/a.csv")
    address = "https://datahub/landing/each/north/a.csv?sv=2024&sig=canary-signature&se=2030"
    renamed = {"api": "RenameFile", "destinationUrl": address}
    event = {**created(blob, "late"), "eventType": "Microsoft.Storage.BlobRenamed", "data": renamed}
    for unreadable in ({**event, "subject": address, "data": {}}, {**event, "eventType": None}):
        await app.request("POST", "events", unreadable)

    letters = {path: data for (where, path), (_, data) in app.hub.blobs.items() if where == "dead-letters"}
    whole = next(json.loads(data) for data in letters.values() if b"destinationUrl" in data)
    app.hub.land("dead-letters/mended.json", json.dumps([whole["event"] | {"eventType": event["eventType"]}]).encode())
    _, said = await app.request("POST", "dead-letters/replay", {"path": "mended.json", "dry_run": False})

    assert len(letters) == 2
    assert b"canary" not in b"".join(letters.values())
    assert "?sv=2024&sig=REDACTED&se=2030" in whole["event"]["data"]["destinationUrl"]
    assert said["events"] == [[f"run {app.run_of(blob)} started"]]


async def test_what_event_grid_could_not_deliver_is_shown_dry_then_starts_its_run_once(app: InferenceApp) -> None:
    blob = app.land("landing/each/north/a.csv")
    letter = [{**created(blob, "late"), "deadLetterReason": "MaxDeliveryAttemptsExceeded", "deliveryAttempts": 30}]
    app.hub.land("dead-letters/event-grid/HUB/1.json", json.dumps(letter).encode())

    _, listed = await app.request("GET", "dead-letters")
    _, dry = await app.request("POST", "dead-letters/replay", {"path": "event-grid/HUB/1.json"})
    before = len(app.jobs.created)
    body = {"path": "event-grid/HUB/1.json", "dry_run": False}
    answers = [await app.request("POST", "dead-letters/replay", body) for _ in range(2)]
    await app.finish(app.run_of(blob))

    assert listed["letters"][0]["reason"] == "MaxDeliveryAttemptsExceeded"
    assert dry["events"] == [["would start a run of route each, unless it has run"]]
    assert (before, len(app.jobs.created)) == (0, 1)
    assert "started" in answers[0][1]["events"][0][0]
    assert "skipped" in answers[1][1]["events"][0][0]


async def test_a_letter_that_is_not_there_is_refused(app: InferenceApp) -> None:
    status, refused = await app.request("POST", "dead-letters/replay", {"path": "nowhere.json"})

    assert (status, "list the letters first" in refused["detail"]) == (404, True)
