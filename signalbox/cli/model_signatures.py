"""A model's signature out of a promotion's proof, in the form that sigstore's model-signing verifies without a network.

Contracts: the sigstore bundle v0.3 (https://github.com/sigstore/protobuf-specs) and RFC 5280 for the public key.
"""

import hashlib
import json
from base64 import b64decode, b64encode, urlsafe_b64decode
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from signalbox.cli.errors import Unusable, first_line

_MEDIA_TYPE = "application/vnd.dev.sigstore.bundle.v0.3+json"
_PREDICATE = "https://model_signing/signature/v1.0"
# SubjectPublicKeyInfo of a key on P-256: the algorithm, the curve, and the start of the bit string with the point.
_P256 = bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d030107034200")


@dataclass(frozen=True)
class ModelSignature:
    """*bundle* is the file for `--signature`, *public_key* the PEM for `--public_key`; *keyid* names the key."""

    stage: str
    keyid: str
    bundle: str
    public_key: str


def read_keys(path: Path) -> Any:
    """The JSON Web Key Set in the file *path*. Raises Unusable."""
    try:
        keys = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise Unusable(f"{path} is no JSON Web Key Set: {first_line(error)}") from error
    if not isinstance(keys, dict) or not isinstance(keys.get("keys"), list):
        raise Unusable(f"{path} is no JSON Web Key Set: it has no list `keys`")
    return keys


def model_signature(proof: Mapping[str, Any], keys: Mapping[str, Any], stage: str = "") -> ModelSignature:
    """That of *stage*, or of the stage that came last. Raises Unusable where there is none, or its key is not trusted.

    *keys* is the JSON Web Key Set that the reader trusts: a key that came with the signature would prove nothing.
    """
    signatures = {says["stage"]: (says["at"], envelope) for says, envelope in _signatures(proof)}
    if not signatures or (stage and stage not in signatures):
        names = ", ".join(sorted(signatures)) or "none; an earlier release has promoted it"
        raise Unusable(f"the proof has no signature of the model for {stage or 'any stage'}; it has {names}")
    place = stage or max(signatures, key=lambda name: signatures[name][0])
    envelope = signatures[place][1]
    (signature,) = envelope["signatures"]
    key = next((key for key in keys["keys"] if key["kid"] == signature["keyid"]), None)
    if key is None or (key.get("kty"), key.get("crv")) != ("EC", "P-256"):
        raise Unusable(f"key {signature['keyid']!r} is not a key on P-256 of the trusted keys")
    public_key = _pem(key)
    material = {"publicKey": {"hint": hashlib.sha256(public_key.encode()).hexdigest()}, "tlogEntries": []}
    # keyid is not of the sigstore form: the hint names the key.
    dsse = {**envelope, "signatures": [{"sig": signature["sig"]}]}
    bundle = {"mediaType": _MEDIA_TYPE, "verificationMaterial": material, "dsseEnvelope": dsse}
    return ModelSignature(stage=place, keyid=key["kid"], bundle=json.dumps(bundle, indent=2), public_key=public_key)


def _signatures(proof: Mapping[str, Any]) -> list[tuple[Any, Any]]:
    """What each signature of the model says, and its envelope."""
    statements = [(json.loads(b64decode(envelope["payload"])), envelope) for envelope in proof["statements"].values()]
    return [(says["predicate"], envelope) for says, envelope in statements if says["predicateType"] == _PREDICATE]


def _pem(key: Mapping[str, str]) -> str:
    point = b"".join(urlsafe_b64decode(key[name] + "=" * (-len(key[name]) % 4)) for name in ("x", "y"))
    text = b64encode(_P256 + b"\x04" + point).decode()
    lines = [text[at : at + 64] for at in range(0, len(text), 64)]
    return "\n".join(["-----BEGIN PUBLIC KEY-----", *lines, "-----END PUBLIC KEY-----", ""])
