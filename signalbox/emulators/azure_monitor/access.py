"""Who may read metrics, query logs and write alert rules: bearer tokens, and roles by scope.

Contract: https://learn.microsoft.com/azure/azure-monitor/fundamentals/roles-permissions-security
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from aiohttp import web

from signalbox.emulators.azure_ml.doors import Refusal

MANAGEMENT, LOGS = "https://management.azure.com", "https://api.loganalytics.io"
Claims = Callable[[str, tuple[str, ...]], dict[str, Any] | None]
Roles = Sequence[Mapping[str, str]]

_WRITERS = frozenset({"Owner", "Contributor", "Monitoring Contributor"})
_READERS = _WRITERS | {"Reader", "Monitoring Reader", "Log Analytics Reader"}


class Gatehouse:
    """*roles* are assignments (`principal`, `role`, `scope`); *addresses* are where the emulator itself answers."""

    def __init__(self, claims: Claims, roles: Roles, addresses: Sequence[str] = ()) -> None:
        self._claims, self._roles, self._addresses = claims, list(roles), tuple(addresses)

    def add_to(self, app: web.Application) -> None:
        app.router.add_put("/_control/roles", self._change)

    def principal(self, request: web.Request, audience: str) -> str:
        """The object id of the caller. Raises 401 where the token is not a living one for *audience*."""
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        claims = self._claims(token, (audience, *self._addresses)) if scheme.lower() == "bearer" else None
        if claims is None:
            raise Refusal(401, "AuthenticationFailed", "Authentication failed. The 'Authorization' header is missing.")
        return str(claims.get("oid", ""))

    def may_read(self, principal: str, scope: str) -> bool:
        return self._has(principal, scope, _READERS)

    def require_read(self, request: web.Request, action: str, scope: str) -> None:
        """Raises 401, and 403 as Resource Manager does."""
        self._require(request, action, scope, _READERS)

    def require_write(self, request: web.Request, action: str, scope: str) -> None:
        self._require(request, action, scope, _WRITERS)

    def _require(self, request: web.Request, action: str, scope: str, roles: frozenset[str]) -> None:
        principal = self.principal(request, MANAGEMENT)
        if not self._has(principal, scope, roles):
            raise Refusal(
                403,
                "AuthorizationFailed",
                f"The client '{principal}' with object id '{principal}' does not have authorization to perform action "
                f"'{action}' over scope '{scope}' or the scope is invalid. If access was recently granted, please "
                "refresh your credentials.",
            )

    def _has(self, principal: str, scope: str, roles: frozenset[str]) -> bool:
        below = f"{scope}/".lower()
        return any(
            assignment["principal"] == principal
            and assignment["role"] in roles
            and below.startswith(f"{assignment['scope'].rstrip('/')}/".lower())
            for assignment in self._roles
        )

    async def _change(self, request: web.Request) -> web.Response:
        """`{roles}`: every assignment from now on, instead of what the settings say."""
        body = await request.json()
        self._roles = list(body["roles"])
        return web.json_response(body)
