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

_TOKEN_EXCHANGE = "api://AzureADTokenExchange"  # Known in every tenant.
_MOST_GROUPS = (
    200  # https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference#groups-overage-claim
)

Check = Callable[[web.Request, tuple[str, ...]], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """A managed identity; *oid* is its service principal's object id, *roles* what applications gave it."""

    client_id: str = PRINCIPAL
    oid: str = PRINCIPAL
    roles: tuple[str, ...] = ()


SYSTEM_ASSIGNED = Identity()


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """An app registration of the tenant: what `requestedAccessTokenVersion` says, its optional claims, and where people
    who signed in may be sent back to.

    https://learn.microsoft.com/entra/identity-platform/access-tokens#token-formats
    """

    client_id: str
    uri: str
    version: int | None = None
    optional_claims: tuple[str, ...] = ()
    redirects: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A user of the tenant, as in the emulators' settings."""

    oid: str
    upn: str
    name: str
    roles: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()


class TokenIssuer:
    """Signs with a key kept in *state*, so that tokens outlive a restart; *authority* is the base of v2.0 issuers.

    The resource decides the version of its tokens: an application of the tenant by its registration, where nothing said
    means 1.0; Microsoft's own interfaces take 1.0. A v1.0 token is for the resource as it was asked for, a v2.0 token
    always for the application's client id.
    """

    def __init__(self, state: Path, tenant: str, authority: str, applications: Sequence[Application] = ()) -> None:
        self.tenant, self.issuer = tenant, f"{authority}/{tenant}/v2.0"
        self._first_issuer = f"https://sts.windows.net/{tenant}/"
        self._applications = {
            name: application for application in applications for name in (application.client_id, application.uri)
        }
        self._key = _key(state / "certs" / "tokens.pem")
        self._read_cached = lru_cache(256)(self._read)  # Clients send one token with every request.

    def issue(self, audience: str, now: float | None = None, identity: Identity = SYSTEM_ASSIGNED) -> str:
        """A token of *identity* for *audience* (without `/.default`). Raises LookupError for an unknown application."""
        application = self._application(audience)
        claims: dict[str, Any] = {"oid": identity.oid, "sub": identity.oid}
        if application is None or "idtyp" in application.optional_claims:
            claims["idtyp"] = "app"
        if identity.roles:
            claims["roles"] = list(identity.roles)
        return self._sign(claims | self._version(audience, application, identity.client_id), now)

    def issue_to(
        self, person: Person, audience: str, now: float | None = None, more: Mapping[str, Any] | None = None
    ) -> str:
        """A token of *person* for *audience*, an application or a resource, with the claims *more*.

        Raises LookupError for an unknown one.
        """
        application = self._application(audience)
        second = application is not None and application.version == 2
        claims = {
            "oid": person.oid,
            "sub": secrets.token_hex(16),
            "scp": "access_as_user",
            "name": person.name,
            "roles": list(person.roles),
            **_groups(person),
            **(more or {}),
            **({"preferred_username": person.upn} if second else {"upn": person.upn, "unique_name": person.upn}),
        }
        return self._sign(claims | self._version(audience, application, CLIENT), now)

    def issue_id_token(self, person: Person, client: str, more: Mapping[str, Any], now: float | None = None) -> str:
        """What tells the application *client* that *person* has signed in, with the claims *more*."""
        claims = {
            "iss": self.issuer,
            "aud": client,
            "ver": "2.0",
            "oid": person.oid,
            "sub": person.oid,
            "name": person.name,
            "preferred_username": person.upn,
        }
        return self._sign({**claims, **more}, now)

    def check(self, request: web.Request, audiences: Sequence[str]) -> None:
        """Raises 401 unless the request carries a living token of ours for one of *audiences*."""
        if not self.accepts(request, audiences):
            body = {
                "error": {"code": "AuthenticationFailed", "message": f"a bearer token for {audiences[0]} is required"}
            }
            raise web.HTTPUnauthorized(
                headers={"WWW-Authenticate": "Bearer"}, text=json.dumps(body), content_type="application/json"
            )

    def accepts(self, request: web.Request, audiences: Sequence[str]) -> bool:
        """Whether the request carries a living token of ours for one of *audiences*."""
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        return scheme.lower() == "bearer" and self.claims(token, audiences) is not None

    def key_set(self) -> dict[str, Any]:
        """The public keys, as `jwks_uri` serves them."""
        return {"keys": [self._key.as_dict(private=False) | {"use": "sig", "alg": "RS256"}]}

    def _application(self, audience: str) -> Application | None:
        """The tenant's application, None for somebody else's resource. Raises LookupError for an unknown `api://`."""
        application = self._applications.get(audience)
        if application is None and audience.startswith("api://") and audience != _TOKEN_EXCHANGE:
            raise LookupError(f"AADSTS500011: the resource principal named {audience} was not found in this tenant")
        return application

    def _version(self, audience: str, application: Application | None, client: str) -> dict[str, str]:
        """The claims that differ by version: whose token it is, for whom, and to which application it was issued."""
        if application is not None and application.version == 2:
            return {"iss": self.issuer, "aud": application.client_id, "azp": client, "ver": "2.0"}
        return {"iss": self._first_issuer, "aud": audience, "appid": client, "ver": "1.0"}

    def _sign(self, claims: Mapping[str, Any], now: float | None) -> str:
        at = int(time.time() if now is None else now)
        times = {"iat": at, "nbf": at - 60, "exp": at + LIFE_S}
        all_claims = {**claims, **times, "tid": self.tenant, "jti": secrets.token_hex(8)}
        return jwt.encode({"alg": "RS256", "typ": "JWT", "kid": self._key.kid}, all_claims, self._key)

    def claims(self, token: str, audiences: Sequence[str]) -> dict[str, Any] | None:
        """What a living token of ours for one of *audiences* claims, None for any other."""
        try:
            claims = self._read_cached(token)
            rules = jwt.JWTClaimsRegistry(
                aud={"essential": True, "values": [audience.rstrip("/") for audience in audiences]}
            )
            rules.validate(claims | {"aud": str(claims.get("aud", "")).rstrip("/")})
        except (JoseError, ValueError):
            return None
        return dict(claims)

    def _read(self, token: str) -> dict[str, Any]:
        """What *token* claims, if we signed it. Raises JoseError or ValueError."""
        return jwt.decode(token, self._key, algorithms=["RS256"]).claims


def _groups(person: Person) -> dict[str, Any]:
    if len(person.groups) > _MOST_GROUPS:
        return {"_claim_names": {"groups": "src1"}}
    return {"groups": list(person.groups)}


def _key(path: Path) -> RSAKey:
    if path.is_file():
        return RSAKey.import_key(path.read_bytes(), {"kid": "local"})
    key = RSAKey.generate_key(2048, {"kid": "local"})
    private_folder(path.parent)
    write_private(path, key.as_pem(private=True))
    return key
