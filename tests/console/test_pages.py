"""Pages on the real host: a person signs in, sees what waits, decides for what is on the screen, and signs out."""

from datetime import timedelta

import pytest

from tests.console.conftest import OWN, ConsoleApp
from triggers.console.pages import PAGES
from triggers.console.rendering import POLICY, whereabouts

LISTS = [page.path for page in PAGES if "{" not in page.path]


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ("all", "everywhere"),
        ("prod", "prod"),
        ("small", "small"),
        ("churn:all", "everywhere for churn"),
        ("churn:dev", "dev for churn"),
    ],
)
def test_a_place_of_a_permission_is_said_in_words(place: str, words: str) -> None:
    assert whereabouts(place) == words


async def test_the_address_of_the_app_leads_to_the_console_and_that_to_the_sign_in(app: ConsoleApp) -> None:
    browser = app.browser()
    home = await browser.ask("GET", "/")
    page = await browser.get("promotions?fate=waiting")

    assert (home.status, home.location) == (303, "console/")
    assert page.status == 303
    assert page.location == "/console/sign-in?to=%2Fconsole%2Fpromotions%3Ffate%3Dwaiting"
    back = await browser.sign_in("ada", "/console/promotions%3Ffate%3Dwaiting")
    assert (back.status, back.location) == (303, "/console/promotions?fate=waiting")


async def test_every_page_without_a_subject_is_shown_to_who_may_read_it(app: ConsoleApp) -> None:
    linus = await app.signed_in("linus")
    for path in LISTS:
        page = await linus.get(path)

        assert page.status == 200, (path, page.text)
        assert page.text.count("<h1>") == 1
        assert '<html lang="en">' in page.text
        assert page.headers["Content-Security-Policy"] == POLICY  # type: ignore[index]
        assert page.headers["Cross-Origin-Opener-Policy"] == "same-origin"  # type: ignore[index]
        assert page.headers["X-Content-Type-Options"] == "nosniff"  # type: ignore[index]
        assert "style=" not in page.text
        assert "<script>" not in page.text


async def test_a_product_owner_sees_what_waits_and_decides_for_the_evidence_on_the_screen(app: ConsoleApp) -> None:
    app.register("1", error=1.0)
    promotion = await app.promote("churn:1", reason="a better <b>recall</b> & more")
    evidence = await app.evidence(promotion)
    ada, grace = await app.signed_in("ada"), await app.signed_in("grace")

    inbox = await grace.get()
    assert f'href="/console/promotions/{promotion}"' in inbox.text
    assert "a better &lt;b&gt;recall&lt;/b&gt; &amp; more" in inbox.text
    page = await ada.get(f"promotions/{promotion}")
    form = page.form("approve")
    assert form["evidence"] == evidence
    sent = await ada.send(f"promotions/{promotion}/approve", form | {"reason": "seen"})
    assert (sent.status, sent.location) == (303, f"/console/promotions/{promotion}?done=approve")
    assert "You have approved it." in (await ada.get(f"promotions/{promotion}?done=approve")).text
    form = (await grace.get(f"promotions/{promotion}")).form("approve")
    assert (await grace.send(f"promotions/{promotion}/approve", form | {"reason": "agreed"})).status == 303
    result = await app.finish(promotion)

    assert result.fate.value == "promoted"
    page = await grace.get(f"promotions/{promotion}")
    assert "Your decision as" not in page.text
    assert "agreed" in page.text


async def test_a_decision_can_be_taken_back_and_a_rejection_keeps_its_reason(app: ConsoleApp) -> None:
    app.register("1", error=1.0)
    promotion = await app.promote("churn:1")
    await app.evidence(promotion)
    ada = await app.signed_in("ada")
    form = (await ada.get(f"promotions/{promotion}")).form("approve")
    await ada.send(f"promotions/{promotion}/approve", form | {"reason": "seen"})

    form = (await ada.get(f"promotions/{promotion}")).form("withdraw")
    assert (await ada.send(f"promotions/{promotion}/withdraw", form)).status == 303
    form = (await ada.get(f"promotions/{promotion}")).form("reject")
    assert (await ada.send(f"promotions/{promotion}/reject", form | {"reason": "recall fell"})).status == 303
    result = await app.finish(promotion)

    assert (result.fate.value, "recall fell" in result.because[0]) == ("held", True)


