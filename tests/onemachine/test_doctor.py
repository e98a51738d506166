"""The doctor finds nothing wrong with the running local cloud, and sees at once what is taken away from it."""

from pathlib import Path
from typing import Any

import pytest
import requests

from signalbox.cli.demonstrations.example import offer_answers
from signalbox.launcher.emulator_settings import storage_account_id
from tests.onemachine.world import World

pytestmark = [pytest.mark.onemachine, pytest.mark.xdist_group("onemachine")]

SUBSCRIPTIONS = f"{storage_account_id('datahub')}/providers/Microsoft.EventGrid/eventSubscriptions"


def show(world: World, **shown: Any) -> None:
    """Put *body* in the place of what Resource Manager shows at *path*, or take that away again."""
    ends = world.cloud.endpoints
    put = requests.put(f"{ends.resource_manager}/_control/shown", json=shown, verify=str(ends.ca), timeout=10)
    put.raise_for_status()


def wrong(world: World) -> list[tuple[str, str]]:
    found = world.app.get("doctor")["findings"]
    assert len({each["check"] for each in found}) > 8
    return [(each["check"], each["fix"]) for each in found if each["grade"] != "ok"]


def test_all_is_green_on_the_local_cloud_and_what_is_missing_is_named(world: World, example: Path) -> None:
    offer_answers(world.cloud.endpoints, example)
    assert wrong(world) == []

    show(world, path=SUBSCRIPTIONS, body={"value": []})
    try:
        found = wrong(world)
    finally:
        show(world, path=SUBSCRIPTIONS)
    assert {check for check, _ in found} == {"events"}
    assert "subscribe receive_hub_event" in found[0][1]
