"""The vault's operations on keys: make, import, read, list, change, rotate, sign and verify.

Contract: https://learn.microsoft.com/rest/api/keyvault/keys/operation-groups, API version 7.4 and newer.
"""

import json
import re
import time
import uuid
from typing import Any

from aiohttp import web
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

from signalbox.emulators.key_vault import key_forms
from signalbox.emulators.key_vault.access import Gatehouse, Refusal
from signalbox.emulators.key_vault.store import Document, Store

_NAME = re.compile(r"[0-9a-zA-Z-]{1,127}")
_OPERATIONS, _KINDS = ["sign", "verify"], ("EC", "EC-HSM")
_RECOVERY = {"recoveryLevel": "Recoverable+Purgeable", "recoverableDays": 90}


class KeyDoors:
    def __init__(self, gatehouse: Gatehouse, store: Store) -> None:
        self._gatehouse, self._store = gatehouse, store

    def add_to(self, app: web.Application) -> None:
        key, version = "/keys/{name}", "/keys/{name}/{version:[0-9a-f]{32}}"
        router = app.router
        router.add_get("/keys", self._list)
        router.add_post(f"{key}/create", self._create)
        router.add_put(key, self._import)
        router.add_post(f"{key}/rotate", self._rotate)
        router.add_get(f"{key}/versions", self._list_versions)
        for address in (key, f"{key}/", version):
            router.add_get(address, self._get)
            router.add_patch(address, self._update)
        for address in (key, f"{key}/", version):
            router.add_post(f"{address.rstrip('/')}/sign", self._sign)
            router.add_post(f"{address.rstrip('/')}/verify", self._verify)
        router.add_route("*", "/{rest:.*}", _not_emulated)

    async def _create(self, request: web.Request) -> web.Response:
        name, body = self._admit(request, "create"), await _body(request)
        kind = str(body.get("kty", ""))
        if kind not in _KINDS or body.get("crv", "P-256") != "P-256":
            raise _not_here(f"keys of kind {kind} and curve {body.get('crv')}; make EC keys on P-256")
        return self._add(request, name, key_forms.new_key(), kind, body)

    async def _import(self, request: web.Request) -> web.Response:
        name, body = self._admit(request, "import"), await _body(request)
        jwk = body.get("key") or {}
        if jwk.get("kty") not in _KINDS or jwk.get("crv") != "P-256":
            raise _not_here(f"keys of kind {jwk.get('kty')} and curve {jwk.get('crv')}; import EC keys on P-256")
        try:
            key = key_forms.imported_key(jwk)
        except (KeyError, ValueError) as error:
            raise Refusal(400, "BadParameter", f"Property key is not a private key: {error}") from error
        return self._add(request, name, key, jwk["kty"], body | {"key_ops": jwk.get("key_ops")})

    async def _rotate(self, request: web.Request) -> web.Response:
        """A new version with what the newest one has, but for its times, as the service makes it."""
        name = self._admit(request, "rotate")
        _, newest = self._stored(name)
        body = {"key_ops": newest["key"]["key_ops"], "tags": newest["tags"]}
        return self._add(request, name, key_forms.new_key(), newest["key"]["kty"], body)

    async def _get(self, request: web.Request) -> web.Response:
        """A disabled or expired key too: reading is the one thing that they allow."""
        name = self._admit(request, "get")
        return web.json_response(self._stored(name, request.match_info.get("version", ""))[1])

    async def _list(self, request: web.Request) -> web.Response:
        self._gatehouse.require(request, "list")
        return web.json_response({"value": [_item(body, newest=True) for body in self._store.newest()]})

    async def _list_versions(self, request: web.Request) -> web.Response:
        name = self._admit(request, "list")
        self._stored(name)
        return web.json_response({"value": [_item(body) for body in self._store.versions(name)], "nextLink": None})

    async def _update(self, request: web.Request) -> web.Response:
        name, body = self._admit(request, "update"), await _body(request)
        _, key = self._stored(name, request.match_info.get("version", ""))
        key["attributes"] |= _attributes(body) | {"updated": int(time.time())}
        if "tags" in body:
            key["tags"] = body["tags"] or {}
        if body.get("key_ops"):
            key["key"]["key_ops"] = body["key_ops"]
        self._store.put(name, key["key"]["kid"].rpartition("/")[2], key)
        return web.json_response(key)

    async def _sign(self, request: web.Request) -> web.Response:
        name, body = self._admit(request, "sign"), await _body(request)
        pem, key = self._stored(name, request.match_info.get("version", ""))
        _require_usable(key, "sign")
        value = key_forms.encoded(key_forms.sign(pem, _digest(body, "value")))
        return web.json_response({"kid": key["key"]["kid"], "value": value})

    async def _verify(self, request: web.Request) -> web.Response:
        """Disabled and expired keys verify what they signed."""
        name, body = self._admit(request, "verify"), await _body(request)
        pem, _ = self._stored(name, request.match_info.get("version", ""))
        signature = key_forms.decoded(str(body.get("value", "")))
        return web.json_response({"value": key_forms.verifies(pem, _digest(body, "digest"), signature)})

    def _admit(self, request: web.Request, operation: str) -> str:
        """The name of the key that the caller may do *operation* with. Raises Refusal."""
        name = request.match_info["name"]
        if not _NAME.fullmatch(name):
            raise Refusal(400, "BadParameter", f"The request URI contains an invalid name: {name}")
        self._gatehouse.require(request, operation, name)
        self._store.count(operation)
        return name

    def _stored(self, name: str, version: str = "") -> tuple[bytes, Document]:
        key = self._store.get(name, version)
        if key is None:
            name_and_version = f"{name}/{version}".rstrip("/")
            raise Refusal(
                404, "KeyNotFound", f"A key with (name/id) {name_and_version} was not found in this key vault."
            )
        return key

    def _add(
        self, request: web.Request, name: str, key: EllipticCurvePrivateKey, kind: str, body: Document
    ) -> web.Response:
        version, now = uuid.uuid4().hex, int(time.time())
        kid = f"https://{request.host}/keys/{name}/{version}"
        members = {"kid": kid, "kty": kind, "key_ops": body.get("key_ops") or _OPERATIONS}
        times = {"created": now, "updated": now}
        document = {
            "key": {**members, **key_forms.public_members(key)},
            "attributes": {"enabled": True, **_attributes(body), **times, **_RECOVERY, "exportable": False},
            "tags": body.get("tags") or {},
        }
        self._store.add(name, version, key_forms.pem_of(key), document)
        return web.json_response(document)


