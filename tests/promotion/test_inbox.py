"""What waits for a person, who decided what, and what happened: as the records say, and to whom it concerns."""

from datetime import datetime, timedelta

import aiohttp

from tests.promotion.conftest import PromotionApp


async def waiting(app: PromotionApp, who: str) -> list[tuple[str, str, str]]:
    """The kind, the subject and the role of what waits for *who*."""
    _, inbox = await app.ask("GET", "inbox", who=who)
    return [(item["kind"], item["subject"], item["role"]) for item in inbox["items"]]


async def test_an_approval_waits_for_those_who_may_give_it_until_they_have(app: PromotionApp) -> None:
    app.register("1", error=1.0)
    promotion = await app.promote("churn:1", who="both")
    evidence = await app.evidence(promotion)

    assert await waiting(app, "ada") == [("approval", promotion, "data-scientist")]
    assert await waiting(app, "grace") == [("approval", promotion, "product-owner")]
    assert await waiting(app, "linus") == [], "an engineer may decide, and no role of the stage is theirs"
    assert await waiting(app, "both") == [], "nobody decides on what they asked for"
    _, inbox = await app.ask("GET", "inbox", who="ada")
    (item,) = inbox["items"]
    assert (item["evidence"], item["stage"], item["about"]) == (evidence, "central", "churn:1")
    assert datetime.fromisoformat(item["until"]) - datetime.fromisoformat(item["since"]) == timedelta(days=7)

    await app.decide(promotion, "ada", "data-scientist")
    assert (await waiting(app, "ada"), len(await waiting(app, "grace"))) == ([], 1)
    await app.ask("POST", f"promotions/{promotion}/withdraw", {"role": "data-scientist"}, "ada")
    assert len(await waiting(app, "ada")) == 1


async def test_who_asked_for_what_was_held_sees_it(app: PromotionApp) -> None:
    app.register("1", error=1.0)
    promotion = await app.promote("churn:1", who="both")
    await app.decide(promotion, "ada", "data-scientist", "reject")
    await app.finish(promotion)

    assert await waiting(app, "both") == [("failed promotion", promotion, "")]
    assert await waiting(app, "ada") == []


async def test_the_list_says_where_a_promotion_is_and_when_the_first_role_expires(app: PromotionApp) -> None:
    app.register("1", error=1.0)
    promotion = await app.promote("churn:1")
    await app.evidence(promotion)

    _, page = await app.ask("GET", "promotions?state=open&stage=central")
    (row,) = page["promotions"]
    assert (row["promotion"], row["phase"], page["fates"]) == (promotion, "entry", {"": 1})
    assert [role["role"] for role in row["waits"]] == ["data-scientist", "product-owner"]
    assert row["since"] < row["expires"]
    await app.approve(promotion)
    await app.finish(promotion)
    _, page = await app.ask("GET", "promotions?state=ended")
    (row,) = page["promotions"]
    assert (row["fate"], row["waits"], row["expires"], bool(row["closed"])) == ("promoted", [], "", True)


async def test_decisions_and_the_timeline_name_their_authors(app: PromotionApp) -> None:
    app.register("1", error=1.0)
    promotion = await app.promote("churn:1")
    await app.decide(promotion, "ada", "data-scientist")
    _, listed = await app.ask("GET", f"promotions/{promotion}/decisions")
    (row,) = listed["decisions"]
    assert (row["by"], row["role"], row["decision"], row["reason"]) == ("ada", "data-scientist", "approved", "seen")
    assert (row["counts"], row["withdrawn"], row["used"]) == (True, False, False)

    await app.ask("POST", f"promotions/{promotion}/withdraw", {"role": "data-scientist"}, "ada")
    _, listed = await app.ask("GET", f"promotions/{promotion}/decisions")
    assert [(row["counts"], row["withdrawn"]) for row in listed["decisions"]] == [(False, True)]
    _, timeline = await app.ask("GET", f"promotions/{promotion}/timeline")
    kinds = [event["kind"] for event in timeline["events"]]
    assert [kind for kind in kinds if kind.startswith("decision")] == ["decision approved", "decision withdrawn"]
    assert kinds.index("evidence pack written") < kinds.index("decision approved")
    for path in ("decisions", "timeline"):
        assert (await app.ask("GET", f"promotions/none/{path}"))[0] == 404


async def test_a_browser_gets_the_page_itself_which_can_run_nothing(app: PromotionApp) -> None:
    app.register("1", error=1.0)
    promotion = await app.promote("churn:1")
    evidence = await app.evidence(promotion)
    headers = {"Authorization": "Bearer ada", "Accept": "text/html"}
    url = f"{app.host.url}/api/v1/promotions/{promotion}/evidence?stage=central"
    async with aiohttp.ClientSession() as session, session.get(url, headers=headers) as answer:
        html, policy = await answer.text(), answer.headers["Content-Security-Policy"]

        assert (answer.content_type, answer.headers["Signalbox-Evidence"]) == ("text/html", evidence)
        assert evidence in html
        assert policy.startswith("sandbox; default-src 'none';")
        assert "script" not in policy


async def test_a_caller_learns_who_they_are_and_for_whom_they_may_speak(app: PromotionApp) -> None:
    _, me = await app.ask("GET", "me", who="both")
    _, machine = await app.ask("GET", "me")

    assert (me["name"], me["kind"], me["personas"]) == (
        "both",
        "person",
        ["data-scientist", "product-owner", "platform-engineer"],
    )
    assert {(role["stage"], role["role"]) for role in me["speaks"]} == {
        ("central", "data-scientist"),
        ("central", "product-owner"),
    }
    assert me["allows"]["decide"] == ["all"]
    assert (machine["kind"], machine["speaks"], "decide" in machine["allows"]) == ("machine", [], False)
