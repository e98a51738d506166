"""What deployments were sent and answered, from the files that Azure ML's data collector writes to blob storage.

Contract: https://learn.microsoft.com/azure/machine-learning/how-to-collect-production-data; each line is a CloudEvent.
Not here: how the files are read (collected_lines.py).
"""

import json
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator
from typing import Any

from shared.adapters.azure_faults import translated
from shared.adapters.azure_ml.datastores import Datastores
from shared.adapters.azure_monitor.collected_lines import collected_lines, written_block
from shared.adapters.azure_monitor.collector_store import ROOT, STORE, collecting_deployments, is_kept_elsewhere
from shared.adapters.azure_monitor.minutes import MINUTE_S, minute_of, minutes_of, spans
from shared.ports import OutputBins, OutputMinute, ServedEndpoint

_REQUESTS = "request"


class CollectedOutputs:
    """Implements `shared.ports.OutputFigures`. No file is ever in memory as a whole."""

    def __init__(self, datastores: Datastores) -> None:
        self._datastores = datastores

    def outputs(self, served: ServedEndpoint, first: int, last: int, bins: OutputBins) -> Iterator[OutputMinute]:
        tuple(spans(first, last))  # Refuses what is too long.
        container = self._datastores.container(served.workspace, STORE)
        action = f"read the collected outputs of {served.endpoint}"
        with translated(action), container:
            for deployment in collecting_deployments(container, served.endpoint, action):
                count = _OutputCount(bins, first, last)
                folder = f"{ROOT}/{served.endpoint}/{deployment}/{bins.collection}"
                for line in collected_lines(container, folder, (first, last), action):
                    count.add(line)
                yield from count.minutes(deployment)

    def requests(self, served: ServedEndpoint, deployment: str, first: int, last: int) -> Iterator[bytes]:
        tuple(spans(first, last))
        container = self._datastores.container(served.workspace, STORE)
        action = f"read the collected requests of {served.endpoint}"
        with translated(action), container:
            folder = f"{ROOT}/{served.endpoint}/{deployment}/{_REQUESTS}"
            for line in collected_lines(container, folder, (first, last), action):
                if (body := _body(line, first, last)) is not None:
                    yield body

    def collected_through(
        self,
        served: ServedEndpoint,
        deployments: Collection[str],
        collections: Collection[str],
        span: tuple[int, int],
        block_s: int = MINUTE_S,
    ) -> int:
        minutes = minutes_of(span, block_s)
        tuple(spans(*minutes))
        first, last = span
        action = f"look how far {served.endpoint} has collected"
        with translated(action), self._datastores.container(served.workspace, STORE) as container:
            for deployment in deployments:
                for collection in collections:
                    folder = f"{ROOT}/{served.endpoint}/{deployment}/{collection}"
                    last = min(last, written_block(container, folder, minutes, block_s) - 1)
        return max(first - 1, last)


class _OutputCount:
    """Counts the outputs in the lines of one deployment."""

    def __init__(self, bins: OutputBins, first: int, last: int) -> None:
        self._bins, self._first, self._last = bins, first, last
        self._counts: dict[int, Counter[int | None]] = defaultdict(Counter)

    def add(self, line: bytes) -> None:
        """A line that is no event counts nowhere: the collector cannot say when it was."""
        try:
            event = json.loads(line)
            minute = minute_of(str(event["time"]))
        except (KeyError, TypeError, ValueError, RecursionError):
            return
        if self._first <= minute <= self._last:
            outputs = _outputs(event, self._bins.field)
            units = outputs[:1] if self._bins.first_only else outputs
            self._counts[minute].update(self._bins.bin_of(output) for output in units)

    def minutes(self, deployment: str) -> Iterator[OutputMinute]:
        for minute, counts in sorted(self._counts.items()):
            bins = tuple(counts[index] for index in range(self._bins.size))
            yield OutputMinute(deployment=deployment, minute=minute, bins=bins, unread=counts[None])


def _body(line: bytes, first: int, last: int) -> bytes | None:
    """What was sent; None for a line of another minute, and for what was too large or is no JSON."""
    try:
        event = json.loads(line)
        minute, data = minute_of(str(event["time"])), event["data"]
    except (KeyError, TypeError, ValueError, RecursionError):
        return None
    if is_kept_elsewhere(event) or not first <= minute <= last or not isinstance(data, dict | list):
        return None
    return json.dumps(data).encode()


def _outputs(event: dict[str, Any], field: str) -> list[Any]:
    """One for each row of the event's data; None for what cannot be read here."""
    data = event.get("data")
    if is_kept_elsewhere(event):
        return [None]
    if isinstance(data, dict) and field and isinstance(data.get(field), list):
        return list(data[field])  # An answer such as {"predictions": [...]}.
    rows = data if isinstance(data, list) else [data]
    return [row.get(field) if isinstance(row, dict) else None if field else row for row in rows]
