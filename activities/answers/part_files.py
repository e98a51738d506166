"""The files of one part while they are written: on disk, never whole in memory, and with their digests."""

import csv
import hashlib
import io
import json
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from types import TracebackType
from typing import IO, Any

from shared.domain.answers.parts import FileRange
from shared.domain.answers.rows import UnreadableRows, input_rows, output_values
from shared.domain.answers.rule import PublishedAnswers
from shared.ports import CollectedLine

INPUTS, OUTPUTS, UNREAD = "inputs.jsonl", "outputs.csv", "unread.jsonl"


class PartFile:
    """A file that is being written: *lines* lines so far."""

    def __init__(self, name: str, file: IO[bytes]) -> None:
        self.name, self.file, self.lines, self.size = name, file, 0, 0
        self._digest = hashlib.sha256()

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()

    def add(self, line: str) -> None:
        data = line.encode("utf-8", errors="replace") + b"\n"  # JSON may hold half of a surrogate pair.
        self.file.write(data)
        self._digest.update(data)
        self.lines, self.size = self.lines + 1, self.size + len(data)


class PartFiles:
    """Rows of requests, outputs of answers, and lines that cannot be read, each in a file of its own.

    *taken* is how far each collected file was read; *first* and *last* are the earliest and the latest time of a line.
    """

    def __init__(self, rule: PublishedAnswers) -> None:
        self._rule, self._open_files = rule, ExitStack()
        self.inputs, self.outputs, self.unread = (self._file(name) for name in (INPUTS, OUTPUTS, UNREAD))
        self.taken = dict[str, int]()
        self.first, self.last = "", ""
        self.requests, self.answers = 0, 0

    def __enter__(self) -> "PartFiles":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open_files.close()

    @property
    def is_empty(self) -> bool:
        return not (self.inputs.lines or self.outputs.lines or self.unread.lines)

    def add(self, path: str, collection: str, line: CollectedLine) -> None:
        """Put *line* of the file *path* where it belongs."""
        self.taken[path] = line.end
        if line.because:
            self._keep(path, line, line.because, line.text)
            return
        try:
            if collection == self._rule.inputs:
                self._add_request(line, input_rows(line.data))
            else:
                self._add_answer(line, output_values(line.data, self._rule.field))
        except UnreadableRows as error:
            self._keep(path, line, str(error), line.data)
            return
        self.first, self.last = min(self.first or line.at, line.at), max(self.last, line.at)

    def lose(self, piece: FileRange, because: str) -> None:
        """Keep in mind that the rest of *piece* can never be read."""
        self._keep(piece.path, CollectedLine(start=self.taken[piece.path], end=piece.end), because, "")
        self.taken[piece.path] = piece.end

    def _add_request(self, line: CollectedLine, rows: Sequence[dict[str, Any]]) -> None:
        self.requests += 1
        for number, row in enumerate(rows):
            self.inputs.add(json.dumps({"_request": line.request, "_row": number, "_time": line.at} | row))

    def _add_answer(self, line: CollectedLine, outputs: Sequence[Any]) -> None:
        """The form of the output of a batch job: fields with a space between them, the prediction last."""
        self.answers += 1
        for number, output in enumerate(outputs):
            text = io.StringIO(newline="")
            value = output if isinstance(output, str) else json.dumps(output)
            csv.writer(text, delimiter=" ", lineterminator="").writerow([line.request, number, line.at, value])
            self.outputs.add(text.getvalue())

    def _keep(self, path: str, line: CollectedLine, because: str, content: object) -> None:
        self.unread.add(json.dumps({"file": path, "byte": line.start, "because": because, "content": content}))

    def _file(self, name: str) -> PartFile:
        return PartFile(name, self._open_files.enter_context(tempfile.TemporaryFile()))
