"""Minutes since 1970 as moments and back, and how many minutes are asked for at once.

It stands alone, because every adapter of this folder needs it.
"""

from collections.abc import Iterator
from datetime import UTC, datetime

from shared.domain.failures import Refused

MINUTE_S = 60
_LONGEST = 7 * 24 * 60  # Minutes of one call: looks ask for a few, and a rollout's first look for a day at most.
_AT_ONCE = 12 * 60


def spans(first: int, last: int) -> Iterator[tuple[int, int]]:
    """(first, last) of the parts in which the minutes are asked for. Raises Refused for more than a week."""
    if last - first >= _LONGEST:
        raise Refused(f"{last - first + 1} minutes of traffic were asked for at once; at most {_LONGEST} are read")
    for start in range(first, last + 1, _AT_ONCE):
        yield start, min(start + _AT_ONCE - 1, last)


def minutes_of(blocks: tuple[int, int], block_s: int) -> tuple[int, int]:
    """The first and the last minute of the *blocks* from the first to the last, of *block_s* each."""
    first, last = blocks
    return first * block_s // MINUTE_S, ((last + 1) * block_s - 1) // MINUTE_S


def moment(number: int, block_s: int = MINUTE_S) -> str:
    """The beginning of the block *number* since 1970 in ISO 8601; a block is a minute unless it is said otherwise."""
    return datetime.fromtimestamp(number * block_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def read_moment(text: str) -> datetime:
    """A moment in ISO 8601, in UTC unless it says otherwise. Raises ValueError."""
    head, dot, tail = text.partition(".")
    digits = len(tail) - len(tail.lstrip("0123456789"))
    # Azure writes seven digits of a second, and Python's parser takes six.
    parsed = datetime.fromisoformat(f"{head}{dot}{tail[: min(digits, 6)]}{tail[digits:]}")
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)


def minute_of(text: str, block_s: int = MINUTE_S) -> int:
    """The minute of a moment in ISO 8601, or its block of *block_s*. Raises ValueError."""
    return int(read_moment(text).timestamp() // block_s)
