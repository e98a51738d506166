"""The standards that a proof rests on: strict JSON, DSSE envelopes, JSON Web Keys, and the Merkle tree of RFC 6962."""

import hashlib
import json
from base64 import b64decode, b64encode, urlsafe_b64decode
from datetime import datetime

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.hashes import SHA256

STATEMENT, HEAD = "application/vnd.in-toto+json", "application/vnd.signalbox.tree-head+json"
KINDS = "https://signalbox.dev/statements/"
PURPOSES = {"decision": "door", "evidence": "measuring", "evidence-pack": "measuring"}
PURPOSES |= dict.fromkeys(("plan", "receipt", "move", "serving-change", "registry-state"), "deciding")
PURPOSES |= dict.fromkeys(("decision-use", "promotion-set"), "deciding")
PURPOSES |= {"rollout-look": "measuring", "rollout-step": "measuring", "rehearsal": "measuring"}
PURPOSES |= dict.fromkeys(("rollout-order", "entry-revocation", "withdrawal", "delegation"), "door")
PURPOSES |= dict.fromkeys(("traffic", "hold", "retirement", "serving-alert", "log-finding", "proof-pack"), "deciding")
MODEL_SIGNATURE = "https://model_signing/signature/v1.0"  # The one kind that is not our own.
PURPOSES |= dict.fromkeys((MODEL_SIGNATURE, "provenance", "break-glass", "roll-back", "revocation"), "deciding")


class NotProven(Exception):
    """The first thing that does not hold."""


def require(condition, reason):
    if not condition:
        raise NotProven(reason)


def unique(pairs):
    require(len(dict(pairs)) == len(pairs), "an object of the proof names a field twice")
    return dict(pairs)


def read_json(data):
    return json.loads(data, object_pairs_hook=unique)


def canonical_bytes(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def canonical(value):
    return "sha256:" + hashlib.sha256(canonical_bytes(value)).hexdigest()


def decoded(text):
    """One text for one content: base64 with other spare bits is refused."""
    data = b64decode(text, validate=True)
    require(b64encode(data).decode() == text, "the proof has base64 that is not canonical")
    return data


def read_keys(data):
    """The trusted keys by their ids."""
    keys = read_json(data)["keys"]
    require(len({key["kid"] for key in keys}) == len(keys), "the trusted keys have one id twice")
    return {key["kid"]: key for key in keys}


def verify_signature(key, signature, content):
    """Raises InvalidSignature."""
    x, *y = (urlsafe_b64decode(key[name] + "==") for name in ("x", "y") if name in key)
    if (key["kty"], key["crv"]) == ("OKP", "Ed25519"):
        return ed25519.Ed25519PublicKey.from_public_bytes(x).verify(signature, content)
    require((key["kty"], key["crv"]) == ("EC", "P-256"), f"key {key['kid']} is neither of P-256 nor of Ed25519")
    numbers = ec.EllipticCurvePublicNumbers(int.from_bytes(x), int.from_bytes(y[0]), ec.SECP256R1())
    return numbers.public_key().verify(signature, content, ec.ECDSA(SHA256()))


def open_envelope(envelope, kind, purpose, keys, where):
    """The payload, once a trusted key of *purpose* has signed it at the time that it names."""
    require(set(envelope) == {"payloadType", "payload", "signatures"}, f"{where} is not a DSSE envelope")
    require(envelope["payloadType"] == kind, f"{where} has payload type {envelope['payloadType']}")
    require(len(envelope["signatures"]) == 1, f"{where} does not have exactly one signature")
    (signature,) = envelope["signatures"]
    require(set(signature) == {"keyid", "sig"}, f"{where}: the signature has other fields than keyid and sig")
    raw = decoded(envelope["payload"])
    payload = read_json(raw)
    if purpose is None:
        purpose = PURPOSES.get(payload["predicateType"].removeprefix(KINDS).removesuffix("/v1"))
        require(purpose is not None, f"{where} has the unknown predicate type {payload['predicateType']}")
    key = keys.get(signature["keyid"])
    require(key is not None, f"{where} is signed with key {signature['keyid']!r}, which is not trusted")
    require(not key.get("revoked"), f"{where} is signed with a revoked key")
    require(key["signalbox_purpose"] == purpose, f"{where} is signed with a key for {key['signalbox_purpose']}")
    at = datetime.fromisoformat((payload.get("predicate") or payload)["at"])
    early = key.get("not_before") and at < datetime.fromisoformat(key["not_before"])
    late = key.get("not_after") and at >= datetime.fromisoformat(key["not_after"])
    require(at.tzinfo and not early and not late, f"{where} was signed at {at}, when its key was not trusted")
    try:
        verify_signature(
            key, decoded(signature["sig"]), b"DSSEv1 %d %s %d %s" % (len(kind), kind.encode(), len(raw), raw)
        )
    except InvalidSignature:
        raise NotProven(f"{where}: the signature does not fit") from None
    return payload


def verify_log_proof(proof, keys):
    """The entry of the audit log that *proof* shows to be below a signed head (RFC 9162, 2.1.3.2)."""
    require(set(proof) == {"entry", "index", "size", "hashes", "head"}, "a log proof has other fields")
    head = open_envelope(proof["head"], HEAD, "log", keys, "a tree head")
    require(proof["size"] == head["size"] and 0 <= proof["index"] < proof["size"], "a log proof is for another head")
    entry = decoded(proof["entry"])
    node, index, last = hashlib.sha256(b"\0" + entry).digest(), proof["index"], proof["size"] - 1
    for sibling in (decoded(text) for text in proof["hashes"]):
        require(last > 0 and len(sibling) == 32, "a log proof has too many hashes, or one of another length")
        if index & 1 or index == last:
            node = hashlib.sha256(b"\1" + sibling + node).digest()
            while not index & 1 and index:
                index, last = index >> 1, last >> 1
        else:
            node = hashlib.sha256(b"\1" + node + sibling).digest()
        index, last = index >> 1, last >> 1
    require(last == 0 and node == decoded(head["root"]), "an entry of the audit log is not below its head")
    return read_json(entry)
