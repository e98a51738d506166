"""Shared by all routes of Resource Manager: admission of callers, resource paths, and the form of a refusal."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from aiohttp import web

from signalbox.emulators.azure_ml.estate import PROVIDER, Estate, Scope

Check = Callable[[web.Request, tuple[str, ...]], None]
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

DATA_PLANE = "/mferp/managementfrontend"
_GROUP = f"/subscriptions/{{subscription}}/resourceGroups/{{group}}/providers/{PROVIDER}"
WORKSPACE = f"{_GROUP}/workspaces/{{workspace}}"
REGISTRY = f"{_GROUP}/registries/{{registry}}"
PARENTS = (f"/subscriptions/{{subscription}}/providers/{PROVIDER}", _GROUP)  # Below them all of a kind are listed.
ROOTS = (WORKSPACE, REGISTRY, f"{DATA_PLANE}{REGISTRY}")


class Refusal(Exception):
    """A request that is answered with an error; *code* is Resource Manager's, and so are *details*."""

    def __init__(self, status: int, code: str, message: str, details: Sequence[Mapping[str, str]] = ()) -> None:
        super().__init__(message)
        self.status, self.code, self._details = status, code, details

    def response(self) -> web.Response:
        details = {"details": list(self._details)} if self._details else {}
        return web.json_response({"error": {"code": self.code, "message": str(self), **details}}, status=self.status)


def not_found(path: str) -> Refusal:
    return Refusal(404, "ResourceNotFound", f"{path} does not exist")


def bad(message: str) -> Refusal:
    return Refusal(400, "BadRequest", message)


def arm_path(request: web.Request) -> str:
    """The resource's path: the registries' data plane carries it behind a prefix."""
    return request.path.removeprefix(DATA_PLANE).rstrip("/")


@web.middleware
async def refusal_middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except Refusal as refusal:
        return refusal.response()


@dataclass(frozen=True, slots=True, kw_only=True)
class Entrance:
    estate: Estate
    check: Check
    base_url: str

    def admit(self, request: web.Request) -> Scope:
        """The workspace or registry that is asked for. Raises 401, and 404 for one that is not configured."""
        self.check_token(request)
        path = arm_path(request)
        scope = self.estate.at(path)
        if scope is None:
            raise not_found(path)
        return scope

    def workspace_within(self, request: web.Request) -> Scope:
        """The workspace whose ARM id is part of the path of a data plane. Raises 404 for one that is not configured."""
        path = f"/subscriptions/{request.path.partition('/subscriptions/')[2]}"
        scope = self.estate.at(path)
        if scope is None:
            raise not_found(path)
        return scope

    def check_token(self, request: web.Request) -> None:
        self.check(request, ("https://management.azure.com", self.base_url, "https://ml.azure.com"))
