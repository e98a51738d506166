"""Four eyes: a requester approves nothing, by whatever way they asked; where nobody is verified, one more looks."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import aiohttp
import pytest

from shared import contracts as c
from shared.adapters.azure_ml.models import _registered_model
from shared.domain.promotion.approvals import Person
from shared.domain.promotion.models import FLAG
from shared.domain.promotion.people import PersonId, mail_names, same_person
from tests.fakes.ports import OPERATOR_KEY
from tests.fakes.promotion import NamedPeople
from tests.promotion.conftest import PEOPLE, PromotionApp
from tests.promotion.test_flags import registered, tell

CENTRAL = {"to": "central", "reason": "mine"}


async def flagged(app: PromotionApp, **changes: Any) -> str:
    """A promotion by a flag, whose version Azure shows with *changes*."""
    model = app.register("1", error=1.0, **{FLAG: "churn:1 -> central"})
    key = f"dev/models/{model}"
    app.cloud.state["assets"][key] = replace(app.cloud.state["assets"][key], **changes)
    await tell(app, registered(1))
    await app.host.settle()
    _, found = await app.ask("GET", "promotions")
    return str(found["promotions"][0]["promotion"])


async def unmet(app: PromotionApp, promotion: str) -> list[str]:
    _, said = await app.ask("GET", f"promotions/{promotion}/explain")
    return list(said["unmet"])


async def refused(app: PromotionApp, promotion: str, who: str, role: str) -> str:
    status, answer = await app.decide(promotion, who, role)
    assert (status, answer["title"]) == (403, "not accepted"), answer
    return str(answer["detail"])


async def asked_by_machine(app: PromotionApp, model: str, token: str = "") -> tuple[int, Any]:
    """A key asks, and shows *token* as that of the person for whom it does."""
    headers = {"x-functions-key": OPERATOR_KEY} | ({"X-Signalbox-On-Behalf-Of": token} if token else {})
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.post(f"{app.host.url}/api/v1/promotions", json={"model": model, **CENTRAL}) as answer,
    ):
        return answer.status, await answer.json()


async def test_a_flag_verifies_nobody_so_one_more_person_must_approve(app: PromotionApp) -> None:
    promotion = await flagged(app)
    await app.approve(promotion)
    said = await unmet(app, promotion)
    waiting = app.record(promotion).get("fate", "")

    detail = await refused(app, promotion, "ada", "witness")
    status, _ = await app.decide(promotion, "both", "witness")

    assert waiting == ""
    assert len(said) == 1
    assert said[0].startswith("central: witness: nobody has approved; nobody is verified to have asked")
    assert "who holds data-scientist, product-owner" in said[0]
    assert "ada has already decided as data-scientist" in detail
    assert (status, (await app.finish(promotion)).fate) == (200, c.Fate.PROMOTED)


async def test_the_witness_is_listed_among_those_who_are_waited_for(app: PromotionApp) -> None:
    promotion = await flagged(app)
    await app.decide(promotion, "ada", "data-scientist")
    await app.pass_time(timedelta(seconds=5))

    _, page = await app.ask("GET", "promotions?fate=waiting")

    (row,) = page["promotions"]
    reasons = {waited["role"]: waited["who"] for waited in row["waits"]}
    assert list(reasons) == ["product-owner", "witness"]
    assert reasons["witness"].startswith("nobody is verified to have asked, so one more person must approve")
    assert "who holds data-scientist, product-owner" in reasons["witness"]


async def test_the_evidence_says_that_nobody_is_verified(app: PromotionApp) -> None:
    promotion = await flagged(app)
    await app.evidence(promotion)
    _, shown = await app.ask("GET", f"promotions/{promotion}/evidence?stage=central&phase=entry")

    assert "nobody is verified to have asked" in shown["html"]
    assert "--role witness" in shown["html"]


async def test_whom_azure_names_as_a_writer_of_the_version_approves_nothing(app: PromotionApp) -> None:
    """A display name verifies nobody, and its bearer is kept out all the same."""
    promotion = await flagged(app, writers=("Ada",))

    assert "ada asked for this promotion" in await refused(app, promotion, "ada", "data-scientist")
    assert "witness" in "".join(await unmet(app, promotion))


async def test_a_certain_author_is_verified_and_approves_nothing(app: PromotionApp) -> None:
    promotion = await flagged(app, author="1")

    assert "cannot approve it" in await refused(app, promotion, "ada", "data-scientist")
    assert "witness" not in "".join(await unmet(app, promotion))


USER = "0f5dd6d4-9d5b-4ed5-9a63-2f0c2c3d2a01"
WRITTEN = {"createdBy": USER, "createdByType": "User", "createdAt": "2026-01-01T00:00:00Z"}


@pytest.mark.parametrize(
    ("system", "writers", "author"),
    [
        (WRITTEN, (USER,), USER),
        ({**WRITTEN, "lastModifiedAt": WRITTEN["createdAt"]}, (USER,), USER),
        ({**WRITTEN, "createdBy": "Ada Lovelace"}, ("Ada Lovelace",), ""),
        ({**WRITTEN, "lastModifiedAt": "2026-01-02T00:00:00Z"}, (USER,), ""),
        ({**WRITTEN, "createdByType": "Application"}, (), ""),
        ({**WRITTEN, "lastModifiedBy": "Eve", "lastModifiedByType": "User"}, (USER, "Eve"), ""),
        ({"createdBy": USER, "createdByType": "User"}, (USER,), ""),
        ({}, (), ""),
    ],
)
def test_what_azure_says_of_a_versions_author(system: dict[str, str], writers: tuple[str, ...], author: str) -> None:
    model = _registered_model("churn", {"name": "1", "properties": {}, "systemData": system})

    assert (model.writers, model.author) == (writers, author)


async def test_a_machine_that_names_nobody_needs_one_more_person(app: PromotionApp) -> None:
    app.register("1", error=1.0)
    _, answer = await asked_by_machine(app, "churn:1")
    await app.approve(answer["id"])

    assert ["witness" in each for each in await unmet(app, answer["id"])] == [True]
    await app.decide(answer["id"], "both", "witness")
    assert (await app.finish(answer["id"])).fate is c.Fate.PROMOTED


async def test_the_person_for_whom_a_machine_asks_approves_nothing(app: PromotionApp) -> None:
    app.register("1", error=1.0)
    _, answer = await asked_by_machine(app, "churn:1", "Bearer ada")

    detail = await refused(app, answer["id"], "ada", "data-scientist")
    await app.decide(answer["id"], "both", "data-scientist")
    await app.decide(answer["id"], "grace", "product-owner")

    assert "ada asked for this promotion" in detail
    assert (await app.finish(answer["id"])).fate is c.Fate.PROMOTED
    assert app.record(answer["id"])["promotion"]["requested_by"].startswith("ada (through ")


async def test_a_machine_names_nobody_by_a_token_that_is_not_accepted(app: PromotionApp) -> None:
    app.register("1", error=1.0)

    status, answer = await asked_by_machine(app, "churn:1", "Bearer mallory")

    assert (status, answer["title"]) == (401, "not signed in")


async def test_two_accounts_of_one_person_count_once(app: PromotionApp) -> None:
    """Ada has a second account, of a product owner, and a third one with which she asks."""
    ada = Person(oid="1", name="ada", roles=("DataScientist",), mails=mail_names("ada@example.org"))
    guest = mail_names("ADA_example.org#EXT#@fabrikam.onmicrosoft.com")
    second = Person(oid="11", name="ada.admin", roles=("ProductOwner",), mails=guest)
    third = Person(oid="12", name="ada3", roles=("MLEngineer",), mails=mail_names(["x@example.org", "Ada@Example.org"]))
    vars(app.clients).pop("callers", None)
    vars(app.clients)["identities"] = NamedPeople({**PEOPLE, "ada": ada, "second": second, "third": third})
    app.register("1", error=1.0)
    promotion = await app.promote("churn:1")
    await app.decide(promotion, "ada", "data-scientist")

    assert "has already decided as data-scientist" in await refused(app, promotion, "second", "product-owner")
    app.register("2", error=0.1, name="fraud")
    other = await app.promote("fraud:2", who="third", source="dev", to="central")
    await app.ask("POST", f"promotions/{promotion}/reject", {"role": "x", "evidence": "x", "reason": "x"}, "ada")
    status, answer = await app.decide(promotion, "grace", "product-owner")
    assert status == 200, answer
    await app.finish(promotion)
    assert "asked for this promotion" in await refused(app, other, "ada", "data-scientist")


@pytest.mark.parametrize(
    ("other", "same"),
    [
        (PersonId(oid="1", tenant="t"), True),
        (PersonId(oid="1", tenant="u"), False),
        (PersonId(oid="1"), True),
        (PersonId(oid="2", tenant="t"), False),
        (PersonId(oid="2", tenant="u", mails=("ada@example.org",)), True),
        (PersonId(oid="2", tenant="t", mails=("eve@example.org",)), False),
    ],
)
def test_people_are_told_apart_by_tenant_and_object_id(other: PersonId, same: bool) -> None:
    assert same_person(PersonId(oid="1", tenant="t", mails=("ada@example.org",)), other) is same
