"""Every page and every form, by every persona: what the API gives them, and nothing else. And names from outside."""

import re
from typing import Any

import pytest

from shared.domain.promotion.approvals import Person
from tests.console.conftest import ConsoleApp
from tests.promotion.conftest import PEOPLE
from tests.security.test_matrix import MAY, ROLES
from triggers.console.api_calls import OPERATIONS
from triggers.console.pages import PAGES
from triggers.console.request_checks import intent_of, safe_path
from triggers.console.serving import EACH, destination_of

HOSTILE = '"><script>alert(1)</script><img src=x onerror=alert(1)>\u202e'
FORMS = [(page, form) for page in PAGES for form in page.forms]


@pytest.fixture(autouse=True)
def personas(monkeypatch: pytest.MonkeyPatch) -> None:
    for letter, role in ROLES.items():
        monkeypatch.setitem(PEOPLE, letter, Person(oid=letter, name=letter, roles=(role,)))
    monkeypatch.setitem(PEOPLE, "stranger", Person(oid="x", name="stranger", roles=("Reader",)))


def filled(path: str) -> str:
    return re.sub(r"\{\w+\}", "none", path)


async def test_pages_are_given_to_whom_the_api_gives_what_they_read(app: ConsoleApp) -> None:
    for who in (*ROLES, "stranger"):
        browser = await app.signed_in(who)
        for page in PAGES:
            may = all(who in MAY[operation] for operation in page.reads)
            answer = await browser.get(filled(page.path))
            allowed = {404} if "{" in page.path else {200}
            assert answer.status in (allowed if may else {403}), (who, page.path)


async def test_forms_do_for_nobody_what_the_api_would_refuse(app: ConsoleApp) -> None:
    for who in (*ROLES, "stranger"):
        browser = await app.signed_in(who)
        session = app.clients.sessions.read(browser.cookies["__Host-sb"], app.clients.clock.now())
        assert session is not None
        for page, form in FORMS:
            path = f"{filled(page.path)}/{form.name}"
            bound = dict.fromkeys(form.bound, "x")
            intent = intent_of(f"/console/{path}", bound)
            token = app.clients.sessions.form_token(session, intent, app.clients.clock.now())
            sent = dict.fromkeys(form.fields, "x") | bound | {"token": token}
            before = app.hub.writes.total()
            answer = await browser.send(path, sent)
            assert (answer.status == 403) is (who not in MAY[form.operation]), (who, path, answer.status)
            assert answer.status != 303
            assert app.hub.writes.total() == before


def test_every_operation_of_a_page_is_one_of_the_api() -> None:
    for page in PAGES:
        assert set(page.reads) <= set(OPERATIONS)
        assert all(OPERATIONS[operation].method == "GET" for operation in page.reads)
        assert {form.operation for form in page.forms} <= set(OPERATIONS)
        assert all(set(form.bound) <= {*form.fields, *([EACH] if form.each else [])} for form in page.forms)


def test_a_path_leads_to_one_page_and_a_form_to_its_own() -> None:
    for page in PAGES:
        found = destination_of(filled(page.path), is_safe=True)
        assert found is not None
        assert found.page is page
        for form in page.forms:
            path = f"{filled(page.path)}/{form.name}"
            assert destination_of(path, is_safe=False).form is form  # type: ignore[union-attr]
    assert destination_of("runs/../../x", is_safe=True) is None
    assert destination_of("promotions/none", is_safe=False) is None


async def test_what_people_and_files_call_themselves_is_text_on_every_page(app: ConsoleApp) -> None:
    app.register("1", error=1.0)
    promotion = await app.promote("churn:1", reason=HOSTILE)
    await app.evidence(promotion)
    ada = await app.signed_in("ada")
    form = (await ada.get(f"promotions/{promotion}")).form("reject")
    await ada.send(f"promotions/{promotion}/reject", form | {"reason": HOSTILE})
    await app.finish(promotion)

    for path in (
        "",
        "promotions",
        f"promotions/{promotion}",
        f"runs?route={'%22%3E%3Cscript%3E'}",
        "runs?model=%3Cb%3E",
    ):
        page: Any = await ada.get(path)
        assert page.status == 200
        assert "<script>alert" not in page.text
        assert "onerror=alert(1)>" not in page.text
        assert "<b>" not in page.text.partition('name="model"')[2][:80]


@pytest.mark.parametrize("to", ["/console/runs?route=a&b=c", "/console/", "/console/promotions/x-1"])
def test_a_path_of_the_console_is_kept(to: str) -> None:
    assert safe_path(to) == to
