"""Templates whose expressions are evaluated already: a list of resources. Nothing here evaluates ARM's expressions.

A nested deployment with its template inline puts its resources into another group, as a module of Bicep does.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from signalbox.emulators.azure_ml.doors import Refusal
from signalbox.emulators.resource_manager.resource_ids import ResourceId, check_version, parse_id

_NESTED = "Microsoft.Resources/deployments"
_PLACE = ("type", "apiVersion", "name", "scope", "dependsOn", "comments", "resourceGroup", "subscriptionId")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """One resource of a template, and what would be sent of it."""

    resource: ResourceId
    version: str
    body: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluated:
    resources: tuple[Wanted, ...]
    outputs: dict[str, Any]


def read_template(properties: Mapping[str, Any], group: str) -> Evaluated:
    """Raises 400 for a template that Azure would refuse, and 501 for one that is not evaluated yet."""
    template = properties.get("template")
    if not isinstance(template, Mapping):
        raise Refusal(501, "NotImplemented", "The local Resource Manager takes a template inline, and follows no link.")
    if template.get("parameters") or template.get("variables") or properties.get("parameters"):
        raise _unevaluated("parameters and variables")
    wanted = tuple(_resources(template.get("resources") or (), group))
    ids = [each.resource.id.lower() for each in wanted]
    if twice := sorted({each for each in ids if ids.count(each) > 1}):
        raise _invalid(f"the resource {twice[0]} is defined twice")
    outputs = {name: row["value"] for name, row in (template.get("outputs") or {}).items()}
    _refuse_expressions(outputs)
    return Evaluated(resources=wanted, outputs=outputs)


def _resources(rows: Any, group: str) -> Iterator[Wanted]:
    if not isinstance(rows, list | tuple):
        raise Refusal(501, "NotImplemented", "The local Resource Manager takes a list of resources, without symbols.")
    for row in rows:
        if row.get("copy") or "condition" in row:
            raise _unevaluated("loops and conditions")
        if missing := [name for name in ("type", "apiVersion", "name") if not row.get(name)]:
            raise _invalid(f"a resource lacks {', '.join(missing)}")
        if row["type"] == _NESTED:
            subscription = row.get("subscriptionId", group.split("/")[2])
            place = f"/subscriptions/{subscription}/resourceGroups/{row.get('resourceGroup', group.split('/')[-1])}"
            yield from _resources(row["properties"]["template"].get("resources") or (), place)
            continue
        body = {name: value for name, value in row.items() if name not in _PLACE}
        _refuse_expressions({**body, "name": row["name"]})
        resource = _identity(row, group)
        if not resource.is_known:
            message = f"The local Resource Manager keeps no {row['type']}; docs/local-cloud.md says what it does."
            raise Refusal(501, "NotImplemented", message)
        check_version(row["type"], row["apiVersion"])
        yield Wanted(resource=resource, version=row["apiVersion"], body=body)


def _identity(row: Mapping[str, Any], group: str) -> ResourceId:
    provider, *segments = row["type"].split("/")
    names = row["name"].split("/")
    if len(names) != len(segments):
        raise _invalid(f"{row['type']} needs {len(segments)} names, and {row['name']!r} has {len(names)}")
    scope = str(row.get("scope") or group)
    base = scope if scope.startswith("/") else f"{group}/providers/{scope}"
    path = "/".join(part for pair in zip(segments, names, strict=True) for part in pair)
    resource = parse_id(f"{base}/providers/{provider}/{path}")
    if resource is None:
        raise _invalid(f"{base}/providers/{provider}/{path} is no id of a resource")
    return resource


def _refuse_expressions(value: Any) -> None:
    if isinstance(value, str) and value.startswith("[") and value.endswith("]") and not value.startswith("[["):
        raise _unevaluated(value)
    for each in value.values() if isinstance(value, Mapping) else value if isinstance(value, list | tuple) else ():
        _refuse_expressions(each)


def _invalid(problem: str) -> Refusal:
    return Refusal(400, "InvalidTemplate", f"Deployment template validation failed: {problem}.")


def _unevaluated(what: str) -> Refusal:
    message = f"The local Resource Manager evaluates no expressions: {what}. Send the list that a template comes to."
    return Refusal(501, "NotImplemented", message)
