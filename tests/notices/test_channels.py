"""The three channels by their real protocols, against servers on loopback that refuse what the real ones refuse."""

import logging
import uuid
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace

import pytest

from shared.adapters.notices.opening import open_channel
from shared.domain.failures import PutOff, Refused, Transient
from shared.domain.notices.addresses import read_mail_server
from shared.domain.notices.recipients import ChannelKind, Recipient
from shared.notice_page.letters import MOST_SHOWN, written
from shared.ports import NoticeChannel, NoticeMessage, SendingStanding
from shared.settings import SettingsError, read_settings
from signalbox.emulators.mail.faults import MailFault
from signalbox.launcher.hub import LocalIdentity
from tests.notices.conftest import MailPlace, NoticeApp

pytestmark = pytest.mark.xdist_group("storage-emulator")
KEY = "k3y-of-tests"
KINDS = list(ChannelKind)
ATTACK = 'a"><img src=x onerror=alert(1)>\r\nBcc: all@example.org [click](https://evil.example) *b* \u202egnp.exe'


def channel_to(place: MailPlace, kind: ChannelKind, **changes: str) -> NoticeChannel:
    settings = {"smtp_server": place.smtp, "mail_service": place.services, "teams_webhooks": place.webhooks} | changes
    return open_channel(kind, SimpleNamespace(**settings), LocalIdentity(place.endpoints))


def message_for(kind: ChannelKind, **changes: str) -> NoticeMessage:
    message = NoticeMessage(
        reference=str(uuid.uuid4()),
        to="operations" if kind is ChannelKind.TEAMS else "grace@example.org",
        sender="signalbox@example.org",
        subject="Prüfung: churn:4",
        text="Bitte prüfen",
        html="<p>Bitte prüfen</p>",
        card={"type": "AdaptiveCard", "body": [{"type": "TextBlock", "text": "Prüfung: churn:4"}]},
    )
    return replace(message, **changes)


@pytest.mark.parametrize("kind", KINDS)
def test_a_message_arrives_as_it_was_written(mail_place: MailPlace, kind: ChannelKind) -> None:
    channel, message = channel_to(mail_place, kind), message_for(kind)
    channel.reach(message.to)
    assert mail_place.messages() == []
    channel.send(message)

    (row,) = mail_place.messages()
    assert (row["channel"], row["recipient"], row["subject"]) == (kind.value, message.to, message.subject)
    if kind is not ChannelKind.TEAMS:
        assert (row["text"].strip(), row["html"].strip()) == (message.text, message.html)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("fault", "failure"),
    [(MailFault.REFUSE, Refused), (MailFault.THROTTLE, PutOff), (MailFault.LOSE_ANSWER, Transient)],
)
def test_each_failure_says_whether_something_was_sent(
    mail_place: MailPlace, kind: ChannelKind, fault: MailFault, failure: type[Exception]
) -> None:
    channel = channel_to(mail_place, kind)
    mail_place.order(fault)
    with pytest.raises(failure) as caught:
        channel.send(message_for(kind))

    assert type(caught.value) is failure
    assert len(mail_place.messages()) == (fault is MailFault.LOSE_ANSWER)


def test_communication_services_say_what_became_of_a_mail(mail_place: MailPlace) -> None:
    kind = ChannelKind.COMMUNICATION_SERVICES
    channel, message = channel_to(mail_place, kind), message_for(kind)
    assert channel.look(message.reference) is SendingStanding.ABSENT
    mail_place.order(MailFault.LOSE_ANSWER, MailFault.FAIL_LATER)
    with pytest.raises(Transient):
        channel.send(message)
    assert channel.look(message.reference) is SendingStanding.SENT
    other = message_for(kind)
    channel.send(other)
    assert channel.look(other.reference) is SendingStanding.FAILED


@pytest.mark.parametrize("kind", [ChannelKind.SMTP, ChannelKind.TEAMS])
def test_the_others_cannot_say(mail_place: MailPlace, kind: ChannelKind) -> None:
    channel, message = channel_to(mail_place, kind), message_for(kind)
    channel.send(message)
    assert channel.look(message.reference) is SendingStanding.UNKNOWN


def test_a_mail_of_another_domain_is_refused_for_good(mail_place: MailPlace) -> None:
    channel = channel_to(mail_place, ChannelKind.COMMUNICATION_SERVICES)
    with pytest.raises(Refused):
        channel.send(message_for(ChannelKind.COMMUNICATION_SERVICES, sender="a@other.example"))


