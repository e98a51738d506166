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
_FOLDERS = {"uri_folder", "uri_file", "mltable", "custom_model", "mlflow_model"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """*inputs* and *outputs* are texts, or bindings to the pipeline's and to other steps'."""

    name: str
    component: str
    inputs: Mapping[str, str]
    outputs: Mapping[str, str]


def judge(spec: Mapping[str, Any], folders: Mapping[str, str], literals: Mapping[str, str]) -> str:
    """What is wrong with a run of the component *spec* that is given these inputs; empty if nothing."""
    declared = spec.get("inputs") or {}
    strangers = sorted({*folders, *literals} - set(declared))
    if strangers:
        return f"{', '.join(strangers)}: component {spec['name']} declares no such input, only {', '.join(declared)}"
    mixed = sorted(
        name
        for name, each in declared.items()
        if (name in literals and each["type"] in _FOLDERS) or (name in folders and each["type"] not in _FOLDERS)
    )
    if mixed:
        return f"{', '.join(mixed)}: folders are given as uri_folder, everything else as literal"
    optional = {name for name, each in declared.items() if each.get("optional") or each.get("default") is not None}
    missing = sorted(set(declared) - optional - {*folders, *literals})
    return f"{', '.join(missing)}: component {spec['name']} needs it" if missing else ""


def defaults(spec: Mapping[str, Any]) -> dict[str, str]:
    given = {name: each.get("default") for name, each in (spec.get("inputs") or {}).items()}
    return {name: str(value) for name, value in given.items() if value is not None}


def steps(spec: Mapping[str, Any]) -> Iterator[Step]:
    """In an order in which every step finds what it reads. Raises ValueError where there is none."""
    waiting = {name: _step(name, raw) for name, raw in (spec.get("jobs") or {}).items()}
    while waiting:
        ready = [step for step in waiting.values() if not _needs(step) & set(waiting)]
        if not ready:
            raise ValueError(f"steps {', '.join(sorted(waiting))} of {spec['name']} wait for each other")
        for step in ready:
            yield waiting.pop(step.name)


def bind(value: str, parent: Mapping[str, str], made: Mapping[tuple[str, str], str]) -> str | None:
    """What *value* means: a text, an input of the pipeline, or an output that a step has *made*; None if not given."""
    found = _FROM_PARENT.fullmatch(value)
    if found:
        return parent.get(found[2])
    found = _FROM_STEP.fullmatch(value)
    return made[found[1], found[2]] if found else value


def output_of(value: str) -> str:
    """The pipeline's output that a step's output is; empty if it stays within."""
    found = _FROM_PARENT.fullmatch(value)
    return found[2] if found and found[1] == "outputs" else ""


def arguments(command: str, inputs: Mapping[str, str], outputs: Mapping[str, str]) -> list[str]:
    """The *command* with its places filled; `$[[...]]` goes where an input in it was not given."""
    given = {"inputs": inputs, "outputs": outputs}

    def wanted(segment: re.Match[str]) -> str:
        return segment[1] if all(name in given[kind] for kind, name in _PLACE.findall(segment[1])) else ""

    def filled(place: re.Match[str]) -> str:
        if place[2] not in given[place[1]]:
            raise ValueError(f"{place[0]} of {command!r} was not given")
        return shlex.quote(given[place[1]][place[2]])

    return shlex.split(_PLACE.sub(filled, _OPTIONAL.sub(wanted, command)))


def _step(name: str, raw: Mapping[str, Any]) -> Step:
    return Step(
        name=name, component=str(raw["componentId"]), inputs=_texts(raw["inputs"]), outputs=_texts(raw["outputs"])
    )


def _texts(raw: Mapping[str, Any] | None) -> dict[str, str]:
    return {name: str(each["value"] if isinstance(each, dict) else each) for name, each in (raw or {}).items()}


def _needs(step: Step) -> set[str]:
    return {found[1] for value in step.inputs.values() if (found := _FROM_STEP.fullmatch(value))}
