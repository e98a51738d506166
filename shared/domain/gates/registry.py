"""The registry of gates: each a pure function of its options and the evidence.

It refuses unknown gates and options by name. Missing evidence never passes: a gate whose part is absent fails.
"""

import difflib
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields, is_dataclass
from typing import Any, TypeVar

from shared.domain.gates.evidence import Evidence
from shared.domain.gates.options import OptionProblem, read_options
from shared.domain.gates.plugins import AskProjectGate, ProjectGateOptions, call_of
from shared.domain.gates.verdict import GateFinding, Verdict, failed, inconclusive
from shared.domain.project_functions import file_of
from shared.domain.promotion.gate_specs import GateSpec

Options = TypeVar("Options")
Decision = Callable[[Any, Any], GateFinding]


class UnknownGate(KeyError):
    """There is no gate of that name; the message names those there are."""

    def __str__(self) -> str:
        return str(self.args[0])


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """*decide* takes the options and the *part* of the evidence that the gate is about."""

    name: str
    part: str
    options: type[Any]
    decide: Decision

    @property
    def asks(self) -> str:
        """What the gate asks, in one line."""
        return (self.decide.__doc__ or "").partition("\n")[0]


GATES: dict[str, Gate] = {}


def gate(part: str, options: type[Options]) -> Callable[[Callable[[Options, Any], GateFinding]], Decision]:
    """Register the decorated function under its name; it is asked only about a *part* that is there and has no NaN."""

    def register(decide: Callable[[Options, Any], GateFinding]) -> Decision:
        GATES[decide.__name__] = Gate(name=decide.__name__, part=part, options=options, decide=decide)
        return decide

    return register


def gate_named(name: str) -> Gate:
    """The gate called *name*; raises UnknownGate."""
    if name not in GATES:
        raise UnknownGate(f"gate {name!r} is not known: use one of {', '.join(GATES)}")
    return GATES[name]


def read_gate(name: str, options: Mapping[str, Any]) -> tuple[GateSpec, tuple[OptionProblem, ...]]:
    """The gate as configured, and every problem of its options."""
    spec = GateSpec(gate=name, options=dict(options))
    if file_of(name):
        return spec, read_options(ProjectGateOptions, options)[1]
    if name not in GATES:
        remedy = "write FILE.py:FUNCTION for a gate of the project" if ".py" in name else _nearest_gate(name)
        return spec, (OptionProblem(option="gate", problem=f"{name!r} is not known", remedy=remedy),)
    return spec, read_options(GATES[name].options, options)[1]


def _nearest_gate(name: str) -> str:
    near = difflib.get_close_matches(name, GATES, 1)
    return f"did you mean {near[0]!r}?" if near else f"use one of {', '.join(GATES)}"


def judge_gates(
    specs: Iterable[GateSpec], evidence: Evidence, ask: AskProjectGate | None = None
) -> tuple[Verdict, ...]:
    """A verdict for each of *specs*, in their order; *ask* asks a project's own gates, which are left open without it.

    Raises UnknownGate, and ValueError for options that are wrong.
    """
    return tuple(_verdict(spec, evidence, ask) for spec in specs)


def _verdict(spec: GateSpec, evidence: Evidence, ask: AskProjectGate | None) -> Verdict:
    if file_of(spec.gate):
        finding = _decide_by_project(spec, _options(spec, ProjectGateOptions), evidence, ask)
    else:
        gate = gate_named(spec.gate)
        options, part = _options(spec, gate.options), getattr(evidence, gate.part)
        finding = _unusable(gate.part, part) or gate.decide(options, part)
    # The verdict becomes JSON, which has no infinity; an interval of few groups may end in one.
    figures = {name: value for name, value in finding.figures.items() if math.isfinite(value)}
    return Verdict(
        gate=spec.gate, outcome=finding.outcome, because=finding.because, figures=figures, source=spec.source
    )


def _options(spec: GateSpec, kind: type[Options]) -> Options:
    options, problems = read_options(kind, spec.options)
    if options is None:
        reasons = "; ".join(f"{problem.option} {problem.problem}: {problem.remedy}" for problem in problems)
        raise ValueError(f"gate {spec.gate!r}: {reasons}")
    return options


def _decide_by_project(
    spec: GateSpec, options: ProjectGateOptions, evidence: Evidence, ask: AskProjectGate | None
) -> GateFinding:
    """The finding of a project's own gate, which gets the parts of the evidence that it needs."""
    parts = {name: getattr(evidence, name) for name in options.needs}
    for name, part in parts.items():
        if (unusable := _unusable(name, part)) is not None:
            return unusable
    if ask is None:
        return inconclusive("it is asked when the stage is assessed")
    return ask(call_of(spec.gate, spec.source, options, parts))


def _unusable(name: str, part: Any) -> GateFinding | None:
    """The finding about a *part* of the evidence by which nothing can be judged; None for one that can be used."""
    if part is None:
        return failed(f"there is no evidence about: {name.replace('_', ' ')}")
    # Every comparison with NaN is false. A gate that asks `error > limit` would pass it, one that asks `error <= limit`
    # would fail it; refusing it here spares each gate from asking in the right direction.
    unknown = tuple(_not_finite(part, name))
    if unknown:
        return failed(f"not a finite number: {', '.join(unknown)}")
    return None


def _not_finite(value: Any, path: str) -> Iterable[str]:
    """Where *value* holds a NaN or an infinity."""
    if isinstance(value, float) and not math.isfinite(value):
        yield path
    elif is_dataclass(value):
        for field in fields(value):
            yield from _not_finite(getattr(value, field.name), f"{path}.{field.name}")
    elif isinstance(value, dict):
        for name, item in value.items():
            yield from _not_finite(item, f"{path}.{name}")
    elif isinstance(value, tuple):
        for at, item in enumerate(value):
            yield from _not_finite(item, f"{path}[{at}]")
