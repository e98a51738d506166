"""What a plan says of the routes of its model: which follow what is promoted, and which a pin keeps from it."""

from dataclasses import replace

import pytest

from shared.domain.inference.routes import Route, Scoring
from shared.domain.promotion.models import EntryState
from shared.records.predicates import EntryStatement
from shared.records.registry import sign_entry
from tests.promotion.conftest import PREPROD, PromotionApp

FOLLOWING = Scoring(workspace=PREPROD, endpoint="batch", model="churn", follows=True)
PINNED = Scoring(workspace=PREPROD, endpoint="batch", model="churn", deployment="blue", version="7")


def routed(app: PromotionApp, **scores: Scoring) -> None:
    routes = tuple(
        Route(name=name, take=f"in/{name}.csv", contract="c", score=score, publish="out/{run}")
        for name, score in scores.items()
    )
    vars(app.clients)["configuration"] = replace(app.clients.configuration, routes=routes)


async def sentences(app: PromotionApp) -> list[str]:
    app.register("1", error=1.0)
    _, plan = await app.ask("POST", "plans", {"model": "churn:1", "to": "central"})
    return list(plan["routes"])


async def test_a_plan_names_the_routes_that_follow_and_those_that_are_pinned(app: PromotionApp) -> None:
    elsewhere = {"other": replace(FOLLOWING, model="fraud"), "online": replace(FOLLOWING, endpoint="another")}
    routed(app, follows=FOLLOWING, pinned=PINNED, **elsewhere)

    assert await sentences(app) == [
        "route follows follows batch: preprod makes it score with churn:1",
        "route pinned is pinned to churn:7 at preprod/batch/blue: this promotion does not change what it scores with",
    ]


@pytest.mark.parametrize("state", [EntryState.RETIRED, EntryState.REVOKED])
async def test_a_pin_on_a_version_that_was_withdrawn_is_an_error_in_the_plan(app: PromotionApp, state) -> None:
    routed(app, pinned=PINNED)
    model = app.register("7", error=1.0)
    fields = {"registry": "central", "bundle": f"sha256:{0:064}", "approved_by": "", "promotion": "p"}
    entry = EntryStatement(model=model, state=state.value, at=app.clients.clock.now(), **fields)
    sign_entry(app.clients.statements, state.value, entry)

    (sentence,) = await sentences(app)

    assert sentence.startswith("error: route pinned is pinned to churn:7")
    assert f"which was {state.value}; leave deployment and version out" in sentence
