"""Signing and verifying, by purpose. The private keys stay where they are: only signatures come out.

It is one port by itself, and stands alone.
"""

from datetime import datetime
from typing import Protocol

from shared.domain.trust.envelopes import Envelope
from shared.domain.trust.key_states import KeyState
from shared.domain.trust.keys import Purpose, TrustedKey


class Signing(Protocol):
    def sign(self, purpose: Purpose, payload_type: str, payload: bytes) -> Envelope:
        """*payload* in an envelope, signed with today's key for *purpose*. Refused where there is none."""
        ...

    def objection(self, purpose: Purpose, envelope: Envelope, at: datetime) -> str:
        """Why *envelope* is not believed, as a sentence; empty where a trusted key for *purpose* signed it.

        *at* is when the payload says that it was signed: a key is trusted for a time.
        """
        ...


class SigningKeys(Protocol):
    """What the doctor asks about the keys behind `Signing`. Both methods raise Refused where *purpose* has none."""

    def state(self, purpose: Purpose) -> KeyState:
        """What its place says about the private key of *purpose*; it is read at every call."""
        ...

    def trusted(self, purpose: Purpose) -> TrustedKey | None:
        """The trusted key of the id that signs for *purpose*; None where that id is not trusted."""
        ...
