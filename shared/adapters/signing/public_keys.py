"""The public halves of keys as JSON Web Keys (RFC 7517), alike whether a file or a vault holds the private half.

It stands alone so that reading a key file does not import Key Vault's SDK.
"""

from base64 import urlsafe_b64encode

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


def ec_jwk(x: int, y: int) -> dict[str, str]:
    """The point (*x*, *y*) on P-256. Coordinates have their full length, with leading zeros (RFC 7518, 6.2.1.2)."""
    return {"kty": "EC", "crv": "P-256", "x": _base64url(x.to_bytes(32)), "y": _base64url(y.to_bytes(32))}


def jwk_of(key: EllipticCurvePublicKey | Ed25519PublicKey) -> dict[str, str]:
    """*key*, which is on P-256 or Ed25519."""
    if isinstance(key, Ed25519PublicKey):
        return {"kty": "OKP", "crv": "Ed25519", "x": _base64url(key.public_bytes_raw())}
    point = key.public_numbers()
    return ec_jwk(point.x, point.y)


def _base64url(content: bytes) -> str:
    return urlsafe_b64encode(content).decode().rstrip("=")
