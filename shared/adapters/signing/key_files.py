"""Private keys in PEM files, for one machine. On Azure they are in Key Vault and never leave it."""

from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from shared.domain.failures import Refused


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
