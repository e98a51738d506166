"""The data collector's files as they grow, line by line from a byte on, for what is published of them.

Files are append blobs: the bytes before their present end do not change.
"""

import json
import re
from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

from azure.core.exceptions import HttpResponseError, ResourceModifiedError, ResourceNotFoundError
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
from shared.adapters.azure_monitor.minutes import read_moment
from shared.domain.answers.parts import CollectedFile, FileRange
from shared.domain.failures import Transient
from shared.ports import CollectedLine, PieceGoneError, ServedEndpoint

# The hour in which the events of a file were, where its rolling rate is an hour or a minute.
_HOUR = re.compile(r"([01][0-9]|2[0-3])/([0-5][0-9]/)?[^/]+\.jsonl")
_DAY = re.compile(r"[^/]+\.jsonl")
_SHOWN = 64 * 1024


class CollectorFiles:
    """Implements `shared.ports.CollectedFiles` for rolling rates of a day and less."""

    def __init__(self, datastores: Datastores) -> None:
        self._datastores = datastores

    def deployments(self, served: ServedEndpoint) -> Sequence[str]:
        action = f"look for the collected answers of {served.endpoint}"
        with translated(action), self._container(served) as container:
            return collecting_deployments(container, served.endpoint, action)

    def files(
        self, served: ServedEndpoint, deployment: str, day: date, collections: Sequence[str]
    ) -> Iterator[CollectedFile]:
        with (
            translated(f"list what {served.endpoint}/{deployment} has collected"),
            self._container(served) as container,
        ):
            for collection in collections:
                folder = f"{ROOT}/{served.endpoint}/{deployment}/{collection}/{day:%Y/%m/%d}/"
                for blob in container.list_blobs(name_starts_with=folder):
                    name = blob.name.removeprefix(folder)
                    hour = _HOUR.fullmatch(name)
                    if hour or _DAY.fullmatch(name):
                        period = f"{day:%Y-%m-%d}T{hour[1]}" if hour else f"{day:%Y-%m-%d}"
                        yield CollectedFile(path=blob.name, collection=collection, period=period, size=int(blob.size))

    def lines(self, served: ServedEndpoint, piece: FileRange) -> Iterator[CollectedLine]:
        if piece.end <= piece.start:
            return
        with translated(f"read {piece.path}"), self._container(served) as container:
            try:
                stream = container.download_blob(piece.path, offset=piece.start, length=piece.end - piece.start)
                yield from lines_of(stream.chunks(), piece)
            except ResourceNotFoundError as error:
                raise PieceGoneError(f"{piece.path} was removed before it was published whole") from error
            except ResourceModifiedError as error:
                raise Transient(f"{piece.path} was written to while it was read") from error
            except HttpResponseError as error:
                if error.status_code != 416:
                    raise
                raise PieceGoneError(
                    f"{piece.path} is shorter than it was: only its beginning was published"
                ) from error

    def _container(self, served: ServedEndpoint) -> ContainerClient:
        return self._datastores.container(served.workspace, STORE)


def lines_of(chunks: Iterator[bytes], piece: FileRange) -> Iterator[CollectedLine]:
    """The lines of *piece*. What is behind its last line end is one where it is whole, or can never become so."""
    start, rest, is_skipped = piece.start, b"", False
    for chunk in chunks:
        *texts, rest = (rest + chunk).split(b"\n")
        for text in texts:
            end = start + len(text) + 1
            if not is_skipped:
                yield from _read(text, start, end)
            start, is_skipped = end, False
        if len(rest) > LONGEST_LINE:  # Its beginning is kept with the reason; the rest of it is passed over.
            if not is_skipped:
                yield _unread(start, start + len(rest), f"the line is longer than {LONGEST_LINE} bytes", rest)
            start, rest, is_skipped = start + len(rest), b"", True
    if is_skipped and rest:
        yield _unread(start, start + len(rest), "it is the end of a line that is too long", b"")
    # A line without its end may still be written to. It counts once it reads as JSON, or once its file is too old to
    # grow.
    elif rest and (_event(rest) is not None or piece.is_final):
        yield from _read(rest, start, start + len(rest))


def _read(text: bytes, start: int, end: int) -> Iterator[CollectedLine]:
    if not text.strip():
        return
    event = _event(text)
    if event is None:
        yield _unread(start, end, "the line is no JSON object", text)
    elif is_kept_elsewhere(event):
        yield _unread(start, end, "the payload was too large for the collector, and lies elsewhere", text)
    elif "data" not in event or not _is_moment(event.get("time")):
        yield _unread(start, end, "the event has no data, or no time", text)
    else:
        request = str(event.get("xrequestid") or event.get("correlationid") or event.get("id") or "")
        yield CollectedLine(start=start, end=end, request=request, at=str(event["time"]), data=event["data"])


def _event(text: bytes) -> dict[str, Any] | None:
    try:
        event = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return event if isinstance(event, dict) else None


def _is_moment(text: object) -> bool:
    try:
        read_moment(str(text))
    except ValueError:
        return False
    return True


def _unread(start: int, end: int, because: str, text: bytes) -> CollectedLine:
    return CollectedLine(start=start, end=end, because=because, text=text[:_SHOWN].decode(errors="replace"))
