"""The keys that the app signs statements with on this machine, one for each purpose, and their public halves.

On Azure the keys are in Key Vault; docs/signing-keys.md says how they are made there.
"""

import json
from base64 import urlsafe_b64encode
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from signalbox.private_files import write_private

PURPOSES = ("door", "measuring", "deciding", "log")
_FOLDER, _TRUSTED = "keys", "trusted-keys.json"


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


def signing_settings(state: Path) -> dict[str, str]:
    """The app's settings for the keys in *state*."""
    entries = [f"{purpose}={purpose}-1@file:{_private_key(state, purpose)}" for purpose in PURPOSES]
    return {"SIGNALBOX_SIGNING_KEYS": ",".join(entries), "SIGNALBOX_TRUSTED_KEYS": str(state / _FOLDER / _TRUSTED)}


def public_jwk(key: EllipticCurvePrivateKey, keyid: str, purpose: str) -> dict[str, str]:
    """The public half of *key* as the set of trusted keys holds it."""
    point = key.public_key().public_numbers()
    x, y = (urlsafe_b64encode(number.to_bytes(32)).rstrip(b"=").decode() for number in (point.x, point.y))
    return {"kid": keyid, "kty": "EC", "crv": "P-256", "x": x, "y": y, "signalbox_purpose": purpose}


def _private_key(state: Path, purpose: str) -> Path:
    return state / _FOLDER / f"{purpose}.pem"
