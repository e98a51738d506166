"""The tenant's identities on loopback: App Service's managed identity endpoint, OpenID discovery, and a local sign-in.

The sign-in stands in for a browser's; it issues tokens to persons of the settings, never to anyone else.
"""

import json
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from signalbox.emulators.authorization_code import AuthorizationCodeDoors, Fault
from signalbox.emulators.client_credentials import ClientApplication, ClientCredentialDoors
from signalbox.emulators.tokens import LIFE_S, SYSTEM_ASSIGNED, Application, Identity, Person, TokenIssuer
from signalbox.emulators.unserved import unserved

_API_VERSION = "2019-08-01"


@dataclass(frozen=True, slots=True, kw_only=True)
class Directory:
    """Who the tenant knows: *identities* by client id, *persons* by user principal name; *clients* have a secret."""

    identities: Mapping[str, Identity]
    persons: Mapping[str, Person]
    clients: Sequence[ClientApplication] = ()


def read_directory(settings: Mapping[str, Any]) -> Directory:
    """From the settings' `identities`, `persons` and `clients`. Raises TypeError for an unknown or missing key."""
    lists = ("roles", "groups")
    persons = [
        Person(**(raw | {name: tuple(raw.get(name, ())) for name in lists})) for raw in settings.get("persons", ())
    ]
    identities = [Identity(**(raw | {"roles": tuple(raw.get("roles", ()))})) for raw in settings.get("identities", ())]
    return Directory(
        identities={identity.client_id: identity for identity in identities},
        persons={person.upn.lower(): person for person in persons},
        clients=[ClientApplication(**raw) for raw in settings.get("clients", ())],
    )


def read_applications(settings: Mapping[str, Any]) -> list[Application]:
    """From the settings' `applications`. Raises TypeError where an entry has an unknown or missing key."""
    return [
        Application(**(raw | {name: tuple(raw.get(name, ())) for name in ("optional_claims", "redirects")}))
        for raw in settings.get("applications", ())
    ]


class IdentityDoors:
    """*secret* is the X-IDENTITY-HEADER that only local processes know."""

    def __init__(
        self,
        issuer: TokenIssuer,
        directory: Directory,
        secret: str,
        applications: Sequence[Application] = (),
        front: str = "",
        mailbox: str = "",
    ) -> None:
        self._issuer, self._directory, self._secret = issuer, directory, secret
        self._codes = AuthorizationCodeDoors(issuer, applications, directory.persons, front, mailbox)
        self._client_credentials = ClientCredentialDoors(issuer, directory.clients, self._codes)

    def app(self) -> web.Application:
        """One application; serve it on the plain port and on the one with TLS."""
        tenant, app = self._issuer.tenant, web.Application(middlewares=[unserved("directory")])
        app.router.add_get("/msi/token", self._managed_identity)
        app.router.add_get(f"/{tenant}/v2.0/.well-known/openid-configuration", self._configuration)
        app.router.add_get(f"/{tenant}/discovery/v2.0/keys", self._keys)
        app.router.add_post(f"/{tenant}/local/sign-in", self._sign_in)
        app.router.add_post(f"/{tenant}/local/faults", self._ask_for_fault)
        self._codes.add_to(app)
        self._client_credentials.add_to(app)
        return app

    async def _managed_identity(self, request: web.Request) -> web.Response:
        resource, client_id = request.query.get("resource", ""), request.query.get("client_id", "")
        if not self._trusts(request):
            return _refusal(401, "X-IDENTITY-HEADER is missing or wrong; use the value of IDENTITY_HEADER")
        if request.query.get("api-version") != _API_VERSION:
            return _refusal(400, f"api-version is {request.query.get('api-version')!r}; use {_API_VERSION}")
        if not resource:
            return _refusal(400, "query parameter 'resource' is missing")
        identity = self._directory.identities.get(client_id) if client_id else SYSTEM_ASSIGNED
        if identity is None:
            return _refusal(400, f"client_id is {client_id!r}, which is assigned to no identity here")
        try:
            token = self._issuer.issue(resource, identity=identity)
        except LookupError as error:
            return _refusal(400, str(error.args[0]))
        return web.json_response(
            {
                "access_token": token,
                "expires_on": str(int(time.time()) + LIFE_S),
                "resource": resource,
                "token_type": "Bearer",
                "client_id": identity.client_id,
            }
        )

    async def _configuration(self, request: web.Request) -> web.Response:
        """OpenID Connect Discovery 1.0, as Entra's v2.0 endpoint answers it."""
        del request
        base = self._issuer.issuer.removesuffix("/v2.0")
        return web.json_response(
            {
                "issuer": self._issuer.issuer,
                **self._codes.endpoints,
                "token_endpoint": f"{base}/oauth2/v2.0/token",
                "jwks_uri": f"{base}/discovery/v2.0/keys",
                "response_types_supported": ["code"],
                "response_modes_supported": ["query"],
                "code_challenge_methods_supported": ["S256"],
                "subject_types_supported": ["pairwise"],
                "id_token_signing_alg_values_supported": ["RS256"],
            }
        )

    async def _keys(self, request: web.Request) -> web.Response:
        del request
        return web.json_response(self._issuer.key_set())

    async def _sign_in(self, request: web.Request) -> web.Response:
        """`person` (user principal name) and `audience`, as a form or as JSON."""
        if not self._trusts(request):
            return _refusal(401, "X-IDENTITY-HEADER is missing or wrong; only local processes know it")
        form = await _fields(request)
        upn, audience = form.get("person", ""), form.get("audience", "")
        person = self._directory.persons.get(upn.lower())
        if person is None:
            return _refusal(400, f"person is {upn!r}; use one of {', '.join(self._directory.persons)}")
        if not audience:
            return _refusal(400, "audience is missing; name the application, such as api://signalbox")
        try:
            token = self._issuer.issue_to(person, audience)
        except LookupError as error:
            return _refusal(422, str(error.args[0]))
        return web.json_response({"access_token": token, "token_type": "Bearer", "expires_in": LIFE_S})

    async def _ask_for_fault(self, request: web.Request) -> web.Response:
        """`fault` and `times`: what the next sign-ins meet."""
        if not self._trusts(request):
            return _refusal(401, "X-IDENTITY-HEADER is missing or wrong; only local processes know it")
        form = await _fields(request)
        try:
            self._codes.ask_for_fault(Fault(form.get("fault", "")), int(form.get("times", "1")))
        except ValueError:
            return _refusal(
                400, f"fault is {form.get('fault')!r}; use one of {', '.join(Fault)}, and a number of times"
            )
        return web.json_response({"fault": form["fault"]})

    def _trusts(self, request: web.Request) -> bool:
        return secrets.compare_digest(request.headers.get("X-IDENTITY-HEADER", "").encode(), self._secret.encode())


async def _fields(request: web.Request) -> dict[str, str]:
    """The texts of a form or of a JSON object; nothing where the body is neither."""
    if request.content_type != "application/json":
        return {name: value for name, value in (await request.post()).items() if isinstance(value, str)}
    try:
        body = await request.json()
    except json.JSONDecodeError:
        return {}
    fields = body.items() if isinstance(body, dict) else ()
    return {name: value for name, value in fields if isinstance(value, str)}


def _refusal(status: int, message: str) -> web.Response:
    return web.json_response({"statusCode": status, "message": message}, status=status)
