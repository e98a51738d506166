"""Records of collected answers that are held, since their outputs break their contract, and of their release.

What was taken and published is in `shared.records.drift`.
"""

from dataclasses import dataclass, field
from typing import Any

HELD_PARTS = "answers-held/"  # No environment of `answers/ENVIRONMENT/...` can be called so.


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldPart:
    """A part of answers that is not published, since its outputs broke the *contract*: *because* in sentences.

    They were judged *at*; *findings* and *sources* are those of the report. *outputs* is where they lie in the hub.
    """

    part: str
    answers: str
    environment: str
    contract: str
    at: str
    rows: int
    outputs: str
    because: tuple[str, ...] = ()
    findings: tuple[dict[str, Any], ...] = ()
    sources: dict[str, str] = field(default_factory=dict)


def held_path(part: str) -> str:
    return f"{HELD_PARTS}{part}.json"


def release_path(part: str) -> str:
    """Where the order lies to publish the held *part* as it is."""
    return f"answers-released/{part}.json"
