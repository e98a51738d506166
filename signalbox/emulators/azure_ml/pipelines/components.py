"""Pipeline components: what a run may give them, the order of their steps, and the commands of these.

Shapes: `componentSpec` of ARM's ComponentVersion, as azure-ai-ml writes it.
"""

import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

_OPTIONAL = re.compile(r"\$\[\[(.*?)\]\]")
_PLACE = re.compile(r"\$\{\{\s*(inputs|outputs)\.(\w+)\s*\}\}")
_FROM_PARENT = re.compile(r"\$\{\{\s*parent\.(inputs|outputs)\.(\w+)\s*\}\}")
_FROM_STEP = re.compile(r"\$\{\{\s*parent\.jobs\.([\w-]+)\.outputs\.(\w+)\s*\}\}")
FOLDERS = {"uri_folder", "uri_file", "mltable", "custom_model", "mlflow_model"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """*inputs* and *outputs* are texts, or bindings to the pipeline's and to other steps'."""

    name: str
    component: str
    inputs: Mapping[str, str]
    outputs: Mapping[str, str]


def judge(spec: Mapping[str, Any], folders: Mapping[str, str], literals: Mapping[str, str]) -> str:
    """What is wrong with a run of the component *spec* that is given these inputs; empty if nothing."""
    inputs = spec.get("inputs") or {}
    strangers = sorted({*folders, *literals} - set(inputs))
    if strangers:
        return f"{', '.join(strangers)}: component {spec['name']} declares no such input, only {', '.join(inputs)}"
    mistyped_inputs = sorted(
        name
        for name, declaration in inputs.items()
        if (name in literals and declaration["type"] in FOLDERS)
        or (name in folders and declaration["type"] not in FOLDERS)
    )
    if mistyped_inputs:
        return f"{', '.join(mistyped_inputs)}: folders are given as uri_folder, everything else as literal"
    optional = {
        name
        for name, declaration in inputs.items()
        if declaration.get("optional") or declaration.get("default") is not None
    }
    missing_names = sorted(set(inputs) - optional - {*folders, *literals})
    return f"{', '.join(missing_names)}: component {spec['name']} needs it" if missing_names else ""


def defaults(spec: Mapping[str, Any]) -> dict[str, str]:
    values = {name: declaration.get("default") for name, declaration in (spec.get("inputs") or {}).items()}
    return {name: str(value) for name, value in values.items() if value is not None}


def steps(spec: Mapping[str, Any]) -> Iterator[Step]:
    """In an order in which every step finds what it reads. Raises ValueError where there is none."""
    remaining = {name: _step(name, raw) for name, raw in (spec.get("jobs") or {}).items()}
    while remaining:
        ready = [step for step in remaining.values() if not _needs(step) & set(remaining)]
        if not ready:
            raise ValueError(f"steps {', '.join(sorted(remaining))} of {spec['name']} wait for each other")
        for step in ready:
            yield remaining.pop(step.name)


def bind(value: str, parent: Mapping[str, str], step_outputs: Mapping[tuple[str, str], str]) -> str | None:
    """What *value* means: a text, an input of the pipeline, or one of *step_outputs*; None where it was not given."""
    match = _FROM_PARENT.fullmatch(value)
    if match:
        return parent.get(match[2])
    match = _FROM_STEP.fullmatch(value)
    return step_outputs[match[1], match[2]] if match else value


def output_of(value: str) -> str:
    """The pipeline's output that a step's output is; empty if it stays within."""
    match = _FROM_PARENT.fullmatch(value)
    return match[2] if match and match[1] == "outputs" else ""


def arguments(command: str, inputs: Mapping[str, str], outputs: Mapping[str, str]) -> list[str]:
    """The *command* with its places filled; `$[[...]]` goes where an input in it was not given."""
    values = {"inputs": inputs, "outputs": outputs}

    def wanted(segment: re.Match[str]) -> str:
        return segment[1] if all(name in values[kind] for kind, name in _PLACE.findall(segment[1])) else ""

    def filled(placeholder: re.Match[str]) -> str:
        if placeholder[2] not in values[placeholder[1]]:
            raise ValueError(f"{placeholder[0]} of {command!r} was not given")
        return shlex.quote(values[placeholder[1]][placeholder[2]])

    return shlex.split(_PLACE.sub(filled, _OPTIONAL.sub(wanted, command)))


def _step(name: str, raw: Mapping[str, Any]) -> Step:
    return Step(
        name=name,
        component=str(raw["componentId"]),
        inputs=_texts(raw.get("inputs")),
        outputs=_texts(raw.get("outputs")),
    )


def _texts(raw: Mapping[str, Any] | None) -> dict[str, str]:
    return {name: _text(value) for name, value in (raw or {}).items()}


def _text(value: Any) -> str:
    """A literal, a binding, or the address of data that is given to the step itself."""
    return str((value.get("value") or value.get("uri") or "") if isinstance(value, dict) else value)


def _needs(step: Step) -> set[str]:
    return {match[1] for value in step.inputs.values() if (match := _FROM_STEP.fullmatch(value))}
