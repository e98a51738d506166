"""Which bytes of collected files make the next part: each once, late ones later, bounded, and none without an end."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.domain.answers import parts
from shared.domain.answers.parts import (
    CollectedFile,
    DayProgress,
    PlannedPart,
    days_of,
    is_over,
    next_part,
    period_bounds,
)

HOUR = "2026-11-29T12"
END = datetime(2026, 11, 29, 13, tzinfo=UTC)


def file(size: int, period: str = HOUR, path: str = "a") -> CollectedFile:
    return CollectedFile(path=f"{period}/{path}", collection="request", period=period, size=size)


def due(progress: DayProgress, *files: CollectedFile, later_s: int = 900) -> PlannedPart | None:
    return next_part(progress, files, END + timedelta(seconds=later_s), after_s=900, within_s=7200)


def whole(part: PlannedPart) -> dict[str, int]:
    """What is taken where every range ends with a line."""
    return {piece.path: piece.end for piece in part.ranges}


def test_a_period_is_taken_once_it_has_ended_and_its_files_had_their_time() -> None:
    assert due(DayProgress(), file(10), later_s=899) is None
    part = due(DayProgress(), file(10))

    assert part is not None
    assert (part.period, part.number, part.ranges[0].start, part.ranges[0].end) == (HOUR, 1, 0, 10)


def test_what_comes_late_is_a_later_part_and_nothing_is_taken_twice() -> None:
    first = due(DayProgress(), file(10))
    assert first is not None
    progress = DayProgress().with_plan(first).with_part(first, whole(first), is_published=True)

    assert due(progress, file(10)) is None
    second = due(progress, file(25), file(5, path="b"))
    assert second is not None
    assert second.number == 2
    assert [(piece.path, piece.start, piece.end) for piece in second.ranges] == [
        (f"{HOUR}/a", 10, 25),
        (f"{HOUR}/b", 0, 5),
    ]


def test_a_day_is_over_when_the_time_for_its_late_lines_has_passed() -> None:
    assert not is_over(END.date(), datetime(2026, 11, 30, 1, 59, tzinfo=UTC), 7200)
    assert is_over(END.date(), datetime(2026, 11, 30, 2, tzinfo=UTC), 7200)


def test_what_nobody_could_take_in_its_time_is_taken_later() -> None:
    assert due(DayProgress(), file(10), later_s=86400 * 30) is not None
    assert [str(day) for day in days_of(END, 7200, date(2026, 11, 26))] == ["2026-11-27", "2026-11-28", "2026-11-29"]


def test_a_line_without_an_end_waits_and_is_final_when_half_of_the_time_has_passed() -> None:
    first = due(DayProgress(), file(10))
    assert first is not None
    progress = DayProgress().with_part(first, {f"{HOUR}/a": 7}, is_published=True)

    assert due(progress, file(10)) is None
    last = due(progress, file(10), later_s=3600)
    assert last is not None
    assert (last.ranges[0].start, last.ranges[0].end, last.ranges[0].is_final) == (7, 10, True)


def test_after_the_final_part_of_a_period_nothing_of_it_is_left() -> None:
    first = due(DayProgress(), file(10), later_s=3600)
    assert first is not None
    progress = DayProgress().with_part(first, {f"{HOUR}/a": 7}, is_published=True)

    assert due(progress, file(10), later_s=3600) is None


def test_a_range_that_is_cut_is_not_final(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "MOST_BYTES", 6)
    first = due(DayProgress(), file(10), later_s=3600)
    assert first is not None
    second = due(DayProgress().with_part(first, whole(first), is_published=True), file(10), later_s=3600)
    assert second is not None

    assert [(part.ranges[0].end, part.ranges[0].is_final) for part in (first, second)] == [(6, False), (10, True)]


def test_a_part_holds_one_period() -> None:
    part = due(DayProgress(), file(10), file(20, period="2026-11-29T11"), later_s=1800)

    assert part is not None
    assert (part.period, [piece.end for piece in part.ranges]) == ("2026-11-29T11", [20])


def test_an_empty_part_leaves_its_number_to_the_next_one() -> None:
    first = due(DayProgress(), file(10))
    assert first is not None
    progress = DayProgress().with_part(first, {f"{HOUR}/a": 0}, is_published=False)
    second = due(progress, file(12))

    assert second is not None
    assert (second.number, second.ranges[0].start) == (1, 0)


@settings(max_examples=50)
@given(sizes=st.lists(st.integers(0, 400), min_size=1, max_size=6), most=st.integers(1, 150))
def test_parts_are_bounded_and_cover_every_byte_exactly_once(sizes: list[int], most: int) -> None:
    files = [file(size, path=f"f{number}") for number, size in enumerate(sizes)]
    progress, taken = DayProgress(), dict[str, int]()
    before, parts.MOST_BYTES = parts.MOST_BYTES, most
    try:
        while (part := due(progress, *files)) is not None:
            assert sum(piece.end - piece.start for piece in part.ranges) <= most
            for piece in part.ranges:
                assert piece.end > piece.start == taken.get(piece.path, 0)
                taken[piece.path] = piece.end
            progress = progress.with_part(part, whole(part), is_published=True)
    finally:
        parts.MOST_BYTES = before
    assert taken == {item.path: item.size for item in files if item.size}


def test_hours_and_days_have_their_bounds_and_midnight_is_no_gap() -> None:
    assert period_bounds(HOUR) == (END - timedelta(hours=1), END)
    assert period_bounds("2026-11-29")[1] == datetime(2026, 11, 30, tzinfo=UTC)
    assert list(days_of(datetime(2026, 11, 30, 0, 20, tzinfo=UTC), 7200)) == [
        date(2026, 11, 28),
        date(2026, 11, 29),
        date(2026, 11, 30),
    ]
