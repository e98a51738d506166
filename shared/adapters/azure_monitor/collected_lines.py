"""Files of Azure ML's data collector, of which each instance writes its own: their lines, and how far they have come.

Contract: https://learn.microsoft.com/azure/machine-learning/how-to-collect-production-data; each line is a CloudEvent.
Read are rolling rates of a day and less. Not here: what the lines say.
"""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime

from azure.core.exceptions import ResourceModifiedError, ResourceNotFoundError
from azure.storage.blob import ContainerClient

from shared.adapters.azure_monitor.collector_store import LONGEST_LINE
from shared.adapters.azure_monitor.minutes import MINUTE_S, minute_of
from shared.domain.failures import Refused, Transient

_MOST_BYTES = 2 * 1024**3
_MOST_FILES = 20_000
_HOUR = re.compile(r"([01][0-9]|2[0-3])/")
_TAILS = (64 * 1024, LONGEST_LINE)


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


def written_block(container: ContainerClient, folder: str, span: tuple[int, int], block_s: int) -> int:
    """The newest block that every instance has reached which has files in *folder* of the minutes of *span*.

    -1 where nobody has written. An instance that is gone stays where it was.
    """
    newest = dict[str, int]()
    for name, size in _files(container, folder, span):
        instance = name.rpartition("/")[2]
        newest[instance] = max(newest.get(instance, -1), _last_block(container, name, size, block_s))
    return min(newest.values(), default=-1)


def _last_block(container: ContainerClient, name: str, size: int, block_s: int) -> int:
    """The newest block among the last lines of a file; -1 for a file without a line that says when it was."""
    for (
        tail
    ) in _TAILS:  # Most lines are short. One of the greatest length fills the first tail, and is then read whole.
        start = max(0, size - tail)
        try:
            text = container.download_blob(name, offset=start, length=size - start).readall() if size else b""
        except ResourceNotFoundError:  # Somebody's rule has deleted it meanwhile.
            break
        newest = max((_block(line, block_s) for line in text.split(b"\n")), default=-1)
        if newest >= 0 or start == 0:
            return newest
    return -1


def _block(line: bytes, block_s: int) -> int:
    """-1 for what is no event, such as a line whose beginning or end is missing."""
    try:
        return minute_of(str(json.loads(line)["time"]), block_s)
    except (KeyError, TypeError, ValueError, RecursionError):
        return -1


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
