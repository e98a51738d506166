"""What deployments were sent and answered, from the files that Azure ML's data collector writes to blob storage.

Contract: https://learn.microsoft.com/azure/machine-learning/how-to-collect-production-data; each line is a CloudEvent.
Read are rolling rates of a day and less. A line of the last hour may still come: its minute is then counted later.
"""

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from azure.core.exceptions import ResourceModifiedError, ResourceNotFoundError
from azure.storage.blob import ContainerClient

from shared.adapters.azure_faults import translated
from shared.adapters.azure_ml.datastores import Datastores
from shared.adapters.azure_monitor.collector_store import (
    LONGEST_LINE,
    ROOT,
    STORE,
    collecting_deployments,
    is_kept_elsewhere,
)
from shared.adapters.azure_monitor.minutes import MINUTE_S, minute_of, spans
from shared.domain.failures import Refused, Transient
from shared.ports import OutputBins, OutputMinute, ServedEndpoint

_REQUESTS = "request"
_MOST_BYTES = 2 * 1024**3
_MOST_FILES = 20_000
_HOUR = re.compile(r"([01][0-9]|2[0-3])/")


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


def collected_lines(container: ContainerClient, folder: str, span: tuple[int, int], action: str) -> Iterator[bytes]:
    """The lines of all files of the hours of *span*, and of the hour after it, in which late lines are."""
    budget = _MOST_BYTES
    for number, (name, size) in enumerate(_files(container, folder, span)):
        budget -= size
        if budget < 0 or number >= _MOST_FILES:
            raise Refused(f"{action}: over {_MOST_BYTES} bytes or {_MOST_FILES} files were collected; sample fewer")
        try:
            # A length of the size that was listed: a file that grows meanwhile gives this look no half a line. The SDK
            # takes a length only with an offset.
            chunks = container.download_blob(name, offset=0, length=size).chunks() if size else iter(())
            yield from _split(chunks, action)
        except ResourceNotFoundError:  # Somebody's rule has deleted it meanwhile.
            continue
        except ResourceModifiedError as error:
            raise Transient(f"{action}: {name} was written to while it was read") from error


def _files(container: ContainerClient, folder: str, span: tuple[int, int]) -> Iterator[tuple[str, int]]:
    first, last = (minute * MINUTE_S // 3600 for minute in span)
    hours = [datetime.fromtimestamp(hour * 3600, UTC) for hour in range(first, last + 2)]
    for day in dict.fromkeys(f"{hour:%Y/%m/%d}" for hour in hours):
        wanted_hours = {f"{hour:%H}" for hour in hours if f"{hour:%Y/%m/%d}" == day}
        prefix = f"{folder}/{day}/"
        for blob in container.list_blobs(name_starts_with=prefix):
            hour_match = _HOUR.match(blob.name.removeprefix(prefix))
            if blob.name.endswith(".jsonl") and (hour_match is None or hour_match[1] in wanted_hours):
                yield blob.name, int(blob.size)


def _split(chunks: Iterator[bytes], action: str) -> Iterator[bytes]:
    """The last line may still be written: then it is no JSON yet. Raises Refused for a line that is too long."""
    rest = b""
    for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n")
        yield from lines
        if len(rest) > LONGEST_LINE:
            raise Refused(f"{action}: a line is longer than {LONGEST_LINE} bytes")
    if rest:
        yield rest