def test_the_mail_server_gets_nothing_without_tls_and_without_the_password(
    mail_place: MailPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    message = message_for(ChannelKind.SMTP)
    with pytest.raises(Refused, match="does not accept our sign-in"):
        channel_to(mail_place, ChannelKind.SMTP, smtp_server=mail_place.smtp.replace(mail_place.key, "wrong")).send(
            message
        )
    monkeypatch.delenv("SSL_CERT_FILE")
    with pytest.raises(Refused, match="certificate"):
        channel_to(mail_place, ChannelKind.SMTP).send(message)
    assert mail_place.messages() == []


def test_a_server_that_begins_without_tls_is_told_from_one_that_is_silent(mail_place: MailPlace) -> None:
    plain = mail_place.smtp
    turned = plain.replace("smtps://", "smtp://") if plain.startswith("smtps") else plain.replace("smtp://", "smtps://")
    with pytest.raises(Refused, match=r"does not speak TLS in the way that is set|refuses the connection"):
        channel_to(mail_place, ChannelKind.SMTP, smtp_server=turned).send(message_for(ChannelKind.SMTP))


def test_a_password_that_smtp_cannot_send_is_refused_when_it_is_read() -> None:
    with pytest.raises(ValueError, match="characters beyond ASCII"):
        read_mail_server("smtps://user:p%C3%A4ss@mail.example.org")


@pytest.mark.parametrize("kind", KINDS)
def test_where_nothing_answers_nothing_was_sent(mail_place: MailPlace, kind: ChannelKind) -> None:
    settings = {
        "smtp_server": "smtp://u:p@localhost:1",
        "mail_service": "https://localhost:1",
        "teams_webhooks": "operations=https://localhost:1/x?sig=k3y",
    }
    channel, message = channel_to(mail_place, kind, **settings), message_for(kind)
    with pytest.raises(PutOff):
        channel.send(message)
    with pytest.raises(Transient):
        channel.reach(message.to)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_not_set_up_is_refused(mail_place: MailPlace, kind: ChannelKind) -> None:
    with pytest.raises(Refused, match="SIGNALBOX_"):
        channel_to(mail_place, kind, smtp_server="", mail_service="", teams_webhooks="").send(message_for(kind))


@pytest.mark.parametrize("kind", KINDS)
async def test_a_hostile_name_is_shown_and_does_nothing(mail_place: MailPlace, kind: ChannelKind) -> None:
    teams = kind is ChannelKind.TEAMS
    recipient = Recipient(name="r", mail="" if teams else "r@example.org", teams="operations" * teams, about=("*",))
    app = NoticeApp(recipient, mail_by=ChannelKind.SMTP if teams else kind)
    vars(app.clients)["notice_channel"] = lambda chosen: channel_to(mail_place, chosen)
    app.ask(model=ATTACK, stage=ATTACK)
    await app.sweep()

    (row,) = mail_place.messages()
    assert row["recipient"] in ("r@example.org", "operations")
    assert "\n" not in row["subject"]
    assert "\u202e" not in row["subject"] + row["html"] + row["card"]
    assert "<img" not in row["html"]
    assert '"TextBlock"' not in row["card"]  # Which would read Markdown.
    if teams:
        assert "[click](https://evil.example)" in row["card"]


@pytest.mark.parametrize("number", [1, 60])
def test_a_card_is_never_too_large_for_teams(mail_place: MailPlace, number: int) -> None:
    import json

    app = NoticeApp(Recipient(name="r", teams="operations", about=("*",)))
    for each in range(number):
        app.ask(f"e-{each}", model="ü" * 4000, stage="ü" * 4000, roles=["ü" * 4000] * 3)
    from activities.notices.letters import _letter
    from shared.records.notices.letters import WAITING, WaitingNotice

    waiting = [entry.record for entry in app.clients.store.list(WaitingNotice, WAITING)]
    letter = _letter(waiting, app.now)
    message = written(letter, app.rules.recipients[0], "s@example.org", "https://signalbox.example/console")
    assert len(json.dumps(message.card)) <= 24 * 1024
    channel_to(mail_place, ChannelKind.TEAMS).send(message)
    assert number <= MOST_SHOWN or "see the console" in message.text


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("fault", [*MailFault, None])
async def test_no_secret_is_in_a_record_or_in_a_log(
    mail_place: MailPlace, kind: ChannelKind, fault: MailFault | None, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    teams = kind is ChannelKind.TEAMS
    recipient = Recipient(name="r", mail="" if teams else "r@example.org", teams="operations" * teams, about=("*",))
    app = NoticeApp(recipient, mail_by=ChannelKind.SMTP if teams else kind)
    vars(app.clients)["notice_channel"] = lambda chosen: channel_to(mail_place, chosen)
    mail_place.order(*([fault] if fault else []))
    app.ask()
    for _ in range(3):
        await app.sweep(timedelta(hours=1))

    assert len(mail_place.messages()) == 1 + (fault is MailFault.LOSE_ANSWER and kind not in (KINDS[1],)) - (
        fault is MailFault.REFUSE or (fault is MailFault.FAIL_LATER and kind is KINDS[1])
    )
    records = b"".join(bytes(data) for _, data in app.clients.hub.blobs.values())  # type: ignore[attr-defined]
    assert mail_place.key.encode() not in records
    assert b"@example.org" not in records
    assert mail_place.key not in caplog.text


def test_wrong_settings_are_told_at_once_and_without_their_secrets() -> None:
    wrong = {
        "SIGNALBOX_SMTP_SERVER": f"http://signalbox:{KEY}@host",
        "SIGNALBOX_MAIL_SERVICE": "http://acs",
        "SIGNALBOX_TEAMS_WEBHOOKS": f"operations=http://host/?sig={KEY}",
    }
    with pytest.raises(SettingsError) as caught:
        read_settings(wrong)
    assert all(name in str(caught.value) for name in wrong)
    assert KEY not in str(caught.value)
