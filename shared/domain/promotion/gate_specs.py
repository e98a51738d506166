"""A gate as configured. It travels in plans, and stands alone so that plans import no gate: that costs a cold start."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class GateSpec:
    """A gate as configured, in plain values."""

    gate: str
    options: dict[str, Any] = field(default_factory=dict)