async def test_what_the_api_refuses_is_told_on_the_page_and_what_was_typed_stays(app: ConsoleApp) -> None:
    app.register("1", error=1.0)
    promotion = await app.promote("churn:1")
    await app.evidence(promotion)
    both = await app.signed_in("both")
    form = (await both.get(f"promotions/{promotion}")).form("approve")
    await both.send(f"promotions/{promotion}/approve", form | {"reason": "as a scientist"})
    page = await both.get(f"promotions/{promotion}")
    other = page.form("approve")
    assert other["role"] == "product-owner"

    refused = await both.send(f"promotions/{promotion}/approve", other | {"reason": "and as the owner"})

    assert refused.status == 403
    assert "both has already decided as data-scientist; another person must decide" in refused.text
    assert "and as the owner" in refused.text


async def test_a_form_is_good_for_what_was_shown_and_for_nothing_else(app: ConsoleApp) -> None:
    app.register("1", error=1.0)
    promotion = await app.promote("churn:1")
    await app.evidence(promotion)
    ada, grace = await app.signed_in("ada"), await app.signed_in("grace")
    form, path = (await ada.get(f"promotions/{promotion}")).form("approve"), f"promotions/{promotion}/approve"
    whole = form | {"reason": "seen"}
    before = app.hub.writes.total()

    for headers in (
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Referer": "https://evil.example/"},
    ):
        assert (await ada.send(path, whole, **headers)).status == 403, headers
    for forged in (
        {"token": ""},
        {"token": form["token"][:-2] + "xx"},
        {"evidence": "sha256:" + "0" * 64},
        {"role": "product-owner"},
    ):
        assert (await ada.send(path, whole | forged)).status == 403, forged
    assert (await grace.send(path, whole)).status == 403, "a form of another session"
    assert (await ada.send(f"promotions/{promotion}/reject", whole)).status == 403, "a form for another action"
    assert (await ada.send("promotions/churn-2-central/approve", whole)).status == 403, "a form for another promotion"
    assert app.hub.writes.total() == before
    ada.cookies.clear()
    assert (await ada.send(path, whole)).location.startswith("/console/sign-in")


async def test_an_old_form_is_refused(app: ConsoleApp) -> None:
    app.register("1", error=1.0)
    promotion = await app.promote("churn:1")
    await app.evidence(promotion)
    ada = await app.signed_in("ada")
    form = (await ada.get(f"promotions/{promotion}")).form("approve")
    for _ in range(5):
        await app.pass_time(timedelta(minutes=30))
        await ada.get("me")

    assert (await ada.send(f"promotions/{promotion}/approve", form | {"reason": "late"})).status == 403


async def test_evidence_is_a_document_of_its_own_that_runs_nothing(app: ConsoleApp) -> None:
    app.register("1", error=1.0)
    promotion = await app.promote("churn:1")
    evidence = await app.evidence(promotion)
    page = await (await app.signed_in("grace")).get(f"promotions/{promotion}/evidence?stage=central")

    assert (page.status, evidence in page.text) == (200, True)
    policy = page.headers["Content-Security-Policy"]  # type: ignore[index]
    assert policy.startswith("sandbox; default-src 'none'")
    assert "frame-ancestors 'self'" in policy


async def test_a_poll_to_which_nothing_happened_gets_a_304_and_keeps_nobody_signed_in(app: ConsoleApp) -> None:
    ada = await app.signed_in("ada")
    for path in ("", "promotions", "runs", "me"):
        first = await ada.get(path)
        again = await ada.get(path, **{"If-None-Match": first.headers["ETag"], "Signalbox-Poll": "1"})  # type: ignore[index]
        assert (again.status, again.text) == (304, ""), path
    await app.pass_time(timedelta(minutes=10))
    cookie = ada.cookies["__Host-sb"]
    await ada.get("", **{"Signalbox-Poll": "1"})
    assert ada.cookies["__Host-sb"] == cookie
    await ada.get("")
    assert ada.cookies["__Host-sb"] != cookie


async def test_signing_out_ends_the_session_wherever_its_cookie_is(app: ConsoleApp) -> None:
    ada = await app.signed_in("ada")
    stolen = app.browser()
    stolen.cookies = dict(ada.cookies)
    assert (await stolen.get()).status == 200

    assert (await ada.send("sign-out", {}, **{"Sec-Fetch-Site": "cross-site"})).status == 403
    out = await ada.send("sign-out", {})

    assert (out.status, ada.cookies) == (200, {})
    assert "https://login.example/logout" in out.text
    await app.pass_time(timedelta(minutes=1))
    assert (await stolen.get()).status == 303
    poll = await stolen.get("", **{"Signalbox-Poll": "1"})
    assert (poll.status, poll.location) == (401, "")


