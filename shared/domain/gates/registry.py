"""The registry of gates: a name, the options it takes, and the function that judges. Unknown names do not load."""

import difflib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, TypeVar

from shared.domain.gates import better, checks, frozen
from shared.domain.gates.evidence import Evidence
from shared.domain.gates.verdict import Finding, Outcome

Options = TypeVar("Options")
__all__ = ["GATES", "GateSpec", "Outcome", "Verdict", "judge", "option_problems"]


@dataclass(frozen=True, slots=True, kw_only=True)
class GateSpec:
    """A gate as the configuration asks for it; *options* have been checked by `option_problems`."""

    name: str
    options: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    gate: str
    outcome: Outcome
    because: str
    figures: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Gate:
    options: type[Any]
    judge: Callable[[Any, Evidence], Finding]


GATES: dict[str, Gate] = {
    "better_than_champion": Gate(better.Options, better.better_than_champion),
    "data_tests_passed": Gate(checks.NoOptions, checks.data_tests_passed),
    "api_test_passed": Gate(checks.NoOptions, checks.api_test_passed),
    "golden_requests_match": Gate(checks.GoldenOptions, checks.golden_requests_match),
    "fast_enough": Gate(checks.LatencyOptions, checks.fast_enough),
    "outputs_agree": Gate(checks.AgreementOptions, checks.outputs_agree),
    "not_frozen": Gate(frozen.Options, frozen.not_frozen),
}


def judge(specs: Sequence[GateSpec], evidence: Evidence) -> tuple[Verdict, ...]:
    """The verdict of every gate, in the order of the configuration."""
    return tuple(_judge(spec, evidence) for spec in specs)


def option_problems(name: str, options: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """(option, problem, remedy) of everything that is wrong with a gate and its options."""
    if name not in GATES:
        yield "", f"is not a gate{_near(name, GATES)}", f"use one of {', '.join(sorted(GATES))}"
        return
    kind = GATES[name].options
    known = {each.name for each in fields(kind)}
    for option in options:
        if option not in known:
            yield (
                option,
                f"is not an option of {name}{_near(option, known)}",
                f"use {', '.join(sorted(known)) or 'none'}",
            )
    try:
        kind(**{option: value for option, value in options.items() if option in known})
    except (TypeError, ValueError) as error:
        option, _, problem = str(error).partition(": ")
        yield (option, problem, "see docs/gates.md") if option in known else ("", str(error), "see docs/gates.md")


def _judge(spec: GateSpec, evidence: Evidence) -> Verdict:
    gate = GATES[spec.name]
    found = gate.judge(gate.options(**spec.options), evidence)
    return Verdict(gate=spec.name, outcome=found.outcome, because=found.because, figures=dict(found.figures))


def _near(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, list(known), 1)
    return f" (did you mean {near[0]!r}?)" if near else ""
