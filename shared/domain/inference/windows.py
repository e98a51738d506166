"""When a window closes, decided from what lies there, never from the events that announced it."""

from dataclasses import dataclass
from enum import StrEnum

from shared.domain.inference.routes import Window


class WindowAction(StrEnum):
    CLOSE = "close"
    WAIT = "wait"
    EMPTY = "empty"


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingFiles:
    """Files that no run has taken yet; ages are seconds since they were written."""

    files: int
    youngest_s: float
    oldest_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowVerdict:
    move: WindowAction
    wait_s: float = 0.0


def judge_window(waiting: WaitingFiles, window: Window) -> WindowVerdict:
    """Close when full, quiet for long enough, or open for too long; otherwise say how long to wait."""
    if waiting.files == 0:
        return WindowVerdict(move=WindowAction.EMPTY)
    until_quiet = window.quiet_s - waiting.youngest_s
    until_late = window.longest_s - waiting.oldest_s
    if waiting.files >= window.files or min(until_quiet, until_late) <= 0:
        return WindowVerdict(move=WindowAction.CLOSE)
    return WindowVerdict(move=WindowAction.WAIT, wait_s=round(max(0.2, min(until_quiet, until_late)), 3))
