"""The hosted app with routes by which files are scored, and fakes behind its ports."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from azure.functions.meta import Datum

from shared import contracts as c
from shared.codec import decode
from shared.domain import identity
from shared.domain.configuration import Configuration
from shared.domain.inference.arrivals import Arrival
from shared.domain.inference.routes import (
    Group,
    Grouping,
    HubLayout,
    Marker,
    OnMissingRows,
    Route,
    Scoring,
    Window,
    Workspace,
)
from shared.ports import Blob
from signalbox.host.clock import VirtualClock
from tests.fakes.ports import OPERATOR_KEY, FakeClients, MemoryAnnouncer, MemoryJobs
from tests.hosted import HostedApp, hosted

WORKSPACE = Workspace(name="dev", subscription="s", resource_group="g", workspace="w")
SCORE = Scoring(workspace=WORKSPACE, endpoint="e", deployment="blue", model="m", version="1")


def a_route(name: str, group: Group | None = None, **rest: Any) -> Route:
    given = {"publish": f"predictions/{name}/{{run}}", "release_within_s": 3600, **rest}
    return Route(
        name=name,
        take=f"landing/{name}/{{site}}/{{file}}.csv",
        contract="c",
        score=SCORE,
        group=group or Group(),
        **given,
    )


COUNTED = "2 lines of output for 2 rows; no key of the data shows in them, so they were counted, not matched"
CONFIGURATION = Configuration(
    hub=HubLayout(account="datahub"),
    routes=(
        a_route("each"),
        a_route("partial", on_missing_rows=OnMissingRows.PARTIAL),
        a_route("success", Group(kind=Grouping.MARKER)),
        a_route("listed", Group(kind=Grouping.MARKER, marker=Marker(name="*.manifest.json", manifest=True, wait_s=60))),
        a_route("window", Group(kind=Grouping.WINDOW, window=Window(quiet_s=10, longest_s=60, files=5))),
    ),
    workspaces=(WORKSPACE,),
)


class InferenceApp(HostedApp):
    """The app with routes by which files are scored."""

    @property
    def jobs(self) -> MemoryJobs:
        return self.clients.jobs  # type: ignore[return-value]

    @property
    def announced(self) -> MemoryAnnouncer:
        return self.clients.announcer  # type: ignore[return-value]

    def land(self, location: str, data: bytes = b"id,x\n1,2\n3,4\n", **metadata: str) -> Blob:
        return self.hub.land(location, data, metadata)

    async def tell(self, blob: Blob, event_id: str = "event-1", **changes: Any) -> None:
        """Deliver the BlobCreated event of *blob* to the Event Grid trigger."""
        event = created(blob, event_id) | changes
        await self.host.call("receive_hub_event", Datum(json.dumps(event), "json"))

    async def arrive(self, location: str, data: bytes = b"id,x\n1,2\n3,4\n") -> str:
        """Land a file, deliver its event, and give the id of its run on an `each` route."""
        blob = self.land(location, data)
        await self.tell(blob)
        return self.run_of(blob)

    def run_of(self, blob: Blob) -> str:
        arrival = Arrival(account="datahub", container=blob.container, path=blob.path, etag=blob.etag)
        return identity.run_id(blob.path.split("/")[0], [identity.arrival_id(arrival)])

    def record(self, run: str) -> dict[str, Any]:
        return dict(json.loads(self.hub.read("signalbox", f"runs/{run}/run.json") or b"{}"))

    def lines(self, path: str) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.hub.read("signalbox", path) or b"").splitlines()]

    async def finish(self, instance: str) -> c.InferenceResult:
        outcome = await self.host.advance_until_finished(instance, timeout=60)
        assert outcome.status == "Completed", outcome
        return decode(c.InferenceResult, outcome.output)

    async def request(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        key = {"x-functions-key": OPERATOR_KEY}
        async with (
            aiohttp.ClientSession() as session,
            session.request(method, f"{self.host.url}/api/v1/{path}", json=body, headers=key) as answer,
        ):
            return answer.status, await answer.json(content_type=None)

    def events(self, instance: str) -> int:
        """How many events the history of *instance* has."""
        return len(self.host.host.client.history(instance))


def created(blob: Blob, event_id: str) -> dict[str, Any]:
    return {
        "id": event_id,
        "topic": "/subscriptions/s/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/datahub",
        "subject": f"/blobServices/default/containers/{blob.container}/blobs/{blob.path}",
        "eventType": "Microsoft.Storage.BlobCreated",
        "eventTime": "2026-01-01T00:00:00Z",
        "data": {"api": "PutBlob", "eTag": blob.etag, "contentLength": blob.size, "url": "https://datahub/x"},
        "dataVersion": "",
    }


@pytest.fixture
def sweeps() -> str:
    """When the timers sweep; a test that lets days pass gives it otherwise."""
    return "0 */5 * * * *"


@pytest.fixture
async def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sweeps: str) -> AsyncIterator[InferenceApp]:
    clock = VirtualClock()
    made = FakeClients(CONFIGURATION, clock.now)
    async with hosted(made, clock, tmp_path, monkeypatch, sweeps=sweeps) as host:
        yield InferenceApp(host=host, clients=made)
