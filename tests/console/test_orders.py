"""Orders to schedules, and dead letters: what would happen is told first; nobody is offered what they may not do."""

import json

import pytest

from tests.console.conftest import ConsoleApp
from tests.inference.conftest import created
from triggers.console.views.schedule import due_time

SCHEDULE = "schedules/monthly-training"


async def test_a_schedule_is_paused_run_and_resumed_by_who_may(shipped_app: ConsoleApp) -> None:
    linus, grace = await shipped_app.signed_in("linus"), await shipped_app.signed_in("grace")
    assert f'href="/console/{SCHEDULE}"' in (await grace.get("schedules")).text

    for order, told in (("pause", "❚❚</span> paused"), ("run", "❚❚</span> paused"), ("resume", "✓</span> on")):
        form = (await linus.get(SCHEDULE)).form(order)
        sent = await linus.send(f"{SCHEDULE}/{order}", form | {"reason": f"{order} <b>it</b>"})
        assert (sent.status, sent.location) == (303, f"/console/{SCHEDULE}?done={order}")
        await shipped_app.host.settle()
        assert told in (await linus.get(SCHEDULE)).text, order
    page = (await grace.get(SCHEDULE)).text

    assert "resume &lt;b&gt;it&lt;/b&gt;" in page
    assert "run &lt;b&gt;it&lt;/b&gt;" in page, "what it did, and who wanted it"
    for order in ("pause", "run", "resume"):
        assert f"{SCHEDULE}/{order}" not in page


@pytest.mark.parametrize("order", ["pause", "resume", "run"])
async def test_an_order_that_was_not_offered_is_refused(shipped_app: ConsoleApp, order: str) -> None:
    linus, grace = await shipped_app.signed_in("linus"), await shipped_app.signed_in("grace")
    form = (await linus.get(SCHEDULE)).form("pause")
    before = shipped_app.hub.writes.total()

    assert (await grace.send(f"{SCHEDULE}/{order}", form | {"reason": "mine"})).status == 403
    assert (await linus.send(f"{SCHEDULE}/{order}", {"reason": "no token"})).status == 403
    assert shipped_app.hub.writes.total() == before


async def test_a_letter_says_what_a_replay_would_do_before_it_is_replayed(shipped_app: ConsoleApp) -> None:
    blob = shipped_app.hub.land("landing/diabetes/each/berlin/a.csv", b"id\n1\n")
    event = created(blob, "event-1")
    event["data"]["url"] += "?sig=abcdef1234567890"
    letter = {"reason": "<b>too late</b>", "event": event}
    shipped_app.hub.create("dead-letters", "signalbox/1.json", json.dumps(letter).encode())
    linus, ada = await shipped_app.signed_in("linus"), await shipped_app.signed_in("ada")

    listed = (await ada.get("dead-letters")).text
    assert 'href="/console/dead-letters?letter=signalbox/1.json"' in listed
    assert "Replay" not in listed
    seen = (await ada.get("dead-letters?letter=signalbox/1.json")).text
    assert "What a replay would do" in seen
    assert "diabetes-each" in seen
    assert "&lt;b&gt;too late&lt;/b&gt;" in seen
    assert "abcdef1234567890" not in seen
    assert "Replay it" not in seen
    form = (await linus.get("dead-letters?letter=signalbox/1.json")).form("replay")
    assert (form["path"], form["dry_run"]) == ("signalbox/1.json", "false")
    assert (await linus.send("dead-letters/replay", form | {"path": "signalbox/2.json"})).status == 403
    assert (await linus.send("dead-letters/replay", form)).location == "/console/dead-letters?done=replay"
    assert (await ada.get("dead-letters?letter=signalbox/9.json")).status == 404


@pytest.mark.parametrize(
    ("due", "time"),
    [
        ("20260101T030000000000", "2026-01-01T03:00:00+00:00"),
        ("2026-01-01T03:00:00+00:00", "2026-01-01T03:00:00+00:00"),
    ],
)
def test_a_due_time_is_written_as_other_times_are(due: str, time: str) -> None:
    assert due_time(due) == time
