"""Sign-in of a browser at Microsoft Entra: authorization code with PKCE, and no secret of the app.

Contract: https://learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow. The app proves who it is with a
token of its managed identity, which the registration trusts as a federated credential.
"""

import base64
import hashlib
from dataclasses import replace
from functools import cached_property
from typing import Any
from urllib.parse import urlencode, urlsplit

from azure.core import PipelineClient
from azure.core.credentials import TokenCredential
from azure.core.rest import HttpRequest, HttpResponse

from shared.adapters.azure_faults import translated
from shared.adapters.entra.token_claims import authenticated_at
from shared.adapters.entra.tokens import EntraTokens
from shared.domain.failures import Refused, Transient
from shared.ports import SignedIn, SignInRequest

_EXCHANGE = "api://AzureADTokenExchange/.default"
_ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_PATIENCE_S = 10


class EntraSignIn:
    """Implements `shared.ports.BrowserSignIn` for the application *client*, whose tokens *tokens* verifies."""

    def __init__(self, issuer: str, client: str, tokens: EntraTokens, credential: TokenCredential) -> None:
        self._issuer, self._client, self._tokens, self._credential = issuer, client, tokens, credential

    def address(self, request: SignInRequest, redirect: str, hint: str = "", fresh: bool = False) -> str:
        digest = hashlib.sha256(request.verifier.encode()).digest()
        query = {
            "client_id": self._client,
            "response_type": "code",
            "response_mode": "query",
            "redirect_uri": redirect,
            "scope": f"openid profile {self._client}/.default",
            "state": request.state,
            "nonce": request.nonce,
            "code_challenge": base64.urlsafe_b64encode(digest).decode().rstrip("="),
            "code_challenge_method": "S256",
            **({"login_hint": hint} if hint else {}),
            # `max_age` also makes the ID token say when the person has signed in (OpenID Connect Core, 3.1.2.1).
            **({"prompt": "login", "max_age": "0"} if fresh else {}),
        }
        return f"{self._front('authorization_endpoint')}?{urlencode(query)}"

    def redeem(self, request: SignInRequest, redirect: str, code: str) -> SignedIn:
        form = {
            "grant_type": "authorization_code",
            "client_id": self._client,
            "code": code,
            "redirect_uri": redirect,
            "code_verifier": request.verifier,
            "client_assertion_type": _ASSERTION,
            "client_assertion": self._credential.get_token(_EXCHANGE).token,
        }
        answer = self._post(str(self._metadata["token_endpoint"]), form)
        access, identity = str(answer.get("access_token", "")), str(answer.get("id_token", ""))
        person = self._tokens.verify(f"Bearer {access}")
        claims = self._tokens.verified_claims(identity, self._client)
        if claims.get("nonce") != request.nonce or claims.get("oid") != person.oid:
            raise Refused("the directory's answer belongs to another sign-in; sign in again")
        person = replace(person, authenticated_at=authenticated_at(claims))
        return SignedIn(person=person, contexts=self._tokens.contexts(access))

    def sign_out_address(self, back: str) -> str:
        if "end_session_endpoint" not in self._metadata:
            return ""
        return f"{self._front('end_session_endpoint')}?{urlencode({'post_logout_redirect_uri': back})}"

    @cached_property
    def _metadata(self) -> dict[str, Any]:
        return self._tokens.metadata()

    def _front(self, name: str) -> str:
        """An address for browsers. They reach one on this machine without TLS: its directory is local too."""
        address = str(self._metadata.get(name))
        parts = urlsplit(address)
        if parts.scheme != "https" and parts.hostname not in ("127.0.0.1", "localhost"):
            raise Refused(f"{name} of the issuer is {address!r}; nobody is sent there without TLS")
        return address

    def _post(self, url: str, form: dict[str, str]) -> dict[str, Any]:
        client: PipelineClient[HttpRequest, HttpResponse] = PipelineClient(self._issuer)
        with translated(f"redeem a code at {url}"):
            request = HttpRequest("POST", url, data=form)
            answer = client.send_request(request, connection_timeout=_PATIENCE_S, read_timeout=_PATIENCE_S)
        if answer.status_code >= 500:
            raise Transient(f"the directory answers {answer.status_code}; try again")
        try:
            content = dict(answer.json())
        except (ValueError, TypeError) as error:
            raise Refused(f"the directory's answer is no JSON object: {answer.status_code}") from error
        if answer.status_code != 200:
            raise Refused(f"the directory gives no token: {str(content.get('error_description'))[:300]}")
        return content
