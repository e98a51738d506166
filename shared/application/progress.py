"""How far a run, a promotion or a retraining has come, from its records: what gates ask, and waiting pipelines hear."""

import json
from dataclasses import dataclass
from enum import StrEnum

from shared.domain.inference.runs import RunOutcome
from shared.records import paths as records
from shared.records.access import Records

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


def progress_of(made: Records, name: str) -> Progress | None:
    """Of what is called *name*; None where nothing of that name has been opened."""
    state = made.configuration.hub.state
    for path, end, effects in (
        (records.promotion(name), "fate", f"{records.PROMOTIONS}{name}/effects/"),
        (records.run_record(name), "outcome", records.effects(name)),
        (records.retraining(name), "outcome", records.retraining_part(name, "effects/")),
    ):
        raw = made.hub.read(state, path)
        if raw is not None:
            record = json.loads(raw)
            return Progress(state=_state(record.get(end)), because=_because(record, end), steps=_steps(made, effects))
    return None


def _state(end: str | None) -> State:
    if not end:
        return State.PENDING
    return State.SUCCEEDED if end in _GOOD else State.FAILED


def _because(record: dict[str, object], end: str) -> str:
    said = record.get("because") or ""
    text = "; ".join(map(str, said)) if isinstance(said, list) else str(said)
    return f"{record.get(end, '')}: {text}".strip(": ") if record.get(end) else ""


def _steps(made: Records, prefix: str) -> tuple[tuple[str, str], ...]:
    blobs = made.hub.list(made.configuration.hub.state, prefix)
    found = [blob for blob in blobs if not any(mark in blob.path for mark in _INSIDE)]
    found.sort(key=lambda blob: (blob.modified, blob.path))
    names = [(blob.path.removeprefix(prefix).removesuffix(".json"), blob.modified) for blob in found]
    return tuple((name, f"{at:%H:%M:%S} {name}") for name, at in names)
