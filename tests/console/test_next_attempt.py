"""The next attempt of a run with settings of its own: what the route allows and earlier runs suggest, and the order."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from azure.functions.meta import Datum

from shared.domain import identity
from tests.console.conftest import ConsoleApp, console_of
from tests.console.test_matrix import HOSTILE
from tests.inference.conftest import created
from tests.inference.test_overrides import LIMITED


@pytest.fixture
async def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[ConsoleApp]:
    async with console_of(LIMITED, tmp_path, monkeypatch) as console:
        yield console


async def ended(app: ConsoleApp) -> str:
    """A run that has ended; its files are pinned."""
    blob = app.hub.land("landing/each/north/a.csv", b"id,x\n1,2\n")
    await app.host.call("receive_hub_event", Datum(json.dumps(created(blob, "a")), "json"))
    run = identity.run_id("each", [identity.arrival_id(blob.arrival("datahub"))])
    assert (await app.host.advance_until_finished(run, timeout=60)).status == "Completed"
    return run


async def test_the_settings_that_a_route_allows_are_offered_and_reach_the_next_attempt_alone(app: ConsoleApp) -> None:
    run = await ended(app)
    ada, grace = await app.signed_in("ada"), await app.signed_in("grace")
    assert f"/console/runs/{run}/attempt" in (await ada.get(f"runs/{run}")).text
    assert (await grace.get(f"runs/{run}/attempt")).status == 403, "who may not start one sees no form"
    page = await ada.get(f"runs/{run}/attempt")

    assert 'name="overrides.instance_count" min="1" max="8"' in page.text
    assert 'name="overrides.error_threshold" min="0" max="2"' in page.text
    assert "overrides.retries" not in page.text, "the route does not limit it, so that nobody may ask for it"
    assert "<option>large</option>" in page.text
    assert "1 completed run is known; 3 are needed" in page.text
    form = page.form("order") | {"reason": HOSTILE}
    refused = await ada.send(f"runs/{run}/attempt/order", form | {"overrides.instance_count": "9"})
    assert (refused.status, "limits.instance_count is 8" in refused.text) == (422, True)
    assert 'value="9"' in refused.text, "what was typed stays"
    assert "<script>alert" not in refused.text
    unlimited = await ada.send(f"runs/{run}/attempt/order", form | {"overrides.retries": "7"})
    assert (unlimited.status, "retries may not be asked for" in unlimited.text) == (422, True)
    asked = {"overrides.instance_count": "4", "overrides.compute": "large", "overrides.error_threshold": ""}
    sent = await ada.send(f"runs/{run}/attempt/order", form | asked)
    assert (sent.status, sent.location) == (303, f"/console/runs/{run}/attempt?done=order")

    following = identity.next_attempt(run)
    assert f"/console/runs/{following}" in (await ada.get(f"runs/{run}/attempt?done=order")).text
    _, shown = await app.ask("GET", f"runs/{following}")
    assert (shown["repeats"], shown["overrides"]) == (run, {"instance_count": 4, "compute": "large"})
    page = await ada.get(f"runs/{following}")
    assert "instance count <b>4</b>" in page.text
