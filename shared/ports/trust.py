"""Signing and verifying, by purpose, and where signed tree heads are published.

The private keys stay where they are: only signatures come out.
"""

from collections.abc import Iterator
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

    def revoked(self) -> tuple[TrustedKey, ...]:
        """The keys by which nothing is believed any more."""
        ...

    def keys(self) -> tuple[TrustedKey, ...]:
        """All trusted keys: those of today, the retired and the revoked ones."""
        ...


class SigningKeys(Protocol):
    """What the doctor asks about the keys behind `Signing`. Both methods raise Refused where *purpose* has none."""

    def state(self, purpose: Purpose) -> KeyState:
        """What its place says about the private key of *purpose*; it is read at every call."""
        ...

    def trusted(self, purpose: Purpose) -> TrustedKey | None:
        """The trusted key of the id that signs for *purpose*; None where that id is not trusted."""
        ...


class TreeHeadPublisher(Protocol):
    """Where the audit log's heads are kept out of the reach of those who can write its container."""

    def publish(self, envelope: Envelope) -> None:
        """Keep *envelope*, a signed tree head. Safe to repeat: each is kept once."""
        ...

    def published(self, first: int = 0, last: int | None = None) -> Iterator[Envelope]:
        """Every published head of at least *first* and at most *last* entries, the largest first."""
        ...
