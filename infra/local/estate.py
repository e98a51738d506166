"""The file that is the Azure of one machine: resources by id, deployments, identities and whom they trust."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any


class Estate:
    def __init__(self, path: Path) -> None:
        self._path = path
        empty: dict[str, Any] = {"resources": {}, "deployments": {}, "identities": [], "credentials": {}}
        self._state = empty | (json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {})

    def changes(self, wanted: dict[str, Any]) -> list[dict[str, Any]]:
        """As what-if lists them: of resources that nobody mentions nothing is said."""
        changes = []
        for name, body in sorted(wanted.items()):
            there = self._state["resources"].get(name)
            delta = [] if there is None else list(_delta(there, body))
            kind = "Create" if there is None else "Modify" if delta else "NoChange"
            changes.append({"resourceId": name, "changeType": kind, "delta": delta})
        return changes

    def deploy(self, name: str, group: str, wanted: dict[str, Any], outputs: dict[str, Any]) -> dict[str, Any]:
        self._state["resources"] |= wanted
        values = {key: {"value": value} for key, value in outputs.items()}
        properties = {"outputs": values, "outputResources": [{"id": resource} for resource in wanted]}
        deployment = {"name": name, "properties": {"provisioningState": "Succeeded", **properties}}
        self._state["deployments"][f"{group}/{name}"] = deployment
        self._write()
        return deployment

    def deployment(self, name: str, group: str) -> dict[str, Any] | None:
        found: dict[str, Any] | None = self._state["deployments"].get(f"{group}/{name}")
        return found

    def delete(self, resource: str) -> bool:
        """False where it was not there."""
        there = self._state["resources"].pop(resource, None)
        self._write()
        return there is not None

    def identities(self) -> list[dict[str, Any]]:
        return list(self._state["identities"])

    def credentials(self, identity: str) -> list[dict[str, Any]]:
        return list(self._state["credentials"].get(identity, ()))

    def trust(self, identity: str, credential: dict[str, Any]) -> dict[str, Any]:
        self._state["credentials"].setdefault(identity, []).append(credential)
        self._write()
        return credential

    def _write(self) -> None:
        """Whole or not at all: an agent may be killed."""
        draft = self._path.with_suffix(".draft")
        draft.write_text(json.dumps(self._state, indent=1), encoding="utf-8")
        draft.replace(self._path)


def _delta(before: Any, after: Any, path: str = "") -> Iterator[dict[str, Any]]:
    """The paths at which *after* differs; what Azure fills in besides is no difference."""
    if isinstance(before, dict) and isinstance(after, dict):
        for name, value in after.items():
            yield from _delta(before.get(name), value, f"{path}.{name}" if path else name)
    elif before != after:
        yield {"path": path, "propertyChangeType": "Modify", "before": before, "after": after}
