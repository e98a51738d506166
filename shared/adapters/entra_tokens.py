"""Verified identities from Microsoft Entra access tokens: signature, issuer, audience and life are checked here, by us.

Contract: https://learn.microsoft.com/entra/identity-platform/access-tokens. Keys come from the issuer's own metadata.
"""

from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

import jwt
from azure.core import PipelineClient
from azure.core.rest import HttpRequest, HttpResponse

from shared.adapters.azure_faults import translated
from shared.domain.callers import Caller, CallerKind
from shared.domain.failures import Refused

_REQUIRED = ["exp", "iss", "aud", "oid"]


class EntraTokens:
    """Implements `shared.ports.Identities` for tokens of *issuer* (`https://.../TENANT/v2.0`) for *audience*."""

    def __init__(self, issuer: str, audience: str) -> None:
        self._issuer, self._audience = issuer, audience

    def verify(self, authorization: str) -> Caller:
        if not self._issuer:
            raise Refused("nobody can be verified: SIGNALBOX_TOKEN_ISSUER is not set")
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise Refused("a bearer token of the directory is required; sign in and send it in Authorization")
        return _caller(self._claims(token))

    def _claims(self, token: str) -> dict[str, Any]:
        try:
            key = self._key(str(jwt.get_unverified_header(token).get("kid")))
            return dict(
                jwt.decode(
                    token,
                    key,
                    algorithms=["RS256"],
                    audience=self._audience,
                    issuer=self._issuer,
                    options={"require": _REQUIRED},
                )
            )
        except jwt.PyJWTError as error:
            raise Refused(f"the token is not accepted: {error}; sign in again for {self._audience}") from error

    def _key(self, wanted: str) -> jwt.PyJWK:
        """The issuer's key *wanted*; an unknown one is looked up once more, since keys roll."""
        if wanted not in self._keys:
            self.__dict__.pop("_keys", None)
        if wanted not in self._keys:
            raise Refused("the token is signed with a key that its issuer does not publish; sign in again")
        return self._keys[wanted]

    @cached_property
    def _keys(self) -> dict[str, jwt.PyJWK]:
        metadata = self._get(f"{self._issuer}/.well-known/openid-configuration")
        if urlsplit(metadata["jwks_uri"]).netloc != urlsplit(self._issuer).netloc:
            raise Refused(f"the keys of {self._issuer} are at {metadata['jwks_uri']!r}, on another host")
        keys = self._get(metadata["jwks_uri"])["keys"]
        return {str(each["kid"]): jwt.PyJWK(each, algorithm="RS256") for each in keys}

    def _get(self, url: str) -> dict[str, Any]:
        client: PipelineClient[HttpRequest, HttpResponse] = PipelineClient(self._issuer)
        with translated(f"read {url}"):
            answer = client.send_request(HttpRequest("GET", url))
            answer.raise_for_status()
        return dict(answer.json())


def _caller(claims: dict[str, Any]) -> Caller:
    """Scopes are in tokens of people only, whatever optional claims were configured."""
    machine = "scp" not in claims or claims.get("idtyp") == "app"
    name = claims.get("preferred_username") or claims.get("upn") or claims["oid"]
    return Caller(
        oid=str(claims["oid"]),
        name=str(name),
        roles=_texts(claims, "roles"),
        groups=_texts(claims, "groups"),
        kind=CallerKind.MACHINE if machine else CallerKind.PERSON,
        app=str(claims.get("azp") or claims.get("appid") or "") if machine else "",
    )


def _texts(claims: dict[str, Any], name: str) -> tuple[str, ...]:
    found = claims.get(name)
    return tuple(map(str, found)) if isinstance(found, list) else ()
