"""What a notice says: a heading, a sentence, and facts by name. The same for mail, text and card."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote
from zoneinfo import ZoneInfo

from shared.domain.notices.notice import Notice, NoticeKind, plain_name
from shared.records.notices.letters import WaitingNotice

_HEADINGS = {
    NoticeKind.APPROVAL: "Your approval is asked for",
    NoticeKind.REMINDER: "An approval still waits",
    NoticeKind.ESCALATION: "An approval is late",
    NoticeKind.DELEGATION: "A decision is left to you",
    NoticeKind.ROLLOUT: "A rollout is undecided",
    NoticeKind.ROLLBACK: "A version was rolled back",
    NoticeKind.TRAFFIC: "Traffic was changed by hand",
}
_SENTENCES = {
    NoticeKind.APPROVAL: "People have to look at the evidence and decide.",
    NoticeKind.REMINDER: "Nobody has decided yet; it expires when the time below has passed.",
    NoticeKind.ESCALATION: "Those who were asked have not decided, and so you are told as well.",
    NoticeKind.DELEGATION: "Somebody who was asked has named you: look at the evidence, and decide.",
    NoticeKind.RELEASE: "Its contract was broken. It stays aside until somebody looks at it and releases it.",
    NoticeKind.ROLLOUT: "Nothing has settled its step in its time: look whether it should go on.",
    NoticeKind.FAILURE: "The console says why, and what can be done.",
    NoticeKind.ROLLBACK: "The version before it serves again.",
    NoticeKind.TRAFFIC: "Somebody has changed what serves outside Signalbox: look whether it should be so.",
}
_TONES = {NoticeKind.FAILURE: "bad", NoticeKind.ROLLBACK: "bad", NoticeKind.TRAFFIC: "bad", NoticeKind.APPROVAL: "good"}
_HELD = {"run": "Predictions", "answers": "Answers"}


@dataclass(frozen=True, slots=True, kw_only=True)
class WordedNotice:
    """*tone* is `good`, `warn` or `bad`; *address* leads to the console, and is empty where that has none."""

    heading: str
    sentence: str
    tone: str
    facts: tuple[tuple[str, str], ...]
    address: str


def worded(waiting: WaitingNotice, console: str, zone: str) -> WordedNotice:
    notice = waiting.notice
    return WordedNotice(
        heading=_heading(notice),
        sentence=_SENTENCES[notice.kind],
        tone=_TONES.get(notice.kind, "warn"),
        facts=tuple(_facts(waiting, zone)),
        address=f"{console}/{quote(notice.page)}".rstrip("/") if console else "",
    )


def title_of(notice: Notice) -> str:
    """One line for a subject."""
    return f"{_heading(notice)}: {notice.about}" if notice.about else _heading(notice)


def _heading(notice: Notice) -> str:
    if notice.kind is NoticeKind.RELEASE:
        subject = _HELD.get(notice.thing, "Data") if notice.outcome == "held" else "Data"
        return f"{subject} {'wait' if subject != 'Data' else 'waits'} to be released"
    if notice.kind is NoticeKind.FAILURE:
        return f"A {notice.thing} ended: {notice.outcome}"
    return _HEADINGS[notice.kind]


def _facts(waiting: WaitingNotice, zone: str) -> Iterator[tuple[str, str]]:
    notice = waiting.notice
    if notice.about:
        yield "What", notice.about
    if notice.stage:
        yield "Stage", notice.stage
    if notice.roles:
        yield "Waits for", plain_name(", ".join(notice.roles))
    if notice.until:
        yield "Until", shown_time(notice.until, zone)
    yield "Since", shown_time(waiting.since, zone)


def shown_time(moment: str, zone: str) -> str:
    """The time on clocks of *zone*, which is named: a mail is read anywhere."""
    return f"{datetime.fromisoformat(moment).astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M} {zone}"
