"""What could not be taken in is listed with its reason, and replayed: dry first."""

import json

from tests.inference.conftest import Product, created


async def test_an_unreadable_event_is_listed_and_stays_unreadable(product: Product) -> None:
    await product.request("POST", "events", {"id": "1"})

    _, listed = await product.request("GET", "dead-letters")
    (letter,) = listed["letters"]
    _, said = await product.request("POST", "dead-letters/replay", {"path": letter["path"]})

    assert "eventType" in letter["reason"]
    assert (said["dry_run"], said["events"][0][0].startswith("would be stored again")) == (True, True)


async def test_what_event_grid_could_not_deliver_is_shown_dry_then_starts_its_run_once(product: Product) -> None:
    blob = product.land("landing/each/north/a.csv")
    letter = [{**created(blob, "late"), "deadLetterReason": "MaxDeliveryAttemptsExceeded", "deliveryAttempts": 30}]
    product.hub.land("dead-letters/event-grid/HUB/1.json", json.dumps(letter).encode())

    _, listed = await product.request("GET", "dead-letters")
    _, dry = await product.request("POST", "dead-letters/replay", {"path": "event-grid/HUB/1.json"})
    before = len(product.jobs.created)
    body = {"path": "event-grid/HUB/1.json", "dry_run": False}
    answers = [await product.request("POST", "dead-letters/replay", body) for _ in range(2)]
    await product.finish(product.run_of(blob))

    assert listed["letters"][0]["reason"] == "MaxDeliveryAttemptsExceeded"
    assert dry["events"] == [["would start a run of route each, unless it has run"]]
    assert (before, len(product.jobs.created)) == (0, 1)
    assert "started" in answers[0][1]["events"][0][0]
    assert "skipped" in answers[1][1]["events"][0][0]


async def test_a_letter_that_is_not_there_is_refused(product: Product) -> None:
    status, refused = await product.request("POST", "dead-letters/replay", {"path": "nowhere.json"})

    assert (status, "list the letters first" in refused["detail"]) == (404, True)
