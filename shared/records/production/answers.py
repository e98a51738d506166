"""Records of published answers: what was taken of the collected files of each deployment and day, and where they lie.

Also parts that are held, since their outputs break their contract, and their release.
The progress is `shared.domain.answers.parts.DayProgress`.
"""

from dataclasses import dataclass, field
from datetime import date
from typing import Any

from shared.domain.answers.parts import DayProgress
from shared.domain.answers.rule import PublishedAnswers
from shared.records.store import RecordStore, Stored

ANSWERS = "answers/"
HELD_PARTS = "answers-held/"  # No environment of `answers/ENVIRONMENT/...` can be called so.


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldPart:
    """A part of answers that is not published, since its outputs broke the *contract*: *because* in sentences.

    They were judged *at*; *findings* and *sources* are those of the report. *outputs* is where they lie in the hub.
    """

    part: str
    answers: str
    environment: str
    contract: str
    at: str
    rows: int
    outputs: str
    because: tuple[str, ...] = ()
    findings: tuple[dict[str, Any], ...] = ()
    sources: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosedDays:
    """Of the answers of one deployment everything is taken of each day to *through* (ISO date).

    That of an endpoint is where a deployment begins which has none of its own yet.
    """

    through: str


def held_path(part: str) -> str:
    return f"{HELD_PARTS}{part}.json"


def release_path(part: str) -> str:
    """Where the order lies to publish the held *part* as it is."""
    return f"answers-released/{part}.json"


def day_path(rule: PublishedAnswers, deployment: str, day: date) -> str:
    """Where the progress of one deployment and day is kept."""
    return f"{ANSWERS}{rule.place}/{deployment}/{day.isoformat()}.json"


def _closed_path(rule: PublishedAnswers, deployment: str) -> str:
    return "/".join(filter(None, (f"{ANSWERS}{rule.place}", deployment, "closed.json")))


def closed_through(store: RecordStore, rule: PublishedAnswers, deployment: str = "") -> date | None:
    """The last day that is closed, as are all before it; None where none is. Without *deployment*: of the endpoint."""
    closed = store.get(ClosedDays, _closed_path(rule, deployment))
    return date.fromisoformat(closed.through) if closed else None


def close_day(store: RecordStore, rule: PublishedAnswers, day: date, deployment: str = "") -> None:
    """Say that nothing more is looked for of *day* and of those before it."""
    path, closed = _closed_path(rule, deployment), ClosedDays(through=day.isoformat())
    stored = store.get_stored(ClosedDays, path)
    if stored is None or stored.record.through < closed.through:
        store.save(path, closed, stored)


def count_key(part: str) -> str:
    """The ledger key of the rows of *part* in the window of the drift watch."""
    return f"{ANSWERS}counted/{part}"


def stored_day(store: RecordStore, rule: PublishedAnswers, deployment: str, day: date) -> Stored[DayProgress] | None:
    return store.get_stored(DayProgress, day_path(rule, deployment, day))
