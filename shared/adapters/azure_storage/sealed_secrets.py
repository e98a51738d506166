"""Secrets sealed in the hub's own container: AES-256-GCM, its key derived from a setting, the name bound to it.

What is read back under another name, or was changed by a bit, is refused.
"""

import json
import os
from base64 import b64decode, b64encode
from datetime import datetime

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from shared.domain.failures import Refused
from shared.ports import DataHub

# NIST SP 800-38D allows 2^32 random nonces of this size under one key. A task of a pipeline writes one secret.
_NONCE_BYTES = 12
_FOLDER = "secrets/"


class SealedSecrets:
    """Implements `shared.ports.Secrets`. Raises Refused where *key* is empty: nothing is ever kept in clear."""

    def __init__(self, hub: DataHub, container: str, key: str) -> None:
        if not key:
            raise Refused("no secret can be kept: SIGNALBOX_SECRETS_KEY is not set")
        # HKDF and no password hash: the setting is a random key of Key Vault and no word that could be guessed, so that
        # stretching it would only cost time at every cold start. *info* keeps other uses of the key apart.
        derived_key = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"signalbox/secrets").derive(key.encode())
        self._hub, self._container, self._cipher = hub, container, AESGCM(derived_key)

    def keep(self, name: str, secret: str, until: datetime) -> None:
        """Keep *secret*. An existing one stands, because a task that calls again brings the same token."""
        nonce = os.urandom(_NONCE_BYTES)
        ciphertext = self._cipher.encrypt(nonce, secret.encode(), _associated_data(name, until.isoformat()))
        content = {"nonce": _text(nonce), "sealed": _text(ciphertext), "until": until.isoformat()}
        self._hub.create(self._container, _path(name), json.dumps(content).encode())

    def recall(self, name: str, now: datetime) -> str:
        raw = self._hub.read(self._container, _path(name))
        if raw is None:
            return ""
        record = json.loads(raw)
        if now >= datetime.fromisoformat(record["until"]):
            return ""
        try:
            associated_data = _associated_data(name, record["until"])
            return self._cipher.decrypt(
                b64decode(record["nonce"]), b64decode(record["sealed"]), associated_data
            ).decode()
        except InvalidTag as error:
            raise Refused(f"the secret {name} was changed, or SIGNALBOX_SECRETS_KEY was: it cannot be read") from error

    def drop(self, name: str) -> None:
        blob = self._hub.find(self._container, _path(name))
        if blob is not None:
            # The condition spares a secret that was written under the name since it was looked at.
            self._hub.delete(self._container, _path(name), blob.etag)

    def drop_expired(self, now: datetime) -> None:
        for blob in self._hub.list(self._container, _FOLDER):
            raw = self._hub.read(self._container, blob.path)
            if raw is not None and now >= datetime.fromisoformat(json.loads(raw)["until"]):
                self._hub.delete(self._container, blob.path, blob.etag)


def _path(name: str) -> str:
    return f"{_FOLDER}{name}.json"


def _associated_data(name: str, until: str) -> bytes:
    """The associated data of the cipher: a secret cannot be opened under another name or with another expiry."""
    return f"{name}\n{until}".encode()


def _text(data: bytes) -> str:
    return b64encode(data).decode()
