"""The public keys that configuration pins: a JSON Web Key Set (RFC 7517), and verification with them.

A key of the set has `kid`, `kty`, `crv`, `x` (and `y`), and three members of our own: `signalbox_purpose`, and where
they matter `not_before`, `not_after` (ISO 8601) and `revoked`.
"""

import json
from base64 import urlsafe_b64decode
from collections.abc import Iterable
from datetime import datetime
from functools import cache, lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    SECP256R1,
    EllipticCurvePublicKey,
    EllipticCurvePublicNumbers,
)
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.hashes import SHA256

from shared.domain.failures import Refused
from shared.domain.trust.envelopes import Envelope, MalformedEnvelopeError, signature_of, signed_bytes
from shared.domain.trust.keys import Purpose, TrustedKey

_PUBLIC_MEMBERS = ("kty", "crv", "x", "y")


class TrustedKeys:
    """The keys by their ids; two keys of one id are refused."""

    def __init__(self, keys: Iterable[TrustedKey]) -> None:
        self._keys: dict[str, TrustedKey] = {}
        for key in keys:
            if key.keyid in self._keys:
                raise Refused(f"the trusted keys have two keys {key.keyid!r}; every key has an id of its own")
            self._keys[key.keyid] = key
        self._public_keys = {key.keyid: json.dumps(key.jwk, sort_keys=True) for key in self._keys.values()}

    def objection(self, purpose: Purpose, envelope: Envelope, at: datetime) -> str:
        """Why *envelope* is not believed; empty where a key that is trusted for *purpose* at *at* has signed it."""
        try:
            keyid, signature = signature_of(envelope)
            signed = signed_bytes(envelope.payloadType, envelope.content)
        except MalformedEnvelopeError as error:
            return str(error)
        key = self._keys.get(keyid)
        if key is None:
            return f"key {keyid!r} is not trusted; the trusted keys are {', '.join(sorted(self._keys)) or 'none'}"
        own_objection = key.objection(purpose, at)
        if own_objection and not key.revoked:
            return own_objection
        # Of a revoked key too: whether it has signed tells a statement that is void from one that was planted.
        return (
            own_objection if _verifies(self._public_keys[keyid], signed, signature) else f"key {keyid} did not sign it"
        )

    @property
    def keys(self) -> tuple[TrustedKey, ...]:
        return tuple(self._keys.values())


def read_trusted_keys(path: Path | None) -> TrustedKeys:
    """The keys of the set in the file *path*, none without a file. Refused with the field, the value and the remedy."""
    if path is None:
        return TrustedKeys(())
    try:
        entries = json.loads(path.read_text())["keys"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Refused(
            f"SIGNALBOX_TRUSTED_KEYS: {path.name} is not a JSON Web Key Set ({error!r}); see docs/trust.md"
        ) from error
    return TrustedKeys(_trusted_key(entry, number) for number, entry in enumerate(entries))


def _trusted_key(entry: Any, number: int) -> TrustedKey:
    where = f"SIGNALBOX_TRUSTED_KEYS: keys[{number}]"
    try:
        key = TrustedKey(
            keyid=str(entry["kid"]),
            purpose=Purpose(entry["signalbox_purpose"]),
            jwk={name: entry[name] for name in _PUBLIC_MEMBERS if name in entry},
            not_before=_moment(entry.get("not_before")),
            not_after=_moment(entry.get("not_after")),
            revoked=bool(entry.get("revoked", False)),
            revoked_at=str(entry.get("revoked_at", "")),
            revoked_because=str(entry.get("revoked_because", "")),
        )
        if "d" in entry:
            raise Refused(f"{where} holds a private key (d); keep only the public members")
        _public_key(json.dumps(key.jwk, sort_keys=True))
    except (KeyError, TypeError, ValueError) as error:
        raise Refused(
            f"{where} is not a trusted key ({error!r}); it has kid, kty, crv, x, y and signalbox_purpose"
        ) from error
    return key


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} names no time zone; write 2026-11-29T12:00:00Z")
    return moment


def _verifies(jwk: str, content: bytes, signature: bytes) -> bool:
    public_key = _public_key(jwk)
    if isinstance(public_key, EllipticCurvePublicKey):
        return _has_signed(jwk, sha256(content).digest(), signature)
    try:
        public_key.verify(signature, content)
    except InvalidSignature:
        return False
    return True


@lru_cache(maxsize=4096)
def _has_signed(jwk: str, digest: bytes, signature: bytes) -> bool:
    """Whether the key has signed the content of *digest*.

    A page that shows a model's history reads the same heads of the log for each of its entries. The answer depends on
    nothing else, so it is kept; until when the key is trusted is asked every time. Digests are kept and no contents.
    """
    public_key = _public_key(jwk)
    assert isinstance(public_key, EllipticCurvePublicKey)
    try:
        public_key.verify(signature, digest, ECDSA(Prehashed(SHA256())))
    except InvalidSignature:
        return False
    return True


@cache
def _public_key(jwk: str) -> EllipticCurvePublicKey | Ed25519PublicKey:
    """Raises ValueError for a key of another kind, and for a point that is not on the curve."""
    members = json.loads(jwk)
    kind = (members.get("kty"), members.get("crv"))
    if kind == ("EC", "P-256"):
        x, y = (int.from_bytes(_bytes(members[name])) for name in ("x", "y"))
        return EllipticCurvePublicNumbers(x, y, SECP256R1()).public_key()
    if kind == ("OKP", "Ed25519"):
        return Ed25519PublicKey.from_public_bytes(_bytes(members["x"]))
    raise ValueError(f"kty {kind[0]!r} and crv {kind[1]!r} are not EC P-256 or OKP Ed25519")


def _bytes(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))
