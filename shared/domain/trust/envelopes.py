"""DSSE envelopes: a payload, its type, and signatures over both.

Contract: https://github.com/secure-systems-lab/dsse (protocol 1.0.2). ES256 signatures are ASN.1 DER, as sigstore and
cosign write them.
"""

import binascii
import json
from base64 import b64decode, b64encode
from dataclasses import dataclass
from typing import Any

STATEMENT_TYPE = "application/vnd.in-toto+json"
TREE_HEAD_TYPE = "application/vnd.signalbox.tree-head+json"


class MalformedEnvelopeError(ValueError):
    """The bytes are not a DSSE envelope; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvelopeSignature:
    """*keyid* names a trusted key; *sig* is the signature as base64."""

    keyid: str
    sig: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """The names are those of the contract; *payload* is base64."""

    payloadType: str  # noqa: N815 # The name in the contract.
    payload: str
    signatures: tuple[EnvelopeSignature, ...]

    @property
    def content(self) -> bytes:
        """The payload as it was signed. Raises MalformedEnvelopeError."""
        return _decoded(self.payload, "payload")


def signed_bytes(payload_type: str, payload: bytes) -> bytes:
    """What a signature covers: the contract's pre-authentication encoding of the type and the payload."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)


def envelope(payload_type: str, payload: bytes, keyid: str, signature: bytes) -> Envelope:
    """The envelope of *payload* with one signature."""
    return Envelope(
        payloadType=payload_type,
        payload=b64encode(payload).decode(),
        signatures=(EnvelopeSignature(keyid=keyid, sig=b64encode(signature).decode()),),
    )


def signature_of(envelope: Envelope) -> tuple[str, bytes]:
    """The key's id and the signature. Raises MalformedEnvelopeError where there is not exactly one."""
    if len(envelope.signatures) != 1:
        raise MalformedEnvelopeError(f"it has {len(envelope.signatures)} signatures; a statement has one")
    return envelope.signatures[0].keyid, _decoded(envelope.signatures[0].sig, "signature")


def canonical_json(value: Any) -> bytes:
    """*value* as JSON with sorted keys and no blanks, in UTF-8: the same value always gives the same bytes."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def _decoded(text: str, part: str) -> bytes:
    try:
        return b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise MalformedEnvelopeError(f"its {part} is not base64: {error}") from error
