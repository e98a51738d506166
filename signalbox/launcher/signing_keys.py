"""The keys that the app signs statements with on this machine, one for each purpose, and their public halves.

On Azure the keys are in Key Vault; docs/signing-keys.md says how they are made there.
"""

import json
from base64 import urlsafe_b64encode
from pathlib import Path

import requests
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from signalbox.private_files import write_private

PURPOSES = ("door", "measuring", "deciding", "log")
_FOLDER, _TRUSTED, _VAULT = "keys", "trusted-keys.json", "vault-keys.json"
_API_VERSION = "7.6"


def ensure_signing_keys(state: Path) -> None:
    """Make the keys of the local cloud in *state*, unless an earlier start has made them: old statements stay true."""
    folder = state / _FOLDER
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if (folder / _TRUSTED).is_file():
        return
    public_keys = []
    for purpose in PURPOSES:
        key = generate_private_key(SECP256R1())
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
        write_private(_private_key(state, purpose), pem)
        public_keys.append(public_jwk(key, keyid=f"{purpose}-1", purpose=purpose))
    # Written last: a start that was ended half way makes all keys anew.
    (folder / _TRUSTED).write_text(json.dumps({"keys": public_keys}, indent=2))


def ensure_vault_keys(state: Path, vault: str, token: str, ca: Path) -> None:
    """Make a key for each purpose in the *vault*, unless an earlier start has made them, and trust them beside those in
    files: what was signed with a file before stays true. *token* is a vault officer's."""
    record = state / _FOLDER / _VAULT
    if record.is_file():
        return
    key_set = json.loads((state / _FOLDER / _TRUSTED).read_text())
    versions: dict[str, str] = {}
    for purpose in PURPOSES:
        response = requests.post(
            f"{vault}/keys/signalbox-{purpose}/create?api-version={_API_VERSION}",
            json={"kty": "EC", "crv": "P-256", "key_ops": ["sign", "verify"]},
            headers={"Authorization": f"Bearer {token}"},
            verify=str(ca),
            timeout=30,
        )
        response.raise_for_status()
        key = response.json()["key"]
        versions[purpose] = str(key["kid"]).removeprefix(f"{vault}/keys/")
        members = {name: key[name] for name in ("kty", "crv", "x", "y")}
        key_set["keys"].append({"kid": f"{purpose}-vault-1", **members, "signalbox_purpose": purpose})
    _replace(state / _FOLDER / _TRUSTED, key_set)
    _replace(record, versions)


def signing_settings(state: Path, vault: str = "") -> dict[str, str]:
    """The app's settings for the keys in *state*: those in the *vault* where it has some, or else the files."""
    record = state / _FOLDER / _VAULT
    versions = json.loads(record.read_text()) if record.is_file() else {}
    entries = [
        f"{purpose}={purpose}-vault-1@{vault}/keys/{versions[purpose]}"
        if versions
        else f"{purpose}={purpose}-1@file:{_private_key(state, purpose)}"
        for purpose in PURPOSES
    ]
    return {"SIGNALBOX_SIGNING_KEYS": ",".join(entries), "SIGNALBOX_TRUSTED_KEYS": str(state / _FOLDER / _TRUSTED)}


def public_jwk(key: EllipticCurvePrivateKey, keyid: str, purpose: str) -> dict[str, str]:
    """The public half of *key* as the set of trusted keys holds it."""
    point = key.public_key().public_numbers()
    x, y = (urlsafe_b64encode(number.to_bytes(32)).rstrip(b"=").decode() for number in (point.x, point.y))
    return {"kid": keyid, "kty": "EC", "crv": "P-256", "x": x, "y": y, "signalbox_purpose": purpose}


def _private_key(state: Path, purpose: str) -> Path:
    return state / _FOLDER / f"{purpose}.pem"


def _replace(path: Path, content: object) -> None:
    """Write *path* whole or not at all: a start may be ended at any moment."""
    fresh = path.with_suffix(".tmp")
    fresh.write_text(json.dumps(content, indent=2))
    fresh.replace(path)
