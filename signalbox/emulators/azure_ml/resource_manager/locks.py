"""Resource locks: a scope and everything below it refuses writes, or only deletions, until the lock is taken away."""

from typing import Any

from aiohttp import web

from signalbox.emulators.azure_ml.doors import Handler, Refusal, arm_path
from signalbox.emulators.azure_ml.resources import Resources

_READS = {"GET", "HEAD", "OPTIONS"}


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
                self._refuse(request.method, arm_path(request))
            return await handler(request)

        return locked

    def _refuse(self, method: str, path: str) -> None:
        for _, lock in self._resources.below("/locks"):
            scope = lock["scope"]
            if lock.get("level") == "CanNotDelete" and method != "DELETE":
                continue
            if f"{path.lower()}/".startswith(f"{scope.lower().rstrip('/')}/"):
                raise Refusal(409, "ScopeLocked", f"{path} cannot be written: {scope} is locked; remove the lock")

    async def _lock(self, request: web.Request) -> web.Response:
        body = await request.json()
        lock = {"scope": str(body["scope"]), "level": str(body.get("level", "ReadOnly"))}
        self._resources.put(f"/locks{lock['scope']}", lock)
        return web.json_response(lock)

    async def _unlock(self, request: web.Request) -> web.Response:
        scope = str((await request.json())["scope"])
        return web.json_response({"removed": self._resources.delete(f"/locks{scope}")})
