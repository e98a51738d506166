"""The managed identity endpoint of App Service (api-version 2019-08-01), for the real `ManagedIdentityCredential`."""

import time

from aiohttp import web

from signalbox.emulators.tokens import LIFE_S, TokenIssuer


def identity_app(issuer: TokenIssuer, secret: str) -> web.Application:
    """GET /msi/token?resource=&api-version= with the X-IDENTITY-HEADER that only local processes know; and the keys."""

    async def token(request: web.Request) -> web.Response:
        resource = request.query.get("resource", "")
        if request.headers.get("X-IDENTITY-HEADER") != secret:
            return _refused(401, "X-IDENTITY-HEADER is missing or wrong; use the value of IDENTITY_HEADER")
        if not resource:
            return _refused(400, "query parameter 'resource' is missing")
        return web.json_response(
            {
                "access_token": issuer.issue(resource),
                "expires_on": str(int(time.time()) + LIFE_S),
                "resource": resource,
                "token_type": "Bearer",
            }
        )

    async def keys(request: web.Request) -> web.Response:
        del request
        return web.json_response(issuer.key_set())

    app = web.Application()
    app.router.add_get("/msi/token", token)
    app.router.add_get("/discovery/keys", keys)
    return app


def _refused(status: int, message: str) -> web.Response:
    return web.json_response({"statusCode": status, "message": message}, status=status)
