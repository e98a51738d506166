"""A letter as what is sent: a subject, a text, an HTML page and an adaptive card of the same notices."""

import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from shared.domain.notices.notice import plain_name
from shared.domain.notices.recipients import Recipient
from shared.notice_page.tokens import DARK, FONT, LIGHT
from shared.notice_page.words import WordedNotice, title_of, worded
from shared.ports import NoticeMessage
from shared.records.notices.letters import NoticeLetter

MOST_SHOWN = 20  # What is beyond is in the console.
_LARGEST_CARD = 24 * 1024  # Teams takes messages of 28 KB, with what is around the card.
_AGAIN = "You may have had this already: the first sending was cut off, and its service cannot say whether it arrived."
_COLOURS = {"good": "good", "warn": "warning", "bad": "attention"}


def written(letter: NoticeLetter, recipient: Recipient, sender: str, console: str) -> NoticeMessage:
    """*letter* for *recipient*, with links to the *console*; it says so where it may arrive for the second time."""
    shown = [worded(waiting, console, recipient.zone) for waiting in letter.notices[:MOST_SHOWN]]
    more = len(letter.notices) - len(shown)
    title = _title(letter)
    again = _AGAIN if letter.begun else ""
    return NoticeMessage(
        reference=letter.reference,
        to=recipient.mail or recipient.teams,
        sender=sender,
        subject=plain_name(f"[Signalbox] {title}"),
        text=_text(title, shown, more, again),
        html=_html(title=title, notices=shown, more=more, again=again, console=console, recipient=recipient.name),
        card=_card_that_fits(title, shown, len(letter.notices), again),
    )


def _title(letter: NoticeLetter) -> str:
    if len(letter.notices) == 1:
        return title_of(letter.notices[0].notice)
    return f"{len(letter.notices)} things wait or have happened"


def _text(title: str, shown: Sequence[WordedNotice], more: int, again: str) -> str:
    parts = [title, again] if again else [title]
    for notice in shown:
        facts = [f"{name}: {value}" for name, value in notice.facts]
        parts.append("\n".join([notice.heading, notice.sentence, *facts, *filter(None, (notice.address,))]))
    parts += [f"And {more} more: see the console."] if more else []
    parts.append("Nothing is decided by a mail: sign in to the console to decide.")
    return "\n\n".join(parts) + "\n"


def _html(**values: Any) -> str:
    return str(_template().render(**values, light=LIGHT, dark=DARK, font=FONT))


@cache
def _template() -> Any:
    import jinja2  # At the first letter: nothing of a start needs it.

    loader = jinja2.FileSystemLoader(Path(__file__).parent)
    environment = jinja2.Environment(loader=loader, autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True)
    return environment.get_template("mail.html")


def _card_that_fits(title: str, shown: Sequence[WordedNotice], number: int, again: str) -> dict[str, Any]:
    for most in range(len(shown), 1, -1):
        card = _card(title, shown[:most], number - most, again)
        if len(json.dumps(card)) <= _LARGEST_CARD:
            return card
    return _card(title, shown[:1], number - 1, again)


def _card(title: str, shown: Sequence[WordedNotice], more: int, again: str) -> dict[str, Any]:
    """An adaptive card. Text blocks would read names as Markdown, with links; text runs show them as they are."""
    body = [_line(title, size="large", weight="bolder")]
    body += [_line(again, color="warning")] if again else []
    for notice in shown:
        items = [_line(notice.heading, weight="bolder", color=_COLOURS[notice.tone]), _line(notice.sentence)]
        items += [_line(f"{name}: {value}") for name, value in notice.facts]
        if notice.address:
            open_page = {"type": "Action.OpenUrl", "title": "Open in the console", "url": notice.address}
            items.append({"type": "ActionSet", "actions": [open_page]})
        body.append({"type": "Container", "separator": True, "items": items})
    body += [_line(f"And {more} more: see the console.")] if more else []
    return {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": body,
    }


def _line(text: str, **look: str) -> dict[str, Any]:
    return {"type": "RichTextBlock", "inlines": [{"type": "TextRun", "text": text, **look}]}
