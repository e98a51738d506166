"""The flow of client credentials: an application of the tenant gets tokens by its secret, as MSAL asks for them.

https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow
"""

import hmac
from collections.abc import Sequence
from dataclasses import dataclass

from aiohttp import web

from signalbox.emulators.authorization_code import AuthorizationCodeDoors
from signalbox.emulators.tokens import LIFE_S, Identity, TokenIssuer

_ALIASES = ("login.microsoftonline.com", "login.windows.net", "login.microsoft.com", "sts.windows.net")


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientApplication:
    """An application with a secret; *oid* is its service principal's object id."""

    client_id: str
    oid: str
    secret: str


class ClientCredentialDoors:
    """The token endpoint, also for codes, and the discovery of clouds that clients ask before it."""

    def __init__(
        self, issuer: TokenIssuer, applications: Sequence[ClientApplication], codes: AuthorizationCodeDoors
    ) -> None:
        self._issuer, self._codes = issuer, codes
        self._applications = {application.client_id: application for application in applications}

    def add_to(self, app: web.Application) -> None:
        app.router.add_get("/common/discovery/instance", self._instance)
        app.router.add_post(f"/{self._issuer.tenant}/oauth2/v2.0/token", self._token)

    async def _instance(self, request: web.Request) -> web.Response:
        del request
        tenant = f"https://{_ALIASES[0]}/{self._issuer.tenant}/v2.0"
        cloud = {"preferred_network": _ALIASES[0], "preferred_cache": _ALIASES[1], "aliases": _ALIASES}
        discovery = f"{tenant}/.well-known/openid-configuration"
        return web.json_response({"tenant_discovery_endpoint": discovery, "api-version": "1.1", "metadata": [cloud]})

    async def _token(self, request: web.Request) -> web.Response:
        form = {name: value for name, value in (await request.post()).items() if isinstance(value, str)}
        grant, scope = form.get("grant_type", ""), form.get("scope", "").split(" ")[0]
        if grant == "authorization_code":
            status, answer = self._codes.redeem(form)
            return web.json_response(answer, status=status, headers={"Cache-Control": "no-store"})
        if grant != "client_credentials":
            return _error(
                400,
                "unsupported_grant_type",
                f"AADSTS70003: grant_type {grant!r}; use client_credentials or authorization_code",
            )
        application = self._applications.get(form.get("client_id", ""))
        if application is None:
            return _error(401, "invalid_client", f"AADSTS700016: there is no application {form.get('client_id')!r}")
        if not hmac.compare_digest(form.get("client_secret", "").encode(), application.secret.encode()):
            return _error(401, "invalid_client", "AADSTS7000215: invalid client secret; run signalbox env again")
        if not scope.endswith("/.default"):
            return _error(400, "invalid_scope", f"AADSTS1002012: scope {scope!r} does not end with /.default")
        identity = Identity(client_id=application.client_id, oid=application.oid)
        try:
            token = self._issuer.issue(scope.removesuffix("/.default"), identity=identity)
        except LookupError as error:
            return _error(400, "invalid_resource", str(error.args[0]))
        life = {"expires_in": LIFE_S - 1, "ext_expires_in": LIFE_S - 1}
        return web.json_response({"token_type": "Bearer", **life, "access_token": token})


def _error(status: int, code: str, description: str) -> web.Response:
    number = int(description.removeprefix("AADSTS").partition(":")[0]) if description.startswith("AADSTS") else 0
    body = {"error": code, "error_description": description, "error_codes": [number]}
    return web.json_response(body, status=status)
