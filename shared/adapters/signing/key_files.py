"""Private keys in PEM files, for one machine. On Azure they are in Key Vault and never leave it."""

import os
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, EllipticCurvePrivateKey, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from shared.adapters.signing.public_keys import jwk_of
from shared.domain.failures import Refused
from shared.domain.trust.key_states import KeyState


def open_key_file(address: str) -> "KeyFile":
    """The key at *address*, which is `file:PATH`. Raises Refused."""
    scheme, _, path = address.partition(":")
    if scheme != "file":
        raise Refused(f"SIGNALBOX_SIGNING_KEYS: {address!r} is not an address of a key; write file:PATH")
    return KeyFile(Path(path))


class KeyFile:
    """Signs with the unencrypted private key (PKCS 8, EC P-256 or Ed25519) in *path*."""

    def __init__(self, path: Path) -> None:
        try:
            key = load_pem_private_key(path.read_bytes(), password=None)
        except (OSError, ValueError, TypeError) as error:
            raise Refused(f"SIGNALBOX_SIGNING_KEYS: {path.name} is not a private key in PEM ({error})") from error
        fits_curve = isinstance(key, EllipticCurvePrivateKey) and isinstance(key.curve, SECP256R1)
        if not fits_curve and not isinstance(key, Ed25519PrivateKey):
            raise Refused(f"SIGNALBOX_SIGNING_KEYS: {path.name} is neither EC P-256 nor Ed25519; make a new key")
        self._key = key

    def sign(self, content: bytes) -> bytes:
        """The signature of *content*: ES256 as ASN.1 DER, or Ed25519."""
        if isinstance(self._key, EllipticCurvePrivateKey):
            return self._key.sign(content, ECDSA(SHA256()))
        assert isinstance(self._key, Ed25519PrivateKey)
        return self._key.sign(content)

    def state(self) -> KeyState:
        """Exportable always: who may read the file has the key."""
        assert isinstance(self._key, EllipticCurvePrivateKey | Ed25519PrivateKey)
        return KeyState(jwk=jwk_of(self._key.public_key()), exportable=True)


def make_key_file(path: Path) -> dict[str, str]:
    """A new EC P-256 key in the file *path*, for its owner's eyes only; returns its public JSON Web Key.

    Raises FileExistsError: a key that something was signed with is never overwritten.
    """
    key = generate_private_key(SECP256R1())
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(pem)
    return jwk_of(key.public_key())
