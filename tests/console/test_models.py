"""The pages of models on the real host: versions, what served, known good, and the way back as it is ordered there."""

import html
import re
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from shared.application.rollout.known_good import production_stage
from shared.application.rollout.starts import begin_turn
from tests.console.conftest import ConsoleApp, ReleaseConsole, of_people, releasing
from tests.console.test_matrix import HOSTILE
from tests.outages import DOWN, Outage
from tests.rollout.conftest import FIRST, SECOND, release_first, release_second
from triggers.console.views.releases.model import versions_of

pytestmark = pytest.mark.xdist_group("console releases")  # One process plays what they begin with.
PLAN = re.compile(r'data-evidence="(\w+)"')


@pytest.fixture
async def replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[ReleaseConsole]:
    """Version 2 is in production, and version 1, which is known to be good, is kept warm."""
    async with releasing(tmp_path, monkeypatch, (release_first, release_second), of_people) as made:
        yield made


async def test_a_model_shows_where_its_versions_are_and_what_served(replaced: ReleaseConsole) -> None:
    ada = await replaced.signed_in("ada")
    listed, page = await ada.get("models"), await ada.get("models/churn")

    assert '<b>2</b> <span class="faint">100 %</span>' in listed.text
    assert "<b>100 %</b>" in page.text
    assert "in production" in page.text
    assert "retired" in page.text
    assert page.text.count("<svg") >= 2
    assert page.text.count("7 of 7 conditions are met") == 2
    assert "promoted" in page.text.partition("Decided so far")[2]
    for link in ("rollback", "revocation"):
        assert f"/console/models/churn/{link}" not in page.text, "a data scientist brings nothing back"
    assert (await ada.get("models/churn/revocation")).status == 200, "and may look at what it would do"


@pytest.mark.parametrize(
    ("client", "call", "shown", "missing"),
    [
        ("models", "versions", "7 of 7 conditions are met", "<b>100 %</b>"),
        ("endpoints", "deployment", "<b>100 %</b>", "7 of 7 conditions are met"),
    ],
)
async def test_where_a_service_is_away_the_rest_of_the_page_is_shown(
    replaced: ReleaseConsole, client: str, call: str, shown: str, missing: str
) -> None:
    ada = await replaced.signed_in("ada")
    with Outage(getattr(replaced.clients, client), call):
        page = await ada.get("models/churn")

    assert page.status == 200
    assert shown in page.text
    assert missing not in page.text
    assert f'<p class="note warn">{call}: {DOWN}</p>' in page.text


async def test_an_engineer_sees_the_plan_of_a_rollback_and_orders_it(replaced: ReleaseConsole) -> None:
    linus = await replaced.signed_in("linus")
    before = replaced.hub.writes.total()
    page = await linus.get("models/churn/rollback")
    form = page.form("order")

    assert replaced.hub.writes.total() == before, "a plan changes nothing"
    assert "held back from promotions until somebody releases it" in page.text
    shown = {name: form[name] for name in ("stage", "to", "leaving", "override")}
    assert shown == {"stage": "prod", "to": "1", "leaving": "churn:2", "override": ""}
    sent = await linus.send("models/churn/rollback/order", form | {"reason": HOSTILE})
    assert (sent.status, sent.location) == (303, "/console/models/churn/rollback?done=order")
    await replaced.until(lambda: replaced.traffic == {replaced.deployment(FIRST): 100})
    await replaced.pass_time(minutes=1)

    model = await linus.get("models/churn")
    assert "rolled back" in model.text
    assert "not known good" in model.text
    assert "<script>alert" not in model.text
    again = await linus.get("models/churn/rollback?to=2")
    assert "The person who orders it answers for this" in again.text
    assert again.form("order")["override"] == "true"
    assert "<script>alert" not in again.text


async def test_a_rollback_is_ordered_for_the_version_that_was_seen_and_no_other(replaced: ReleaseConsole) -> None:
    linus, path = await replaced.signed_in("linus"), "models/churn/rollback/order"
    form = (await linus.get("models/churn/rollback")).form("order") | {"reason": "complaints"}
    for forged in ({"to": "2"}, {"leaving": "churn:1"}, {"override": "true"}, {"stage": ""}):
        assert (await linus.send(path, form | forged)).status == 403, forged
    await replaced.roll_back()
    before = replaced.traffic

    assert (await linus.send(path, form)).status == 303
    await replaced.pass_time(minutes=5)
    assert replaced.traffic == before, "churn:2 has no traffic any more, so that nothing is left"


