"""Resource locks: a scope and everything below it refuses writes, or only deletions, until the lock is taken away."""

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from signalbox.emulators.azure_ml.doors import Handler, Refusal, arm_path, bad
from signalbox.emulators.azure_ml.resources import Resources

_READS = {"GET", "HEAD", "OPTIONS"}
_LOCKS = "/providers/microsoft.authorization/locks/"
_LEVELS = ("CanNotDelete", "ReadOnly")
_NAMED = "/locks/named"  # Those that Resource Manager was asked for; the control door's have no names.


class Locks:
    """PUT and DELETE /_control/locks {scope, level}; kept in the store. ReadOnly, the default, refuses POST too."""

    def __init__(self, resources: Resources) -> None:
        self._resources = resources

    def add_to(self, app: web.Application) -> None:
        app.router.add_put("/_control/locks", self._lock)
        app.router.add_delete("/_control/locks", self._unlock)

    @property
    def middleware(self) -> Any:
        @web.middleware
        async def locked(request: web.Request, handler: Handler) -> web.StreamResponse:
            if request.method not in _READS:
                self.check(request.method, arm_path(request))
            return await handler(request)

        return locked

    def check(self, method: str, path: str) -> None:
        """Raises 409 where a lock holds: on the path, above it, and below what would be deleted. Locks hold no lock."""
        if _LOCKS in path.lower():
            return
        own = f"{path.lower().rstrip('/')}/"
        for _, lock in self._resources.below("/locks"):
            scope = lock["scope"]
            if lock.get("level") == "CanNotDelete" and method != "DELETE":
                continue
            locked = f"{scope.lower().rstrip('/')}/"
            if own.startswith(locked) or (method == "DELETE" and locked.startswith(own)):
                raise Refusal(409, "ScopeLocked", f"{path} cannot be written: {scope} is locked; remove the lock")

    def put(self, scope: str, name: str, properties: dict[str, Any]) -> dict[str, Any]:
        """A lock by name. Raises 400 where it is of no level."""
        level = properties.get("level")
        if level not in _LEVELS:
            raise bad(f"The lock level {level!r} is not valid; use one of {', '.join(_LEVELS)}.")
        lock = {"scope": scope, "name": name, "level": level, "notes": properties.get("notes")}
        self._resources.put(_named(scope, name), lock)
        return lock

    def find(self, scope: str, name: str) -> dict[str, Any] | None:
        return self._resources.get(_named(scope, name))

    def remove(self, scope: str, name: str) -> bool:
        return self._resources.delete(_named(scope, name))

    async def _lock(self, request: web.Request) -> web.Response:
        body = await request.json()
        lock = {"scope": str(body["scope"]), "level": str(body.get("level", "ReadOnly"))}
        self._resources.put(f"/locks{lock['scope']}", lock)
        return web.json_response(lock)

    async def _unlock(self, request: web.Request) -> web.Response:
        scope = str((await request.json())["scope"])
        return web.json_response({"removed": self._resources.delete(f"/locks{scope}")})


def _named(scope: str, name: str) -> str:
    return f"{_NAMED}{scope}{_LOCKS}{name}"


def lock_document(lock: Mapping[str, Any]) -> dict[str, Any]:
    """As Resource Manager shows it; those of the control door have no name of their own."""
    name = lock.get("name", "by-test")
    notes = {"notes": lock["notes"]} if lock.get("notes") else {}
    return {
        "id": f"{lock['scope']}/providers/Microsoft.Authorization/locks/{name}",
        "name": name,
        "type": "Microsoft.Authorization/locks",
        "properties": {"level": lock.get("level", "ReadOnly"), **notes},
    }
