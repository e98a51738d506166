"""Who asks by hand for a retraining may not approve what comes of it, whoever asks for its promotion."""

from datetime import timedelta
from typing import Any

from shared import contracts as c
from tests.retraining.conftest import Works


async def challenger(works: Works, who: str) -> str:
    """What a retraining that *who* asked for has brought to pre-production, on its way to the registry for Linus."""
    await works.serve()
    status, answer = await works.ask("POST", "models/churn/retrain", {"reason": "mine"}, who)
    assert status == 202, answer
    result = await works.retrained()
    assert (await works.finish(result.promotion)).fate is c.Fate.PROMOTED
    return await works.promote(result.model, source="preprod")


async def refusal(works: Works, promotion: str, who: str) -> Any:
    status, answer = await works.decide(promotion, who, "data-scientist")
    return status, answer.get("detail", "")


async def test_who_asked_for_the_training_does_not_approve_its_model(works: Works) -> None:
    promotion = await challenger(works, "ada")

    status, detail = await refusal(works, promotion, "ada")

    assert (status, "ada asked for this promotion and cannot approve it" in detail) == (403, True)
    assert (await works.decide(promotion, "both", "data-scientist"))[0] == 200


async def test_a_machine_that_asks_for_a_training_and_names_nobody_needs_one_more(works: Works) -> None:
    promotion = await challenger(works, "")
    await works.approve(promotion)
    await works.pass_time(timedelta(minutes=1))

    _, said = await works.ask("GET", f"promotions/{promotion}/explain")

    assert ["witness" in each for each in said["unmet"]] == [True]


async def test_what_was_trained_of_itself_needs_nobody_more(works: Works) -> None:
    await works.serve()
    works.cause()
    await works.consider()
    result = await works.retrained()
    await works.finish(result.promotion)
    promotion = await works.promote(result.model, source="preprod")
    await works.approve(promotion)

    assert (await works.finish(promotion)).fate is c.Fate.PROMOTED
