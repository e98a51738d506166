"""Ports of the console's sign-in: the directory that a browser is sent to, and what seals a session."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from shared.domain.promotion.approvals import Person


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInRequest:
    """What ties an answer of the directory to the browser that asked: kept by it, sealed, until it comes back."""

    state: str
    nonce: str
    verifier: str
    to: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """*person* as the directory's token names them; *contexts* are the authentication contexts (`acrs`) they met."""

    person: Person
    contexts: tuple[str, ...] = ()


class BrowserSignIn(Protocol):
    """The directory's sign-in by authorization code with PKCE."""

    def address(self, request: SignInRequest, redirect: str, hint: str = "", fresh: bool = False) -> str:
        """Where the browser goes; it comes back to *redirect*. *fresh*: the person has to sign in anew."""
        ...

    def redeem(self, request: SignInRequest, redirect: str, code: str) -> SignedIn:
        """Who has signed in. Raises Refused for a code or a token that is not accepted."""
        ...

    def sign_out_address(self, back: str) -> str:
        """Where the browser ends the directory's own session; empty where it has no such address."""
        ...


class Sealer(Protocol):
    """Seals texts under keys of the app, a *purpose* apart from all others."""

    def seal(self, purpose: str, text: str) -> str: ...

    def unseal(self, purpose: str, sealed: str) -> str | None:
        """The text; None for what was not sealed so, or was changed."""
        ...

    def sign(self, purpose: str, text: str) -> str:
        """A signature that `is_signed` knows."""
        ...

    def is_signed(self, purpose: str, text: str, signature: str) -> bool: ...
