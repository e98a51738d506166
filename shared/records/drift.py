"""Records of drift: the open window of each version of a model, its reference, and why a check could not be made.

Reports of looks and references are documents of `shared.domain.drift`.
"""

from collections.abc import Callable
from dataclasses import dataclass

from shared.domain.drift.watch import DriftWindow
from shared.domain.drift.window import Counted
from shared.records import paths
from shared.records.store import RecordStore

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
