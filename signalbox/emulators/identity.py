"""The managed identity endpoint of App Service (api-version 2019-08-01), and the directory where persons sign in."""

import time
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from aiohttp import web

from signalbox.emulators.tokens import TokenIssuer

_LIFE_S = 3600
_API = "2019-08-01"


def identity_app(issuer: TokenIssuer, secret: str) -> web.Application:
    """GET /msi/token?resource=&api-version= with the X-IDENTITY-HEADER that only local processes know; and the keys."""

    async def token(request: web.Request) -> web.Response:
        resource = request.query.get("resource", "")
        if request.headers.get("X-IDENTITY-HEADER") != secret:
            return _refused(401, "X-IDENTITY-HEADER is missing or wrong; use the value of IDENTITY_HEADER")
        if request.query.get("api-version") != _API:
            return _refused(400, f"query parameter 'api-version' must be {_API}")
        if not resource:
            return _refused(400, "query parameter 'resource' is missing")
        return web.json_response(
            {
                "access_token": issuer.issue(resource),
                "expires_on": str(int(time.time()) + _LIFE_S),
                "resource": resource,
                "token_type": "Bearer",
            }
        )

    app = web.Application()
    app.router.add_get("/msi/token", token)
    return app


def directory_app(
    issuer: TokenIssuer, url: str, secret: str, audience: str, persons: Sequence[Mapping[str, Any]]
) -> web.Application:
    """The directory at *url* (`https://.../TENANT/v2.0`): its metadata and keys, and a sign-in for local processes."""
    root = urlsplit(url).path.rpartition("/")[0]

    async def metadata(request: web.Request) -> web.Response:
        del request
        base = url.rpartition("/")[0]
        return web.json_response({"issuer": url, "jwks_uri": f"{base}/discovery/v2.0/keys"})

    async def keys(request: web.Request) -> web.Response:
        del request
        return web.json_response(issuer.key_set())

    async def sign_in(request: web.Request) -> web.Response:
        if request.headers.get("X-IDENTITY-HEADER") != secret:
            return _refused(401, "X-IDENTITY-HEADER is missing or wrong; use the value of IDENTITY_HEADER")
        body = await request.json()
        person = next((each for each in persons if each["upn"] == body.get("person")), None)
        if person is None:
            known = ", ".join(each["upn"] for each in persons)
            return _refused(404, f"person {body.get('person')!r} is not in the local directory; there are: {known}")
        token = issuer.sign_in(url, body.get("audience") or audience, person)
        return web.json_response({"access_token": token, "token_type": "Bearer", "expires_in": _LIFE_S})

    app = web.Application()
    app.router.add_get(f"{root}/v2.0/.well-known/openid-configuration", metadata)
    app.router.add_get(f"{root}/discovery/v2.0/keys", keys)
    app.router.add_post(f"{root}/local/sign-in", sign_in)
    return app


def _refused(status: int, message: str) -> web.Response:
    return web.json_response({"statusCode": status, "message": message}, status=status)
