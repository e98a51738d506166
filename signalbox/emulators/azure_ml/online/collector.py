"""The data collector of online deployments: requests and answers as CloudEvents in JSON lines, in blob storage.

It logs payloads (the collections `request` and `response`). What a scoring script collects by itself is not here.
"""

import asyncio
import contextlib
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from azure.core.exceptions import AzureError

from signalbox.emulators.azure_ml.blobs import Blobs
from signalbox.emulators.azure_ml.estate import BLOB_STORE, Estate, Place, Scope
from signalbox.emulators.azure_ml.online.conditions import Conditions
from signalbox.emulators.azure_ml.resources import Resources

_LARGEST = 4 * 1024**2
_EVERY_S = 0.5
_FOLDERS = {"Year": "%Y", "Month": "%Y/%m", "Day": "%Y/%m/%d", "Hour": "%Y/%m/%d/%H", "Minute": "%Y/%m/%d/%H/%M"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """A request to the resource *deployment* and its answer; *at* in seconds since 1970."""

    deployment: Mapping[str, Any]
    instance: str
    request_id: str
    at: float
    path: str
    request: str
    response: str


class Collector:
    """Collects in memory and appends to the blobs twice a second; what a kill finds unwritten is lost."""

    def __init__(self, resources: Resources, estate: Estate, blobs: Blobs, conditions: Conditions) -> None:
        self._resources, self._estate, self._blobs, self._conditions = resources, estate, blobs, conditions
        self._lines: dict[Place, list[str]] = {}
        self._payloads: list[tuple[Place, str]] = []
        self._end = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def resume(self) -> None:
        self._task = asyncio.create_task(self._write_until_the_end())

    async def stop(self) -> None:
        """Write what is collected. Storage has to answer until then."""
        self._end.set()
        if self._task is not None:
            await self._task

    def collect(self, exchange: Exchange) -> None:
        """Collect the request and the answer, each if its collection is on and its sample is drawn."""
        settings = exchange.deployment["properties"].get("dataCollector") or {}
        draw = self._conditions.draws(f"{exchange.deployment['id']}/collector").random()  # The same one for both.
        for name, payload in (("request", exchange.request), ("response", exchange.response)):
            collection = (settings.get("collections") or {}).get(name) or {}
            rate = collection.get("samplingRate")
            if collection.get("dataCollectionMode") == "Enabled" and draw < (1.0 if rate is None else rate):
                folder = self._folder(exchange, name, collection, settings.get("rollingRate") or "Hour")
                self._add(exchange, name, payload, folder)

    def _add(self, exchange: Exchange, name: str, payload: str, folder: Place) -> None:
        event_id, size = str(uuid.uuid4()), len(payload.encode())
        is_request, is_large = name == "request", size > _LARGEST
        data, content_type = _read(payload)
        if is_large:
            target = folder.below(event_id)
            self._payloads.append((target, payload))
            data = self._blobs.address(target)
        event = {
            "specversion": "1.0",
            "id": event_id,
            "source": exchange.deployment["id"],
            "type": f"azureml.inference.{name}",
            "datacontenttype": content_type,
            "time": datetime.fromtimestamp(exchange.at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "data": data,
            **({"path": exchange.path, "method": "POST"} if is_request else {}),
            "contentrange": f"bytes 0-{max(0, size - 1)}/{'*' if is_request else size}",
            "correlationid": exchange.request_id,
            "xrequestid": exchange.request_id,
            **({"datainblob": "true"} if is_large else {}),
        }
        self._lines.setdefault(folder.below(f"{exchange.instance}.jsonl"), []).append(json.dumps(event))

    def _folder(self, exchange: Exchange, name: str, collection: Mapping[str, Any], rolling: str) -> Place:
        """The folder of the present period, in the data asset of the *collection* or in the workspace's own store."""
        path = str(exchange.deployment["id"])
        scope = self._estate.at(path)
        assert scope is not None
        endpoint = path.rpartition("/deployments/")[0].rpartition("/")[2]
        default = f"modelDataCollector/{endpoint}/{exchange.deployment['name']}/{name}"
        uri = self._asset_uri(collection, scope) or f"azureml://datastores/{BLOB_STORE}/paths/{default}"
        period = datetime.fromtimestamp(exchange.at, UTC).strftime(_FOLDERS[rolling])
        return self._estate.place_of(uri, scope).below(period)

    def _asset_uri(self, collection: Mapping[str, Any], scope: Scope) -> str:
        reference = collection.get("dataId")
        asset = self._resources.get(self._estate.asset_id(reference, scope, "data")) if reference else None
        return str(asset["properties"]["dataUri"]) if asset else ""

    async def _write_until_the_end(self) -> None:
        while not self._end.is_set():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_EVERY_S):
                    await self._end.wait()
            await self._write()

    async def _write(self) -> None:
        lines, self._lines = self._lines, {}
        payloads, self._payloads = self._payloads, []
        texts = [(place, "".join(f"{line}\n" for line in rows)) for place, rows in lines.items()]
        # Payloads first: no line may name a blob that is not there yet.
        for place, text in [*payloads, *texts]:
            try:
                await asyncio.to_thread(self._blobs.append, place, text.encode())
            except AzureError as error:
                print(f"the data collector could not write {place.path}: {error}", flush=True)


def _read(payload: str) -> tuple[Any, str]:
    """*payload* and its content type: JSON as it is, anything else as text."""
    try:
        return json.loads(payload), "application/json"
    except ValueError:
        return payload, "text/plain"
