"""Paths that lead out of the hub, over HTTP, from pipelines and below every door: refused, and nothing is read."""

from datetime import UTC, datetime
from typing import Any

import pytest

from shared.adapters.azure_storage.hub import BlobHub
from shared.domain.failures import Refused
from shared.ports import Blob
from tests.fakes.ports import OPERATOR_KEY
from tests.security.conftest import AttackedApp

WAYS_OUT = [
    "landing/../signalbox/runs/x/run.json",
    "landing/./../signalbox/x",
    "landing/a/../../signalbox/x",
    "landing/..",
    "landing/..\\signalbox\\x",
    "../signalbox/x",
    "/etc/passwd",
    "file:///etc/passwd",
    "https://evil.example/landing/x.csv",
    "//evil.example/x",
    "landing@evil.example/x",
    "LANDING/x.csv",
    "landing/a\u0085b",
    "landing/" + "x" * 1100,
]
ENCODED = ["landing/%2e%2e/signalbox/x", "landing/..%2fsignalbox", "landing%2f..%2fsignalbox/x"]


class Reached(Exception):
    """The service was asked."""


class Trap:
    def __getattr__(self, name: str) -> Any:
        raise Reached(name)


@pytest.mark.parametrize("location", WAYS_OUT)
def test_the_hub_itself_asks_storage_for_no_such_path(location: str) -> None:
    hub, (container, _, path) = BlobHub(Trap()), location.partition("/")  # type: ignore[arg-type]
    blob = Blob(container="landing", path="x", etag="e", size=1, modified=datetime.now(UTC))
    for ask in (
        lambda: hub.find(container, path),
        lambda: hub.read(container, path),
        lambda: hub.load(container, path),
        lambda: hub.create(container, path, b""),
        lambda: hub.replace(container, path, b"", "e"),
        lambda: hub.append(container, path, b""),
        lambda: hub.delete(container, path),
        lambda: hub.copy(blob, container, path, {}),
    ):
        with pytest.raises(Refused):
            ask()


def test_a_good_path_does_ask_storage() -> None:
    with pytest.raises(Reached):
        BlobHub(Trap()).find("landing", "a..b/.c/x.csv")  # type: ignore[arg-type]


async def test_no_door_reads_such_a_path(app: AttackedApp) -> None:
    app.hub.land("signalbox/runs/x/run.json", b"secret,secret\n1,2\n")
    before, key = await app.settled(), {"x-functions-key": OPERATOR_KEY}
    for path in (*WAYS_OUT, *ENCODED):
        for door, body in (
            ("data-checks", {"path": path, "route": "diabetes-each"}),
            ("drift-checks", {"path": path, "route": "diabetes-each"}),
            ("feature-relevance", {"path": path, "target": "progression"}),
            ("dead-letters/replay", {"path": path, "dry_run": False}),
        ):
            status, answer = await app.ask("POST", door, key, body)
            assert 400 <= status < 500, (door, path, answer)
            assert "secret" not in str(answer)

    assert await app.settled() == before
