"""Which bytes of collected files make the next part: each byte is in one part, and what comes late is in a later one.

The data collector only appends. So a part is a list of ranges, which is decided and recorded before anything is read;
reading the ranges again gives the same part again.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta

MOST_BYTES = 64 * 1024**2  # Of one part: a few seconds of work, and files that fit on the disk of any host.


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectedFile:
    """A file of the data collector as it is listed now.

    *period* is the hour (`2026-11-29T12`) or the day (`2026-11-29`) whose events it holds, in UTC.
    """

    path: str
    collection: str
    period: str
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRange:
    """The bytes *start* to *end* of a file. *is_final*: a line that is not ended there never will be."""

    path: str
    collection: str
    start: int
    end: int
    is_final: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedPart:
    """Part *number* of a *period*, which holds the lines of *ranges*."""

    period: str
    number: int
    ranges: tuple[FileRange, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FileProgress:
    """The bytes before *taken* are in parts; the file was *seen* to that size."""

    taken: int = 0
    seen: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class DayProgress:
    """What was taken of the files of one deployment and day; *planned* is the part at work. *parts*: how many of each
    period are published."""

    files: dict[str, FileProgress] = field(default_factory=dict)
    parts: dict[str, int] = field(default_factory=dict)
    planned: PlannedPart | None = None

    def with_plan(self, part: PlannedPart) -> "DayProgress":
        return replace(self, planned=part)

    def with_part(self, part: PlannedPart, taken: Mapping[str, int], is_published: bool) -> "DayProgress":
        """After *part*, whose ranges were read to *taken*. An empty part is not published, and its number is free."""
        progress = {
            # What is behind the last line of a final range is nothing but empty lines.
            piece.path: FileProgress(
                taken=piece.end if piece.is_final else taken.get(piece.path, piece.start), seen=piece.end
            )
            for piece in part.ranges
        }
        parts = self.parts | ({part.period: part.number} if is_published else {})
        return DayProgress(files=self.files | progress, parts=parts)


def period_bounds(period: str) -> tuple[datetime, datetime]:
    """When *period* begins and ends. Raises ValueError for a text that is no period."""
    start = datetime.fromisoformat(f"{period}:00" if "T" in period else period).replace(tzinfo=UTC)
    return start, start + (timedelta(hours=1) if "T" in period else timedelta(days=1))


def days_of(now: datetime, within_s: int, closed_through: date | None = None) -> Iterator[date]:
    """The days of which something may be left to take, the earliest first: all since the last one that is closed.

    However long nobody looked, no day is left out. Where none was ever closed, they begin *within_s* and a day ago.
    """
    first = (now - timedelta(seconds=within_s) - timedelta(days=1)).date()
    if closed_through is not None:
        first = closed_through + timedelta(days=1)
    return (first + timedelta(days=number) for number in range((now.date() - first).days + 1))


def is_over(day: date, now: datetime, within_s: int) -> bool:
    """Whether the time for late lines of *day* has passed: it is closed once a look finds nothing left of it."""
    _, end = period_bounds(day.isoformat())
    return now >= end + timedelta(seconds=within_s)


def next_part(
    progress: DayProgress, files: Sequence[CollectedFile], now: datetime, *, after_s: int, within_s: int
) -> PlannedPart | None:
    """The next part of the earliest period that is due and has grown; None where nothing is to be taken.

    A period stays due until its day is closed, so what nobody could take in its time is not lost.
    """
    for period in sorted({file.period for file in files}):
        _, end = period_bounds(period)
        if now < end + timedelta(seconds=after_s):
            continue
        # Half of the time for late lines has passed: what a writer left unfinished will stay so.
        is_final = now >= end + timedelta(seconds=within_s / 2)
        own = [file for file in sorted(files, key=lambda file: file.path) if file.period == period]
        if ranges := tuple(_ranges(progress, own, is_final)):
            return PlannedPart(period=period, number=progress.parts.get(period, 0) + 1, ranges=ranges)
    return None


def _ranges(progress: DayProgress, files: Sequence[CollectedFile], is_final: bool) -> Iterator[FileRange]:
    budget = MOST_BYTES
    for file in files:
        known = progress.files.get(file.path, FileProgress())
        has_grown, is_unfinished = file.size > known.seen, is_final and known.taken < file.size
        if budget <= 0 or not (has_grown or is_unfinished):
            continue
        end = min(file.size, known.taken + budget)
        budget -= end - known.taken
        yield FileRange(
            path=file.path,
            collection=file.collection,
            start=known.taken,
            end=end,
            is_final=is_final and end == file.size,
        )
