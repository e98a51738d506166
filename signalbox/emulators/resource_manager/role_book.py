"""All role assignments of the emulated directory: those of the settings, and those that somebody has made since.

Contract: Microsoft.Authorization/roleAssignments, 2022-04-01. It has no expiry, no conditions and no deny assignments.
"""

from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase

from signalbox.emulators.azure_ml.doors import Refusal
from signalbox.emulators.azure_ml.resource_manager import roles
from signalbox.emulators.azure_ml.resources import Resources

_MADE = "/assignments"
_SAME = ("principal", "role")
Row = Mapping[str, str]


class RoleBook:
    def __init__(self, resources: Resources, given: list[Row]) -> None:
        self._resources, self._given = resources, given

    def __iter__(self) -> Iterator[Row]:
        yield from self._given
        yield from (row for _, row in self._resources.below(_MADE))

    def find(self, scope: str, name: str) -> Row | None:
        return self._resources.get(_path(scope, name))

    def put(self, row: Row) -> bool:
        """Whether it is new. Raises 409: a name never changes whom it is about, and nobody has one role twice."""
        found = self.find(row["scope"], row["name"])
        if found is not None and any(found[part] != row[part] for part in _SAME):
            message = "Tenant ID, application ID, principal ID, and scope are not allowed to be updated."
            raise Refusal(409, "RoleAssignmentUpdateNotPermitted", message)
        if found is None and any(_is_same(row, other) for other in self):
            raise Refusal(409, "RoleAssignmentExists", "The role assignment already exists.")
        self._resources.put(_path(row["scope"], row["name"]), dict(row))
        return found is None

    def remove(self, scope: str, name: str) -> Row | None:
        found = self.find(scope, name)
        self._resources.delete(_path(scope, name))
        return found

    def allows(self, principal: str, action: str, scope: str, *, data: bool = False) -> bool:
        """Whether a role that *principal* has on *scope*, or above it, allows *action*, one on *data* where it says so.

        No Owner may do anything with data by that alone.
        """
        own = (row for row in self if row["principal"] == principal and _covers(row["scope"], scope))
        kinds = ("dataActions", "notDataActions") if data else ("actions", "notActions")
        return any(_allows(roles.permission(row["role"]), action, *kinds) for row in own)


def _path(scope: str, name: str) -> str:
    return f"{_MADE}{scope}/{name}"


def _covers(given: str, scope: str) -> bool:
    return f"{scope}/".lower().startswith(f"{given.rstrip('/')}/".lower())


def _is_same(row: Row, other: Row) -> bool:
    return row["scope"].lower() == other["scope"].lower() and all(row[part] == other[part] for part in _SAME)


def _allows(permission: Mapping[str, list[str]], action: str, given: str, taken: str) -> bool:
    def matches(patterns: list[str]) -> bool:
        return any(fnmatchcase(action.lower(), pattern.lower()) for pattern in patterns)

    return matches(permission[given]) and not matches(permission[taken])
