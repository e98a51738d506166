"""Long-running operations: begun once, followed by their status or their result, kept over a restart."""

from typing import Any
from uuid import uuid4

from aiohttp import web

from signalbox.emulators.azure_ml.doors import DATA_PLANE, Entrance, not_found
from signalbox.emulators.azure_ml.estate import PROVIDER, Scope
from signalbox.emulators.azure_ml.resources import Resources

_ROOT = f"/subscriptions/{{subscription}}/providers/{PROVIDER}/locations/{{location}}"
_RETRY = {"Retry-After": "1"}


class Operations:
    def __init__(self, entrance: Entrance, resources: Resources) -> None:
        self._entrance, self._resources = entrance, resources

    def add_to(self, app: web.Application) -> None:
        for prefix in ("", DATA_PLANE):
            app.router.add_get(f"{prefix}{_ROOT}/mfeOperationsStatus/{{operation}}", self._status)
            app.router.add_get(f"{prefix}{_ROOT}/mfeOperationResults/{{operation}}", self._result)

    def begin(self, kind: str, work: dict[str, Any]) -> str:
        """The id of a new operation; *work* is what is needed to take it up again."""
        name = str(uuid4())
        self._resources.put(f"/operations/{name}", {"kind": kind, "work": work, "status": "InProgress"})
        return name

    def is_under_way(self, name: str) -> bool:
        return bool(self._must(name)["status"] == "InProgress")

    def end(self, name: str, error: str = "", code: str = "") -> None:
        """Succeeded, or failed by an *error*; with the *code* OperationCanceled it was cancelled."""
        operation = self._must(name)
        operation["status"] = ("Canceled" if code == "OperationCanceled" else "Failed") if error else "Succeeded"
        if error:
            operation["error"] = {"code": code or "ResourceOperationFailure", "message": error}
        self._resources.put(f"/operations/{name}", operation)

    def unfinished(self, kind: str) -> list[tuple[str, dict[str, Any]]]:
        """(id, work) of what a restart interrupted."""
        operations = self._resources.below("/operations")
        return [
            (path.rpartition("/")[2], operation["work"])
            for path, operation in operations
            if operation["kind"] == kind and operation["status"] == "InProgress"
        ]

    def status_header(self, scope: Scope, name: str) -> dict[str, str]:
        return {"Azure-AsyncOperation": self._address(scope, "mfeOperationsStatus", name), **_RETRY}

    def result_header(self, scope: Scope, name: str) -> dict[str, str]:
        return {"Location": self._address(scope, "mfeOperationResults", name), **_RETRY}

    def _address(self, scope: Scope, door: str, name: str) -> str:
        root = _ROOT.format(subscription=scope.subscription, location="westeurope")
        return f"{self._entrance.base_url}{root}/{door}/{name}?api-version=2024-10-01"

    async def _status(self, request: web.Request) -> web.Response:
        self._entrance.check_token(request)
        name = request.match_info["operation"]
        operation = self._must(name)
        body = {"id": request.path, "name": name, "status": operation["status"]}
        error = {"error": operation["error"]} if "error" in operation else {}
        return web.json_response(body | error, headers=_RETRY)

    async def _result(self, request: web.Request) -> web.Response:
        """202 while it runs, 204 once it is done, an error's own answer if it failed."""
        self._entrance.check_token(request)
        operation = self._must(request.match_info["operation"])
        if operation["status"] == "InProgress":
            return web.Response(status=202, headers={"Location": str(request.url), **_RETRY})
        if "error" in operation:
            return web.json_response({"error": operation["error"]}, status=409)
        return web.Response(status=204)

    def _must(self, name: str) -> dict[str, Any]:
        operation = self._resources.get(f"/operations/{name}")
        if operation is None:
            raise not_found(f"operation {name}")
        return operation
