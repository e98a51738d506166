"""Which event is a notice, for whom, and that each is sent once whatever dies in between."""

from datetime import timedelta
from typing import Any

import pytest

from activities.notices import letters
from shared import contracts as c
from shared.domain.failures import PutOff, Refused, Transient
from shared.domain.notices.notice import NoticeKind
from shared.domain.notices.recipients import ChannelKind, Recipient
from shared.ports import SendingStanding
from tests.notices.conftest import OWNER, NoticeApp

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
BY_SERVICE = ChannelKind.COMMUNICATION_SERVICES


async def test_an_approval_that_waits_is_one_mail_that_says_for_whom_and_until_when() -> None:
    app = NoticeApp()
    app.ask()
    await app.sweep()

    (message,) = app.channel.sent
    assert message.to == "owners@example.org"
    assert message.subject == "[Signalbox] Your approval is asked for: churn:4"
    for text in (message.text, message.html):
        assert "product-owner" in text
        assert "2026-12-07 10:00 UTC" in text
        assert "https://signalbox.example/console/promotions/p-1" in text
    assert [kind for _, kind, _ in app.announced.events] == ["Signalbox.Promotion.ApprovalRequested"]


async def test_the_same_event_is_sent_once_however_often_it_is_announced() -> None:
    app = NoticeApp()
    for _ in range(3):
        app.ask()
        await app.sweep(MINUTE)
    app.ask()

    assert len(app.channel.sent) == 1
    assert app.waiting == []


async def test_a_notice_that_is_announced_again_while_its_letter_is_made_is_not_sent_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    app = NoticeApp()
    app.ask()
    take_out = letters.take_out

    def announced_again(store: Any, letter: Any) -> None:
        waiting = letter.notices[0]
        take_out(store, letter)
        store.create(f"notices/waiting/{waiting.id}.json", waiting)

    monkeypatch.setattr(letters, "take_out", announced_again)
    await app.sweep()
    monkeypatch.setattr(letters, "take_out", take_out)
    await app.sweep(MINUTE)

    assert len(app.channel.sent) == 1
    assert app.waiting == []


AFTER_SENDING = 5  # The write that records that a letter was sent.


class Died(BaseException):
    """The host is gone: nothing of the app can catch it."""


@pytest.mark.parametrize("step", range(1, 12))
@pytest.mark.parametrize("mail_by", list(ChannelKind)[:2])
async def test_a_host_that_dies_at_any_write_sends_none_twice(
    monkeypatch: pytest.MonkeyPatch, mail_by: ChannelKind, step: int
) -> None:
    """Between a sending and its record alone a service that cannot be asked gets it again, and the mail says so."""
    app = NoticeApp(mail_by=mail_by)
    app.ask()
    hub, writes = app.clients.hub, 0

    def counted(method: Any) -> Any:
        def write(*arguments: Any, **options: Any) -> Any:
            nonlocal writes
            writes += 1
            if writes == step:
                raise Died
            return method(*arguments, **options)

        return write

    with monkeypatch.context() as dying:
        for name in ("create", "replace", "delete"):
            dying.setattr(hub, name, counted(getattr(hub, name)))
        try:
            await app.sweep()
            await app.sweep(2 * MINUTE)
        except Died:
            pass
    for _ in range(4):
        app.ask()
        await app.sweep(2 * MINUTE)

    assert app.waiting == []
    assert app.letters == []
    assert [end.recipient for end in app.ends] == ["owners"]
    is_unknown = mail_by is ChannelKind.SMTP and step == AFTER_SENDING
    assert len(app.channel.sent) == (2 if is_unknown else 1)
    assert len({message.reference for message in app.channel.sent}) == 1
    assert all("You may have had this already" in message.text for message in app.channel.sent[1:])


async def test_a_service_that_knows_its_mails_is_asked_and_not_sent_to_again() -> None:
    app = NoticeApp(mail_by=BY_SERVICE)
    app.channel.faults, app.channel.late = [Transient("the answer was lost")], True
    app.ask()
    await app.sweep()
    await app.sweep(HOUR)

    assert len(app.channel.sent) == 1
    assert [end.perhaps_twice for end in app.ends] == [False]


async def test_a_service_that_cannot_say_gets_it_again_with_a_word_about_it() -> None:
    app = NoticeApp()
    app.channel.faults, app.channel.late = [Transient("the answer was lost")], True
    app.ask()
    await app.sweep()
    await app.sweep(HOUR)

    first, second = app.channel.sent
    assert first.reference == second.reference
    assert "You may have had this already" not in first.text
    assert "You may have had this already" in second.text
    assert [end.perhaps_twice for end in app.ends] == [True]


