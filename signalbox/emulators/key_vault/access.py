"""Admission to the vault: the challenge that clients ask for first, errors in Key Vault's shape, permissions by key.

Contract: https://learn.microsoft.com/azure/key-vault/general/authentication-requests-and-responses
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from aiohttp import web

from signalbox.emulators.key_vault.store import Store

AUDIENCE = "https://vault.azure.net"
Claims = Callable[[str, tuple[str, ...]], dict[str, Any] | None]
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Permissions = Mapping[str, Mapping[str, Sequence[str]]]


class Refusal(Exception):
    """A request that is answered with an error in Key Vault's shape."""

    def __init__(self, status: int, code: str, message: str, inner: str = "") -> None:
        super().__init__(message)
        self.status, self.code, self.inner = status, code, inner

    def response(self) -> web.Response:
        error: dict[str, Any] = {"code": self.code, "message": str(self)}
        if self.inner:
            error["innererror"] = {"code": self.inner}
        return web.json_response({"error": error}, status=self.status)


@web.middleware
async def refusal_middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except Refusal as refusal:
        return refusal.response()


class Gatehouse:
    """Admits living tokens of *tenant* for the vault, and asks *permissions* (operations by pattern of key names, by
    object id) what their bearers may do. What the control door allows or takes away counts before them."""

    def __init__(self, store: Store, claims: Claims, tenant: str, permissions: Permissions) -> None:
        self._store, self._claims, self._tenant, self._permissions = store, claims, tenant, permissions

    @property
    def middleware(self) -> Any:
        """Answers requests without a token with the challenge, and those of no known version with 400."""

        @web.middleware
        async def admitting(request: web.Request, handler: Handler) -> web.StreamResponse:
            if request.path.startswith("/_control/"):
                return await handler(request)
            scheme, _, token = request.headers.get("Authorization", "").partition(" ")
            if scheme.lower() != "bearer" or not token:
                return self._challenge(request, "AKV10000: Request is missing a Bearer or PoP token.")
            claims = self._claims(token, (AUDIENCE, _resource(request)))
            if claims is None:
                return self._challenge(request, f"AKV10022: Invalid audience. Expected {AUDIENCE}.")
            if not request.query.get("api-version"):
                raise Refusal(400, "BadParameter", "api-version must be specified")
            request["oid"] = str(claims.get("oid", ""))
            return await handler(request)

        return admitting

    def require(self, request: web.Request, operation: str, name: str = "*") -> None:
        """Raises Refusal unless the caller may do *operation* with the key *name*, as role assignments refuse it."""
        oid = request["oid"]
        permissions_set_later = self._store.permissions(oid)
        permissions = self._permissions.get(oid, {}) if permissions_set_later is None else permissions_set_later
        if any(operation in operations for key, operations in permissions.items() if fnmatchcase(name, key)):
            return
        raise Refusal(
            403,
            "Forbidden",
            "Caller is not authorized to perform action on resource.\r\nIf role assignments, deny assignments or role "
            "definitions were changed recently, please observe propagation time.\r\n"
            f"Caller: oid={oid}\r\nAction: 'Microsoft.KeyVault/vaults/keys/{operation}/action'\r\n"
            f"Resource: '{name}'\r\nAssignment: (not found)\r\nDecisionReason: 'DeniedWithNoValidRBAC'",
            "ForbiddenByRbac",
        )

    def _challenge(self, request: web.Request, message: str) -> web.Response:
        response = Refusal(401, "Unauthorized", message).response()
        authority = f"https://login.microsoftonline.com/{self._tenant}"
        resource = _resource(request)
        response.headers["WWW-Authenticate"] = f'Bearer authorization="{authority}", resource="{resource}"'
        return response


def _resource(request: web.Request) -> str:
    """What tokens are for. The clients demand that the vault's host ends with it, after a dot, as
    `NAME.vault.azure.net` does. Names below localhost are not resolved everywhere, but 127.0.0.1 is an address
    everywhere, and ends with `.0.0.1`."""
    return f"https://{request.host.partition('.')[2]}"
