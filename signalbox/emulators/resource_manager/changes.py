"""What a deployment would change, as what-if lists it. Pure.

A property that stands and is not sent is a deletion, as it is on Azure. Arrays are compared whole.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

FORMATS = ("FullResourcePayloads", "ResourceIdOnly")


def change(resource: str, before: Mapping[str, Any] | None, after: Mapping[str, Any], form: str) -> dict[str, Any]:
    """The row of one resource that is sent as *after*."""
    if form == "ResourceIdOnly":  # Azure does not compare then: it names what would be deployed.
        return {"resourceId": resource, "changeType": "Create" if before is None else "Deploy"}
    delta = [] if before is None else list(_delta(_filled(before), _filled(after)))
    kind = "Create" if before is None else "Modify" if delta else "NoChange"
    row = {"resourceId": resource, "changeType": kind, "after": after, "delta": delta}
    return row if before is None else {**row, "before": before}


def untouched(resource: str, before: Mapping[str, Any], *, is_deleted: bool, form: str) -> dict[str, Any]:
    """The row of one that is in the group, and not in the template."""
    row = {"resourceId": resource, "changeType": "Delete" if is_deleted else "Ignore"}
    return row if form == "ResourceIdOnly" else {**row, "before": before, **({} if is_deleted else {"after": before})}


def _filled(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """Without properties that say nothing: a resource may be sent with none, and is shown with none."""
    return {name: value for name, value in document.items() if name != "properties" or value}


def _delta(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for name in sorted({*before, *after}):
        if name not in after:
            yield _part(name, "Delete", before[name], None)
        elif name not in before:
            yield _part(name, "Create", None, after[name])
        elif before[name] != after[name]:
            yield _difference(name, before[name], after[name])


def _difference(name: str, before: Any, after: Any) -> dict[str, Any]:
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        return _part(name, "Modify", None, None, _delta(before, after))
    if isinstance(before, list) and isinstance(after, list):
        elements = zip(range(max(len(before), len(after))), _padded(before, after), strict=True)
        parts = [_element(str(index), *pair) for index, pair in elements if pair[0] != pair[1]]
        return _part(name, "Array", before, after, parts)
    return _part(name, "Modify", before, after)


def _padded(before: list[Any], after: list[Any]) -> Iterator[tuple[Any, Any]]:
    for index in range(max(len(before), len(after))):
        yield before[index] if index < len(before) else None, after[index] if index < len(after) else None


def _element(path: str, before: Any, after: Any) -> dict[str, Any]:
    kind = "Create" if before is None else "Delete" if after is None else "Modify"
    return _part(path, kind, before, after)


def _part(path: str, kind: str, before: Any, after: Any, children: Iterable[dict[str, Any]] = ()) -> dict[str, Any]:
    return {"path": path, "propertyChangeType": kind, "before": before, "after": after, "children": list(children)}
