"""How far a run, a promotion or a retraining has come, from its records: what gates ask, and waiting pipelines hear."""

from dataclasses import dataclass
from enum import StrEnum

from shared.domain.inference.runs import RunOutcome
from shared.records import paths
from shared.records.inference import find_run
from shared.records.promotion import find_promotion
from shared.records.retraining import find_retraining
from shared.records.store import RecordStore

_GOOD = {"promoted", "better", RunOutcome.COMPLETED.value, RunOutcome.PARTIAL.value}
_INSIDE = (".before", "/lock/", "/asked-")  # Bookkeeping that is no step to anybody.


class State(StrEnum):
    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """*steps*: a line for each effect so far, by its name, in the order in which they happened."""

    state: State
    because: str = ""
    steps: tuple[tuple[str, str], ...] = ()


def progress_of(store: RecordStore, name: str) -> Progress | None:
    """Of what is called *name*; None where nothing of that name has been opened."""
    if promotion := find_promotion(store, name):
        end, because = promotion.fate, "; ".join(promotion.because or ())
        return _progress(store, end, because, f"{paths.PROMOTIONS}{name}/effects/")
    if run := find_run(store, name):
        return _progress(store, run.outcome, run.because or "", paths.effects(name))
    if training := find_retraining(store, name):
        folder = paths.retraining_part(name, "effects/")
        return _progress(store, training.outcome, training.because, folder)
    return None


def _progress(store: RecordStore, end: StrEnum | None, because: str, folder: str) -> Progress:
    """How far it has come: *end* is its outcome, None while it is at work; its effects lie in *folder*."""
    if end is None:
        return Progress(state=State.PENDING, steps=_steps(store, folder))
    state = State.SUCCEEDED if end.value in _GOOD else State.FAILED
    return Progress(state=state, because=f"{end.value}: {because}".strip(": "), steps=_steps(store, folder))


def _steps(store: RecordStore, folder: str) -> tuple[tuple[str, str], ...]:
    blobs = [blob for blob in store.blobs(folder) if not any(mark in blob.path for mark in _INSIDE)]
    blobs.sort(key=lambda blob: (blob.modified, blob.path))
    names = [(blob.path.removeprefix(folder).removesuffix(".json"), blob.modified) for blob in blobs]
    return tuple((name, f"{at:%H:%M:%S} {name}") for name, at in names)
