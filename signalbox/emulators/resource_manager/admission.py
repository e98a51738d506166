"""Who may do what at Resource Manager: a living token, an API version, and a role that allows the action."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from signalbox.emulators.azure_ml.doors import Refusal
from signalbox.emulators.resource_manager.role_book import RoleBook

Claims = Callable[[str, Sequence[str]], dict[str, Any] | None]
_MANAGEMENT = "https://management.azure.com"


@dataclass(frozen=True, slots=True)
class Admission:
    """*claims* gives what a living token says; *address* is where Resource Manager answers here."""

    book: RoleBook
    claims: Claims
    address: str

    def principal(self, request: web.Request, action: str, scope: str) -> str:
        """Who calls. Raises 401, 400 without an API version, and 403 without a role that allows *action* on *scope*."""
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        claims = self.claims(token, (_MANAGEMENT, self.address)) if scheme.lower() == "bearer" else None
        if claims is None:
            raise Refusal(401, "AuthenticationFailed", "Authentication failed. The 'Authorization' header is missing.")
        if not request.query.get("api-version"):
            raise Refusal(
                400, "MissingApiVersionParameter", "The api-version query parameter (?api-version=) is required."
            )
        principal = str(claims.get("oid", ""))
        self.check(principal, action, scope)
        return principal

    def check(self, principal: str, action: str, scope: str) -> None:
        """Raises 403 where no role of *principal* allows *action* on *scope*."""
        if not self.book.allows(principal, action, scope):
            message = f"The client '{principal}' does not have authorization to perform action '{action}'"
            raise Refusal(403, "AuthorizationFailed", f"{message} over scope '{scope}'.")
