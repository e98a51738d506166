"""Tokens of the local tenant: RS256 JWTs with the claims that Entra gives an app, and their check."""

import json
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from aiohttp import web
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey

_LIFE_S = 3600
PRINCIPAL = "00000000-0000-0000-0000-0000000000aa"

Check = Callable[[web.Request, tuple[str, ...]], None]


class TokenIssuer:
    """Signs with a key kept in *state*, so that tokens outlive a restart."""

    def __init__(self, state: Path, tenant: str) -> None:
        self._tenant, self._key = tenant, _key(state / "certs" / "tokens.pem")

    def issue(self, audience: str, now: float | None = None) -> str:
        """A token for *audience* (a resource, without `/.default`)."""
        at = int(time.time() if now is None else now)
        claims = {
            "iss": f"https://sts.windows.net/{self._tenant}/",
            "aud": audience,
            "iat": at,
            "nbf": at - 60,
            "exp": at + _LIFE_S,
            "oid": PRINCIPAL,
            "sub": PRINCIPAL,
            "appid": PRINCIPAL,
            "tid": self._tenant,
            "ver": "1.0",
            "jti": secrets.token_hex(8),
        }
        return jwt.encode({"alg": "RS256", "typ": "JWT", "kid": self._key.kid}, claims, self._key)

    def sign_in(self, issuer: str, audience: str, person: Mapping[str, Any]) -> str:
        """A v2.0 access token for *person* {oid, upn, roles}, as the directory at *issuer* gives it to a client app."""
        at = int(time.time())
        claims = {
            "iss": issuer,
            "aud": audience,
            "iat": at,
            "nbf": at - 60,
            "exp": at + _LIFE_S,
            "oid": person["oid"],
            "sub": person["oid"],
            "preferred_username": person["upn"],
            "roles": list(person.get("roles", ())),
            "groups": list(person.get("groups", ())),
            "tid": self._tenant,
            "ver": "2.0",
            "jti": secrets.token_hex(8),
        }
        return jwt.encode({"alg": "RS256", "typ": "JWT", "kid": self._key.kid}, claims, self._key)

    def check(self, request: web.Request, audiences: Sequence[str]) -> None:
        """Raises 401 unless the request carries a living token of ours for one of *audiences*."""
        if not self.accepts(request, audiences):
            said = {
                "error": {"code": "AuthenticationFailed", "message": f"a bearer token for {audiences[0]} is required"}
            }
            raise web.HTTPUnauthorized(
                headers={"WWW-Authenticate": "Bearer"}, text=json.dumps(said), content_type="application/json"
            )

    def accepts(self, request: web.Request, audiences: Sequence[str]) -> bool:
        """Whether the request carries a living token of ours for one of *audiences*."""
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        return scheme.lower() == "bearer" and self._valid(token, audiences)

    def key_set(self) -> dict[str, Any]:
        """The public keys, as `jwks_uri` serves them."""
        return {"keys": [self._key.as_dict(private=False) | {"use": "sig", "alg": "RS256"}]}

    def _valid(self, token: str, audiences: Sequence[str]) -> bool:
        try:
            claims = jwt.decode(token, self._key, algorithms=["RS256"]).claims
            rules = jwt.JWTClaimsRegistry(aud={"essential": True, "values": [each.rstrip("/") for each in audiences]})
            rules.validate(claims | {"aud": str(claims.get("aud", "")).rstrip("/")})
        except (JoseError, ValueError):
            return False
        return True


def _key(path: Path) -> RSAKey:
    if path.is_file():
        return RSAKey.import_key(path.read_bytes(), {"kid": "local"})
    key = RSAKey.generate_key(2048, {"kid": "local"})
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.write_bytes(key.as_pem(private=True))
    return key