async def test_what_was_surely_not_sent_is_no_second_sending() -> None:
    app = NoticeApp()
    app.channel.faults = [PutOff("451", 90)]
    app.ask()
    await app.sweep()
    await app.sweep(timedelta(seconds=80))
    assert app.channel.sent == []
    await app.sweep(HOUR)

    (message,) = app.channel.sent
    assert "You may have had this already" not in message.text
    assert [end.perhaps_twice for end in app.ends] == [False]


async def test_tries_are_bounded_and_the_last_reason_is_kept() -> None:
    app = NoticeApp()
    app.channel.faults = [PutOff(f"try {number}", 1) for number in range(1, 99)]
    app.ask()
    for _ in range(20):
        await app.sweep(2 * HOUR)

    assert len(app.channel.faults) == 98 - letters.MOST_TRIES
    assert [dead.reason for dead in app.dead] == ["8 tries failed, the last one: try 8; the next try is in 1 s"]
    assert app.letters == []


async def test_a_refusal_for_good_is_kept_at_once_and_is_not_tried_again() -> None:
    app = NoticeApp()
    app.channel.faults = [Refused("reply 550")]
    app.ask()
    await app.sweep()
    await app.sweep(DAY)

    assert app.channel.sent == []
    assert [dead.reason for dead in app.dead] == ["reply 550"]


async def test_a_mail_that_is_accepted_and_then_cannot_be_sent_is_dead() -> None:
    app = NoticeApp(mail_by=BY_SERVICE)
    app.ask()
    await app.sweep()
    assert app.ends == []
    app.channel.standings[app.channel.sent[0].reference] = SendingStanding.FAILED
    await app.sweep(2 * MINUTE)

    assert [dead.reason for dead in app.dead] == ["the service took it and could not send it"]
    assert len(app.channel.sent) == 1


async def test_an_accepted_mail_is_never_sent_again_though_the_service_forgets_it() -> None:
    app = NoticeApp(mail_by=BY_SERVICE)
    app.ask()
    await app.sweep()
    app.channel.standings.clear()
    for _ in range(30):
        await app.sweep(HOUR)

    assert len(app.channel.sent) == 1
    assert len(app.ends) == 1


async def test_a_digest_brings_what_came_until_then_in_one_letter() -> None:
    app = NoticeApp(Recipient(name="ops", mail="ops@example.org", about=("*",), digest_at="12:00"))
    for number in range(3):
        app.ask(f"e-{number}", model=f"churn:{number}")
    await app.sweep()
    assert app.channel.sent == []
    await app.sweep(2 * HOUR)

    (message,) = app.channel.sent
    assert message.subject == "[Signalbox] 3 things wait or have happened"
    assert all(f"churn:{number}" in message.text for number in range(3))


async def test_a_digest_that_was_being_sent_keeps_what_is_in_it() -> None:
    """A letter of other notices would be another letter, and what is in both would be sent twice."""
    app = NoticeApp(Recipient(name="ops", mail="ops@example.org", about=("*",), digest_at="12:00"), mail_by=BY_SERVICE)
    app.ask("e-1")
    app.channel.faults, app.channel.late = [Transient("the answer was lost")], True
    await app.sweep(2 * HOUR)
    app.now += MINUTE
    app.ask("e-2")
    for _ in range(3):
        await app.sweep(HOUR)

    assert len(app.channel.sent) == 1
    await app.sweep(DAY)
    assert len(app.channel.sent) == 2
    assert len({message.reference for message in app.channel.sent}) == 2


async def test_quiet_hours_hold_back_what_is_not_urgent() -> None:
    night = Recipient(
        name="ops",
        mail="ops@example.org",
        about=("churn",),
        quiet_from="19:00",
        quiet_until="07:00",
        zone="Europe/Paris",
        urgent=(NoticeKind.ROLLBACK,),
    )
    app = NoticeApp(night)
    app.now += timedelta(hours=9)  # 20:00 in Paris.
    app.ask()
    app.announce("Rollback.Done", {"model": "churn", "left": "churn:4"}, "e-2", "rollbacks/r-1")
    await app.sweep()
    assert [message.subject for message in app.channel.sent] == ["[Signalbox] A version was rolled back: churn:4"]
    await app.sweep(10 * HOUR)
    assert len(app.channel.sent) == 1
    await app.sweep(timedelta(hours=1, minutes=1))
    assert len(app.channel.sent) == 2


