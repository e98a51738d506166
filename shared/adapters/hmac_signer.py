"""Signs receipts with the app's own key: HMAC-SHA256, since the app that issues a receipt is the one that checks it.

On Azure the key is a secret of Key Vault, which the platform resolves into the app's setting.
It implements a port by itself and stands alone.
"""

import hashlib
import hmac


class HmacSigner:
    """Implements `shared.ports.Signer`."""

    def __init__(self, key: str) -> None:
        self._key = key.encode()

    def sign(self, content: bytes) -> str:
        return "hmac-sha256:" + hmac.new(self._key, content, hashlib.sha256).hexdigest()

    def verifies(self, content: bytes, signature: str) -> bool:
        return hmac.compare_digest(self.sign(content), signature)
