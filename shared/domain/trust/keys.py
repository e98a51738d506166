"""Keys by their purpose: each signs one kind of statement, so that one stolen key cannot do all."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Purpose(StrEnum):
    """What a key may sign: DOOR decisions of verified persons, MEASURING evidence, DECIDING plans, receipts, registry
    states and serving changes, LOG tree heads of the audit log."""

    DOOR = "door"
    MEASURING = "measuring"
    DECIDING = "deciding"
    LOG = "log"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustedKey:
    """A public key that configuration pins under *keyid*.

    *jwk* is its JSON Web Key (RFC 7517; EC P-256 or Ed25519). It signs from *not_before* until *not_after* (None: no
    limit). A retired key has a *not_after* in the past; what it signed before stays true. Nothing is believed that a
    *revoked* key has signed, whenever it says that it did; *revoked_at* and *revoked_because* are the set's words.
    """

    keyid: str
    purpose: Purpose
    jwk: dict[str, str]
    not_before: datetime | None = None
    not_after: datetime | None = None
    revoked: bool = False
    revoked_at: str = ""
    revoked_because: str = ""

    @property
    def revocation(self) -> str:
        """Why nothing is believed that this key, a revoked one, has signed."""
        return f"key {self.keyid} is revoked"

    def objection(self, purpose: Purpose, at: datetime) -> str:
        """Why this key may not have signed for *purpose* at the time *at*; empty where it may."""
        if self.revoked:
            return self.revocation
        if self.purpose is not purpose:
            return f"key {self.keyid} is for {self.purpose.value}, not for {purpose.value}"
        if self.not_before is not None and at < self.not_before:
            return f"key {self.keyid} is trusted from {self.not_before.isoformat()} on, not at {at.isoformat()}"
        if self.not_after is not None and at >= self.not_after:
            return f"key {self.keyid} is trusted until {self.not_after.isoformat()}, not at {at.isoformat()}"
        return ""
