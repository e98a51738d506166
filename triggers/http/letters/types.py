"""What callers send and are answered about dead letters, wherever these lie: stored in the hub, or in a queue."""

from dataclasses import dataclass
from typing import Annotated, Any

from shared.validation.rules import Text
from triggers.http.exchange.pages import PAGE, Limit
from triggers.http.named_resources import LetterPath

HIDDEN_RECORDS = "not shown: it is data, for who may see_data everywhere"


@dataclass(frozen=True, slots=True, kw_only=True)
class LetterFilters:
    """*sort* is a column, with `-` before it the greatest first; the newest days first where it is empty."""

    sort: Annotated[str, Text(shortest=0, longest=10, pattern=r"(-?(stored|reason))?")] = ""
    limit: Limit = PAGE
    # A cursor encodes a letter's path, and a blob's path has up to 1,024 characters of up to four bytes.
    cursor: Annotated[str, Text(shortest=0, longest=6000, pattern=r"[A-Za-z0-9_=-]*")] = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LetterNamed:
    """The letter at *path*, as the list gives it."""

    path: LetterPath


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """*path* as the list says it; nothing happens unless *dry_run* is false."""

    path: LetterPath
    dry_run: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class LetterRow:
    path: str
    stored: str
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LetterPage:
    """*total* is there where one page has them all. *unseen* says which queues could not be looked at, and why."""

    letters: tuple[LetterRow, ...]
    total: int | None = None
    next: str = ""
    unseen: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LetterShown:
    """The first hundred *events* as they are on the wire, and *more* that are not shown; *would* says what a replay
    would do with each of them now. The records of a stream are shown to who may `see_data` everywhere.
    """

    path: str
    stored: str
    reason: str
    events: tuple[Any, ...]
    would: tuple[tuple[str, ...], ...]
    more: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """*events*: what was or would be done with each; a dry run leaves *more* out."""

    path: str
    dry_run: bool
    events: tuple[tuple[str, ...], ...]
    more: int = 0