async def test_while_one_rollback_is_under_way_no_other_is_offered(replaced: ReleaseConsole) -> None:
    begin_turn(replaced.clients, production_stage(replaced.clients.configuration.ladder, ""), "rollback-churn-1")
    page = await (await replaced.signed_in("linus")).get("models/churn/rollback")

    assert "A rollback is under way: rollback-churn-1." in page.text
    assert 'action="/console/models/churn/rollback/order"' not in page.text


async def test_a_rollback_whose_order_is_refused_says_why_and_keeps_the_reason(replaced: ReleaseConsole) -> None:
    linus = await replaced.signed_in("linus")
    form = (await linus.get("models/churn/rollback")).form("order")
    refused = await linus.send("models/churn/rollback/order", form | {"reason": ""})

    assert refused.status == 400
    assert 'id="refusal"' in refused.text
    assert refused.form("order")["to"] == "1"
    address = html.unescape(refused.text.partition('data-address="/console/')[2].partition('"')[0])
    looked = await linus.get(address)
    assert (looked.status, PLAN.findall(looked.text)) == (200, PLAN.findall(refused.text)), "where it looks for changes"


async def test_a_revocation_shows_what_it_brings_back_and_is_for_good(replaced: ReleaseConsole) -> None:
    grace = await replaced.signed_in("grace")
    page = await grace.get("models/churn/revocation?version=2")

    assert "is rolled back to <b>churn:1</b>, which is warm" in page.text
    sent = await grace.send("models/churn/revocation/order", page.form("order") | {"reason": "a leak"})
    assert sent.status == 303
    await replaced.until(lambda: replaced.traffic == {replaced.deployment(FIRST): 100})
    await replaced.pass_time(minutes=1)
    again = await grace.get("models/churn/revocation?version=2")
    assert "is revoked already" in again.text
    assert "<form" not in again.text.partition("is revoked already")[2]
    model = await grace.get("models/churn")
    assert "revocation?version=2" not in model.text
    assert "revocation?version=1" in model.text


async def test_who_may_not_bring_production_back_is_offered_nothing_and_refused_when_they_forge_the_form(
    replaced: ReleaseConsole,
) -> None:
    ada, linus = await replaced.signed_in("ada"), await replaced.signed_in("linus")
    form = (await linus.get("models/churn/rollback")).form("order")
    plan = await ada.get("models/churn/rollback")
    assert "You may look at this plan, and not order it." in plan.text
    before = replaced.hub.writes.total()

    assert (await ada.send("models/churn/rollback/order", form | {"reason": "mine"})).status == 403
    assert replaced.hub.writes.total() == before
    assert replaced.traffic == {replaced.deployment(SECOND): 100}


async def test_what_a_rollback_holds_back_is_released_after_its_plan_was_seen(replaced: ReleaseConsole) -> None:
    ada, linus = await replaced.signed_in("ada"), await replaced.signed_in("linus")
    assert "Nothing holds churn:2 back" in (await linus.get("models/churn/hold?version=2")).text
    await replaced.roll_back()
    await replaced.pass_time(minutes=5)
    assert "/console/models/churn/hold?version=2" in (await linus.get("models/churn")).text
    before = replaced.hub.writes.total()
    page, looked = await linus.get("models/churn/hold?version=2"), await ada.get("models/churn/hold?version=2")

    assert replaced.hub.writes.total() == before, "a plan changes nothing"
    assert "can be promoted again, past the same gates and people" in page.text
    assert "You may look at this plan, and not order it." in looked.text
    form = page.form("order")
    assert (await linus.send("models/churn/hold/order", form | {"version": "1", "reason": "x"})).status == 403
    assert (await linus.send("models/churn/hold/order", form | {"reason": HOSTILE})).status == 303
    again = await linus.get("models/churn/hold?version=2")
    assert ("Nothing holds churn:2 back" in again.text, "<script>alert" in again.text) == (True, False)


