"""The audit log as people see it: filtered, verified, and one entry proven by hashes that are calculated once more."""

import re
from typing import Any

import pytest

from shared.adapters.audit_log.layout import entry_path
from tests.console.conftest import ConsoleApp
from tests.console.test_matrix import HOSTILE

AMOUNT = 250


def fill(app: ConsoleApp) -> None:
    """As many entries on two models, of which every fifth is a decision."""
    for number in range(1, AMOUNT + 1):
        kind, who = ("decision approved", "Ada") if number % 5 == 0 else ("moved", "signalbox")
        facts = {"promotion": "churn-1-central", "because": HOSTILE, "stage": "central"}
        app.clients.audit.append(f"k{number}", kind, f"{'churn' if number % 2 else 'fraud'}:1", who, facts)


def numbers(page: Any) -> list[int]:
    return [int(number) for number in re.findall(r'<tr id="entry-(\d+)"', page.text)]


async def test_the_log_is_shown_page_by_page_with_nothing_twice_and_nothing_left_out(app: ConsoleApp) -> None:
    fill(app)
    grace = await app.signed_in("grace")
    path, seen = "audit", list[int]()
    while path:
        page = await grace.get(path)
        assert page.status == 200
        seen += numbers(page)
        following = re.search(r'href="/console/([^"]+)" rel="next"', page.text)
        path = following[1].replace("&amp;", "&") if following else ""

    assert seen == list(range(AMOUNT, 0, -1))


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("kind=DECISION", list(range(AMOUNT, 0, -5))),
        ("who=ada&subject=churn", list(range(AMOUNT - 5, 0, -10))),
        ("subject=fraud:1&kind=decision", list(range(AMOUNT, 0, -10))),
        ("subject=nothing", []),
        ("since=2090-01-01", []),
        ("until=1990-01-01", []),
    ],
)
async def test_filters_leave_what_they_say(app: ConsoleApp, query: str, expected: list[int]) -> None:
    fill(app)
    page = await (await app.signed_in("ada")).get(f"audit?{query}")

    assert numbers(page) == expected
    assert ("fits these filters" in page.text) is (not expected)


async def test_an_entry_is_proven_and_says_what_it_is_about(app: ConsoleApp) -> None:
    fill(app)
    ada = await app.signed_in("ada")
    page = await ada.get("audit/17")

    assert page.status == 200
    assert "Its hash and the 8 below lead to the root of a signed head of 250 entries." in page.text
    assert 'href="/console/promotions/churn-1-central"' in page.text
    assert "<script>alert" not in page.text
    assert 'href="/console/audit/18"' in page.text
    assert (await ada.get("audit/251")).status == 422
    assert (await ada.get("audit/none")).status == 404


async def test_a_log_that_was_edited_is_not_whole(app: ConsoleApp) -> None:
    fill(app)
    ada = await app.signed_in("ada")
    assert "The log is whole" in (await ada.get("audit/verification")).text
    app.hub.land(f"signalbox/{entry_path(3)}", b"{}")

    page = await ada.get("audit/verification")

    assert "The log is not as it was signed" in page.text
    assert "entry 3" in page.text


async def test_an_empty_log_says_so(app: ConsoleApp) -> None:
    assert "The audit log is empty." in (await (await app.signed_in("ada")).get("audit")).text
