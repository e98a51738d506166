"""Lines of the data collector's files, however the bytes come: whole ones, too long ones, and an unfinished end."""

import json
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.adapters.azure_monitor import collected_files
from shared.adapters.azure_monitor.collected_files import lines_of
from shared.domain.answers.parts import FileRange
from shared.ports import CollectedLine
from tests.fakes.collected import event

LINES = [event("2026-11-29T12", f"r{number}", [number]) for number in range(3)]


def read(text: str, cuts: tuple[int, ...] = (), *, start: int = 0, is_final: bool = False) -> list[CollectedLine]:
    data = text.encode()
    places = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    chunks = (data[first:last] for first, last in pairwise(places))
    piece = FileRange(path="a", collection="request", start=start, end=start + len(data), is_final=is_final)
    return list(lines_of(chunks, piece))


@settings(max_examples=30)
@given(cuts=st.lists(st.integers(0, 400), max_size=6).map(tuple))
def test_chunks_make_no_difference_and_ends_are_counted_in_bytes(cuts: tuple[int, ...]) -> None:
    text = "\n".join(["", *LINES, "{", ""])
    lines = read(text, cuts, start=7)

    assert [line.request for line in lines] == ["r0", "r1", "r2", ""]
    assert lines[-1].because == "the line is no JSON object"
    assert lines[-1].end == 7 + len(text.encode())


def test_the_end_of_a_file_is_a_line_where_it_is_whole_or_final() -> None:
    assert [line.request for line in read(LINES[0])] == ["r0"]
    assert read(LINES[0][:-1]) == []
    (line,) = read(LINES[0][:-1], is_final=True)
    assert (line.because, line.text) == ("the line is no JSON object", LINES[0][:-1])


def test_a_line_that_is_too_long_is_passed_over_in_bounded_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collected_files, "LONGEST_LINE", 300)
    text = f"{LINES[0]}\n{'x' * 2000}\n{LINES[1]}\n"
    lines = read(text, tuple(range(0, len(text), 100)))

    assert [line.request for line in lines] == ["r0", "", "r1"]
    assert "longer than 300 bytes" in lines[1].because
    assert len(lines[1].text) < 500


@pytest.mark.parametrize(
    ("content", "because"),
    [
        ([], "no JSON object"),
        ({"time": "2026-11-29T12:00:00Z"}, "no data"),
        ({"data": [1], "time": "soon"}, "no time"),
        ({"data": [1]}, "no time"),
        ({"data": "https://a", "time": "2026-11-29T12:00:00Z", "datainblob": "true"}, "too large"),
    ],
)
def test_what_is_no_event_says_why(content: object, because: str) -> None:
    (line,) = read(f"{json.dumps(content)}\n")
    assert because in line.because
