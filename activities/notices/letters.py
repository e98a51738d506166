"""Send what waits in the outbox: notices that are due become letters, and each letter is carried to its end.

A letter is on record before anything is sent, and so is each sending before it begins. A host that dies in between
finds both again; where the service knows what it was sent, it is asked, and where it does not, the next sending says
that it may be the second one.
"""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from activities.effects import stamp
from activities.sweep_parts import Parts
from shared import contracts as c
from shared.clients import Clients
from shared.domain import identity
from shared.domain.failures import PutOff, Refused, Transient
from shared.domain.notices.recipients import Recipient
from shared.durable.starting import Client
from shared.notice_page.letters import written
from shared.ports import NoticeChannel, SendingStanding
from shared.records.notices.letters import (
    LETTERS,
    WAITING,
    DeadNotice,
    LetterEnd,
    NoticeLetter,
    WaitingNotice,
    end_dead,
    end_sent,
    has_ended,
    noted_path,
    plan_letter,
    take_out,
)
from shared.records.store import Stored

MOST_TRIES = 8  # With the pauses below, about four hours.
_PAUSE_S, _LONGEST_PAUSE_S = 60.0, 3600.0
_LOOK_AGAIN = timedelta(minutes=1)
_SAYS_NOTHING = timedelta(days=1)  # After which a service that has accepted a letter is not asked any more.
_MOST_LETTERS = 100  # Of one sweep; what is left is for the next.
_LONGEST_REASON = 500


async def send_notices(client: Client, clients: Clients, sweep: c.Sweep) -> c.Swept:
    """Make letters of what is due, and carry each letter that is open."""
    del client, sweep  # Its key only makes the sweep an effect of its own.
    if not clients.configuration.notices.recipients:
        return c.Swept()
    parts = Parts("notices")
    sent = await asyncio.to_thread(_send, clients, parts)
    return await parts.conclude(clients, c.Swept(opened=sent))


def _send(clients: Clients, parts: Parts) -> int:
    letters = parts.records(clients.store, NoticeLetter, LETTERS)
    letters += _planned(clients, parts, {waiting.id for entry in letters for waiting in entry.record.notices})
    sent = 0
    for entry in letters[:_MOST_LETTERS]:
        with parts.part(f"the letter {entry.record.id} to {entry.record.recipient}"):
            sent += _carry(clients, entry)
    return sent


def _planned(clients: Clients, parts: Parts, taken: set[str]) -> Iterator[Stored[NoticeLetter]]:
    """New letters of the notices that are due and in no letter."""
    due = dict[str, list[WaitingNotice]]()
    now = clients.clock.now()
    for entry in parts.records(clients.store, WaitingNotice, WAITING):
        waiting = entry.record
        if clients.store.exists(noted_path(waiting.id)):
            clients.store.delete(entry.blob.path)  # It was announced again while its letter was being made.
        elif waiting.id not in taken and datetime.fromisoformat(waiting.due) <= now:
            recipient = clients.configuration.notices.recipient(waiting.recipient)
            gathers = recipient is not None and recipient.gathers(waiting.notice.kind)
            due.setdefault(waiting.recipient if gathers else f"{waiting.recipient}/{waiting.id}", []).append(waiting)
    for notices in due.values():
        letter = _letter(notices, now)
        with parts.part(f"the letter {letter.id} to {letter.recipient}"):
            plan_letter(clients.store, letter)
            stored = clients.store.get_stored(NoticeLetter, f"{LETTERS}{letter.id}.json")
            if stored is not None:
                yield stored


def _letter(notices: list[WaitingNotice], now: datetime) -> NoticeLetter:
    ordered = sorted(notices, key=lambda waiting: (waiting.since, waiting.id))
    recipient, at = ordered[0].recipient, now.isoformat(timespec="milliseconds")
    return NoticeLetter(
        id=identity.digest("letter", recipient, *(waiting.id for waiting in ordered), length=32),
        recipient=recipient,
        notices=tuple(ordered),
        planned=at,
        next_at=at,
    )


