"""Several runs at once: what would happen to each is told first, and the API judges every one of them by itself."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from azure.functions.meta import Datum

from shared.domain import identity
from shared.domain.inference.routes import OnBadData
from shared.domain.promotion.approvals import Person
from tests.console.conftest import Browser, ConsoleApp, console_of
from tests.inference.conftest import CONFIGURATION, created
from tests.promotion.conftest import PEOPLE

PAGE = "runs/together"


@pytest.fixture
async def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[ConsoleApp]:
    async with console_of(CONFIGURATION, tmp_path, monkeypatch) as console:
        yield console


async def quarantined(app: ConsoleApp, *names: str) -> list[str]:
    """A run for each of *names* whose data is set aside."""
    runs = list[str]()
    for name in names:
        blob = app.hub.land(f"landing/each/north/{name}.csv", b"bad\n1\n")
        await app.host.call("receive_hub_event", Datum(json.dumps(created(blob, name)), "json"))
        await app.host.settle()
        runs.append(identity.run_id("each", [identity.arrival_id(blob.arrival("datahub"))]))
    return runs


async def owner(app: ConsoleApp, monkeypatch: pytest.MonkeyPatch) -> Browser:
    """A person who may release data, signed in."""
    monkeypatch.setitem(PEOPLE, "olga", Person(oid="9", name="olga", roles=("DataOwner",)))
    return await app.signed_in("olga")


async def test_what_would_be_released_is_shown_and_then_released_with_one_reason(
    app: ConsoleApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = await quarantined(app, "a", "b", "c")
    olga = await owner(app, monkeypatch)
    before = app.hub.writes.total()
    page = await olga.get(f"{PAGE}?what=release")

    assert "3 of these runs would be released" in page.text
    assert "is bad" in page.text
    assert app.hub.writes.total() == before
    form = page.form("release")
    assert set(form["names"].split()) == set(runs)
    for forged in ({"names": form["names"] + " other"}, {"names": runs[0]}, {"token": ""}):
        assert (await olga.send(f"{PAGE}/release", form | forged | {"reason": "seen"})).status == 403, forged
    sent = await olga.send(f"{PAGE}/release", form | {"reason": "the sensor was <b>off</b>"})
    assert (sent.status, sent.location) == (303, f"/console/{PAGE}?done=release")
    for run in runs:
        _, shown = await app.ask("GET", f"runs/{run}")
        assert shown["quarantine"]["released_by"] == "olga"


async def test_what_is_refused_for_one_run_does_not_keep_the_others(
    app: ConsoleApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = await quarantined(app, "a", "b")
    olga = await owner(app, monkeypatch)
    form = (await olga.get(f"{PAGE}?what=release")).form("release")
    await app.ask("POST", f"runs/{first}/cancel", {"reason": "not needed"})
    await app.host.settle()
    sent = await olga.send(f"{PAGE}/release", form | {"reason": "all of them"})

    assert sent.status == 409
    assert "1 of 2 done." in sent.text
    assert f"{first}: run {first} ended as cancelled" in sent.text
    _, shown = await app.ask("GET", f"runs/{second}")
    assert shown["quarantine"]["released_by"] == "olga"


async def test_who_may_not_release_is_offered_nothing(app: ConsoleApp) -> None:
    await quarantined(app, "a")
    grace = await app.signed_in("grace")
    page = (await grace.get(f"{PAGE}?what=release")).text

    assert "None of these would be released" in page
    assert "you may not release in" in page
    assert f"{PAGE}/release" not in page
    assert "Release several" not in (await grace.get("runs?outcome=quarantined")).text


async def test_without_a_run_that_waits_the_page_says_so(app: ConsoleApp) -> None:
    linus = await app.signed_in("linus")

    assert "No run waits for a release of its data." in (await linus.get(PAGE)).text
    assert "No run has failed on route each." in (await linus.get(f"{PAGE}?what=reprocess&route=each")).text
    assert (await linus.get(f"{PAGE}?what=%3Cb%3E")).status == 200


async def test_failed_runs_are_scored_again_and_a_form_that_is_sent_twice_starts_nothing_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    routes = tuple(replace(route, on_bad_data=OnBadData.FAIL) for route in CONFIGURATION.routes)
    async with console_of(replace(CONFIGURATION, routes=routes), tmp_path, monkeypatch) as app:
        first, second = await quarantined(app, "a", "b")
        linus = await app.signed_in("linus")
        assert "Reprocess several" in (await linus.get("runs?outcome=failed")).text
        page = await linus.get(f"{PAGE}?what=reprocess")
        assert "2 of these runs would be scored again" in page.text
        form = page.form("reprocess") | {"reason": "the check was wrong"}

        assert (await linus.send(f"{PAGE}/reprocess", form)).status == 303
        await app.host.settle()
        again = await linus.send(f"{PAGE}/reprocess", form)
        await app.host.settle()

        assert again.status == 409
        assert "0 of 2 done." in again.text
        _, listed = await app.ask("GET", "runs?route=each")
        attempts = [identity.next_attempt(run) for run in (first, second)]
        assert {row["run"] for row in listed["runs"]} == {first, second, *attempts}
