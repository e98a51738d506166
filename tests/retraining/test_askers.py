"""Who asks by hand for a retraining may not approve what comes of it, even if another person asks for its promotion."""

from datetime import timedelta
from typing import Any

from shared import contracts as c
from tests.retraining.conftest import RetrainingApp


async def challenger(app: RetrainingApp, who: str) -> str:
    """What a retraining that *who* asked for has brought to pre-production, on its way to the registry for Linus."""
    await app.serve()
    status, answer = await app.ask("POST", "models/churn/retrain", {"reason": "mine"}, who)
    assert status == 202, answer
    result = await app.retrained()
    assert (await app.finish(result.promotion)).fate is c.Fate.PROMOTED
    return await app.promote(result.model, source="preprod")


async def refusal(app: RetrainingApp, promotion: str, who: str) -> Any:
    status, answer = await app.decide(promotion, who, "data-scientist")
    return status, answer.get("detail", "")


async def test_who_asked_for_the_training_does_not_approve_its_model(app: RetrainingApp) -> None:
    promotion = await challenger(app, "ada")

    status, detail = await refusal(app, promotion, "ada")

    assert (status, "ada asked for this promotion and cannot approve it" in detail) == (403, True)
    assert (await app.decide(promotion, "both", "data-scientist"))[0] == 200


async def test_a_machine_that_asks_for_a_training_and_names_nobody_needs_one_more(app: RetrainingApp) -> None:
    promotion = await challenger(app, "")
    await app.approve(promotion)
    await app.pass_time(timedelta(minutes=1))

    _, said = await app.ask("GET", f"promotions/{promotion}/explain")

    assert ["witness" in each for each in said["unmet"]] == [True]


async def test_what_was_trained_of_itself_needs_nobody_more(app: RetrainingApp) -> None:
    await app.serve()
    app.cause()
    await app.consider()
    result = await app.retrained()
    await app.finish(result.promotion)
    promotion = await app.promote(result.model, source="preprod")
    await app.approve(promotion)

    assert (await app.finish(promotion)).fate is c.Fate.PROMOTED
