"""The functions of the subset, by name: what they take and what they give. Each is the documented one of Bicep.

`guid` and `uniqueString` give other values than Azure does; they are as stable, and differ where arguments differ.
"""

import base64
import hashlib
import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from infra.check.values import Deployed, Deployment, Reference, Runtime


@dataclass(frozen=True, slots=True)
class Function:
    least: int
    most: int
    body: Callable[..., Any]


def _guid(*parts: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, "|".join(parts)))


def _unique(*parts: str) -> str:
    digest = hashlib.sha256("|".join(parts).encode()).digest()
    return base64.b32encode(digest).decode().lower()[:13]


def _union(*values: Any) -> Any:
    if all(isinstance(value, dict) for value in values):
        first = values[0].__class__(values[0].place) if hasattr(values[0], "place") else {}
        for value in values:
            first.update(value)
            if hasattr(first, "places"):
                first.places.update(getattr(value, "places", {}))
        return first
    merged = list[Any]()
    for value in values:
        merged += [item for item in value if item not in merged]
    return merged


def _concat(*values: Any) -> Any:
    if all(isinstance(value, list) for value in values):
        return [item for value in values for item in value]
    return "".join(map(str, values))


def _items(value: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"key": key, "value": value[key]} for key in sorted(value)]


def _int(value: Any) -> int:
    return int(value)


def _string(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))


_MANY = 99
PURE: dict[str, Function] = {
    "guid": Function(1, _MANY, _guid),
    "uniqueString": Function(1, _MANY, _unique),
    "union": Function(2, _MANY, _union),
    "concat": Function(1, _MANY, _concat),
    "contains": Function(2, 2, lambda whole, part: part in whole),
    "empty": Function(1, 1, lambda value: not value),
    "length": Function(1, 1, len),
    "toLower": Function(1, 1, str.lower),
    "toUpper": Function(1, 1, str.upper),
    "take": Function(2, 2, lambda value, number: value[:number]),
    "first": Function(1, 1, lambda value: value[0]),
    "last": Function(1, 1, lambda value: value[-1]),
    "split": Function(2, 2, lambda text, sign: text.split(sign)),
    "join": Function(2, 2, lambda parts, sign: sign.join(parts)),
    "replace": Function(3, 3, lambda text, old, new: text.replace(old, new)),
    "startsWith": Function(2, 2, lambda text, start: text.lower().startswith(start.lower())),
    "endsWith": Function(2, 2, lambda text, end: text.lower().endswith(end.lower())),
    "indexOf": Function(2, 2, lambda whole, part: whole.index(part) if part in whole else -1),
    "range": Function(2, 2, lambda start, number: list(range(start, start + number))),
    "items": Function(1, 1, _items),
    "int": Function(1, 1, _int),
    "string": Function(1, 1, _string),
    "min": Function(1, _MANY, lambda *values: min(values)),
    "max": Function(1, _MANY, lambda *values: max(values)),
    "json": Function(1, 1, json.loads),
}
# Those that need to know where the template stands.
PLACED = {
    "resourceId": (2, 9),
    "subscriptionResourceId": (2, 9),
    "resourceGroup": (0, 2),
    "subscription": (0, 1),
    "tenant": (0, 0),
    "environment": (0, 0),
    "loadJsonContent": (1, 1),
    "loadTextContent": (1, 1),
    "utcNow": (0, 1),
}
ENVIRONMENT = {
    "name": "AzureCloud",
    "resourceManager": "https://management.azure.com/",
    "authentication": {"loginEndpoint": "https://login.microsoftonline.com/"},
    "suffixes": {
        "storage": "core.windows.net",
        "keyvaultDns": ".vault.azure.net",
        "acrLoginServer": ".azurecr.io",
    },
}


def arity_problem(name: str, number: int) -> str:
    """What is wrong with calling *name* with *number* arguments; empty where nothing is."""
    if name not in PURE and name not in PLACED:
        return f"function {name} is not in the subset"
    least, most = (PURE[name].least, PURE[name].most) if name in PURE else PLACED[name]
    return "" if least <= number <= most else f"function {name} takes {least} to {most} arguments, and not {number}"


def resource_id(deployment: Deployment, arguments: list[str], *, of_subscription: bool = False) -> str:
    """`resourceId` and `subscriptionResourceId`; a subscription and a group may stand before the type."""
    index = next(number for number, part in enumerate(arguments) if "." in part and "/" in part)
    before, kind, names = arguments[:index], arguments[index], arguments[index + 1 :]
    provider, *segments = kind.split("/")
    if len(segments) != len(names):
        raise ValueError(f"{kind} has {len(segments)} segments, and {len(names)} names are there")
    subscription = before[0] if len(before) == 2 or (before and of_subscription) else deployment.subscription
    group = "" if of_subscription else (before[-1] if before else deployment.group)
    base = Deployment(subscription=subscription, group=group).id
    path = "/".join(part for pair in zip(segments, names, strict=True) for part in pair)
    return f"{base}/providers/{provider}/{path}"


def known(value: Any) -> bool:
    """Whether *value*, with all that is in it, is known without a deployment."""
    if isinstance(value, dict):
        return all(known(part) for part in value.values())
    if isinstance(value, list):
        return all(known(part) for part in value)
    return not isinstance(value, Runtime | Reference | Deployed)
