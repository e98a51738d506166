"""What a gate says: pass, fail, or that the evidence cannot decide. Only a pass opens anything."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Outcome(StrEnum):
    PASS = "pass"
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True, slots=True)
class Finding:
    outcome: Outcome
    because: str
    figures: Mapping[str, float] = field(default_factory=dict)


def passed(because: str, **figures: float) -> Finding:
    return Finding(Outcome.PASS, because, figures)


def failed(because: str, **figures: float) -> Finding:
    return Finding(Outcome.FAIL, because, figures)


def inconclusive(because: str, **figures: float) -> Finding:
    return Finding(Outcome.INCONCLUSIVE, because, figures)


def require(name: str, fits: bool, value: object, wanted: str) -> None:
    """Raises ValueError `name: problem` where an option does not fit."""
    if not fits:
        raise ValueError(f"{name}: is {value!r}; use {wanted}")


def is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value == value  # NaN is unlike itself.