@pytest.mark.parametrize(
    ("name", "data", "kind", "words"),
    [
        ("Promotion.ApprovalRequested", {"reminder": 2}, NoticeKind.REMINDER, "An approval still waits"),
        ("Promotion.ApprovalEscalated", {"tell": ["owners@example.org"]}, NoticeKind.ESCALATION, "An approval is late"),
        ("Inference.Quarantined", {"route": "daily"}, NoticeKind.RELEASE, "Data waits to be released"),
        ("Inference.Held", {"route": "daily"}, NoticeKind.RELEASE, "Predictions wait to be released"),
        ("Answers.Held", {"answers": "online"}, NoticeKind.RELEASE, "Answers wait to be released"),
        ("Rollout.Undecided", {"stage": "production"}, NoticeKind.ROLLOUT, "A rollout is undecided"),
        ("Rollback.Done", {"left": "churn:4"}, NoticeKind.ROLLBACK, "A version was rolled back"),
        ("Traffic.ChangedByHand", {"model": "churn:3 churn:4"}, NoticeKind.TRAFFIC, "Traffic was changed by hand"),
        ("Rollback.Failed", {"left": "churn:4"}, NoticeKind.FAILURE, "A rollback ended: failed"),
        ("Retraining.BadData", {"retrained": "churn"}, NoticeKind.FAILURE, "A training ended: bad data"),
        ("Promotion.Expired", {"reached": "dev"}, NoticeKind.FAILURE, "A promotion ended: expired"),
    ],
)
async def test_each_kind_says_what_it_is(name: str, data: dict[str, Any], kind: NoticeKind, words: str) -> None:
    app = NoticeApp(Recipient(name="ops", mail="ops@example.org", about=("*",), kinds=(kind,)))
    app.announce(name, {"model": "churn:4", **data})
    await app.sweep()

    (message,) = app.channel.sent
    assert message.subject.startswith(f"[Signalbox] {words}")


async def test_traffic_changed_by_hand_tells_the_owners_of_every_model_that_it_is_about() -> None:
    app = NoticeApp(
        Recipient(name="own", mail="data-science@example.org"),
        Recipient(name="channel", teams="fraud", about=("fraud",)),
        Recipient(name="other", teams="other", about=("prices",)),
    )
    app.announce("Traffic.ChangedByHand", {"model": "churn:4 fraud:1"}, subject="environments/prod/endpoints/scores")
    await app.sweep()

    assert sorted(message.to for message in app.channel.sent) == ["data-science@example.org", "fraud"]
    assert "https://signalbox.example/console/models/churn" in app.channel.sent[0].text


@pytest.mark.parametrize(
    ("recipient", "is_told"),
    [
        (OWNER, True),
        (Recipient(name="r", mail="r@example.org", roles=("data-scientist",)), False),
        (Recipient(name="r", mail="Data-Science@example.org"), True),  # It owns the model.
        (Recipient(name="r", mail="other@example.org"), False),
        (Recipient(name="r", teams="channel"), False),
        (Recipient(name="r", teams="channel", about=("churn",)), True),
        (Recipient(name="r", teams="channel", about=("fraud",)), False),
        (Recipient(name="r", mail="r@example.org", about=("*",), kinds=(NoticeKind.FAILURE,)), False),
        (Recipient(name="r", mail="r@example.org", about=("*",), team="other"), False),
    ],
)
async def test_who_is_told_of_an_approval(recipient: Recipient, is_told: bool) -> None:
    app = NoticeApp(recipient)
    app.ask(tell=[])
    await app.sweep()

    assert len(app.channel.sent) == is_told


async def test_events_that_nobody_must_act_on_are_announced_alone() -> None:
    app = NoticeApp(Recipient(name="ops", mail="ops@example.org", about=("*",)))
    for name in ("Inference.Completed", "Promotion.Promoted", "Retraining.Better", "Deployment.Retired"):
        app.announce(name, {"model": "churn:4"}, name)
    assert app.waiting == []
    assert len(app.announced.events) == 4


async def test_no_reason_and_no_row_of_data_is_in_a_notice() -> None:
    app = NoticeApp(Recipient(name="ops", mail="ops@example.org", about=("*",)))
    secret = "patient 4711 has bmi 31"
    app.announce("Inference.Quarantined", {"route": "daily", "because": secret, "report": secret}, subject="runs/r-1")
    await app.sweep()

    (message,) = app.channel.sent
    assert secret not in message.text + message.html + str(message.card)
    assert all(secret.encode() not in data for _, data in app.clients.hub.blobs.values())  # type: ignore[attr-defined]


async def test_a_recipient_that_has_gone_leaves_a_dead_letter() -> None:
    app = NoticeApp()
    app.ask()
    vars(app.clients)["configuration"] = NoticeApp(Recipient(name="x", mail="x@example.org")).clients.configuration
    assert await app.sweep() == c.Swept()

    assert [dead.reason for dead in app.dead] == ["owners is not in the configuration any more"]
