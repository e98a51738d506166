"""Templates whose expressions are evaluated already: a list of resources. Nothing here evaluates ARM's expressions.

A nested deployment with its template inline puts its resources into another group, as a module of Bicep does.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from signalbox.emulators.azure_ml.doors import Refusal
from signalbox.emulators.resource_manager.resource_ids import ResourceId, check_version, parse_id

_NESTED = "Microsoft.Resources/deployments"
_MEMBERS = frozenset(
    {
        "$schema",
        "contentVersion",
        "apiProfile",
        "metadata",
        "parameters",
        "variables",
        "functions",
        "resources",
        "outputs",
    }
)
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
    if template is None:
        raise Refusal(501, "NotImplemented", "The local Resource Manager takes a template inline, and follows no link.")
    if properties.get("parameters"):
        raise _unevaluated("parameters and variables")
    wanted = tuple(_resources(_checked(template), group))
    ids = [each.resource.id.lower() for each in wanted]
    if twice := sorted({each for each in ids if ids.count(each) > 1}):
        raise _invalid(f"the resource {twice[0]} is defined twice")
    return Evaluated(resources=wanted, outputs=_outputs(template.get("outputs")))


def _checked(template: Any) -> Any:
    """The resources of a template. Raises 400 for one that cannot be parsed, 501 for one that is not evaluated yet."""
    if not isinstance(template, Mapping):
        raise _invalid("the template is no object")
    for name in ("$schema", "contentVersion"):
        if not isinstance(template.get(name), str):
            raise _invalid(f"Required property '{name}' not found in JSON. Path ''")
    if strange := sorted(template.keys() - _MEMBERS):
        raise _invalid(f"Could not find member '{strange[0]}' on object of type 'Template'. Path '{strange[0]}'")
    if any(template.get(name) for name in ("parameters", "variables", "functions")):
        raise _unevaluated("parameters, variables and functions")
    return template.get("resources") or ()


def _outputs(rows: Any) -> dict[str, Any]:
    if not isinstance(rows or {}, Mapping):
        raise _invalid("the outputs are no object")
    for name, row in (rows or {}).items():
        if not isinstance(row, Mapping) or not isinstance(row.get("type"), str):
            raise _invalid(f"The output '{name}' has no type")
        if "value" not in row:
            raise _unevaluated(f"the output '{name}' has no value")
    outputs = {name: row["value"] for name, row in (rows or {}).items()}
    _refuse_expressions(outputs)
    return outputs


def _resources(rows: Any, group: str) -> Iterator[Wanted]:
    if isinstance(rows, Mapping):
        raise Refusal(501, "NotImplemented", "The local Resource Manager takes a list of resources, without symbols.")
    if not isinstance(rows, list | tuple) or not all(isinstance(row, Mapping) for row in rows):
        raise _invalid("the resources are no list of objects")
    for row in rows:
        if row.get("copy") or "condition" in row:
            raise _unevaluated("loops and conditions")
        if row.get("resources"):
            raise _unevaluated("resources within resources")
        for name in ("type", "apiVersion", "name"):
            if not row.get(name) or not isinstance(row[name], str):
                raise _invalid(f"a resource lacks {name}")
        _refuse_expressions([row.get(name) for name in _PLACE])
        _check_dependencies(row, rows)
        if row["type"] == _NESTED:
            yield from _nested(row, group)
            continue
        body = {name: value for name, value in row.items() if name not in _PLACE}
        _refuse_expressions(body)
        resource = _identity(row, group)
        if not resource.is_known:
            message = f"The local Resource Manager keeps no {row['type']}; docs/local-cloud.md says what it does."
            raise Refusal(501, "NotImplemented", message)
        check_version(row["type"], row["apiVersion"])
        yield Wanted(resource=resource, version=row["apiVersion"], body=body)


def _nested(row: Mapping[str, Any], group: str) -> Iterator[Wanted]:
    """What a deployment within the template puts into its group."""
    properties = row.get("properties")
    if not isinstance(properties, Mapping) or properties.get("mode") != "Incremental":
        raise _invalid(f"The nested deployment '{row['name']}' is not of the mode Incremental")
    if properties.get("parameters") or "template" not in properties:
        raise _unevaluated("nested deployments with parameters or without their template")
    subscription = row.get("subscriptionId", group.split("/")[2])
    place = f"/subscriptions/{subscription}/resourceGroups/{row.get('resourceGroup', group.split('/')[-1])}"
    _outputs(properties["template"].get("outputs") if isinstance(properties["template"], Mapping) else None)
    yield from _resources(_checked(properties["template"]), place)


def _check_dependencies(row: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> None:
    """Raises 400 for one on what is not beside it. It is named by its id, by type and names, or by its name alone."""
    known = [name.lower() for other in rows if other is not row for name in _names_of(other)]
    dependencies = row.get("dependsOn", ())
    if not isinstance(dependencies, list | tuple):
        raise _invalid(f"The dependsOn of the resource '{row['name']}' is no list")
    for needed in dependencies:
        if not any(f"/{needed}".lower().endswith(f"/{name}") for name in known):
            raise _invalid(f"The resource '{needed}' is not defined in the template")


def _names_of(row: Mapping[str, Any]) -> tuple[str, ...]:
    """The name of a resource, or its type and names as its id ends with them."""
    provider, *segments = str(row.get("type")).split("/")
    pairs = zip(segments, str(row.get("name")).split("/"), strict=False)
    return str(row.get("name")), "/".join((provider, *(part for pair in pairs for part in pair)))


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
    parts = [*value, *value.values()] if isinstance(value, Mapping) else value
    for each in parts if isinstance(parts, list | tuple) else ():
        _refuse_expressions(each)


def _invalid(problem: str) -> Refusal:
    return Refusal(400, "InvalidTemplate", f"Deployment template validation failed: {problem}.")


def _unevaluated(what: str) -> Refusal:
    message = f"The local Resource Manager evaluates no expressions: {what}. Send the list that a template comes to."
    return Refusal(501, "NotImplemented", message)
