"""The approval of an entry in the central registry starts its release, by event or by the timer, and only once."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from shared.codec import encode
from shared.domain.promotion.models import FLAG
from tests.fakes.rollout import MemoryAlerts, MemoryTraffic
from tests.promotion import conftest as promotions
from tests.rollout.conftest import POLICY, RolloutApp, configuration_with

REGISTRY = "/subscriptions/{}/resourceGroups/{}/providers/Microsoft.MachineLearningServices/registries/{}"


@pytest.fixture
async def releasing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[RolloutApp]:
    """The app whose production stage starts with the approval in the registry."""
    configuration = configuration_with(POLICY)
    stages = tuple(
        replace(stage, on_registration=True) if stage.rollout else stage for stage in configuration.ladder.stages
    )
    configuration = replace(configuration, ladder=replace(configuration.ladder, stages=stages))
    async with promotions.running(configuration, tmp_path, monkeypatch, alerts=MemoryAlerts()) as made:
        traffic = MemoryTraffic(made.endpoints, made.clients.clock.now)
        vars(made.clients).update(memory_traffic=traffic, traffic_figures=lambda source: traffic)
        yield RolloutApp(host=made.host, clients=made.clients, cloud=made.cloud)


def written(app: RolloutApp, version: str, model: str = "churn") -> dict[str, Any]:
    """What Resource Manager tells Event Grid of a write to the entry."""
    registry = next(stage.registry for stage in app.clients.configuration.ladder.stages if stage.registry)
    address = REGISTRY.format(registry.subscription, registry.resource_group.upper(), registry.name)
    return {
        "id": f"write-{version}",
        "topic": f"/subscriptions/{registry.subscription}",
        "subject": f"{address}/models/{model}/versions/{version}",
        "eventType": "Microsoft.Resources.ResourceWriteSuccess",
        "eventTime": "2026-01-01T00:00:00Z",
        "data": {"resourceProvider": "Microsoft.MachineLearningServices", "status": "Succeeded"},
        "dataVersion": "2",
    }


async def answer_to(app: RolloutApp, event: dict[str, Any]) -> str:
    status, answer = await app.ask("POST", "events", event)
    assert status == 202, answer
    return str(answer["events"][0][0])


async def releases(app: RolloutApp) -> list[dict[str, Any]]:
    _, answer = await app.ask("GET", "promotions")
    return [row for row in answer["promotions"] if row["target"] == "prod"]


async def test_an_approved_entry_is_released_by_its_event_and_by_no_sweep_again(releasing: RolloutApp) -> None:
    await releasing.entered("1")
    assert "started" in await answer_to(releasing, written(releasing, "1", "CHURN"))
    assert "started" not in await answer_to(releasing, written(releasing, "1"))
    await releasing.sweep()

    (row,) = await releases(releasing)
    assert (row["version"], row["fate"]) == ("1", "promoted")


async def test_the_timer_releases_what_no_event_told_of_by_the_same_id(releasing: RolloutApp) -> None:
    await releasing.entered("1")
    await releasing.sweep()
    await releasing.pass_time(timedelta(hours=4))
    said = await answer_to(releasing, written(releasing, "1"))

    (row,) = await releases(releasing)
    assert row["fate"] == "promoted"
    assert "started" not in said


async def test_an_entry_that_only_a_tag_calls_approved_starts_nothing(releasing: RolloutApp) -> None:
    """A writer of the registry may write any tag."""
    await releasing.entered("1")
    await releasing.finish((await releases_started(releasing, "1"))["promotion"])
    entry = releasing.cloud.state["assets"]["central/models/churn:1"]
    forged = replace(entry, model=replace(entry.model, version="2"), tags={**entry.tags, "signalbox.state": "approved"})
    releasing.cloud.state["assets"]["central/models/churn:2"] = forged

    assert await answer_to(releasing, written(releasing, "2")) == "churn:2 carries no flag"
    assert len(await releases(releasing)) == 1


async def releases_started(app: RolloutApp, version: str) -> dict[str, Any]:
    await answer_to(app, written(app, version))
    await app.pass_time(timedelta(seconds=5))
    (row,) = await releases(app)
    return row


async def test_an_older_entry_than_the_one_in_production_is_left_to_people(releasing: RolloutApp) -> None:
    await releasing.entered("2")
    await releasing.finish((await releases_started(releasing, "2"))["promotion"])
    await releasing.entered("1")

    assert await answer_to(releasing, written(releasing, "1")) == "churn:1 carries no flag"
    await releasing.sweep()
    assert [row["version"] for row in await releases(releasing)] == ["2"]


async def test_without_the_configuration_an_entry_waits_for_people_or_a_flag(app: RolloutApp) -> None:
    model = await app.entered("1")
    assert await answer_to(app, written(app, "1")) == "churn:1 carries no flag"
    entry = app.cloud.state["assets"]["central/models/churn:1"]
    app.cloud.state["assets"]["central/models/churn:1"] = replace(entry, tags={**entry.tags, FLAG: f"{model} -> prod"})

    assert "started" in await answer_to(app, written(app, "1"))


async def test_what_else_is_written_in_the_registry_is_ignored(releasing: RolloutApp) -> None:
    event = written(releasing, "1")
    event["subject"] = event["subject"].replace("/models/", "/environments/")

    assert await answer_to(releasing, event) == "no model of a registry was written"


def test_a_stage_without_it_is_written_as_by_earlier_releases():
    assert "on_registration" not in encode(configuration_with(POLICY).ladder.stages[-1])