async def _body(request: web.Request) -> Document:
    try:
        body = await request.json()
    except json.JSONDecodeError as error:
        raise Refusal(400, "BadParameter", f"The request body is not JSON: {error}") from error
    if not isinstance(body, dict):
        raise Refusal(400, "BadParameter", "The request body is not an object")
    return body


def _attributes(body: Document) -> Document:
    """Those that a caller may set. Raises Refusal for a key that could be given out."""
    attributes = body.get("attributes") or {}
    if attributes.get("exportable") or body.get("release_policy"):
        raise _not_here("exportable keys")
    return {name: attributes[name] for name in ("enabled", "nbf", "exp") if attributes.get(name) is not None}


def _require_usable(key: Document, operation: str) -> None:
    """Raises Refusal where the key is disabled, expired, not yet valid, or for other operations."""
    attributes, now = key["attributes"], time.time()
    if operation not in key["key"]["key_ops"]:
        raise _unusable(operation, "not permitted on this key", "KeyOperationForbidden")
    if not attributes["enabled"]:
        raise _unusable(operation, "not allowed on a disabled key", "KeyDisabled")
    if now < attributes.get("nbf", now):
        raise _unusable(operation, "not allowed on a key that is not yet valid", "KeyNotYetValid")
    if "exp" in attributes and now >= attributes["exp"]:
        raise _unusable(operation, "not allowed on an expired key", "KeyExpired")


def _unusable(operation: str, reason: str, inner: str) -> Refusal:
    return Refusal(403, "Forbidden", f"Operation {operation} is {reason}.", inner)


def _digest(body: Document, member: str) -> bytes:
    if body.get("alg") != "ES256":
        raise Refusal(
            400, "BadParameter", f"Key and algorithm do not fit: alg is {body.get('alg')!r}, the key is P-256"
        )
    try:
        digest = key_forms.decoded(str(body.get(member, "")))
    except ValueError as error:
        raise Refusal(400, "BadParameter", f"Property {member} is not base64url: {error}") from error
    if len(digest) != key_forms.DIGEST_BYTES:
        raise Refusal(400, "BadParameter", f"Invalid length of {member}: {len(digest)} bytes, ES256 signs 32")
    return digest


def _item(body: Document, *, newest: bool = False) -> dict[str, Any]:
    """A key in a list: its id, without a version where it stands for all of them."""
    kid = body["key"]["kid"]
    kid = kid.rpartition("/")[0] if newest else kid
    return {"kid": kid, "attributes": body["attributes"], "tags": body["tags"]}


def _not_here(subject: str) -> Refusal:
    return Refusal(501, "NotImplemented", f"The local vault does not have {subject}")


async def _not_emulated(request: web.Request) -> web.Response:
    raise _not_here(f"{request.method} {request.path}; deleting, backups, encryption and secrets are Azure's alone")
