"""The browser's sign-in: authorization code with PKCE, for persons of the directory, without passwords.

https://learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow. A person is chosen on a page, or named by
`login_hint`. Faults that a directory can have are asked for through a control door.
"""

import base64
import hashlib
import hmac
import html
import secrets
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any
from urllib.parse import urlencode, urlsplit

from aiohttp import web

from signalbox.emulators.tokens import LIFE_S, Application, Person, TokenIssuer

CODE_LIFE_S = 60.0
EXCHANGE = "api://AzureADTokenExchange"  # The audience of a managed identity's token that stands for a secret.
_ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_MANY_GROUPS = 250  # Above 200 a token names no group and carries an overage marker instead.


class Fault(StrEnum):
    """What the next sign-ins meet."""

    DENIED = "denied"
    WRONG_NONCE = "wrong nonce"
    LATE_CODE = "late code"
    SKEWED_CLOCK = "skewed clock"
    MANY_GROUPS = "many groups"
    UNMET_CONTEXT = "unmet context"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Grant:
    """What a code was given for."""

    client: str
    redirect: str
    challenge: str
    nonce: str
    person: Person
    contexts: tuple[str, ...]
    at: float


class AuthorizationCodeDoors:
    """*front* is the address of this server as a browser reaches it, without a certificate of the local authority.

    *mailbox* is the page of what would have been sent to these persons. The page on which one of them is chosen leads
    there: the product has no page of it, since it does not know that its mails go nowhere.
    """

    def __init__(
        self,
        issuer: TokenIssuer,
        applications: Sequence[Application],
        persons: Mapping[str, Person],
        front: str,
        mailbox: str = "",
    ) -> None:
        self._issuer, self._persons, self._front, self._mailbox = issuer, persons, front, mailbox
        self._applications = {application.client_id: application for application in applications}
        self._grants, self._faults = dict[str, _Grant](), Counter[Fault]()

    @property
    def endpoints(self) -> dict[str, str]:
        """What discovery says of this flow."""
        base = f"{self._front}/{self._issuer.tenant}/oauth2/v2.0"
        return {"authorization_endpoint": f"{base}/authorize", "end_session_endpoint": f"{base}/logout"}

    def add_to(self, app: web.Application) -> None:
        base = f"/{self._issuer.tenant}/oauth2/v2.0"
        app.router.add_get(f"{base}/authorize", self._authorize)
        app.router.add_get(f"{base}/logout", self._sign_out)

    def ask_for_fault(self, fault: Fault, times: int) -> None:
        """The next *times* sign-ins meet *fault*."""
        self._faults[fault] = times

    async def _authorize(self, request: web.Request) -> web.Response:
        query = request.query
        application, redirect = self._applications.get(query.get("client_id", "")), query.get("redirect_uri", "")
        # A wrong client or address is told to the person and never sent to the address: that may be an attacker's.
        if application is None:
            return _page("AADSTS700016", f"There is no application {query.get('client_id')!r} in this tenant.", 400)
        if redirect not in application.redirects:
            return _page("AADSTS50011", f"The redirect URI {redirect!r} is not registered for the application.", 400)
        if problem := _wrong_request(query):
            return _back(redirect, query, error="invalid_request", error_description=problem)
        if self._met(Fault.DENIED):
            return _back(redirect, query, error="access_denied", error_description="AADSTS65004: the user declined")
        person = self._persons.get(query.get("login_hint", "").lower())
        if person is None:
            return self._choose(request)
        return _back(redirect, query, code=self._granted(query, person))

    def _choose(self, request: web.Request) -> web.Response:
        """A page with a link for each person."""
        rows = ""
        for person in self._persons.values():
            address = html.escape(f"{request.path}?{urlencode({**request.query, 'login_hint': person.upn})}")
            roles = html.escape(", ".join(person.roles))
            rows += f'<li><a href="{address}"><b>{html.escape(person.name)}</b> <span>{roles}</span></a></li>'
        letters = (
            f'<p class="aside"><a href="{html.escape(self._mailbox)}">Mailbox: what they would have been sent</a></p>'
        )
        return _page("Choose a person", f"<ul>{rows}</ul>{letters if self._mailbox else ''}", 200, is_markup=True)

    def _granted(self, query: Mapping[str, str], person: Person) -> str:
        code, at = secrets.token_urlsafe(32), time.monotonic()
        at -= 2 * CODE_LIFE_S if self._met(Fault.LATE_CODE) else 0
        contexts = () if self._met(Fault.UNMET_CONTEXT) else _asked_contexts(query.get("claims", ""))
        self._grants[code] = _Grant(
            client=query["client_id"],
            redirect=query["redirect_uri"],
            challenge=query["code_challenge"],
            nonce="another" if self._met(Fault.WRONG_NONCE) else query.get("nonce", ""),
            person=person,
            contexts=contexts,
            at=at,
        )
        return code

    def redeem(self, form: Mapping[str, str]) -> tuple[int, dict[str, Any]]:
        """The status and the answer to `grant_type=authorization_code`. A code is good for one try and a minute."""
        grant = self._grants.pop(form.get("code", ""), None)
        if grant is None or time.monotonic() - grant.at > CODE_LIFE_S:
            return _refused("invalid_grant", "AADSTS70008: the code was used before, or it has expired")
        if (form.get("client_id"), form.get("redirect_uri")) != (grant.client, grant.redirect):
            return _refused("invalid_grant", "AADSTS50148: client_id or redirect_uri is not that of the code")
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        if not hmac.compare_digest(challenge, grant.challenge):
            return _refused("invalid_grant", "AADSTS501481: the code_verifier does not fit the code_challenge")
        if not self._is_client(form):
            return _refused("invalid_client", "AADSTS7000218: a client_assertion of the managed identity is required")
        return 200, self._tokens(grant)

    def _is_client(self, form: Mapping[str, str]) -> bool:
        """Whether *form* has a token of a managed identity, which stands for the application's secret."""
        assertion = form.get("client_assertion", "")
        is_named = form.get("client_assertion_type") == _ASSERTION
        return is_named and self._issuer.claims(assertion, (EXCHANGE,)) is not None

    def _tokens(self, grant: _Grant) -> dict[str, Any]:
        now = time.time() + (-2 * LIFE_S if self._met(Fault.SKEWED_CLOCK) else 0)
        person = grant.person
        if self._met(Fault.MANY_GROUPS):
            person = replace(person, groups=tuple(f"group-{number}" for number in range(_MANY_GROUPS)))
        more = {"auth_time": int(now), **({"acrs": list(grant.contexts)} if grant.contexts else {})}
        access = self._issuer.issue_to(person, grant.client, now, more)
        identity = self._issuer.issue_id_token(person, grant.client, {**more, "nonce": grant.nonce}, now)
        return {"token_type": "Bearer", "expires_in": LIFE_S, "access_token": access, "id_token": identity}

    async def _sign_out(self, request: web.Request) -> web.Response:
        address = request.query.get("post_logout_redirect_uri", "")
        known = {redirect for application in self._applications.values() for redirect in application.redirects}
        if address and any(urlsplit(address)[:2] == urlsplit(redirect)[:2] for redirect in known):
            raise web.HTTPSeeOther(address)
        return _page("Signed out", "You have signed out of the local directory.", 200)

    def _met(self, fault: Fault) -> bool:
        if not self._faults[fault]:
            return False
        self._faults[fault] -= 1
        return True


