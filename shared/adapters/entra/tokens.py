"""Verified identities from Microsoft Entra access tokens: signature, issuer, audience and life are checked here, by us.

Contract: https://learn.microsoft.com/entra/identity-platform/access-tokens. Keys come from the issuer's own metadata
and are kept for a day. An unknown key makes us ask again, but at most once a minute: forged tokens name unknown keys,
and must not make us flood the issuer.
"""

import time
from collections.abc import Callable
from threading import Lock
from typing import Any

import jwt
from azure.core import PipelineClient
from azure.core.rest import HttpRequest, HttpResponse

from shared.adapters.allowed_hosts import refuse_other_host
from shared.adapters.azure_faults import translated
from shared.adapters.entra.token_claims import caller_of, refuse_duplicates, tenant_of
from shared.domain.access.callers import Caller, token_version
from shared.domain.failures import Refused, Transient

_REQUIRED = ["exp", "iss", "aud", "oid"]
_ALGORITHM = "RS256"
_FRESH_S, _PAUSE_S = 24 * 3600.0, 60.0
_AFTER_FAILURE_S = 1.0
_SHOWN = 200  # Characters of a claim that a refusal quotes.
_FIRST_ISSUERS = "https://sts.windows.net/"  # The name in v1.0 tokens; their keys are published by
_AUTHORITIES = "https://login.microsoftonline.com/"  # the authority itself, without `/v2.0`.


class EntraTokens:
    """Implements `shared.ports.Identities` for tokens of *issuer* for *audience*, and for no others.

    An issuer that ends with `/v2.0` gives v2.0 tokens, whose audience is the application's client id. Any other (it is
    `https://sts.windows.net/TENANT`) gives v1.0 tokens, whose audience is the resource as it was asked for.
    """

    def __init__(self, issuer: str, audience: str, seconds: Callable[[], float] = time.monotonic) -> None:
        self._issuer, self._audience, self._seconds = issuer.rstrip("/"), audience, seconds
        self._version = token_version(issuer)
        self._keys: dict[str, jwt.PyJWK] = {}
        self._refreshed_at, self._pause, self._refreshing = float("-inf"), 0.0, Lock()

    def verify(self, authorization: str) -> Caller:
        if not self._issuer:
            raise Refused("nobody can be verified: SIGNALBOX_TOKEN_ISSUER is not set")
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise Refused("a bearer token of the directory is required; sign in and send it in Authorization")
        claims = self._claims(token, self._audience)
        refuse_duplicates(token)
        return caller_of(claims, tenant_of(self._issuer))

    def verified_claims(self, token: str, audience: str) -> dict[str, Any]:
        """What an ID token of the issuer for the client *audience* says. Raises Refused as `verify`."""
        refuse_duplicates(token)
        return self._claims(token, audience)

    def contexts(self, token: str) -> tuple[str, ...]:
        """The authentication contexts of an access token. Raises Refused as `verify`."""
        contexts = self._claims(token, self._audience).get("acrs")
        return tuple(map(str, contexts)) if isinstance(contexts, list) else ()

    def metadata(self) -> dict[str, Any]:
        """What the issuer publishes about itself (OpenID Connect Discovery)."""
        authority = self._issuer.replace(_FIRST_ISSUERS, _AUTHORITIES, 1)
        return self._get(f"{authority}/.well-known/openid-configuration")

    def _claims(self, token: str, audience: str) -> dict[str, Any]:
        try:
            header = jwt.get_unverified_header(token)
            # The algorithm is ours and never the header's (RFC 8725, 3.1): a token that names HS256 could be signed
            # with the issuer's public key as the secret, and one that names none would need no signature.
            if header.get("alg") != _ALGORITHM:
                raise jwt.InvalidAlgorithmError("its algorithm is not RS256")
            claims = dict(
                jwt.decode(
                    token,
                    self._key(str(header.get("kid"))),
                    algorithms=[_ALGORITHM],
                    audience=audience,
                    issuer=self._issuer if self._version == "2.0" else f"{self._issuer}/",
                    options={"require": _REQUIRED},
                )
            )
            if claims.get("ver") != self._version:
                raise jwt.InvalidTokenError("its version and its issuer do not belong together")
            return claims
        except (jwt.InvalidAudienceError, jwt.InvalidIssuerError) as error:
            raise Refused(
                f"the token is not accepted: {error}; it is {_described(token)}; this app takes v{self._version} "
                f"tokens for {self._audience}, as SIGNALBOX_TOKEN_ISSUER and SIGNALBOX_TOKEN_AUDIENCE say; "
                "requestedAccessTokenVersion of its app registration decides which version is issued"
            ) from error
        except (jwt.PyJWTError, UnicodeError) as error:
            raise Refused(f"the token is not accepted: {error}; sign in again for {self._audience}") from error
        except RecursionError as error:
            raise Refused("the token is not accepted: it nests too deeply; sign in again") from error

    def _key(self, key_id: str) -> jwt.PyJWK:
        if key_id not in self._keys or self._age() > _FRESH_S:
            with self._refreshing:  # Another thread may have refreshed the keys while this one waited.
                if self._age() > (self._pause if key_id not in self._keys else _FRESH_S):
                    self._ask()
        if not self._keys:
            raise Transient(f"the keys of {self._issuer} could not be read")
        if key_id not in self._keys:
            raise Refused("the token is signed with a key that its issuer does not publish; sign in again")
        return self._keys[key_id]

    def _age(self) -> float:
        return self._seconds() - self._refreshed_at

    def _ask(self) -> None:
        """Fetch the keys again. If the issuer does not answer, the keys at hand stay in use."""
        # Both are set before the request: while the issuer hangs, other requests must not ask it too. The next one may
        # ask a second after a failure, and a minute after a success: only forged tokens name an unknown key so soon.
        self._refreshed_at, self._pause = self._seconds(), _AFTER_FAILURE_S
        self._keys = self._fetch_keys()
        self._pause = _PAUSE_S

    def _fetch_keys(self) -> dict[str, jwt.PyJWK]:
        authority = self._issuer.replace(_FIRST_ISSUERS, _AUTHORITIES, 1)
        keys_url = str(self.metadata().get("jwks_uri"))
        # The keys decide who anybody is, so they come from the host of the issuer or not at all, even if the metadata
        # names another.
        refuse_other_host(keys_url, authority, "jwks_uri")
        try:
            keys = self._get(keys_url)["keys"]
            return {str(key["kid"]): jwt.PyJWK(key, algorithm=_ALGORITHM) for key in keys}
        except (KeyError, TypeError, jwt.PyJWTError) as error:
            raise Transient(f"the keys of {self._issuer} cannot be read: {error}") from error

    def _get(self, url: str) -> dict[str, Any]:
        client: PipelineClient[HttpRequest, HttpResponse] = PipelineClient(self._issuer)
        with translated(f"read {url}"):
            # Short: a request of a caller waits for it, and all others with an unknown key behind the lock.
            answer = client.send_request(HttpRequest("GET", url), connection_timeout=5, read_timeout=10)
            answer.raise_for_status()
        try:
            return dict(answer.json())
        except (ValueError, TypeError) as error:
            raise Transient(f"read {url}: {answer.status_code}, no JSON object") from error


def _described(token: str) -> str:
    """Whose token it is and for whom, for the reason of a refusal: its signature is right, its claims are not ours."""
    claims = jwt.decode(token, options={"verify_signature": False})
    version, audience, issuer = (str(claims.get(name, ""))[:_SHOWN] for name in ("ver", "aud", "iss"))
    return f"a v{version} token for {audience!r} of {issuer!r}"
