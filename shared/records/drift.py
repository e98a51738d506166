"""Records of drift and of published answers, which drift watches.

Of drift: the open window of each version of a model, its reference, and why a check could not be made. Of answers: what
was taken of the collected files of each deployment and day. Not here: reports of looks (`shared.domain.drift`).
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from shared.domain.answers.parts import DayProgress
from shared.domain.answers.rule import PublishedAnswers
from shared.domain.drift.watch import DriftWindow
from shared.domain.drift.window import Counted
from shared.records import paths
from shared.records.store import RecordStore, Stored

ANSWERS = "answers/"
Window = tuple[DriftWindow, Counted]


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowRecord:
    """A window, and what was counted in it."""

    window: DriftWindow
    counted: Counted


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedCheck:
    """Why the last check that failed could not be made."""

    at: str
    because: str


def read_window(store: RecordStore, model: str, version: str) -> Window | None:
    """The window of `model:version` as it stands; None before the first run was counted."""
    record = store.get(WindowRecord, paths.drift_window(model, version))
    return None if record is None else (record.window, record.counted)


def change_window(
    store: RecordStore, model: str, version: str, change: Callable[[Window | None], Window | None]
) -> None:
    """Write what *change* makes of the window, unless that is None; tried again where another writer was faster."""

    def changed(record: WindowRecord | None) -> WindowRecord | None:
        window = change(None if record is None else (record.window, record.counted))
        return None if window is None else WindowRecord(window=window[0], counted=window[1])

    store.change(WindowRecord, paths.drift_window(model, version), changed)


def note_problem(store: RecordStore, model: str, version: str, problem: FailedCheck) -> None:
    """Keep the last reason why a check could not be made; losing one costs nothing."""
    store.overwrite(paths.drift_problem(model, version), problem)


def day_path(rule: PublishedAnswers, deployment: str, day: date) -> str:
    """Where the progress of one deployment and day is kept."""
    return f"{ANSWERS}{rule.place}/{deployment}/{day.isoformat()}.json"


def count_key(part: str) -> str:
    """The ledger key of the rows of *part* in the window of the drift watch."""
    return f"{ANSWERS}counted/{part}"


def stored_day(store: RecordStore, rule: PublishedAnswers, deployment: str, day: date) -> Stored[DayProgress] | None:
    return store.get_stored(DayProgress, day_path(rule, deployment, day))
