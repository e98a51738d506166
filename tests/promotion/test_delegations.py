"""A question that one person leaves to another: who may, to whom, what it changes, and how it is taken back."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from shared.domain.access.permissions import DEFAULT_PERSONAS, Action, Permissions, Persona
from shared.domain.promotion.approvals import ApprovalPolicy, Person, Role
from shared.records.promotion import delegation_at, delegation_path, signed_delegation
from signalbox.cli import app_client
from signalbox.cli.main import main
from tests.fakes.ports import OPERATOR_KEY
from tests.promotion.conftest import CONFIGURATION, PEOPLE, PromotionApp, running

HOPPER = Person(oid="5", name="hopper", roles=("MLEngineer",), upn="Hopper@example.org", mails=("hopper@example.org",))
OWNER = Role(name="product-owner", app_role="ProductOwner", people=("2", "4"))
DEPUTY = Role(name="deputy", people=("hopper@example.org", "1"))
SILENT = Role(name="data-scientist", app_role="DataScientist", people=("1", "6"))  # 6 has no permission to decide.
PERSONAS = tuple(
    Persona(role=role, allows=dict.fromkeys((Action.READ, Action.DECIDE), ("all",))) for role in (OWNER, DEPUTY)
)
PERMISSIONS = Permissions(personas=(*DEFAULT_PERSONAS, *PERSONAS))
POLICY = ApprovalPolicy(roles=(SILENT, OWNER), delegates={"product-owner": DEPUTY})


@asynccontextmanager
async def deputised(
    policy: ApprovalPolicy, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[PromotionApp]:
    """Product owners may leave their question to hopper, who is named as their deputy."""
    monkeypatch.setitem(PEOPLE, "hopper", HOPPER)
    ladder = CONFIGURATION.ladder
    stages = tuple(replace(at, approvals=policy) if at.name == "central" else at for at in ladder.stages)
    configuration = replace(CONFIGURATION, ladder=replace(ladder, stages=stages), permissions=PERMISSIONS)
    async with running(configuration, folder, monkeypatch) as made:
        yield made


@pytest.fixture
async def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[PromotionApp]:
    async with deputised(POLICY, tmp_path, monkeypatch) as made:
        made.register("1", error=1.0)
        yield made


@pytest.fixture
async def careful(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[PromotionApp]:
    """Its decisions ask for a sign-in of the last ten minutes, of which the tokens of these people say nothing."""
    folder = tmp_path / "careful"  # Beside that of an app without it.
    folder.mkdir()
    async with deputised(replace(POLICY, fresh_sign_in_s=600), folder, monkeypatch) as made:
        made.register("1", error=1.0)
        yield made


async def delegate(
    app: PromotionApp, promotion: str, who: str = "grace", to: str = "hopper@example.org", **more: Any
) -> tuple[int, Any]:
    body = {"role": "product-owner", "to": to, "evidence": await app.evidence(promotion), "reason": "away", **more}
    return await app.ask("POST", f"promotions/{promotion}/delegate", body, who)


async def take_back(app: PromotionApp, promotion: str, who: str = "grace") -> tuple[int, Any]:
    return await app.ask("POST", f"promotions/{promotion}/withdraw-delegation", {"role": "product-owner"}, who)


async def own_items(app: PromotionApp, who: str) -> list[dict[str, Any]]:
    _, inbox = await app.ask("GET", "inbox", who=who)
    return [item for item in inbox["items"] if item["kind"] == "approval"]


def told(app: PromotionApp) -> list[dict[str, Any]]:
    events = app.clients.announcer.events  # type: ignore[attr-defined]
    return [data for _, kind, data in events if kind == "Signalbox.Promotion.Delegated"]


async def test_a_decision_is_left_to_a_named_person_who_sees_it_is_told_and_decides(app: PromotionApp) -> None:
    promotion = await app.promote("churn:1")
    evidence = await app.evidence(promotion)
    (before,) = await own_items(app, "grace")
    status, answer = await delegate(app, promotion)

    assert (status, answer["to"], answer["by"]) == (200, "hopper@example.org", "grace")
    assert before["delegable_to"] == ["4", "hopper@example.org", "1"]
    (item,) = await own_items(app, "hopper")
    assert (item["delegated_by"], item["delegated_because"], item["evidence"]) == ("grace", "away", evidence)
    assert await own_items(app, "grace") == [], "it waits for her no more"
    (others,) = [item for item in await own_items(app, "both") if item["role"] == "product-owner"]
    assert (others["delegated_by"], others["delegable_to"]) == ("", [])
    _, explained = await app.ask("GET", f"promotions/{promotion}/explain")
    (sentence,) = [text for text in explained["unmet"] if "product-owner" in text]
    assert sentence.endswith("; grace has left it to hopper@example.org")
    _, listed = await app.ask("GET", "promotions?fate=waiting")
    owner = next(role for role in listed["promotions"][0]["waits"] if role["role"] == "product-owner")
    assert (owner["delegated_to"], owner["delegated_by"]) == ("hopper@example.org", "grace")
    (data,) = told(app)
    assert (data["tell"], data["role"], data["by"], data["evidence"]) == (
        ["hopper@example.org"],
        "product-owner",
        "grace",
        evidence,
    )

    assert (await app.decide(promotion, "hopper", "product-owner"))[0] == 200
    assert (await app.decide(promotion, "ada", "data-scientist"))[0] == 200
    assert (await app.finish(promotion)).fate == "promoted"
    assert app.chain().count("delegated") == 1


async def test_who_has_left_it_decides_again_once_it_is_taken_back(app: PromotionApp) -> None:
    promotion = await app.promote("churn:1")
    await delegate(app, promotion)
    refused, why = await app.decide(promotion, "grace", "product-owner")
    assert (refused, why["title"]) == (409, "delegated")
    assert "grace has left this to hopper@example.org; take that back before you decide" in why["detail"]

    status, answer = await take_back(app, promotion)
    again = await take_back(app, promotion)
    assert ((status, answer["withdrawn"]), again[0]) == ((200, True), 200)
    assert app.chain().count("delegation withdrawn") == 1, "who takes back again changes nothing"
    assert (len(await own_items(app, "grace")), (await own_items(app, "hopper"))[0]["delegated_by"]) == (1, "")
    _, listed = await app.ask("GET", f"promotions/{promotion}/decisions")
    assert [(row["to"], row["stands"], row["withdrawn"]) for row in listed["delegations"]] == [
        ("hopper@example.org", False, True)
    ]
    assert (await app.decide(promotion, "grace", "product-owner"))[0] == 200


async def test_the_command_leaves_it_and_takes_it_back(app: PromotionApp, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app_client, "_token", lambda: "grace")  # On Azure it is that of `az login`.
    promotion = await app.promote("churn:1")
    evidence = await app.evidence(promotion)

    async def run(*words: str) -> Result:
        command = ["delegate", promotion, "--role", "product-owner", *words]
        env = {"SIGNALBOX_URL": app.host.url, "SIGNALBOX_KEY": OPERATOR_KEY}
        return await asyncio.to_thread(CliRunner(env=env).invoke, main, command)

    bare = await run("--to", "4")
    made = await run("--to", "hopper@example.org", "--evidence", evidence, "--reason", "away until Monday")
    back = await run("--take-back")

    assert (bare.exit_code, "say --evidence, --reason" in bare.output) == (2, True)
    assert (made.exit_code, "hopper@example.org" in made.stdout) == (0, True), made.output
    assert back.exit_code == 0, back.output
    assert len(await own_items(app, "grace")) == 1


async def test_what_was_taken_back_can_be_left_to_another(app: PromotionApp) -> None:
    promotion = await app.promote("churn:1")
    await delegate(app, promotion)
    await take_back(app, promotion)
    await app.pass_time(timedelta(minutes=1))

    assert (await delegate(app, promotion, to="4"))[0] == 200
    assert [data["tell"] for data in told(app)] == [["hopper@example.org"], ["4"]]
    assert app.chain().count("delegated") == 2


async def test_the_same_delegation_again_is_one_and_makes_up_for_what_was_not_announced(app: PromotionApp) -> None:
    promotion = await app.promote("churn:1")
    await delegate(app, promotion)
    app.clients.announcer.events.clear()  # type: ignore[attr-defined]
    await app.pass_time(timedelta(minutes=1))

    assert (await delegate(app, promotion, to="HOPPER@example.org"))[0] == 200
    assert (len(told(app)), app.chain().count("delegated")) == (1, 1)


@pytest.mark.parametrize(
    ("who", "more", "status", "because"),
    [
        ("linus", {}, 403, "linus does not hold role 'product-owner'"),
        ("grace", {"role": "boss"}, 403, "role 'boss' is not asked here"),
        ("grace", {"evidence": "sha256:" + "0" * 64}, 403, "the evidence now is"),
        ("grace", {"to": "eve@example.org"}, 403, "the configuration does not name eve@example.org"),
        ("grace", {"to": "ProductOwner"}, 403, "it names 2, 4, hopper@example.org, 1"),
        ("grace", {"to": "2"}, 403, "a delegation is to another person"),
        ("hopper", {"to": "HOPPER@EXAMPLE.ORG"}, 403, "a delegation is to another person"),
        ("grace", {"reason": ""}, 400, "reason"),
        ("", {}, 403, "may not decide"),
    ],
)
async def test_a_delegation_is_refused(
    app: PromotionApp, who: str, more: dict[str, str], status: int, because: str
) -> None:
    promotion = await app.promote("churn:1")
    answered, answer = await delegate(app, promotion, who, **more)

    assert (answered, told(app), "delegated" in app.chain()) == (status, [], False)
    assert because in f"{answer}"


async def test_who_has_no_fresh_sign_in_leaves_nothing_to_anybody_where_decisions_ask_for_one(
    careful: PromotionApp,
) -> None:
    promotion = await careful.promote("churn:1")
    status, answer = await delegate(careful, promotion)

    assert (status, answer["title"], "delegated" in careful.chain()) == (401, "sign in again", False)
    assert "this decision asks for a sign-in of the last 600 seconds" in answer["detail"]


async def test_nothing_is_left_to_whom_no_permission_lets_decide(app: PromotionApp) -> None:
    promotion = await app.promote("churn:1")
    status, why = await delegate(app, promotion, "ada", to="6", role="data-scientist")

    assert (status, "6 may not decide there" in why["detail"]) == (403, True)
    (item,) = [item for item in await own_items(app, "ada") if item["role"] == "data-scientist"]
    assert item["delegable_to"] == [], "nobody is offered who could not"


async def test_nothing_is_left_to_whoever_asked_nor_by_them(app: PromotionApp) -> None:
    promotion = await app.promote("churn:1", who="both")
    await app.evidence(promotion)
    (item,) = await own_items(app, "grace")
    to_asker, why = await delegate(app, promotion, to="4")
    by_asker, _ = await delegate(app, promotion, "both")

    assert (to_asker, by_asker, "4" in item["delegable_to"]) == (403, 403, False)
    assert "4 asked for this promotion and cannot approve it" in why["detail"]


async def test_nothing_is_left_to_whoever_has_decided_in_another_role(app: PromotionApp) -> None:
    promotion = await app.promote("churn:1")
    await app.decide(promotion, "ada", "data-scientist")

    status, why = await delegate(app, promotion, to="1")

    assert (status, "1 has already decided as data-scientist" in why["detail"]) == (403, True)


async def test_what_is_decided_or_left_already_is_left_to_nobody(app: PromotionApp) -> None:
    promotion = await app.promote("churn:1")
    await delegate(app, promotion)
    twice, why = await delegate(app, promotion, to="4")
    onward, _ = await delegate(app, promotion, "hopper", to="2")
    await app.decide(promotion, "hopper", "product-owner")
    decided, late = await delegate(app, promotion, "both", to="2")

    assert (twice, onward, decided) == (409, 409, 409)
    assert "grace has left this to hopper@example.org, and can take that back" in why["detail"]
    assert "hopper has decided as product-owner already" in late["detail"]


async def test_nobody_takes_back_what_another_has_left(app: PromotionApp) -> None:
    promotion = await app.promote("churn:1")
    await app.evidence(promotion)
    nothing, _ = await take_back(app, promotion)
    await delegate(app, promotion)

    assert (nothing, (await take_back(app, promotion, "hopper"))[0], (await take_back(app, promotion, "both"))[0]) == (
        404,
        404,
        404,
    )
    assert len(await own_items(app, "grace")) == 0


async def test_nothing_is_left_once_nobody_is_asked_or_it_has_ended(app: PromotionApp) -> None:
    early = await app.promote("churn:1", to="preprod")
    body = {"role": "product-owner", "to": "4", "evidence": "sha256:0", "reason": "away"}
    status, answer = await app.ask("POST", f"promotions/{early}/delegate", body, "grace")
    assert (status, answer["title"]) in ((409, "nothing to decide"), (404, "no such promotion"))
    await app.finish(early)

    for path, sent in (("delegate", body), ("withdraw-delegation", {"role": "product-owner"})):
        status, answer = await app.ask("POST", f"promotions/{early}/{path}", sent, "grace")
        assert (status, answer["title"]) == (409, "ended"), path
    assert (await app.ask("POST", "promotions/none/delegate", body, "grace"))[0] == 404


async def test_a_planted_delegation_counts_for_nothing_and_is_told_of(app: PromotionApp) -> None:
    promotion = await app.promote("churn:1")
    evidence = await app.evidence(promotion)
    path = delegation_path(promotion, "central", "product-owner", evidence)
    app.hub.land(f"signalbox/{path}", b'{"to": "hopper@example.org"}')

    _, listed = await app.ask("GET", f"promotions/{promotion}/decisions")
    status, answer = await delegate(app, promotion)

    statements = app.clients.statements
    assert delegation_at(statements, promotion, "central", "product-owner", evidence) is None
    assert (listed["delegations"], len(listed["unbelieved"]), len(await own_items(app, "grace"))) == ([], 1, 1)
    assert (status, answer["title"]) == (409, "forged record")
    assert (await app.decide(promotion, "grace", "product-owner"))[0] == 200, "it keeps nobody from deciding"


async def test_the_door_signs_a_delegation_for_its_promotion_alone(app: PromotionApp) -> None:
    promotion = await app.promote("churn:1")
    await delegate(app, promotion)
    evidence, statements = await app.evidence(promotion), app.clients.statements
    path = delegation_path(promotion, "central", "product-owner", evidence)
    signed = signed_delegation(statements, path)
    assert signed is not None
    assert (signed.delegation.by.name, signed.delegation.withdrawn) == ("grace", False)

    raw, other = app.hub.read("signalbox", path), delegation_path("p-2", "central", "product-owner", evidence)
    app.hub.land(f"signalbox/{other}", raw or b"")
    assert delegation_at(statements, "p-2", "central", "product-owner", evidence) is None
