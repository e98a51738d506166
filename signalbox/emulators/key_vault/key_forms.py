"""EC P-256 keys as Key Vault writes and reads them: JSON Web Keys, and signatures as r and s side by side."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    SECP256R1,
    EllipticCurvePrivateKey,
    EllipticCurvePrivateNumbers,
    EllipticCurvePublicNumbers,
    generate_private_key,
)
from cryptography.hazmat.primitives.asymmetric.utils import (
    Prehashed,
    decode_dss_signature,
    encode_dss_signature,
)
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

DIGEST_BYTES = _COORDINATE_BYTES = 32
_ES256 = ECDSA(Prehashed(SHA256()))


def new_key() -> EllipticCurvePrivateKey:
    return generate_private_key(SECP256R1())


def imported_key(jwk: Mapping[str, Any]) -> EllipticCurvePrivateKey:
    """The private key in *jwk*. Raises KeyError or ValueError where it is none."""
    x, y, d = (int.from_bytes(decoded(jwk[name])) for name in ("x", "y", "d"))
    return EllipticCurvePrivateNumbers(d, EllipticCurvePublicNumbers(x, y, SECP256R1())).private_key()


def public_members(key: EllipticCurvePrivateKey) -> dict[str, str]:
    numbers = key.public_key().public_numbers()
    return {"crv": "P-256", "x": _coordinate(numbers.x), "y": _coordinate(numbers.y)}


def pem_of(key: EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def sign(pem: bytes, digest: bytes) -> bytes:
    r, s = decode_dss_signature(_private_key(pem).sign(digest, _ES256))
    return r.to_bytes(_COORDINATE_BYTES) + s.to_bytes(_COORDINATE_BYTES)


def verifies(pem: bytes, digest: bytes, signature: bytes) -> bool:
    if len(signature) != 2 * _COORDINATE_BYTES:
        return False
    r, s = signature[:_COORDINATE_BYTES], signature[_COORDINATE_BYTES:]
    der = encode_dss_signature(int.from_bytes(r), int.from_bytes(s))
    try:
        _private_key(pem).public_key().verify(der, digest, _ES256)
    except InvalidSignature:
        return False
    return True


def decoded(text: str) -> bytes:
    """Raises ValueError where *text* is not base64url."""
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def encoded(content: bytes) -> str:
    return urlsafe_b64encode(content).decode().rstrip("=")


def _private_key(pem: bytes) -> EllipticCurvePrivateKey:
    key = load_pem_private_key(pem, password=None)
    assert isinstance(key, EllipticCurvePrivateKey)
    return key


def _coordinate(number: int) -> str:
    return encoded(number.to_bytes(_COORDINATE_BYTES))
