"""How a rollout stands, in the words of its pages. Nothing is decided here: the API has said what is so.

It stands alone, because the list and the page of one rollout say it alike.
"""

from typing import Any

from shared.domain.rollout.steps import SHADOW, StepDecision

_ENDS = {StepDecision.ABORT.value: "aborted", StepDecision.STOP.value: "stopped"}


def is_open(row: Any) -> bool:
    """Whether people can still order anything."""
    return not row.fate


def is_shifting(row: Any) -> bool:
    """Whether it goes on by itself: nobody has paused it, and no step waits for a person."""
    return is_open(row) and not row.paused and not row.overdue


def standing_of(row: Any) -> str:
    """A word for its badge; empty while it is under way."""
    if row.decision in _ENDS:
        return _ENDS[row.decision]
    return str(row.fate or ("paused" if row.paused else ""))


def step_name(row: Any) -> str:
    """The step that it is at, in words."""
    if row.step == SHADOW:
        return "copies of requests"
    if row.step >= len(row.weights):
        return "soak, 100 %"
    return f"step {row.step + 1} of {len(row.weights)}, {row.weights[row.step]} %"


def ladder_of(row: Any) -> list[dict[str, str]]:
    """The steps of a rollout, each with how it stands; the soak is the last of them."""
    has_shadow = row.step == SHADOW or any(step.step == SHADOW for step in row.steps)
    first = [(SHADOW, "copies")] if has_shadow else []
    names = [*first, *((step, f"{weight} %") for step, weight in enumerate(row.weights)), (len(row.weights), "soak")]
    return [{"name": name, "standing": _step_standing(row, step)} for step, name in names]


def _step_standing(row: Any, step: int) -> str:
    if step < row.step or row.fate == "promoted":
        return "done"
    if step > row.step:
        return "ahead"
    return "ended" if row.fate or row.decision in _ENDS else "here"
