"""Gates: pure functions over recorded evidence, named in the configuration. What is missing never passes."""

from shared.domain.gates.evidence import Evidence
from shared.domain.gates.registry import (
    GATES,
    GateSpec,
    Outcome,
    Verdict,
    judge,
    option_problems,
)

__all__ = ["GATES", "Evidence", "GateSpec", "Outcome", "Verdict", "judge", "option_problems"]
