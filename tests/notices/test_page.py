"""How a mail looks: by the console's tokens, escaped, with a link to the console and nothing that decides."""

import re
from pathlib import Path

import pytest

from shared.domain.notices.announced import KINDS, notice_of
from shared.domain.notices.notice import plain_name
from shared.notice_page.tokens import DARK, LIGHT
from tests.notices.conftest import NoticeApp
from triggers.console.serving import destination_of
from website.reference.events import announced

PROJECT = Path(__file__).parents[2]
STYLE_SHEETS = ("triggers/console/static/console.css", "signalbox/emulators/mail/mailbox.css")


@pytest.mark.parametrize("path", STYLE_SHEETS)
def test_the_tokens_are_those_of_the_console(path: str) -> None:
    css = (PROJECT / path).read_text()
    roots = re.findall(r":root \{(.*?)\}", css, re.DOTALL)
    light, dark = (dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", root)) for root in roots)
    if path == STYLE_SHEETS[0]:
        assert set(LIGHT) <= set(light)
        assert set(DARK) <= set(dark)
    assert LIGHT | {name: colour for name, colour in light.items() if name in LIGHT} == LIGHT
    assert DARK | {name: colour for name, colour in dark.items() if name in DARK} == DARK
    assert len(set(light) & set(LIGHT)) > 4


async def test_every_link_leads_to_a_page_of_the_console_and_none_decides() -> None:
    app = NoticeApp()
    app.ask()
    await app.sweep()

    links = re.findall(r'(?:href|src|action)="([^"]*)"', app.channel.sent[0].html)
    assert links == ["https://signalbox.example/console/promotions/p-1"]
    assert "<form" not in app.channel.sent[0].html
    assert {action["type"] for action in _actions(app.channel.sent[0].card)} == {"Action.OpenUrl"}


@pytest.mark.parametrize(
    ("name", "subject"),
    [
        ("Promotion.ApprovalRequested", "promotions/p-1"),
        ("Rollout.Undecided", "promotions/p-1"),
        ("Inference.Quarantined", "runs/r-1"),
        ("Retraining.Failed", "retraining/r-1"),
        ("Rollback.Done", "rollbacks/b-1"),
        ("Traffic.ChangedByHand", "environments/prod/endpoints/scores"),
        ("Dataset.BadData", "datasets/rows@1"),
    ],
)
def test_the_console_has_the_page(name: str, subject: str) -> None:
    notice = notice_of("e-1", f"Signalbox.{name}", subject, {"model": "churn:4"})

    assert notice is not None
    assert destination_of(notice.page, is_safe=True) is not None


def test_every_event_that_is_a_notice_is_announced() -> None:
    assert {f"Signalbox.{name}" for name in KINDS} <= set(announced(PROJECT))


def _actions(card: object) -> list[dict[str, str]]:
    if isinstance(card, dict):
        return [*card.get("actions", ()), *(found for value in card.values() for found in _actions(value))]
    return [found for value in card for found in _actions(value)] if isinstance(card, list) else []


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("churn:4", "churn:4"),
        ("a\r\nBcc: x", "a Bcc: x"),
        ("a\u2028b\u0000c", "a b c"),
        ("a\u202eb\u2066c", "abc"),
        ("x" * 999, "x" * 200),
    ],
)
def test_a_name_is_one_line_that_rewrites_nothing(name: str, plain: str) -> None:
    assert plain_name(name) == plain
