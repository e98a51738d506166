"""Flags start promotions: by event at once, by the timer where no event came, and only ever once."""

import asyncio
from datetime import timedelta
from typing import Any

from shared.domain.promotion.models import FLAG, HELD
from tests.promotion.conftest import PromotionApp

DAY = timedelta(days=1)


def registered(version: int | str, workspace: str = "dev", **changes: Any) -> dict[str, Any]:
    """The event as the service sends it: keys in Pascal case, the version a number where it is one."""
    provider = "Microsoft.MachineLearningServices"
    return {
        "id": f"event-{version}",
        "topic": f"/subscriptions/s/resourceGroups/g/providers/{provider}/workspaces/{workspace}",
        "subject": f"models/churn:{version}",
        "eventType": f"{provider}.ModelRegistered",
        "eventTime": "2026-01-01T00:00:00Z",
        "data": {"ModelName": "churn", "ModelVersion": version, "ModelTags": {}, "ModelProperties": {}},
        "dataVersion": "2",
    } | changes


async def tell(app: PromotionApp, event: dict[str, Any]) -> str:
    status, answer = await app.ask("POST", "events", event)
    assert status == 202, answer
    return str(answer["events"][0][0])


async def promotions(app: PromotionApp) -> list[dict[str, Any]]:
    _, found = await app.ask("GET", "promotions")
    return list(found["promotions"])


async def test_a_flagged_version_starts_with_its_event(app: PromotionApp) -> None:
    app.register("1", error=1.0, **{FLAG: "churn:1 -> preprod"})

    said = await tell(app, registered(1))
    again = await tell(app, registered("1"))
    await app.pass_time(timedelta(minutes=5))

    (row,) = await promotions(app)
    assert "started" in said
    assert "started" not in again
    assert (row["version"], row["fate"]) == ("1", "promoted")


async def test_a_version_without_a_flag_starts_nothing_and_says_so(app: PromotionApp) -> None:
    app.register("1", error=1.0)

    said = await tell(app, registered(1))

    assert said == "churn:1 carries no flag"
    assert await promotions(app) == []


async def test_the_tags_of_the_event_decide_nothing(app: PromotionApp) -> None:
    app.register("1", error=1.0)
    data = {"ModelName": "churn", "ModelVersion": 1, "ModelTags": {FLAG: "churn:1 -> central"}}

    assert await tell(app, registered(1, data=data)) == "churn:1 carries no flag"


async def test_a_workspace_from_which_nothing_climbs_is_ignored(app: PromotionApp) -> None:
    said = await tell(app, registered(1, workspace="elsewhere"))

    assert "is not an environment from which models climb" in said


async def test_a_flag_that_was_set_later_is_found_and_a_race_is_one_promotion(app: PromotionApp) -> None:
    app.register("1", error=1.0, **{FLAG: "churn:1 -> preprod"})

    await asyncio.gather(app.pass_time(DAY), *(tell(app, registered(1)) for _ in range(5)))
    await app.pass_time(2 * DAY)

    (row,) = await promotions(app)
    assert row["fate"] == "promoted"
    assert all(count == 1 for name, count in app.cloud.effects.items() if name.startswith("deploy"))


async def test_a_flag_that_names_another_version_is_said_on_the_model(app: PromotionApp) -> None:
    app.register("2", error=1.0, **{FLAG: "churn:1 -> preprod"})

    await app.pass_time(2 * DAY)

    tags = app.cloud.state["assets"]["dev/models/churn:2"].tags
    assert "names churn:1; flag the version itself" in tags[HELD]
    assert await promotions(app) == []


async def test_a_flag_to_a_stage_that_is_not_on_the_ladder_is_said_on_the_model(app: PromotionApp) -> None:
    app.register("1", error=1.0, **{FLAG: "churn:1 -> moon"})

    await app.pass_time(DAY)

    assert "no configured edge leads" in app.cloud.state["assets"]["dev/models/churn:1"].tags[HELD]


async def test_a_version_that_was_swapped_since_it_was_flagged_is_refused(app: PromotionApp) -> None:
    app.register("1", error=1.0, **{FLAG: f"churn:1 -> preprod (sha256:{'0' * 64})"})

    await app.pass_time(DAY)

    (row,) = await promotions(app)
    assert row["fate"] == "refused"
    assert "it was swapped since" in app.record(row["promotion"])["because"][0]
    assert not app.cloud.state["deployments"]
