"""Files of the hub row by row: a reader process parses them, so that no row can hurt the app."""

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from typing import Any, BinaryIO, cast

from shared.adapters.reader.files import TableFile
from shared.adapters.reader.pool import readers
from shared.adapters.reader.process import ReaderDied
from shared.domain.failures import Refused
from shared.ports import Blob, DataHub, LabelledImage

Update = Callable[[bytes], object]


class HubRowFiles:
    """Implements `shared.ports.RowFiles`."""

    def __init__(self, hub: DataHub) -> None:
        self._hub = hub

    def cells(self, blob: Blob, update: Update | None = None) -> Generator[list[str], None, None]:
        for message in self._messages("CSV", "read_cells", blob, update):
            yield from message["rows"]

    def images(
        self, blob: Blob, labels: Sequence[str], fields: Sequence[str], update: Update | None = None
    ) -> Iterator[LabelledImage]:
        for message in self._messages("JSON Lines", "read_images", blob, update, labels, fields):
            for image in message["images"]:
                wrong = image.get("wrong", "")
                yield (
                    LabelledImage(wrong=wrong) if wrong else LabelledImage(**image | {"values": tuple(image["values"])})
                )

    def _messages(
        self, kind: str, operation: str, blob: Blob, update: Update | None, *arguments: object
    ) -> Iterator[dict[str, Any]]:
        location = f"{blob.container}/{blob.path}"

        def stream() -> BinaryIO:
            blob_stream = self._hub.open(blob)
            return blob_stream if update is None else cast(BinaryIO, _Digesting(blob_stream, update))

        with closing(readers().stream(operation, [TableFile(name=location, open=stream)], *arguments)) as answer:
            try:
                for frame, _ in answer:
                    message = frame.get("part") or frame["end"]
                    yield message
                    if message.get("unreadable"):
                        raise Refused(f"{location} is not {kind} in UTF-8: {message['unreadable']}"[:500])
            except ReaderDied as death:
                raise Refused(f"{location} cannot be read as {kind}: {death.reason}") from death


class _Digesting:
    """Gives *update* each byte once, in the order of the file: rows are read from its beginning to its end."""

    def __init__(self, stream: BinaryIO, update: Update) -> None:
        self._stream, self._update, self._position, self._digested_bytes = stream, update, 0, 0

    def seek(self, offset: int, whence: int = 0) -> int:
        self._position = self._stream.seek(offset, whence)
        return self._position

    def read(self, size: int = -1) -> bytes:
        data = self._stream.read(size)
        if self._position == self._digested_bytes:
            self._update(data)
            self._digested_bytes += len(data)
        self._position += len(data)
        return data

    def __enter__(self) -> "_Digesting":
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.close()
