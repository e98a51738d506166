"""Tokens of the local tenant: RS256 JWTs with the claims that Entra gives apps and persons, and their check."""

import json
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from aiohttp import web
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey

from signalbox.private_files import private_folder, write_private

LIFE_S = 3600
CLIENT = "00000000-0000-0000-0000-0000000000cc"  # The application that people sign in with.
PRINCIPAL = "00000000-0000-0000-0000-0000000000aa"

Check = Callable[[web.Request, tuple[str, ...]], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """A managed identity; *oid* is its service principal's object id."""

    client_id: str = PRINCIPAL
    oid: str = PRINCIPAL


SYSTEM_ASSIGNED = Identity()


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A user of the tenant, as in the emulators' settings."""

    oid: str
    upn: str
    name: str
    roles: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()


class TokenIssuer:
    """Signs with a key kept in *state*, so that tokens outlive a restart; *authority* is the base of v2.0 issuers."""

    def __init__(self, state: Path, tenant: str, authority: str) -> None:
        self.tenant, self.issuer = tenant, f"{authority}/{tenant}/v2.0"
        self._key = _key(state / "certs" / "tokens.pem")
        self._signed = lru_cache(256)(self._read)  # Clients send one token with every request.

    def issue(self, audience: str, now: float | None = None, identity: Identity = SYSTEM_ASSIGNED) -> str:
        """A v1.0 token of *identity* for *audience* (a resource, without `/.default`)."""
        claims = {
            "iss": f"https://sts.windows.net/{self.tenant}/",
            "oid": identity.oid,
            "sub": identity.oid,
            "appid": identity.client_id,
            "idtyp": "app",
            "ver": "1.0",
        }
        return self._sign(audience, claims, now)

    def issue_to(self, person: Person, audience: str, now: float | None = None) -> str:
        """A v2.0 token of *person* for *audience*, such as `api://signalbox`."""
        claims = {
            "iss": self.issuer,
            "oid": person.oid,
            "sub": secrets.token_hex(16),
            "azp": CLIENT,
            "scp": "access_as_user",
            "preferred_username": person.upn,
            "name": person.name,
            "roles": list(person.roles),
            "groups": list(person.groups),
            "ver": "2.0",
        }
        return self._sign(audience, claims, now)

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
        return scheme.lower() == "bearer" and self.claims(token, audiences) is not None

    def key_set(self) -> dict[str, Any]:
        """The public keys, as `jwks_uri` serves them."""
        return {"keys": [self._key.as_dict(private=False) | {"use": "sig", "alg": "RS256"}]}

    def _sign(self, audience: str, claims: Mapping[str, Any], now: float | None) -> str:
        at = int(time.time() if now is None else now)
        times = {"iat": at, "nbf": at - 60, "exp": at + LIFE_S}
        every = {**claims, **times, "aud": audience, "tid": self.tenant, "jti": secrets.token_hex(8)}
        return jwt.encode({"alg": "RS256", "typ": "JWT", "kid": self._key.kid}, every, self._key)

    def claims(self, token: str, audiences: Sequence[str]) -> dict[str, Any] | None:
        """What a living token of ours for one of *audiences* claims, None for any other."""
        try:
            claims = self._signed(token)
            rules = jwt.JWTClaimsRegistry(aud={"essential": True, "values": [each.rstrip("/") for each in audiences]})
            rules.validate(claims | {"aud": str(claims.get("aud", "")).rstrip("/")})
        except (JoseError, ValueError):
            return None
        return dict(claims)

    def _read(self, token: str) -> dict[str, Any]:
        """What *token* claims, if we signed it. Raises JoseError or ValueError."""
        return jwt.decode(token, self._key, algorithms=["RS256"]).claims


def _key(path: Path) -> RSAKey:
    if path.is_file():
        return RSAKey.import_key(path.read_bytes(), {"kid": "local"})
    key = RSAKey.generate_key(2048, {"kid": "local"})
    private_folder(path.parent)
    write_private(path, key.as_pem(private=True))
    return key
