"""The verdict of a gate. Only `pass` opens it; `inconclusive` says what would decide."""

from dataclasses import dataclass, field
from enum import StrEnum

from shared.domain.newer import NEWER


class GateOutcome(StrEnum):
    PASS = "pass"
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """*because* is one sentence, *figures* the numbers it rests on.

    *source* is the digest of the file that judged, where the gate is a project's own.
    """

    gate: str
    outcome: GateOutcome
    because: str
    figures: dict[str, float] = field(default_factory=dict)
    source: str = field(default="", metadata=NEWER)


@dataclass(frozen=True, slots=True)
class GateFinding:
    """A verdict before it has its gate's name."""

    outcome: GateOutcome
    because: str
    figures: dict[str, float] = field(default_factory=dict)


def passed(because: str, **figures: float) -> GateFinding:
    return GateFinding(GateOutcome.PASS, because, figures)


def failed(because: str, **figures: float) -> GateFinding:
    return GateFinding(GateOutcome.FAIL, because, figures)


def inconclusive(because: str, **figures: float) -> GateFinding:
    return GateFinding(GateOutcome.INCONCLUSIVE, because, figures)


def decided(is_met: bool, because: str, **figures: float) -> GateFinding:
    return passed(because, **figures) if is_met else failed(because, **figures)
