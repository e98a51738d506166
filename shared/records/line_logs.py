"""Logs of lines, each of any length: one blob until that is full, and numbered parts after it.

Which part is the newest is found in the hub, so writers need no memory and any number of them agree.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from shared.domain.failures import Transient
from shared.ports import DataHub
from shared.records import paths

_TRIES = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class LinePlace:
    """The line *number*, from 0, of the blob *part*. Lines are only added, so a place never moves."""

    part: str
    number: int


def append_line(hub: DataHub, container: str, path: str, line: bytes) -> None:
    """Add *line* to the log at *path*. Raises Transient where others fill every part that is begun meanwhile."""
    # Append blobs take 50,000 blocks at most, and each line is one (documented at
    # learn.microsoft.com/rest/api/storageservices/append-block). Hence the parts.
    if hub.append(container, path, line):
        return
    parts = [blob.path for blob in hub.list(container, paths.log_parts(path))]
    number = max((paths.part_number(part) for part in parts), default=2)
    for following in range(number, number + _TRIES):
        if hub.append(container, paths.log_part(path, following), line):
            return
    raise Transient(f"{container}/{path} was filled {_TRIES} times while a line was added; try again")


def newest_lines(hub: DataHub, container: str, path: str, most: int) -> list[bytes]:
    """At most *most* of the log's last lines, oldest first; of the older parts nothing is read that is not needed."""
    parts = sorted((blob.path for blob in hub.list(container, paths.log_parts(path))), key=paths.part_number)
    lines = list[bytes]()
    for part in reversed((path, *parts)):
        lines = (hub.read(container, part) or b"").splitlines()[-(most - len(lines)) :] + lines
        if len(lines) >= most:
            break
    return lines


def lines_before(
    hub: DataHub, container: str, prefix: str, place: LinePlace | None
) -> Iterator[tuple[LinePlace, bytes]]:
    """The lines of all logs whose paths begin with *prefix*, the newest first, each with its place.

    They begin before *place*, or with the last line where it is None. A part is read when its lines are needed.
    """
    parts = sorted((blob.path for blob in hub.list(container, prefix)), reverse=True)
    for part in parts:
        if place is not None and part > place.part:
            continue
        lines = (hub.read(container, part) or b"").splitlines()
        end = place.number if place is not None and part == place.part else len(lines)
        for number in reversed(range(min(end, len(lines)))):
            yield LinePlace(part=part, number=number), lines[number]
