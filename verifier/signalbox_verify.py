"""Verify the proof of one Signalbox promotion: this model, these bytes, measured so, approved by these persons.

It knows nothing but the proof, the keys that the reader trusts, and the standards: DSSE, in-toto, RFC 6962.
"""

import argparse
import hashlib
import json
import sys
from base64 import b64decode, b64encode, urlsafe_b64decode
from datetime import datetime
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.hashes import SHA256

LIMIT = 64 * 1024 * 1024  # Bytes of a proof.
STATEMENT, HEAD = "application/vnd.in-toto+json", "application/vnd.signalbox.tree-head+json"
KINDS = "https://signalbox.dev/statements/"
PURPOSES = {"decision": "door", "evidence": "measuring", "evidence-pack": "measuring"}  # All others: deciding.


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
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def canonical(value):
    return "sha256:" + hashlib.sha256(canonical_bytes(value)).hexdigest()


def decoded(text):
    """One text for one content: base64 with other spare bits is refused."""
    data = b64decode(text, validate=True)
    require(b64encode(data).decode() == text, "the proof has base64 that is not canonical")
    return data


def public_key(jwk):
    x, *y = (urlsafe_b64decode(jwk[name] + "==") for name in ("x", "y") if name in jwk)
    if jwk["kty"] == "OKP":
        return ed25519.Ed25519PublicKey.from_public_bytes(x)
    numbers = ec.EllipticCurvePublicNumbers(int.from_bytes(x), int.from_bytes(y[0]), ec.SECP256R1())
    return numbers.public_key()


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
        name = payload["predicateType"].removeprefix(KINDS).removesuffix("/v1")
        require(payload["predicateType"] == f"{KINDS}{name}/v1", f"{where} has an unknown predicate type")
        purpose = PURPOSES.get(name, "deciding")
    key = keys.get(signature["keyid"])
    require(key is not None, f"{where} is signed with key {signature['keyid']!r}, which is not trusted")
    require(not key.get("revoked"), f"{where} is signed with a revoked key")
    require(key["signalbox_purpose"] == purpose, f"{where} is signed with a key for {key['signalbox_purpose']}")
    at = datetime.fromisoformat((payload.get("predicate") or payload)["at"])
    early = key.get("not_before") and at < datetime.fromisoformat(key["not_before"])
    late = key.get("not_after") and at >= datetime.fromisoformat(key["not_after"])
    require(not early and not late, f"{where} was signed at {at}, when its key was not trusted")
    signed = b"DSSEv1 %d %s %d %s" % (len(kind), kind.encode(), len(raw), raw)
    sig, public = decoded(signature["sig"]), public_key(key)
    try:
        options = (ec.ECDSA(SHA256()),) if isinstance(public, ec.EllipticCurvePublicKey) else ()
        public.verify(sig, signed, *options)
    except InvalidSignature:
        raise NotProven(f"{where}: the signature does not fit") from None
    return payload


def open_statements(statements, keys):
    """The predicates by kind: a list of each. A statement counts only at the path that it was made for."""
    kinds = {}
    for path, envelope in statements.items():
        payload = open_envelope(envelope, STATEMENT, None, keys, path)
        require(payload["_type"] == "https://in-toto.io/Statement/v1", f"{path} is not an in-toto statement")
        kind = payload["predicateType"].removeprefix(KINDS).removesuffix("/v1")
        predicate = payload["predicate"]
        own = "promotions/{promotion}/effects/{stage}/{phase}/receipt.json" if kind == "receipt" else "{path}"
        require(own.format_map(predicate) == path, f"{path} was signed for {own.format_map(predicate)}")
        kinds.setdefault(kind, []).append(predicate)
    return kinds


def verify_proof(proof, keys):
    """The entry of the audit log that *proof* shows to be below a signed head (RFC 9162, 2.1.3.2)."""
    require(set(proof) == {"entry", "index", "size", "hashes", "head"}, "a log proof has other fields")
    head = open_envelope(proof["head"], HEAD, "log", keys, "a tree head")
    require(proof["size"] == head["size"] and 0 <= proof["index"] < proof["size"], "a log proof is for another head")
    entry = decoded(proof["entry"])
    node, fn, sn = hashlib.sha256(b"\0" + entry).digest(), proof["index"], proof["size"] - 1
    for sibling in (decoded(text) for text in proof["hashes"]):
        require(sn > 0, "a log proof has too many hashes")
        if fn & 1 or fn == sn:
            node = hashlib.sha256(b"\1" + sibling + node).digest()
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            node = hashlib.sha256(b"\1" + node + sibling).digest()
        fn, sn = fn >> 1, sn >> 1
    require(sn == 0 and node == b64decode(head["root"]), "an entry of the audit log is not below its head")
    return read_json(entry)