def _carry(clients: Clients, entry: Stored[NoticeLetter]) -> bool:
    """Carry a letter as far as it goes now; whether it was sent."""
    letter, store = entry.record, clients.store
    if has_ended(store, letter.id):
        store.delete(entry.blob.path)  # The host died between the letter's end and this.
        return False
    take_out(store, letter)
    if datetime.fromisoformat(letter.next_at) > clients.clock.now():
        return False
    rules = clients.configuration.notices
    recipient = rules.recipient(letter.recipient)
    if recipient is None:
        return _dead(clients, entry, f"{letter.recipient} is not in the configuration any more")
    try:
        channel = clients.notice_channel(rules.channel_of(recipient))
        standing = channel.look(letter.reference) if letter.begun or letter.accepted else SendingStanding.ABSENT
    except Refused as refusal:
        return _dead(clients, entry, str(refusal))
    except Transient as fault:
        return _later(clients, entry, str(fault), _pause(letter))
    return _by_standing(clients, entry, recipient, channel, standing)


def _by_standing(
    clients: Clients,
    entry: Stored[NoticeLetter],
    recipient: Recipient,
    channel: NoticeChannel,
    standing: SendingStanding,
) -> bool:
    letter = entry.record
    if standing is SendingStanding.SENT:
        return _sent(clients, entry)
    if standing is SendingStanding.FAILED:
        return _dead(clients, entry, "the service took it and could not send it")
    if letter.accepted or standing is SendingStanding.UNDER_WAY:
        # It is not sent again whatever the service says: it has the letter.
        if clients.clock.now() - datetime.fromisoformat(letter.planned) > _SAYS_NOTHING:
            return _sent(clients, entry)
        return _later(clients, entry, letter.reason, _LOOK_AGAIN)
    if letter.attempts >= MOST_TRIES:
        return _dead(clients, entry, f"{letter.attempts} tries failed, the last one: {letter.reason}")
    return _attempt(clients, entry, recipient, channel)


def _attempt(clients: Clients, entry: Stored[NoticeLetter], recipient: Recipient, channel: NoticeChannel) -> bool:
    letter = entry.record
    if channel.confirms:
        letter = replace(letter, begun=0)  # The service has been asked, and has none of the sendings before.
    rules, console = clients.configuration.notices, clients.settings.console_url
    message = written(letter, recipient, rules.sender, console)
    begun = replace(letter, attempts=letter.attempts + 1, begun=letter.begun + 1)
    # On record before it is sent, by the eTag that was read: of two senders at work one alone goes on.
    clients.store.update(entry, begun)
    begun_entry = _read_again(clients, entry)
    try:
        channel.send(message)
    except Refused as refusal:
        return _dead(clients, begun_entry, str(refusal))
    except PutOff as fault:  # Nothing was sent: the next sending is not a second one.
        unsent = replace(begun, begun=letter.begun)
        pause = max(_pause(letter), timedelta(seconds=fault.after_s))
        return _later(clients, begun_entry, str(fault), pause, unsent)
    except Transient as fault:
        return _later(clients, begun_entry, str(fault), _pause(letter))
    if not channel.confirms:
        return _sent(clients, begun_entry)
    return _later(clients, begun_entry, "", _LOOK_AGAIN, replace(begun, accepted=True))


def _read_again(clients: Clients, entry: Stored[NoticeLetter]) -> Stored[NoticeLetter]:
    stored = clients.store.get_stored(NoticeLetter, entry.blob.path)
    if stored is None:
        raise Transient(f"the letter {entry.record.id} was removed while it was being sent")
    return stored


def _pause(letter: NoticeLetter) -> timedelta:
    return timedelta(seconds=min(_LONGEST_PAUSE_S, _PAUSE_S * 2**letter.attempts))


def _later(
    clients: Clients, entry: Stored[NoticeLetter], reason: str, pause: timedelta, letter: NoticeLetter | None = None
) -> bool:
    at = (clients.clock.now() + pause).isoformat(timespec="milliseconds")
    record = replace(letter or entry.record, next_at=at, reason=reason[:_LONGEST_REASON])
    clients.store.update(entry, record)
    return False


def _sent(clients: Clients, entry: Stored[NoticeLetter]) -> bool:
    letter = entry.record
    end = LetterEnd(letter=letter.id, at=stamp(clients), recipient=letter.recipient, perhaps_twice=letter.begun > 1)
    end_sent(clients.store, entry, end)
    return True


def _dead(clients: Clients, entry: Stored[NoticeLetter], reason: str) -> bool:
    dead = DeadNotice(letter=entry.record, reason=reason[:_LONGEST_REASON], at=stamp(clients))
    end_dead(clients.store, entry, dead)
    return False
