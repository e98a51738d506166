"""The gates a model passes on its way up: recorded evidence in, verdict out. Importing this registers all of them."""

from shared.domain.gates import batch, champion, checks, freeze, load
from shared.domain.gates.registry import GATES, UnknownGate, gate_named, judge_gates, read_gate
from shared.domain.gates.verdict import GateOutcome, Verdict
from shared.domain.promotion.gate_specs import GateSpec

__all__ = [
    "GATES",
    "GateOutcome",
    "GateSpec",
    "UnknownGate",
    "Verdict",
    "batch",
    "champion",
    "checks",
    "freeze",
    "gate_named",
    "judge_gates",
    "load",
    "read_gate",
]
