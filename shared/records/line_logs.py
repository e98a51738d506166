"""Logs of lines, each of any length: one blob until that is full, and numbered parts after it.

Which part is the newest is found in the hub, so writers need no memory and any number of them agree.
"""

from collections.abc import Iterator

from shared.domain.failures import Transient
from shared.ports import DataHub
from shared.records import paths

_TRIES = 20


def append_line(hub: DataHub, container: str, path: str, line: bytes) -> None:
    """Add *line* to the log at *path*. Raises Transient where others fill every part that is begun meanwhile."""
    if hub.append(container, path, line):
        return
    parts = [blob.path for blob in hub.list(container, paths.log_parts(path))]
    number = max((paths.part_number(part) for part in parts), default=2)
    for following in range(number, number + _TRIES):
        if hub.append(container, paths.log_part(path, following), line):
            return
    raise Transient(f"{container}/{path} was filled {_TRIES} times while a line was added; try again")


def read_lines(hub: DataHub, container: str, path: str) -> Iterator[bytes]:
    """The lines of the log at *path*, oldest first; they are read a part at a time."""
    parts = sorted((blob.path for blob in hub.list(container, paths.log_parts(path))), key=paths.part_number)
    for part in (path, *parts):
        yield from (hub.read(container, part) or b"").splitlines()


def newest_lines(hub: DataHub, container: str, path: str, most: int) -> list[bytes]:
    """At most *most* of the log's last lines, oldest first; of the older parts nothing is read that is not needed."""
    parts = sorted((blob.path for blob in hub.list(container, paths.log_parts(path))), key=paths.part_number)
    lines = list[bytes]()
    for part in reversed((path, *parts)):
        lines = (hub.read(container, part) or b"").splitlines()[-(most - len(lines)) :] + lines
        if len(lines) >= most:
            break
    return lines
