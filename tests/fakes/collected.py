"""A fake of the data collector's files, which a test appends to. Lines are read as the app's adapter reads them."""

import json
from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

from shared.adapters.azure_monitor.collected_files import lines_of
from shared.domain.answers.parts import CollectedFile, FileRange
from shared.ports import CollectedLine, PieceGoneError, ServedEndpoint

_CHUNK = 1000


class MemoryCollector:
    """Files of an hour each: `DEPLOYMENT/COLLECTION/PERIOD/NAME`."""

    def __init__(self) -> None:
        self._files: dict[str, bytes] = {}

    def append(self, deployment: str, collection: str, period: str, text: str, name: str = "a.jsonl") -> None:
        path = f"{deployment}/{collection}/{period}/{name}"
        self._files[path] = self._files.get(path, b"") + text.encode()

    def exchange(self, deployment: str, period: str, request: str, rows: Any, outputs: Any) -> None:
        """A request and its answer, in the middle of the hour *period*."""
        for collection, data in (("request", rows), ("response", outputs)):
            self.append(deployment, collection, period, f"{event(period, request, data)}\n")

    def remove(self, deployment: str) -> None:
        self._files = {path: data for path, data in self._files.items() if not path.startswith(f"{deployment}/")}

    def deployments(self, served: ServedEndpoint) -> Sequence[str]:
        return sorted({path.split("/")[0] for path in self._files})

    def files(
        self, served: ServedEndpoint, deployment: str, day: date, collections: Sequence[str]
    ) -> Iterator[CollectedFile]:
        for path, data in sorted(self._files.items()):
            folder, collection, period, _ = path.split("/")
            if folder == deployment and collection in collections and period.startswith(day.isoformat()):
                yield CollectedFile(path=path, collection=collection, period=period, size=len(data))

    def lines(self, served: ServedEndpoint, piece: FileRange) -> Iterator[CollectedLine]:
        data = self._files.get(piece.path)
        if data is None or len(data) < piece.end:
            raise PieceGoneError(f"{piece.path} was removed before it was published whole")
        part = data[piece.start : piece.end]
        return lines_of((part[at : at + _CHUNK] for at in range(0, len(part), _CHUNK)), piece)


def event(period: str, request: str, data: Any, **more: Any) -> str:
    """A line of the collector, in the middle of the hour *period*."""
    content = {"specversion": "1.0", "time": f"{period}:30:00Z", "xrequestid": request, "data": data}
    return json.dumps(content | more)
