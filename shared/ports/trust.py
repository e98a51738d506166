"""Signing and verifying, by purpose. The private keys stay where they are: only signatures come out.

It is one port by itself, and stands alone.
"""

from datetime import datetime
from typing import Protocol

from shared.domain.trust.envelopes import Envelope
from shared.domain.trust.keys import Purpose


class Signing(Protocol):
    def sign(self, purpose: Purpose, payload_type: str, payload: bytes) -> Envelope:
        """*payload* in an envelope, signed with today's key for *purpose*. Refused where there is none."""
        ...

    def objection(self, purpose: Purpose, envelope: Envelope, at: datetime) -> str:
        """Why *envelope* is not believed, as a sentence; empty where a trusted key for *purpose* signed it.

        *at* is when the payload says that it was signed: a key is trusted for a time.
        """
        ...
