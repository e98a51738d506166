"""Canary secrets in headers, keys, queries and an event's address: none is stored, logged, traced or answered."""

import logging
from pathlib import Path

import aiohttp
import pytest

from tests.inference.conftest import InferenceApp
from tests.recorder import recorder

CANARY = "canary-3b9d4e7f"
SENT = {
    "Authorization": f"Bearer {CANARY}-token",
    "x-functions-key": f"{CANARY}-key",
    "X-Ado-Auth-Token": f"{CANARY}-ado",
}


async def test_no_canary_is_found_in_anything_that_was_stored_printed_or_answered(
    app: InferenceApp, tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    told, said = recorder(), []
    caplog.set_level(logging.DEBUG)
    blob = app.land("landing/each/site-1/a.csv")
    address = f"https://datahub/landing/each/site-1/a.csv?sig={CANARY}-sas"
    data = {"api": "PutBlob", "eTag": blob.etag, "contentLength": blob.size, "url": address}
    await app.tell(blob, data=data)
    await app.finish(app.run_of(blob))
    async with aiohttp.ClientSession() as session:
        for headers in ({name: value} for name, value in SENT.items()):
            for method, path in (("GET", "runs"), ("POST", "events"), ("GET", "promotions/none"), ("GET", "doctor")):
                url = f"{app.host.url}/api/v1/{path}?code={CANARY}-code"
                async with session.request(
                    method, url, headers=headers, json=[] if method == "POST" else None
                ) as answer:
                    assert answer.status in (401, 403), (path, answer.status)
                    said.append(await answer.text())

    stored = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    blobs = [content + str(blob).encode() for blob, content in app.hub.blobs.values()]
    spans = [span.to_json().encode() for span in told.exporter.get_finished_spans()]
    everything = b"\n".join((*stored, *blobs, *spans, caplog.text.encode(), *(text.encode() for text in said)))
    assert len(stored) > 1
    assert len(spans) > 5
    assert CANARY.encode() not in everything