async def test_a_rehearsal_is_ordered_after_its_plan_was_seen(replaced: ReleaseConsole) -> None:
    ada, linus = await replaced.signed_in("ada"), await replaced.signed_in("linus")
    before = replaced.hub.writes.total()
    page, looked = await linus.get("models/churn/rehearsal"), await ada.get("models/churn/rehearsal?way=prod+cold")

    assert replaced.hub.writes.total() == before, "a plan changes nothing"
    assert "is proven against the registry, and deployed as" in page.text
    assert "You may look at this plan, and not order it." in looked.text
    form = page.form("order")
    assert {name: form[name] for name in ("stage", "version", "cold")} == {
        "stage": "prod",
        "version": "1",
        "cold": "true",
    }
    refused = await linus.send("models/churn/rehearsal/order", form | {"reason": ""})
    assert (refused.status, refused.form("order")["version"]) == (400, "1")
    address = html.unescape(refused.text.partition('data-address="/console/')[2].partition('"')[0])
    assert PLAN.findall((await linus.get(address)).text) == PLAN.findall(refused.text)
    assert (await linus.send("models/churn/rehearsal/order", form | {"version": "2"})).status == 403
    assert (await linus.send("models/churn/rehearsal/order", form | {"reason": "yearly"})).status == 303
    await replaced.until(lambda: "rehearsal ordered" in replaced.chain())
    assert "field &#39;stage&#39; is" in (await linus.get("models/churn/rehearsal?way=moon+warm")).text


async def test_a_page_of_a_model_that_has_not_changed_is_not_sent_again(replaced: ReleaseConsole) -> None:
    linus = await replaced.signed_in("linus")
    pages = ("rollback", "hold?version=2", "rehearsal", "revocation?version=1", "comparison?first=1&second=2")
    for path, most in (("models", 15), *((f"models/churn/{page}", 60) for page in pages), ("models/churn", 60)):
        first = await linus.get(path)
        again = await linus.get(path, **{"If-None-Match": str(first.headers["ETag"])})  # type: ignore[index]

        assert (again.status, again.text) == (304, ""), path
        assert ('data-live="60"' in first.text) is (most == 60)
    seen = PLAN.findall((await linus.get("models/churn/rollback")).text)
    await replaced.roll_back()
    await replaced.pass_time(minutes=5)
    assert PLAN.findall((await linus.get("models/churn/rollback")).text) != seen, "another plan has another digest"
    assert (await linus.get("models/churn", **{"If-None-Match": str(first.headers["ETag"])})).status == 200  # type: ignore[index]


async def test_versions_are_compared_by_what_was_measured_what_differs_first(app: ConsoleApp) -> None:
    for version, error in (("1", 2.0), ("2", 1.0)):
        app.register(version, error=error, comment=HOSTILE)
        promotion = await app.promote(f"churn:{version}")
        await app.evidence(promotion)
        await app.decide(promotion, "ada", "data-scientist")
        await app.decide(promotion, "grace", "product-owner")
        await app.finish(promotion)
    ada = await app.signed_in("ada")
    page = await ada.get("models/churn/comparison?first=1&second=2")
    _, compared = await app.ask("GET", "models/churn/comparison?first=1&second=2")

    assert compared["same_rows"] is True
    assert compared["second"]["champion"] == "churn:1"
    (difference,) = compared["second"]["differences"]
    assert difference["low"] > 0
    assert f"{compared['first']['values']['mae']:.6g}" in page.text
    assert "Measured against each other" in page.text
    assert page.text.index("model/model.bin") < page.text.index("extras/code/online.py"), "what differs comes first"
    assert "<script>alert" not in page.text
    assert "&lt;script&gt;alert(1)" in page.text
    unknown = await ada.get("models/churn/comparison?first=1&second=77")
    assert "it was never promoted, so nothing is on record" in unknown.text
    assert (await ada.get("models/churn/comparison?first=1&second=latest")).status == 422


def test_versions_are_ordered_by_their_numbers() -> None:
    rows = [SimpleNamespace(version=version) for version in ("9", "10", "2", "10")]

    assert versions_of(rows) == ["10", "9", "2"]
