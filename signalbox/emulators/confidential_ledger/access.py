"""Who may do what at the ledger: its users are its own, each with one role, and no role of Azure counts.

Contract: https://learn.microsoft.com/azure/confidential-ledger/manage-azure-ad-token-based-users.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from aiohttp import web

AUDIENCE = "https://confidential-ledger.azure.com"
Claims = Callable[[str, tuple[str, ...]], dict[str, Any] | None]
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
_READERS, _WRITERS = ("Reader", "Contributor", "Administrator"), ("Contributor", "Administrator")
_ADMINISTRATORS = ("Administrator",)


class Refusal(Exception):
    """A request that is answered with an error in the ledger's shape."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code = status, code

    def response(self) -> web.Response:
        return web.json_response({"error": {"code": self.code, "message": str(self)}}, status=self.status)


@web.middleware
async def refusal_middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except Refusal as refusal:
        return refusal.response()
    except web.HTTPMethodNotAllowed as refusal:
        code, message = "UnsupportedHttpVerb", f"{request.method} is not supported for {request.path}"
        response = Refusal(405, code, message).response()
        response.headers["Allow"] = ", ".join(sorted(refusal.allowed_methods))
        return response


class Gatehouse:
    """Admits living tokens for the ledger of those whose object id is in *users*, with the role that each has."""

    def __init__(self, claims: Claims, users: Mapping[str, str]) -> None:
        self._claims, self.users = claims, dict(users)

    @property
    def middleware(self) -> Any:
        @web.middleware
        async def admitting(request: web.Request, handler: Handler) -> web.StreamResponse:
            if request.path.startswith("/_control/"):
                return await handler(request)
            scheme, _, token = request.headers.get("Authorization", "").partition(" ")
            claims = self._claims(token, (AUDIENCE,)) if scheme.lower() == "bearer" else None
            if claims is None:
                raise Refusal(401, "InvalidAuthenticationInfo", "Invalid or missing JWT token")
            if not request.query.get("api-version"):
                raise Refusal(400, "InvalidInput", "The query parameter api-version is required")
            request["oid"] = str(claims.get("oid", ""))
            return await handler(request)

        return admitting

    def require_reader(self, request: web.Request) -> None:
        self._require(request, _READERS)

    def require_writer(self, request: web.Request) -> None:
        self._require(request, _WRITERS)

    def require_administrator(self, request: web.Request) -> None:
        self._require(request, _ADMINISTRATORS)

    def _require(self, request: web.Request, roles: tuple[str, ...]) -> None:
        if self.users.get(request["oid"]) not in roles:
            message = f"The user {request['oid']} has none of the roles {', '.join(roles)}"
            raise Refusal(403, "AuthorizationFailed", message)