def _wrong_request(query: Mapping[str, str]) -> str:
    if query.get("response_type") != "code":
        return "AADSTS900144: response_type must be code"
    if query.get("code_challenge_method") != "S256" or len(query.get("code_challenge", "")) != 43:
        return "AADSTS9002325: a code_challenge with the method S256 is required"
    if "openid" not in query.get("scope", "").split():
        return "AADSTS900144: scope must have openid"
    return ""


def _asked_contexts(claims: str) -> tuple[str, ...]:
    """The authentication contexts that the `claims` parameter asks for; the directory finds them met."""
    return tuple(context for context in ("c1", "c2", "c3") if f'"{context}"' in claims)


def _back(redirect: str, query: Mapping[str, str], **values: str) -> web.Response:
    address = f"{redirect}?{urlencode({**values, 'state': query.get('state', '')})}"
    return web.Response(status=303, headers={"Location": address, "Cache-Control": "no-store"})


def _refused(error: str, description: str) -> tuple[int, dict[str, Any]]:
    return (401 if error == "invalid_client" else 400), {"error": error, "error_description": description}


_STYLE = (
    ":root{color-scheme:light dark}body{font:1rem/1.5 system-ui,sans-serif;max-width:26rem;margin:12vh auto;"
    "padding:0 1rem}"
    "ul{list-style:none;padding:0}a{display:block;padding:.8rem 1rem;margin:.5rem 0;border:1px solid #8886;"
    "border-radius:.5rem;text-decoration:none;color:inherit}a:hover,a:focus{border-color:currentColor}span{opacity:.7}"
    ".aside a{display:inline;border:0;padding:.4rem 0;text-decoration:underline}"
)


def _page(title: str, text: str, status: int, is_markup: bool = False) -> web.Response:
    body = text if is_markup else f"<p>{html.escape(text)}</p>"
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{title}</title>'
    page = (
        f'<!doctype html><html lang="en"><head>{head}<style>{_STYLE}</style></head><body><main><h1>{title}</h1>{body}'
        "<p><span>Local directory of Signalbox: for one machine, without passwords.</span></p></main></body></html>"
    )
    headers = {"Cache-Control": "no-store", "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'"}
    return web.Response(status=status, text=page, content_type="text/html", headers=headers)
