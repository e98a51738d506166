"""The published types of Azure's resources, and what is wrong with a body by them.

`infra/types/extract.json` is a subset of Azure/bicep-types-az; `infra/types/written.json` has what the subset lacks.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.check.findings import Finding, Place
from infra.check.values import Body, Deployed, Reference, Runtime

_REQUIRED, _READ_ONLY = 1, 2
_OF_THE_ENVELOPE = ("id", "type", "apiVersion", "name")
_FOLDER = Path(__file__).parents[1] / "types"


@dataclass(frozen=True, slots=True)
class _Source:
    """The types of one provider and version; references are numbers in it."""

    types: dict[str, dict[str, Any]]

    def at(self, reference: dict[str, str]) -> dict[str, Any]:
        return self.types[reference["$ref"].removeprefix("#/")]


class Catalogue:
    """Resource types by `TYPE@VERSION`; those of *existing* may only be referred to."""

    def __init__(self, extract: dict[str, Any], written: dict[str, Any]) -> None:
        self._resources = dict[str, tuple[_Source, dict[str, Any]]]()
        self.existing = frozenset(written["existing"])
        for address, group in {**extract, **written["groups"]}.items():
            source, version = _Source(group["types"]), address.partition("@")[2].partition("#")[0]
            for name, number in group["resources"].items():
                self._resources[f"{name}@{version}"] = source, source.types[str(number)]

    @classmethod
    def committed(cls) -> "Catalogue":
        """The types that are kept with the project."""
        return cls(
            *(json.loads((_FOLDER / name).read_text(encoding="utf-8")) for name in ("extract.json", "written.json"))
        )

    def versions(self, name: str) -> list[str]:
        addresses = (*self._resources, *self.existing)
        return sorted(address.partition("@")[2] for address in addresses if address.partition("@")[0] == name)

    def findings(self, resource: Deployed) -> Iterator[Finding]:
        """What the published type says against *resource*."""
        address = f"{resource.type}@{resource.version}"
        if address not in self._resources:
            yield from self._unknown(resource, address)
        elif not resource.existing:
            source, body = self._resources[address]
            yield from self._name(source, body, resource)
            value = resource.body
            if body.get("discriminator") == "name":  # Such as `sites/config`, which differ by their names.
                value = Body(value.place)
                value.update(resource.body, name=resource.short_name)
                value.places.update(resource.body.places)
            yield from _judge(source, body, value, resource.type, resource.place, _OF_THE_ENVELOPE)

    def _unknown(self, resource: Deployed, address: str) -> Iterator[Finding]:
        versions = self.versions(resource.type)
        if not versions:
            yield Finding(resource.place, "type", f"{resource.type} is no type of the extract")
        elif address not in self.existing:
            yield Finding(
                resource.place, "version", f"{resource.type} has no version {resource.version}; use {versions[-1]}"
            )
        elif not resource.existing:
            yield Finding(
                resource.place, "type", f"{resource.type} may only be `existing`: its properties are not known here"
            )

    def _name(self, source: _Source, body: dict[str, Any], resource: Deployed) -> Iterator[Finding]:
        """The name's own type, where one is published."""
        properties = _properties(body)
        if "name" in properties and not isinstance(resource.name, Runtime):
            rules = source.at(properties["name"]["type"])
            for problem in _simple(source, rules, resource.short_name):
                yield Finding(resource.place, "names", f"name of {resource.type} {problem}")

    def reference_problem(self, reference: Reference) -> str:
        """Why the path of *reference* is nothing that its resource has; empty where it may be there."""
        address = f"{reference.resource.type}@{reference.resource.version}"
        if address not in self._resources:
            return "" if address in self.existing else f"{address} is unknown"
        source, kind = self._resources[address]
        for part in reference.path:
            if kind["$type"] not in ("ObjectType", "DiscriminatedObjectType"):
                return ""
            properties = _properties(kind)
            if part not in properties:
                return (
                    ""
                    if "additionalProperties" in kind
                    else f"{reference.resource.type} has no {'.'.join(reference.path)}"
                )
            kind = source.at(properties[part]["type"])
        return ""


def _properties(kind: dict[str, Any]) -> dict[str, Any]:
    properties = kind.get("properties", kind.get("baseProperties", {}))
    return dict(properties)


