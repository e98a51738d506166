"""A training set's rows on the local disk, part by part: the name of the set is only known when its last row is."""

import hashlib
from pathlib import Path
from typing import TextIO

from shared.domain.retraining.rules import TrainingKind

_PART = 32 * 1024 * 1024  # Characters of a part, which is in memory whole when it is written to the hub.


class Spool:
    """Parts in *folder*, each with the *header*, where there is one; *rows* counts those of each part."""

    def __init__(self, folder: Path, kind: TrainingKind, header: str) -> None:
        self._folder = folder
        self._suffix = "csv" if kind is TrainingKind.TABULAR else "jsonl"
        self._stream: TextIO | None = None
        self._size = 0
        self.header = header
        self.parts: list[Path] = []
        self.rows: list[int] = []

    def add(self, line: str, rows: int) -> None:
        stream = self._stream
        if stream is None or self._size > _PART:
            stream = self._next()
        stream.write(f"{line}\n")
        self._size += len(line) + 1
        self.rows[-1] += rows

    def end(self) -> "Spool":
        if self._stream is not None:
            self._stream.close()
        return self

    def digests(self) -> list[str]:
        """The sha256 of each part."""
        return [hashlib.sha256(path.read_bytes()).hexdigest() for path in self.parts]

    def _next(self) -> TextIO:
        self.end()
        path = self._folder / f"part-{len(self.parts):05d}.{self._suffix}"
        # Without `newline=""` Python writes CRLF on Windows, and the set's version, a digest of these bytes, would
        # depend on the machine.
        self._stream = stream = path.open("w", encoding="utf-8", newline="")
        self.parts.append(path)
        self.rows.append(0)
        self._size = 0
        if self.header:
            stream.write(f"{self.header}\n")
        return stream
