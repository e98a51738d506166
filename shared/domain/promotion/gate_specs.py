"""A gate as configured. It travels in plans, and stands alone so that plans import no gate: that costs a cold start."""

from dataclasses import dataclass, field
from typing import Any

from shared.domain.newer import NEWER

BATCH_GATE = "batch_rows_answered"  # Plans have a move more where it is asked.


@dataclass(frozen=True, slots=True, kw_only=True)
class GateSpec:
    """A gate as configured, in plain values. *source* is the digest of the file of a project's own gate."""

    gate: str
    options: dict[str, Any] = field(default_factory=dict)
    source: str = field(default="", metadata=NEWER)
