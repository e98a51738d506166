"""What a template evaluates to, as a template without expressions: the local Resource Manager takes no other."""

import json
import uuid
from collections.abc import Mapping
from itertools import groupby
from typing import Any

from infra.check.evaluation import Evaluation
from infra.check.values import Deployed, Reference, Runtime

_SCHEMA = "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#"
_NESTED = {"type": "Microsoft.Resources/deployments", "apiVersion": "2024-11-01"}


def arm_template(evaluation: Evaluation, home: str) -> dict[str, Any]:
    """The resources in their order; those of another group than *home* in nested deployments, as modules have them."""
    created = [each for each in evaluation.resources if not each.existing]
    resources = list[dict[str, Any]]()
    for number, (group, rows) in enumerate(groupby(created, lambda each: each.deployment.id)):
        sent = [_sent(each) for each in rows]
        resources += sent if group == home else [_nested(number, group, sent)]
    outputs = {name: {"type": "object", "value": _plain(value)} for name, value in evaluation.outputs.items()}
    return {"$schema": _SCHEMA, "contentVersion": "1.0.0.0", "resources": resources, "outputs": outputs}


def made_up(reference: str) -> str:
    """A GUID for what *reference* is about, as ids of principals and clients are: the same each time."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, reference.lower()))


def _sent(resource: Deployed) -> dict[str, Any]:
    place = {"type": resource.type, "apiVersion": resource.version, "name": resource.name}
    scope = {"scope": resource.scope} if resource.scope else {}
    return {**place, **scope, **_plain(resource.body)}


def _nested(number: int, group: str, resources: list[dict[str, Any]]) -> dict[str, Any]:
    _, _, subscription, _, name = group.split("/")
    template = {"$schema": _SCHEMA, "contentVersion": "1.0.0.0", "resources": resources}
    place = {**_NESTED, "name": f"nested-{number}", "subscriptionId": subscription, "resourceGroup": name}
    return {**place, "properties": {"mode": "Incremental", "template": template}}


def _plain(value: Any) -> Any:
    """As JSON, with a value of this machine for what only Azure knows; the same each time."""
    if isinstance(value, Reference):
        return _plain(value.runtime())
    if isinstance(value, Runtime) and value.endswith("Id>"):
        return made_up(value)
    if isinstance(value, Mapping):
        return {name: _plain(each) for name, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, list | tuple) else json.loads(json.dumps(value))
