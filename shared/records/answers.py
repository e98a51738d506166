"""Records of published answers: what was taken of the collected files of each deployment and day, and where they lie.

The progress is `shared.domain.answers.parts.DayProgress`. It stands alone as the records of its capability.
"""

from datetime import date

from shared.domain.answers.parts import DayProgress
from shared.domain.answers.rule import PublishedAnswers
from shared.records.store import RecordStore, Stored

ANSWERS = "answers/"


def day_path(rule: PublishedAnswers, deployment: str, day: date) -> str:
    """Where the progress of one deployment and day is kept."""
    return f"{ANSWERS}{rule.place}/{deployment}/{day.isoformat()}.json"


def count_key(part: str) -> str:
    """The ledger key of the rows of *part* in the window of the drift watch."""
    return f"{ANSWERS}counted/{part}"


def stored_day(store: RecordStore, rule: PublishedAnswers, deployment: str, day: date) -> Stored[DayProgress] | None:
    return store.get_stored(DayProgress, day_path(rule, deployment, day))
