"""Gates that a project brings itself: functions in its own files, named in the ladder as `rules/gates.py:enough_rows`.

Here is what such a gate is asked and what counts as an answer. Running its file is `shared.ports.ProjectFunctions`.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from shared.domain.gates.options import mapping, number, texts, whole_number
from shared.domain.gates.verdict import GateFinding, GateOutcome, failed

_LONGEST_REASON, _MOST_FIGURES = 1000, 50
_FIELDS = frozenset({"outcome", "because", "figures"})
_SHAPE = "return {'outcome': 'pass', 'fail' or 'inconclusive', 'because': 'one sentence'}, and `figures` if you like"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectGateOptions:
    """*needs* are the parts of the evidence that the gate gets, *options* what it gets beside them, as it is written.

    The gate may take *seconds* and *memory_mb*.
    """

    needs: tuple[str, ...] = texts(())
    options: Mapping[str, Any] | None = mapping(None)
    seconds: float = number(10.0, least=0.1, most=60.0)
    memory_mb: int = whole_number(256, least=64)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectGateCall:
    """The *function* of *file* is asked about *evidence*, if the digest of the file still is *source*."""

    file: str
    function: str
    source: str
    seconds: float
    memory_mb: int
    evidence: Mapping[str, Any]
    options: Mapping[str, Any] = field(default_factory=dict)


AskProjectGate = Callable[[ProjectGateCall], GateFinding]


def call_of(gate: str, source: str, options: ProjectGateOptions, evidence: Mapping[str, Any]) -> ProjectGateCall:
    """The question to the project's own *gate*, whose name matches `shared.domain.project_functions.NAME`."""
    file, _, function = gate.rpartition(":")
    return ProjectGateCall(
        file=file,
        function=function,
        source=source,
        seconds=options.seconds,
        memory_mb=options.memory_mb,
        evidence=evidence,
        options=options.options or {},
    )


def finding_of(answer: Any) -> GateFinding:
    """*answer*, which a project's function returned, as a finding. An answer of another form fails."""
    if not isinstance(answer, dict) or not {"outcome", "because"} <= answer.keys() or answer.keys() - _FIELDS:
        return failed(f"it returned {repr(answer)[:100]}; {_SHAPE}")
    outcome, because, figures = answer["outcome"], answer["because"], answer.get("figures", {})
    if outcome not in tuple(GateOutcome):
        return failed(f"its outcome is {repr(outcome)[:100]}; {_SHAPE}")
    if not isinstance(because, str) or not because.strip() or len(because) > _LONGEST_REASON:
        return failed(f"its reason is {repr(because)[:100]}; give one sentence of up to {_LONGEST_REASON} characters")
    if not isinstance(figures, dict) or len(figures) > _MOST_FIGURES:
        return failed(f"its figures are {repr(figures)[:100]}; give up to {_MOST_FIGURES} numbers by name")
    for name, value in figures.items():
        if not _is_figure(value):
            return failed(f"its figure {name[:100]} is {repr(value)[:100]}; give a finite number")
    return GateFinding(GateOutcome(outcome), because, {name: float(value) for name, value in figures.items()})


def _is_figure(value: Any) -> bool:
    # A whole number may be too large for a float.
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and abs(value) < 1e300 and math.isfinite(value)