@pytest.mark.parametrize(("minutes", "status"), [((50, 50, 50), 200), ((61,), 303), ((50,) * 10, 303)])
async def test_a_session_ends_after_an_idle_hour_and_after_eight(
    app: ConsoleApp, minutes: tuple[int, ...], status: int
) -> None:
    ada = await app.signed_in("ada")
    answer = await ada.get("me")
    for pause in minutes:
        await app.pass_time(timedelta(minutes=pause))
        answer = await ada.get("me")

    assert answer.status == status


async def test_a_sign_in_belongs_to_the_browser_that_began_it(app: ConsoleApp) -> None:
    mine, other = app.browser(), app.browser()
    begun = await mine.get("sign-in?to=/console/runs")
    state = begun.location.partition("state=")[2].partition("&")[0]

    assert (await other.get(f"signed-in?code=grace&state={state}")).status == 403
    assert (await mine.get("signed-in?code=grace&state=x")).status == 403
    assert "__Host-sb" not in other.cookies | mine.cookies
    assert (await mine.sign_in("nobody")).status == 403
    await mine.get("sign-in")
    await app.pass_time(timedelta(minutes=11))
    assert (await mine.get(f"signed-in?code=grace&state={state}")).status == 403


async def test_nobody_is_led_elsewhere(app: ConsoleApp) -> None:
    for to in (
        "//evil.example",
        "https://evil.example",
        "/\\evil.example",
        "/console/../api",
        "javascript:x",
        "/other",
    ):
        back = await app.browser().sign_in("ada", to)

        assert back.location == "/console/", to


async def test_static_files_are_kept_for_ever_and_only_those_there_are(app: ConsoleApp) -> None:
    page = await (await app.signed_in("ada")).get()
    path = page.text.partition('rel="stylesheet" href="')[2].partition('"')[0]
    style = await app.browser().ask("GET", path, **{"Accept-Encoding": "identity"})

    assert (style.status, "--ground" in style.text) == (200, True)
    assert "immutable" in style.headers["Cache-Control"]  # type: ignore[index]
    for other in (path.replace("console.css", "../serving.py"), "/console/static/x/console.css"):
        assert (await app.browser().ask("GET", other)).status == 404


def test_nobody_frames_a_page_and_no_page_runs_or_loads_what_is_not_ours() -> None:
    directives = dict(part.strip().split(" ", 1) for part in POLICY.split(";"))
    others = {name: value for name, value in directives.items() if name not in ("default-src", "frame-ancestors")}

    assert (directives["frame-ancestors"], directives["default-src"]) == ("'none'", "'none'")
    assert set(others.values()) <= {"'self'", "'none'"}, "no host, no inline code, no scheme"


async def test_a_form_of_another_kind_is_refused(app: ConsoleApp) -> None:
    ada = await app.signed_in("ada")
    answer = await ada.ask("POST", "/console/runs/r-1/cancel", {}, **OWN, **{"Content-Type": "text/plain"})

    assert answer.status == 400


async def test_a_list_is_sorted_by_links_that_say_how_it_is_and_by_the_form(app: ConsoleApp) -> None:
    for name, error in (("churn", 1.0), ("fraud", 1.0)):
        app.register("1", error=error, name=name)
        await app.promote(f"{name}:1")
    ada = await app.signed_in("ada")
    usual, sorted_page = (await ada.get("promotions")).text, (await ada.get("promotions?sort=model&state=open")).text

    assert 'aria-sort="descending"><a href="/console/promotions?sort=opened">Asked for' in usual
    assert 'aria-sort="ascending"><a href="/console/promotions?state=open&amp;sort=-model">Version' in sorted_page
    assert sorted_page.index(">churn:1<") < sorted_page.index(">fraud:1<")
    assert '<option value="model" selected>by model</option>' in sorted_page
    models = (await ada.get("models?sort=-name")).text
    assert models.index('id="fraud"') < models.index('id="churn"')
    for page in ("runs", "promotions", "models"):
        assert (await ada.get(f"{page}?sort=secret")).status == 400
