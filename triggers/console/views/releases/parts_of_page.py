"""What a page can show without a part of it: where the API refuses one, the rest is shown, and the reason beside it.

It stands alone, because a page that asks Azure for many things must not fail with one of them.
"""

from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Any

from triggers.http.exchange.problems import Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class PagePart:
    """*value* is None where there is none, and *because* says why."""

    value: Any = None
    because: str = ""


async def part_of(asked: Awaitable[Any]) -> PagePart:
    """What was *asked* of the API, or why it is not there. Raises Problem for what the person may not know of."""
    try:
        return PagePart(value=await asked)
    except Problem as problem:
        if problem.status in (403, 404):
            raise
        return PagePart(because=str(problem))
