"""Who sent a request: a token of the directory, the platform's own header where it is trusted, or a named key.

The first of these that is presented decides, and where it is wrong the request is refused, whatever else is right.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Iterable, Mapping
from typing import Any

from shared.codec import unique_fields
from shared.domain.access.callers import Caller, CallerKind
from shared.domain.access.permissions import Permissions
from shared.domain.failures import Refused
from shared.domain.promotion.people import mail_names
from shared.ports import Identities

_PRINCIPAL = "X-MS-CLIENT-PRINCIPAL"
_OID = "http://schemas.microsoft.com/identity/claims/objectidentifier"
_SCOPES = ("scp", "http://schemas.microsoft.com/identity/claims/scope")
_TENANT = ("tid", "http://schemas.microsoft.com/identity/claims/tenantid")
_UPN = ("preferred_username", "upn", "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn")
_MAIL = ("email", "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress")
_ONE_VALUE = frozenset({"oid", _OID, "azp", "appid", "idtyp", *_SCOPES, *_TENANT, *_UPN})
ON_BEHALF_OF = "X-Signalbox-On-Behalf-Of"


class Callers:
    """*keys*: sha256 digests (hex) of the machines' keys by name; *platform* says whether its header is trusted.

    *tenant* is the only one whose people and machines the platform may sign in; empty where any is.
    """

    def __init__(
        self,
        identities: Identities,
        permissions: Permissions,
        keys: Mapping[str, str],
        platform: bool = False,
        tenant: str = "",
    ) -> None:
        self._identities, self._permissions, self._keys, self._platform = identities, permissions, keys, platform
        self._tenant = tenant

    def known(self, headers: Mapping[str, str], query: Mapping[str, str]) -> Caller:
        """The caller. Raises Refused where nothing, or anything wrong, is presented."""
        authorization, key = headers.get("Authorization"), headers.get("x-functions-key") or query.get("code")
        if authorization is not None:
            return self._by_token(authorization)
        if self._platform and headers.get(_PRINCIPAL):
            return self._admitted(read_principal(headers[_PRINCIPAL], self._tenant))
        if key:
            return self._by_key(key)
        raise Refused("nobody is signed in; send `Authorization: Bearer` with a token of the directory, or a named key")

    def asker(self, caller: Caller, headers: Mapping[str, str]) -> Caller | None:
        """The person for whom *caller* asks: they themselves, or whose token a machine shows. None where it shows none.

        A name is not enough: the holder of a machine's key could name another person, and then approve the result.
        """
        if caller.kind is CallerKind.PERSON:
            return caller
        token = headers.get(ON_BEHALF_OF)
        if not token:
            return None
        person = Caller.of(self._identities.verify(token))
        if person.kind is not CallerKind.PERSON:
            raise Refused(f"header {ON_BEHALF_OF} has a machine's token; send `Bearer` with a token of the person")
        return person

    def _by_token(self, authorization: str) -> Caller:
        """A bearer token; or a named key as the password of basic authentication, which is all that hooks can carry."""
        scheme, _, credential = authorization.partition(" ")
        if scheme.lower() == "basic":
            return self._by_key(_password(credential))
        return self._admitted(Caller.of(self._identities.verify(authorization)))

    def _admitted(self, caller: Caller) -> Caller:
        """A machine goes by its configured name, and one that is not configured is refused."""
        if caller.kind is CallerKind.PERSON:
            return caller
        machine = self._permissions.machine(caller)
        if machine is None:
            raise Refused(f"application {caller.app or caller.oid!r} is not one of `machines`; add it there")
        return Caller(oid=caller.oid, name=machine.name, app=caller.app, kind=CallerKind.MACHINE)

    def _by_key(self, secret: str) -> Caller:
        # The settings have digests only, so a leak of them opens nothing.
        digest = hashlib.sha256(secret.encode(errors="surrogateescape")).hexdigest()
        # All keys are compared, each in constant time: the time of an answer tells nothing about a key.
        names = [name for name, key_digest in self._keys.items() if hmac.compare_digest(key_digest, digest)]
        if not names:
            raise Refused("the key is not a known one; ask for a named key, or sign in to the directory")
        return Caller(oid=f"key:{names[0]}", name=names[0], kind=CallerKind.MACHINE)


def _password(credential: str) -> str:
    """Of `USER:PASSWORD` in base64; empty where it is not that."""
    try:
        return base64.b64decode(credential, validate=True).decode().partition(":")[2]
    except ValueError:
        return ""


def read_principal(header: str, tenant: str = "") -> Caller:
    """The caller of *tenant* (of any, where it is empty) in App Service's X-MS-CLIENT-PRINCIPAL.

    Raises Refused where it is not one of the directory's.
    https://learn.microsoft.com/azure/app-service/configure-authentication-user-identities
    """
    try:
        # A repeated field is refused: parsers differ in which of the two they take.
        principal = json.loads(base64.b64decode(header, validate=True), object_pairs_hook=unique_fields)
        claims = [(str(claim["typ"]), str(claim["val"])) for claim in principal["claims"]]
        roles, kind = str(principal.get("role_typ", "roles")), principal["auth_typ"]
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise Refused("the platform's authentication header cannot be read") from error
    if kind != "aad":
        raise Refused(f"the platform signed the caller in by {kind!r}; only Microsoft Entra counts")
    _refuse_ambiguous(claims)
    return _principal(dict(claims), tenant, [value for name, value in claims if name in (roles, "roles")], claims)


def _refuse_ambiguous(claims: list[tuple[str, str]]) -> None:
    names = [name for name, _ in set(claims) if name in _ONE_VALUE]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise Refused(f"the platform's authentication header has two values of {', '.join(twice)}")


def _first(claims: Mapping[str, str], names: Iterable[str]) -> str:
    return next((claims[name] for name in names if claims.get(name)), "")


def _principal(first: dict[str, str], tenant: str, roles: list[str], claims: list[tuple[str, Any]]) -> Caller:
    """The caller. A person signs in with an application and for a scope; a caller without either is no person."""
    oid = first.get(_OID) or first.get("oid", "")
    if not oid:
        raise Refused("the platform's authentication header names no object id")
    issued_in = _first(first, _TENANT).lower()
    if tenant and issued_in not in ("", tenant):
        raise Refused(f"the platform signed the caller in to tenant {issued_in!r}; sign in to {tenant!r}")
    application, upn = _first(first, ("azp", "appid")), _first(first, _UPN)
    has_scope = any(name in first for name in _SCOPES)
    if has_scope and not application:
        raise Refused("the platform's authentication header names no application (claim azp or appid)")
    # `idtyp` is an optional claim, so its absence says nothing. A token for an application alone has roles and no
    # scope.
    machine = first.get("idtyp") == "app" or not has_scope
    return Caller(
        oid=oid,
        name=upn or oid,
        tenant=issued_in or tenant,
        upn=upn if "@" in upn else "",
        mails=() if machine else mail_names(*(first.get(name) for name in (*_UPN, *_MAIL))),
        roles=tuple(roles),
        groups=tuple(value for name, value in claims if name == "groups"),
        kind=CallerKind.MACHINE if machine else CallerKind.PERSON,
        app=application if machine else "",
    )
