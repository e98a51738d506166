"""Azure's what-if result to a plan that two runs can compare: reviewed noise is left out. Pure."""

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

_QUIET = ("NoChange", "Ignore", "NoEffect")
_UNNAMED = ("Ignore", "Delete")  # What is in the group, and not in the template.
# What Azure reports as a change each time: defaults that it fills in, and what it only knows at run time. Each was
# reviewed; a new row needs a reason, since a real change could hide behind it.
NOISE = (
    "properties.provisioningState",
    "properties.siteConfig.localMySqlEnabled",
    "properties.siteConfig.netFrameworkVersion",
    "properties.retentionPolicy",
    "properties.createdAt",
    "properties.updatedAt",
    "etag",
)


@dataclass(frozen=True, slots=True, order=True)
class Change:
    """*kind* is Create, Delete, Modify, Deploy, Unsupported or Detach; *paths* are the properties that differ."""

    resource: str
    kind: str
    paths: tuple[str, ...] = ()

    def __str__(self) -> str:
        return " ".join((self.kind, self.resource, *self.paths))


def changes_of(result: dict[str, Any]) -> tuple[Change, ...]:
    """The changes in a what-if *result*, sorted. Raises ValueError where it is no result that succeeded."""
    if result.get("status") != "Succeeded" or "changes" not in result:
        raise ValueError(f"what-if ended as {result.get('status')}: {result.get('error')}")
    changes = list[Change]()
    for raw in result["changes"]:
        paths = tuple(sorted(set(_paths(raw.get("delta") or [], ""))))
        if raw["changeType"] in _QUIET or (raw["changeType"] == "Modify" and not paths):
            continue
        changes.append(Change(raw["resourceId"], raw["changeType"], paths))
    return tuple(sorted(changes))


def detached(result: dict[str, Any], managed: Iterable[str]) -> tuple[Change, ...]:
    """What a stack manages and the template of a what-if *result* does not name any more."""
    named = {raw["resourceId"].lower() for raw in result["changes"] if raw["changeType"] not in _UNNAMED}
    return tuple(sorted(Change(resource, "Detach") for resource in managed if resource.lower() not in named))


def digest(plan: dict[str, tuple[Change, ...]], inputs: bytes) -> str:
    """Of the changes by step, and of the templates and parameters that they come from."""
    text = json.dumps({step: [str(change) for change in changes] for step, changes in plan.items()}, sort_keys=True)
    return f"sha256:{hashlib.sha256(inputs + text.encode()).hexdigest()}"


def _paths(delta: list[dict[str, Any]], base: str) -> Iterator[str]:
    for part in delta:
        path = f"{base}.{part['path']}" if base else str(part["path"])
        if part.get("children"):
            yield from _paths(part["children"], path)
        elif part.get("propertyChangeType") not in _QUIET and not path.startswith(NOISE):
            yield path
