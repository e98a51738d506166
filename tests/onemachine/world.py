"""What tests do to the local cloud, and what they read back: files landed, runs, and effects as the emulators count."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import requests

from signalbox.cli.app_client import AppClient
from signalbox.launcher.cloud import LocalCloud
from signalbox.launcher.hub import hub_client


class World:
    def __init__(self, cloud: LocalCloud, example: Path) -> None:
        self.cloud = cloud
        self.app = AppClient(cloud.endpoints.app, cloud.endpoints.function_key)
        header, *held_out = (example / "holdout.csv").read_text().splitlines()
        self.rows = [header, *held_out, *(example / "train.csv").read_text().splitlines()[1:]]
        self._hub = hub_client(cloud.endpoints)

    def __enter__(self) -> "World":
        return self

    def __exit__(self, *_: object) -> None:
        self._hub.close()

    def land(self, place: str, row: int) -> None:
        """A file of one patient of the study, under a number of its own."""
        container, _, path = place.partition("/")
        _, measured = self.rows[1 + row % (len(self.rows) - 1)].split(",", 1)
        text = f"{self.rows[0]}\npatient-{row:05d},{measured}\n"
        self._hub.get_blob_client(container, path).upload_blob(text.encode(), overwrite=True)

    def read(self, place: str) -> Any:
        container, _, path = place.partition("/")
        return json.loads(self._hub.get_blob_client(container, path).download_blob().readall())

    def manifests(self, folder: str) -> list[Any]:
        """Every manifest published below predictions/*folder*."""
        names = self._hub.get_container_client("predictions").list_blob_names(name_starts_with=folder)
        return [self.read(f"predictions/{name}") for name in names if name.endswith("/_manifest.json")]

    def runs(self, route: str) -> list[dict[str, Any]]:
        return list(self.app.get("runs", route=route)["runs"])

    def control(self, path: str, body: Any = None) -> Any:
        method, address = ("GET" if body is None else "POST"), self.cloud.control(path)
        answer = requests.request(method, address, json=body, verify=str(self.cloud.endpoints.ca), timeout=30)
        answer.raise_for_status()
        return answer.json()

    def event_of(self, place: str) -> str:
        """The id of the newest BlobCreated event of *place*."""
        container, _, path = place.partition("/")
        subject = f"/blobServices/default/containers/{container}/blobs/{path}"
        found = [row["event"]["id"] for row in self.control("/_events?topic=hub") if row["event"]["subject"] == subject]
        return str(found[-1])

    def eventually(self, look: Callable[[], Any], within: float = 90.0) -> Any:
        """What *look* gives once it is true. Raises TimeoutError."""
        deadline = time.monotonic() + within
        while True:
            try:
                if seen := look():
                    return seen
            except Exception:  # The host may be down for a moment: that is what some tests are about.
                if time.monotonic() > deadline:
                    raise
            if time.monotonic() > deadline:
                raise TimeoutError(f"{look} was never true")
            time.sleep(0.5)  # noqa: TID251 - Polls with a deadline.
