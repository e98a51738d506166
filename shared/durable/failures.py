"""How failures cross the Durable boundary: as values, so that what trying again cannot help is never tried again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shared.domain.failures import CalledOff, PutOff, Refused

if TYPE_CHECKING:
    from shared.contracts import Activity

# No result of an activity has a field of these names; a test of the house sees to it.
REFUSED, CALLED_OFF, PUT_OFF = "refused", "called_off", "put_off_s"


class StepFailed(Exception):
    """An activity kept failing with transient faults until its retries were used up, or was put off for *after_s*."""

    def __init__(self, reason: str, after_s: float = 0.0) -> None:
        super().__init__(reason)
        self.after_s = after_s


def as_value(activity: Activity[Any, Any], failure: Refused | PutOff) -> dict[str, Any]:
    """A refusal and, where the activity is patient, until when a service puts it off; otherwise it is raised."""
    if isinstance(failure, CalledOff):
        return {REFUSED: str(failure), CALLED_OFF: True}
    if isinstance(failure, Refused):
        return {REFUSED: str(failure)}
    if activity.patient:
        return {PUT_OFF: failure.after_s, "because": str(failure)[:300]}
    raise failure


def raise_value(name: str, raw: Any) -> None:
    """Raises Refused, CalledOff or StepFailed where *raw*, which the activity *name* gave, is a failure."""
    if isinstance(raw, dict) and REFUSED in raw:
        raise (CalledOff if raw.get(CALLED_OFF) else Refused)(raw[REFUSED])
    if isinstance(raw, dict) and PUT_OFF in raw:
        raise StepFailed(f"{name}: {raw['because']}", raw[PUT_OFF])


def gave_up(name: str, error: Exception) -> StepFailed:
    """Of *error*, the bare one with which the SDK reports every failed task of what is called *name*."""
    message = (str(error).strip() or type(error).__name__).splitlines()[0][:500]
    return StepFailed(f"{name}: {message}")
