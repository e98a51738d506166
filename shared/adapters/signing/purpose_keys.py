"""One private key for each purpose, and the trusted public keys beside them."""

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cache
from typing import Protocol

from shared.adapters.signing.trusted_keys import TrustedKeys
from shared.domain.failures import Refused
from shared.domain.trust.envelopes import Envelope, envelope, signed_bytes
from shared.domain.trust.key_states import KeyState
from shared.domain.trust.keys import Purpose, TrustedKey


class PrivateKey(Protocol):
    """A key that signs and cannot be read."""

    def sign(self, content: bytes) -> bytes: ...
    def state(self) -> KeyState: ...


class PurposeKeys:
    """Implements `shared.ports.Signing` and `shared.ports.SigningKeys`.

    *addresses* are `KEYID@ADDRESS` by purpose, as SIGNALBOX_SIGNING_KEYS gives them; *open_key* opens an address, at
    the first signature with it.
    """

    def __init__(
        self,
        addresses: Mapping[Purpose, str],
        open_key: Callable[[str], PrivateKey],
        trusted: Callable[[], TrustedKeys],
    ) -> None:
        self._addresses, self._open_key, self._trusted = addresses, cache(open_key), cache(trusted)

    def sign(self, purpose: Purpose, payload_type: str, payload: bytes) -> Envelope:
        keyid, address = self._entry(purpose)
        signature = self._open_key(address).sign(signed_bytes(payload_type, payload))
        return envelope(payload_type, payload, keyid, signature)

    def objection(self, purpose: Purpose, envelope: Envelope, at: datetime) -> str:
        return self._trusted().objection(purpose, envelope, at)

    def revoked(self) -> tuple[TrustedKey, ...]:
        return tuple(key for key in self._trusted().keys if key.revoked)

    def keys(self) -> tuple[TrustedKey, ...]:
        return self._trusted().keys

    def state(self, purpose: Purpose) -> KeyState:
        return self._open_key(self._entry(purpose)[1]).state()

    def trusted(self, purpose: Purpose) -> TrustedKey | None:
        keyid, _ = self._entry(purpose)
        return next((key for key in self._trusted().keys if key.keyid == keyid), None)

    def _entry(self, purpose: Purpose) -> tuple[str, str]:
        """The id and the address of the key for *purpose*. Raises Refused where there is none."""
        keyid, separator, address = self._addresses.get(purpose, "").partition("@")
        if not separator:
            raise Refused(f"nothing can be signed as {purpose.value}: SIGNALBOX_SIGNING_KEYS names no key for it")
        return keyid, address
