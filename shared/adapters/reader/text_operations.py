"""What a reader process can be asked about text, row by row; no Arrow is needed for it."""

import csv
import io
import json
from collections.abc import Iterator, Sequence
from typing import Any

from shared.adapters.reader.files import TableFile
from shared.adapters.reader.frames import Frame
from shared.codec import encode
from shared.domain.datasets.coco import read_box_lines, read_coco
from shared.domain.datasets.contents import BoxFacts
from shared.domain.retraining.boxes import canonical, read_boxes

_FRAME = 256 * 1024  # Characters of a frame, about.
_LONGEST_FIELD = 128 * 1024  # As long as the csv module allows by itself.
_LONGEST_LINE = 16 * 1024 * 1024


def read_cells(files: Sequence[TableFile]) -> Iterator[Frame]:
    """The cells of every row of the one CSV file, header included; the last frame says what could not be read."""
    (file,) = files
    # The limit holds for the whole process, and other requests to it raise it: what a file is must not depend on them.
    csv.field_size_limit(_LONGEST_FIELD)
    rows, size, reason = list[list[str]](), 0, ""
    with io.TextIOWrapper(file.open(), encoding="utf-8-sig", newline="") as text:
        try:
            for cells in csv.reader(text):
                rows.append(cells)
                size += sum(map(len, cells)) + 8
                if size > _FRAME:
                    yield {"rows": rows}, b""
                    rows, size = [], 0
        except (csv.Error, UnicodeDecodeError) as error:
            reason = str(error)
        yield {"rows": rows, "unreadable": reason}, b""


def read_images(files: Sequence[TableFile], labels: Sequence[str], fields: Sequence[str]) -> Iterator[Frame]:
    """Every image and its boxes in the one file of JSON Lines, in canonical text, with its values of *fields*.

    The last frame says what could not be read; what is wrong with a line is said in its place.
    """
    (file,) = files
    images, size, reason, number = list[dict[str, Any]](), 0, "", 0
    with file.open() as stream:
        while line := stream.readline(_LONGEST_LINE):
            number += 1
            try:
                text = line.decode("utf-8-sig" if number == 1 else "utf-8")
            except UnicodeDecodeError as error:
                reason = str(error)
                break
            if not text.strip():
                continue
            image = _image(number, text, labels, fields)
            images.append(image)
            size += len(text)
            if size > _FRAME:
                yield {"images": images}, b""
                images, size = [], 0
    yield {"images": images, "unreadable": reason}, b""


def describe_boxes(files: Sequence[TableFile], labels: Sequence[str], paths: Sequence[str]) -> Iterator[Frame]:
    """What the one annotation file holds and its faults, in one frame; *paths* are the files of its folder."""
    (file,) = files
    known_paths = frozenset(paths)
    try:
        with io.TextIOWrapper(file.open(), encoding="utf-8-sig") as text:
            if file.name.lower().endswith(".jsonl"):
                facts = read_box_lines(iter(lambda: text.readline(_LONGEST_LINE), ""), labels, known_paths)
            else:
                # COCO is one document. What does not fit into the memory of this process is refused, and not streamed.
                facts = read_coco(json.load(text), labels, known_paths)
    except (ValueError, RecursionError) as error:
        facts = BoxFacts(problems=(f"it is not JSON in UTF-8: {error}"[:300],), wrong=1)
    except MemoryError:
        facts = BoxFacts(problems=("it is too large to be read as one document; write it as JSON Lines",), wrong=1)
    yield encode(facts), b""


def _image(number: int, line: str, labels: Sequence[str], fields: Sequence[str]) -> dict[str, Any]:
    try:
        image = read_boxes(line, labels)
        text, count = canonical(image)
        text.encode()
    except (ValueError, RecursionError, OverflowError) as error:
        return {"wrong": f"line {number}: {str(error)[:200]}"}
    box_count = len(image["label"])
    return {
        "line": text,
        "labels": count,
        "given": box_count,
        "values": [_text(image.get(name, "")) for name in fields],
    }


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value) if isinstance(value, dict | list) else str(value)
