"""The control door of the online service refuses what could never be meant, and leaves what was set before."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from signalbox.emulators.azure_ml.online.conditions import Conditions
from signalbox.emulators.clock import EmulatorClock
from tests.connections import end_serving

Client = TestClient[web.Request, web.Application]


@pytest.fixture
async def door(tmp_path: Path) -> AsyncIterator[tuple[Client, Conditions]]:
    conditions, app = Conditions(EmulatorClock(tmp_path / "clock.json")), web.Application()
    conditions.add_to(app)
    client = TestClient(TestServer(app))
    await client.start_server()
    yield client, conditions
    await client.close()
    await end_serving()


def fault(**values: Any) -> dict[str, Any]:
    return {"deployments": [{"match": "x", **values}]}


def change(**values: Any) -> dict[str, Any]:
    return {"changes": [{"match": "x", "mode": "lost", **values}]}


WRONG: dict[str, Any] = {
    "no object": [],
    "a name": {"tempo": {}},
    "a name within": {"pace": {"endpoint": 1}},
    "text for a number": {"pace": {"endpoint_s": "1"}},
    "a negative time": {"pace": {"scale_s": -1}},
    "a flag for a number": {"limits": {"instances": True}},
    "half an instance": {"limits": {"instances": 1.5}},
    "no list": {"deployments": {"match": "x"}},
    "no match": {"deployments": [{"error_share": 0.5}]},
    "a broken pattern": fault(match="("),
    "no pattern": fault(match=3),
    "more than all": fault(error_share=1.1),
    "every none": fault(error_every=0),
    "a good status": fault(error_status=200),
    "an unknown mode": change(mode="gone"),
    "the first is 1": change(nth=0),
    "routing": {"routing": {"per": "packet"}},
    "cores": {"limits": {"cores": {"*": "many"}}},
    "no table": {"limits": {"cores": 5}},
    "exempt": {"limits": {"exempt": "Standard_DS3_v2"}},
    "a word for a flag": {"resets_public_access": "no"},
    "null": {"pace": {"endpoint_s": None}},
    "no number": {"routing": {"skew": {"blue": float("nan")}}},
}


@pytest.mark.parametrize("body", WRONG.values(), ids=WRONG)
async def test_what_could_never_be_meant_is_refused(door: tuple[Client, Conditions], body: Any) -> None:
    client, conditions = door
    await client.post("/_control/online", json={"pace": {"endpoint_s": 7}})
    answer = await client.post("/_control/online", json=body)
    assert answer.status == 400, await answer.text()
    assert conditions.pace.endpoint_s == 7


async def test_what_can_be_meant_is_set(door: tuple[Client, Conditions]) -> None:
    client, conditions = door
    body = {
        "pace": {"endpoint_s": 0, "late_s": 1.5},
        "limits": {"cores": {"*": 4}, "exempt": ["Standard_DS3_v2"]},
        "routing": {"seed": -3, "per": "connection", "skew": {"blue": 2.5}},
        **fault(error_share=1, error_every=2, until_s=None, crash_after=0, times=-1, add=-2.5),
        **change(nth=1, seconds=3),
        "resets_public_access": False,
    }
    answer = await client.post("/_control/online", json=body)
    assert answer.status == 200, await answer.text()
    assert (conditions.routing.per, conditions.limits.exempt) == ("connection", ("Standard_DS3_v2",))
    assert conditions.fault_of_change("x") is not None