def verify_receipt(receipt, plan, packs, evidence, decisions, logged):
    place = f"{receipt['stage']} ({receipt['phase']})"
    for name, own in (("promotion", "promotion"), ("plan", "plan"), ("model", "model"), ("digest", "bundle")):
        value = plan[own]
        require(receipt[name] == value, f"the receipt of {place} is for {name} {receipt[name]}, not for {value}")
    pack = next((pack for pack in packs if pack["digest"] == receipt["evidence"]), None)
    require(pack is not None, f"the receipt of {place} rests on evidence that is not in the proof")
    require(canonical(pack["pack"]) == pack["digest"], f"the evidence pack of {place} does not have its digest")
    require((pack["stage"], pack["phase"]) == (receipt["stage"], receipt["phase"]), f"{place}: evidence of elsewhere")
    own = {name: plan[name] for name in ("promotion", "plan", "model", "bundle")}
    require(own.items() <= pack.items(), f"the evidence pack of {place} is for another plan or bundle")
    measured = {canonical(record["record"]) for record in evidence if own.items() <= record.items()}
    for assessment in pack["pack"]["assessments"]:
        require(canonical(assessment) in measured, f"{place}: people were shown figures that nobody measured")
    failed = [verdict for verdict in receipt["verdicts"] if not verdict.endswith(": pass")]
    require(not failed or receipt["override"], f"{place}: {failed[0] if failed else ''}")
    own = {name: receipt[name] for name in ("promotion", "stage", "phase", "evidence", "issued", "approvals")}
    in_log = any(own == {name: entry["facts"].get(name) for name in own} for entry in logged)
    require(in_log, f"the receipt of {place} is not in the audit log")
    if receipt["phase"] == "entry":
        verify_approvals(receipt, plan, decisions, place)


def verify_approvals(receipt, plan, decisions, place):
    asked = next(stage["approvers"] for stage in plan["stages"] if stage["stage"] == receipt["stage"])
    approved = {}
    for decision in (record["decision"] for record in decisions if record["stage"] == receipt["stage"]):
        if decision["evidence"] == receipt["evidence"] and not decision["withdrawn"]:
            require(decision["approved"], f"{place}: {decision['name']} rejected it")
            approved[decision["role"]] = decision
    for role in asked:
        require(role in approved, f"{place}: nobody has approved as {role}")
    for text in receipt["approvals"]:
        role = text.partition(": ")[0]
        decision = approved.get(role)
        require(decision is not None, f"{place}: the receipt names {text}, who signed nothing")
        require(text == f"{role}: {decision['name']} ({decision['oid']})", f"{place}: {text} is another person")
    people = [(decision["tenant"], decision["oid"]) for decision in approved.values()]
    require(len(set(people)) == len(people), f"{place}: one person approved twice")


def verify_files(files, bundle, folder):
    lines = [
        f"{f['part']}/{f['path']}\0{f['size']}\0{f['sha256']}\n"
        for f in sorted(files, key=lambda f: (f["part"], f["path"], f["size"], f["sha256"]))
    ]
    require("sha256:" + hashlib.sha256("".join(lines).encode()).hexdigest() == bundle, "the list of files is another")
    for file in files if folder else ():
        path = (folder / file["part"] / file["path"]).resolve()
        require(path.is_relative_to(folder.resolve()) and path.is_file(), f"{file['part']}/{file['path']} is missing")
        with path.open("rb") as content:
            digest = hashlib.file_digest(content, "sha256").hexdigest()
        require(digest == file["sha256"], f"{file['part']}/{file['path']} has other bytes")


def verify(pack, keys, folder=None):
    """What is proven, in lines. Raises NotProven."""
    require(set(pack) == {"format", "promotion", "statements", "log"}, "the proof has other fields")
    require(pack["format"] == "signalbox-proof/v1", f"the proof has format {pack['format']!r}")
    kinds = open_statements(pack["statements"], keys)
    logged = [verify_proof(proof, keys) for proof in pack["log"]]
    plans = kinds.get("plan", [])
    require(len(plans) == 1 and plans[0]["promotion"] == pack["promotion"], "the proof does not have its one plan")
    (plan,), receipts, packs = plans, kinds.get("receipt", []), kinds.get("evidence-pack", [])
    places = {(receipt["stage"], receipt["phase"]) for receipt in receipts}
    for stage in plan["stages"]:
        require((stage["stage"], "entry") in places, f"there is no receipt for the entry of {stage['stage']}")
    for receipt in receipts:
        verify_receipt(receipt, plan, packs, kinds.get("evidence", []), kinds.get("decision", []), logged)
    require(receipts[-1:] and packs[-1:], "the proof has no receipt or no evidence")
    verify_files(packs[-1]["pack"]["contents"], plan["bundle"], folder)
    lines = [f"{plan['model']} with {plan['bundle']}, to {plan['target']}, by plan {plan['plan']}"]
    for receipt in receipts:
        gates = ", ".join(receipt["verdicts"]) or "no gate"
        lines.append(f"{receipt['stage']} ({receipt['phase']}) at {receipt['issued']}: {gates}{receipt['override']}")
        lines += [f"  approved by {text}" for text in receipt["approvals"]]
    return [*lines, f"{len(logged)} entries lie below signed heads of the audit log"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("proof", type=Path)
    parser.add_argument("--keys", type=Path, required=True, help="the JSON Web Key Set that you trust")
    parser.add_argument("--bundle", type=Path, help="a folder with model/ and extras/")
    options = parser.parse_args()
    try:
        require(options.proof.stat().st_size <= LIMIT, f"the proof has more than {LIMIT} bytes")
        keys = {key["kid"]: key for key in read_json(options.keys.read_bytes())["keys"]}
        content = options.proof.read_bytes()
        pack = read_json(content)
        require(canonical_bytes(pack) == content, "the proof is not the canonical JSON that Signalbox writes")
        print("\n".join(verify(pack, keys, options.bundle)))
    except NotProven as reason:
        print(f"NOT PROVEN: {str(reason).encode('ascii', 'backslashreplace').decode()!r}")
        return 1
    except (
        OSError,
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
        StopIteration,
        IndexError,
        RecursionError,
    ) as error:
        print(f"NOT PROVEN: the proof or the keys have another form ({error!r})")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