def _judge(
    source: _Source, kind: dict[str, Any], value: Any, path: str, place: Place, ignored: tuple[str, ...] = ()
) -> Iterator[Finding]:
    """What is wrong with *value* as one of *kind*; what only a deployment knows passes for any text."""
    match kind["$type"]:
        case "AnyType":
            return
        case "ObjectType":
            yield from _object(source, kind["properties"], kind, value, path, place, ignored)
        case "DiscriminatedObjectType":
            yield from _discriminated(source, kind, value, path, place, ignored)
        case "ArrayType":
            if not isinstance(value, list):
                yield Finding(place, "value", f"{path} must be an array")
                return
            if len(value) > kind.get("maxLength", len(value)):
                yield Finding(place, "value", f"{path} has {len(value)} items, and may have {kind['maxLength']}")
            for number, item in enumerate(value):
                yield from _judge(source, source.at(kind["itemType"]), item, f"{path}[{number}]", _place(item, place))
        case _:
            rule = "enumeration" if kind["$type"] in ("UnionType", "StringLiteralType") else "value"
            yield from (Finding(place, rule, f"{path} {problem}") for problem in _simple(source, kind, value))


def _object(
    source: _Source,
    properties: dict[str, Any],
    kind: dict[str, Any],
    value: Any,
    path: str,
    place: Place,
    ignored: tuple[str, ...] = (),
) -> Iterator[Finding]:
    if not isinstance(value, dict):
        if not isinstance(value, Runtime):
            yield Finding(place, "value", f"{path} must be an object, and is {value!r}")
        return
    for name, part in value.items():
        at = value.place_of(name) if isinstance(value, Body) else place
        if name in properties:
            if properties[name]["flags"] & _READ_ONLY:
                yield Finding(at, "read-only", f"{path}.{name} cannot be set")
            elif part is not None:
                yield from _judge(source, source.at(properties[name]["type"]), part, f"{path}.{name}", at)
        elif "additionalProperties" in kind:
            yield from _judge(source, source.at(kind["additionalProperties"]), part, f"{path}.{name}", at)
        else:
            yield Finding(at, "property", f"{path} has no property {name}")
    for name, rule in properties.items():
        if rule["flags"] & _REQUIRED and name not in ignored and value.get(name) is None:
            yield Finding(_place(value, place), "required", f"{path} needs {name}")


def _discriminated(
    source: _Source, kind: dict[str, Any], value: Any, path: str, place: Place, ignored: tuple[str, ...]
) -> Iterator[Finding]:
    chosen = value.get(kind["discriminator"]) if isinstance(value, dict) else None
    if chosen not in kind["elements"]:
        names = ", ".join(kind["elements"])
        yield Finding(place, "enumeration", f"{path}.{kind['discriminator']} is {chosen!r}, and must be one of {names}")
        return
    element = source.at(kind["elements"][chosen])
    properties = {**kind["baseProperties"], **element.get("properties", {})}
    yield from _object(source, properties, element, value, path, place, (*ignored, kind["discriminator"]))


def _simple(source: _Source, kind: dict[str, Any], value: Any) -> Iterator[str]:
    """Problems of a value that is neither object nor array."""
    match kind["$type"]:
        case "StringType":
            yield from _text(kind, value)
        case "IntegerType":
            if not isinstance(value, int) or isinstance(value, bool):
                yield f"must be a whole number, and is {value!r}"
            elif not kind.get("minValue", value) <= value <= kind.get("maxValue", value):
                yield f"is {value}, and must be {kind.get('minValue')} to {kind.get('maxValue')}"
        case "BooleanType":
            if not isinstance(value, bool):
                yield f"must be true or false, and is {value!r}"
        case "StringLiteralType":
            if value != kind["value"]:
                yield f"must be {kind['value']!r}, and is {value!r}"
        case "UnionType":
            yield from _union(source, kind, value)


def _text(kind: dict[str, Any], value: Any) -> Iterator[str]:
    if not isinstance(value, str):
        yield f"must be text, and is {value!r}"
    elif not isinstance(value, Runtime):
        if not kind.get("minLength", 0) <= len(value) <= kind.get("maxLength", len(value)):
            yield f"{value!r} must have {kind.get('minLength', 0)} to {kind.get('maxLength', 'more')} characters"
        if "pattern" in kind and not re.search(kind["pattern"], value):
            yield f"{value!r} does not match {kind['pattern']}"


def _union(source: _Source, kind: dict[str, Any], value: Any) -> Iterator[str]:
    """An enumeration. One that is open to new values is held to those that are published, too."""
    elements = [source.at(element) for element in kind["elements"]]
    literals = [element["value"] for element in elements if element["$type"] == "StringLiteralType"]
    if isinstance(value, Runtime) or (literals and value in literals):
        return
    others = [element for element in elements if element["$type"] not in ("StringLiteralType", "StringType")]
    if literals:
        yield f"is {value!r}, and must be one of {', '.join(literals)}"
    elif others and all(list(_simple(source, element, value)) for element in others):
        yield f"is {value!r}, which is none of its types"


def _place(value: Any, place: Place) -> Place:
    return value.place if isinstance(value, Body) else place
