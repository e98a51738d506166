"""Texts that leave the app and come back: sealed with AES-256-GCM, or signed with HMAC-SHA256, under derived keys.

It stands alone, because it belongs to no vendor's service.
"""

import hashlib
import hmac
import os
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from shared.domain.failures import Refused

_NONCE_BYTES = 12  # A session is sealed anew every few minutes: far below the 2^32 of NIST SP 800-38D.


class KeyedSealer:
    """Implements `shared.ports.Sealer`. The first of *keys* seals and signs, all of them open: a new one goes first."""

    def __init__(self, keys: Sequence[str]) -> None:
        if not keys:
            raise Refused("nobody can sign in: SIGNALBOX_SESSION_KEYS is not set")
        self._keys = tuple(keys)

    def seal(self, purpose: str, text: str) -> str:
        nonce = os.urandom(_NONCE_BYTES)
        sealed = AESGCM(_derived(self._keys[0], purpose)).encrypt(nonce, text.encode(), purpose.encode())
        return urlsafe_b64encode(nonce + sealed).decode().rstrip("=")

    def unseal(self, purpose: str, sealed: str) -> str | None:
        try:
            raw = urlsafe_b64decode(sealed + "=" * (-len(sealed) % 4))
        except ValueError:
            return None
        for key in self._keys:
            try:
                cipher = AESGCM(_derived(key, purpose))
                return cipher.decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], purpose.encode()).decode()
            except (InvalidTag, ValueError):
                continue
        return None

    def sign(self, purpose: str, text: str) -> str:
        return _signature(self._keys[0], purpose, text)

    def is_signed(self, purpose: str, text: str, signature: str) -> bool:
        signatures = [_signature(key, purpose, text) for key in self._keys]
        return any(hmac.compare_digest(right.encode(), signature.encode()) for right in signatures)


@lru_cache(32)
def _derived(key: str, purpose: str) -> bytes:
    # HKDF and no password hash: the setting is a random key, so that stretching would only cost time.
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=f"signalbox/{purpose}".encode()).derive(key.encode())


def _signature(key: str, purpose: str, text: str) -> str:
    digest = hmac.new(_derived(key, purpose), text.encode(), hashlib.sha256).digest()
    return urlsafe_b64encode(digest).decode().rstrip("=")
