"""Notices that could not be sent are among the dead letters, and a replay sends each once."""

from datetime import timedelta
from types import SimpleNamespace

import pytest

from shared.domain.failures import Refused
from shared.domain.notices.recipients import ChannelKind
from shared.domain.teams.ownership import Scope
from shared.records.notices.letters import dead_path
from tests.notices.conftest import NoticeApp
from triggers.http.exchange.problems import Problem
from triggers.http.letters import notice_letters
from triggers.http.letters.dead_letters import list_dead_letters, replay_dead_letter, show_dead_letter
from triggers.http.letters.types import LetterFilters, LetterNamed, Replay

EVERYTHING, OTHERS = Scope(whole=True), Scope(teams=frozenset({"other"}))


def request_of(app: NoticeApp, scope: Scope = EVERYTHING) -> SimpleNamespace:
    return SimpleNamespace(clients=app.clients, scope=scope, client=None)


@pytest.fixture(params=[ChannelKind.SMTP, ChannelKind.COMMUNICATION_SERVICES])
async def app(request: pytest.FixtureRequest) -> NoticeApp:
    """An app whose one notice was refused for good."""
    app = NoticeApp(mail_by=request.param)
    app.channel.faults = [Refused("reply 550")]
    app.ask()
    await app.sweep()
    return app


def test_it_is_listed_with_its_reason(app: NoticeApp) -> None:
    page = list_dead_letters(request_of(app), LetterFilters())  # type: ignore[arg-type]

    assert [row.reason for row in page.letters] == ["a notice to owners: reply 550"]
    assert list_dead_letters(request_of(app, OTHERS), LetterFilters()).letters == ()  # type: ignore[arg-type]


async def test_it_is_shown_and_a_dry_run_sends_nothing(app: NoticeApp) -> None:
    path = dead_path(app.dead[0].letter.id)
    shown = await show_dead_letter(request_of(app), LetterNamed(path=path))  # type: ignore[arg-type]
    assert [event["says"] for event in shown.events] == ["Your approval is asked for: churn:4"]
    await replay_dead_letter(request_of(app), Replay(path=path))  # type: ignore[arg-type]
    await app.sweep(timedelta(minutes=2))

    assert app.channel.sent == []
    assert len(app.dead) == 1


async def test_a_replay_sends_it_once_and_as_a_sending_of_its_own(app: NoticeApp) -> None:
    letter = app.dead[0].letter
    await replay_dead_letter(request_of(app), Replay(path=dead_path(letter.id), dry_run=False))  # type: ignore[arg-type]
    for _ in range(4):
        await app.sweep(timedelta(minutes=2))
        app.ask()

    assert [message.reference == letter.reference for message in app.channel.sent] == [False]
    assert app.dead == []
    assert len(app.ends) == 1


async def test_other_teams_do_not_find_it(app: NoticeApp) -> None:
    path = dead_path(app.dead[0].letter.id)
    with pytest.raises(Problem):
        await replay_dead_letter(request_of(app, OTHERS), Replay(path=path, dry_run=False))  # type: ignore[arg-type]
    assert len(app.dead) == 1
    with pytest.raises(Problem, match="not there"):
        await notice_letters.show(app.clients, dead_path("0" * 32))
