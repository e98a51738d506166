"""Decisions that need a fresh sign-in, or meet the end of a session: nothing written is lost, nothing is sent twice.

And overriding the gates on a promotion's page: by those whom the policy names, together.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from shared import contracts as c
from shared.domain.configuration import Configuration
from shared.domain.promotion.approvals import ApprovalPolicy
from tests.console.conftest import Answer, Browser, ConsoleApp, with_console
from tests.promotion.conftest import CONFIGURATION, running
from tests.promotion.test_delegations import POLICY, deputised
from tests.promotion.test_glass import broken_glass

LADDER = CONFIGURATION.ladder
GLASS = LADDER.break_glass


def fresh(seconds: int) -> Configuration:
    """The example whose decisions ask for a sign-in of the last *seconds*."""
    stages = tuple(
        replace(stage, approvals=replace(stage.approvals, fresh_sign_in_s=seconds)) for stage in LADDER.stages
    )
    glass = replace(GLASS, policy=replace(GLASS.policy, fresh_sign_in_s=seconds))
    return replace(CONFIGURATION, ladder=replace(LADDER, stages=stages, break_glass=glass))


@pytest.fixture
async def careful(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[ConsoleApp]:
    async with running(fresh(600), tmp_path, monkeypatch) as made:
        yield with_console(made)


async def asked(app: ConsoleApp) -> str:
    app.register("1", error=1.0)
    promotion = await app.promote("churn:1")
    await app.evidence(promotion)
    return f"promotions/{promotion}"


async def decided(app: ConsoleApp, page: str) -> list[tuple[str, str, str]]:
    _, listed = await app.ask("GET", f"{page}/decisions")
    return [(row["by"], row["decision"], row["reason"]) for row in listed["decisions"]]


async def comes_back(browser: Browser, sent: Answer, who: str) -> Answer:
    """The page to which the sign-in leads that *sent* has led to."""
    begun = await browser.ask("GET", sent.location)
    state = parse_qs(urlsplit(begun.location).query)["state"][0]
    back = await browser.get(f"signed-in?code={who}&state={state}")
    return await browser.ask("GET", back.location)


async def test_a_decision_asks_for_a_fresh_sign_in_and_is_sent_by_hand_after_it(careful: ConsoleApp) -> None:
    page = await asked(careful)
    ada = await careful.signed_in("ada")
    await careful.pass_time(timedelta(minutes=11))
    form = (await ada.get(page)).form("approve")

    sent = await ada.send(f"{page}/approve", form | {"reason": "seen <b>it</b>"})
    assert (sent.status, "fresh=1" in sent.location) == (303, True)
    assert await decided(careful, page) == []
    shown = await comes_back(ada, sent, "ada")

    assert "nothing has been sent yet" in shown.text
    assert "seen &lt;b&gt;it&lt;/b&gt;</textarea>" in shown.text
    assert await decided(careful, page) == []
    for _ in range(2):
        done = await ada.send(f"{page}/approve", shown.form("approve") | {"reason": "seen it"})
        assert (done.status, "done=approve" in done.location) == (303, True)
    assert await decided(careful, page) == [("ada", "approved", "seen it")]
    assert "__Host-sb-held" not in ada.cookies


async def test_a_sign_in_that_is_fresh_enough_is_not_asked_for_again(careful: ConsoleApp) -> None:
    page = await asked(careful)
    ada = await careful.signed_in("ada")
    form = (await ada.get(page)).form("approve")

    assert "done=approve" in (await ada.send(f"{page}/approve", form | {"reason": "seen"})).location


async def test_whom_the_directory_did_not_ask_again_decides_nothing_and_is_not_sent_round(careful: ConsoleApp) -> None:
    page = await asked(careful)
    long_ago = careful.clients.clock.now() - timedelta(days=1)
    careful.clients.sign_in.now = lambda: long_ago  # type: ignore[attr-defined]
    ada = await careful.signed_in("ada")
    form = (await ada.get(page)).form("approve")

    refused = await ada.send(f"{page}/approve", form | {"reason": "seen"})

    assert (refused.status, "sign in again" in refused.text, "seen</textarea>" in refused.text) == (401, True, True)
    assert await decided(careful, page) == []


async def test_a_token_that_does_not_say_when_its_person_signed_in_decides_nothing(careful: ConsoleApp) -> None:
    page = await asked(careful)
    _, shown = await careful.ask("GET", page)
    body = {"role": "data-scientist", "evidence": shown["evidence"][-1]["digest"], "reason": "seen"}

    status, refused = await careful.ask("POST", f"{page}/approve", body, "ada")

    assert (status, refused["title"]) == (401, "sign in again")
    assert await decided(careful, page) == []


async def test_a_decision_that_meets_the_end_of_the_session_comes_back_after_the_sign_in(app: ConsoleApp) -> None:
    page = await asked(app)
    ada = await app.signed_in("ada")
    form = (await ada.get(page)).form("reject")
    await app.pass_time(timedelta(hours=2))
    foreign = await ada.send(f"{page}/reject", form | {"reason": "forged"}, **{"Sec-Fetch-Site": "cross-site"})
    assert (foreign.status, "__Host-sb-held" in ada.cookies) == (403, False)

    sent = await ada.send(f"{page}/reject", form | {"reason": "recall fell"})
    assert sent.location.startswith("/console/sign-in?")
    other = Browser(url=ada.url, cookies=dict(ada.cookies))
    assert "recall fell" not in (await comes_back(other, sent, "grace")).text
    shown = await comes_back(ada, sent, "ada")

    assert "recall fell</textarea>" in shown.text
    assert await decided(app, page) == []
    await ada.send(f"{page}/reject", shown.form("reject") | {"reason": "recall fell"})
    assert await decided(app, page) == [("ada", "rejected", "recall fell")]


async def test_what_was_written_is_forgotten_with_the_time_to_sign_in(app: ConsoleApp) -> None:
    page = await asked(app)
    ada = await app.signed_in("ada")
    form = (await ada.get(page)).form("approve")
    await app.pass_time(timedelta(hours=2))
    await ada.send(f"{page}/approve", form | {"reason": "a long while ago"})
    await app.pass_time(timedelta(minutes=11))
    await ada.sign_in("ada")

    assert "a long while ago" not in (await ada.get(page)).text


async def test_a_text_that_no_cookie_holds_is_given_back(app: ConsoleApp) -> None:
    page = await asked(app)
    ada = await app.signed_in("ada")
    form = (await ada.get(page)).form("approve")
    await app.pass_time(timedelta(hours=2))

    sent = await ada.send(f"{page}/approve", form | {"reason": "見" * 1000})

    assert (sent.status, "見" * 1000 in sent.text, "__Host-sb-held" in ada.cookies) == (401, True, False)


async def test_two_roles_override_failing_gates_on_the_page_and_one_can_take_it_back(app: ConsoleApp) -> None:
    promotion, _ = await broken_glass(app)
    page = f"promotions/{promotion}"
    linus, grace, ada = [await app.signed_in(who) for who in ("linus", "grace", "ada")]
    assert "Override failing gates" in (await linus.get()).text
    assert "Break the glass" not in (await ada.get(page)).text

    form = (await linus.get(page)).form("break-glass")
    assert (form["role"], form["stage"], form["phase"]) == ("engineer", "preprod", "exit")
    broken = form | {"reason": "the champion is on fire"}
    assert (await linus.send(f"{page}/break-glass", broken | {"phase": "entry"})).status == 403
    assert "done=break-glass" in (await linus.send(f"{page}/break-glass", broken)).location
    taken_back = (await linus.get(page)).form("withdraw")
    assert taken_back["phase"] == "exit"
    assert (await linus.send(f"{page}/withdraw", taken_back)).status == 303
    await app.pass_time(timedelta(minutes=1))
    again = (await linus.get(page)).form("break-glass")
    await linus.send(f"{page}/break-glass", again | {"reason": "it is, still"})
    form = (await grace.get(page)).form("break-glass")
    await grace.send(f"{page}/break-glass", form | {"reason": "agreed"})
    result = await app.finish(promotion)

    assert result.fate is c.Fate.PROMOTED
    assert app.chain().count("receipt issued over failing gates") == 1


@asynccontextmanager
async def delegating(
    folder: Path, monkeypatch: pytest.MonkeyPatch, policy: ApprovalPolicy = POLICY
) -> AsyncIterator[ConsoleApp]:
    async with deputised(policy, folder, monkeypatch) as made:
        yield with_console(made)


async def test_leaving_a_decision_to_somebody_asks_for_a_fresh_sign_in_and_keeps_what_was_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with delegating(tmp_path, monkeypatch, replace(POLICY, fresh_sign_in_s=600)) as app:
        page = await asked(app)
        grace = await app.signed_in("grace")
        await app.pass_time(timedelta(minutes=11))
        form = (await grace.get(page)).form("delegate") | {"to": "hopper@example.org", "reason": "away <b>now</b>"}

        sent = await grace.send(f"{page}/delegate", form)
        assert (sent.status, "fresh=1" in sent.location) == (303, True)
        shown = await comes_back(grace, sent, "grace")
        _, before = await app.ask("GET", f"{page}/decisions")

        assert "away &lt;b&gt;now&lt;/b&gt;</textarea>" in shown.text
        assert "<option selected>hopper@example.org</option>" in shown.text
        assert before["delegations"] == []
        again = await grace.send(f"{page}/delegate", shown.form("delegate") | {"to": form["to"], "reason": "away"})
        assert "done=delegate" in again.location


async def test_a_decision_is_left_to_a_named_person_on_the_page_and_taken_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with delegating(tmp_path, monkeypatch) as app:
        page = await asked(app)
        grace, hopper = await app.signed_in("grace"), await app.signed_in("hopper")
        shown = await grace.get(page)
        assert shown.text.index("<iframe") < shown.text.index(">Approve</button>"), "the evidence comes first"
        assert 'loading="lazy"' not in shown.text, "it is there when it is printed"
        form = shown.form("delegate")
        assert "<option>hopper@example.org</option>" in shown.text

        forged = await grace.send(f"{page}/delegate", form | {"to": "linus", "reason": "mine"})
        assert (forged.status, "the configuration does not name linus" in forged.text) == (403, True)
        reason = "<i>away</i>"
        sent = await grace.send(f"{page}/delegate", form | {"to": "hopper@example.org", "reason": reason})
        assert (sent.status, "done=delegate" in sent.location) == (303, True)

        inbox, theirs, own = await hopper.get(), await hopper.get(page), await grace.get(page)
        assert "grace has left it to you: &lt;i&gt;away&lt;/i&gt;" in inbox.text
        assert "grace has left this decision to you" in theirs.text
        assert "Nothing waits for you" in (await grace.get()).text
        assert ("Decide yourself again" in own.text, ">Approve</button>" in own.text) == (True, False)
        back = await grace.send(f"{page}/take-back", own.form("take-back"))
        assert (back.status, "done=take-back" in back.location) == (303, True)
        assert ">Approve</button>" in (await grace.get(page)).text
        assert "taken back" in (await hopper.get(page)).text
