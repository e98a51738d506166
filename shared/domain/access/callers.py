"""Who calls: a person or a machine whose identity was verified. `permissions` says what they may do."""

import re
from dataclasses import dataclass, fields
from enum import StrEnum

from shared.domain.promotion.approvals import Person


class CallerKind(StrEnum):
    PERSON = "person"
    MACHINE = "machine"


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller(Person):
    """A verified identity; *app* is the application that a machine's token was issued to."""

    kind: CallerKind = CallerKind.PERSON
    app: str = ""

    @classmethod
    def of(cls, person: Person) -> "Caller":
        """*person* as a caller; a caller stays what it is."""
        if isinstance(person, cls):
            return person
        return cls(**{field.name: getattr(person, field.name) for field in fields(Person)})


NOBODY = Caller(oid="", name="nobody")

_CLIENT_ID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_RESOURCE = re.compile(r"(api|https)://\S+")


def token_version(issuer: str) -> str:
    """The `ver` of the tokens that *issuer* gives: 2.0 where it ends with `/v2.0`, else 1.0.

    https://learn.microsoft.com/entra/identity-platform/access-tokens#token-formats
    """
    return "2.0" if issuer.rstrip("/").endswith("/v2.0") else "1.0"


def audience_problem(issuer: str, audience: str) -> str | None:
    """Why no token of *issuer* can be for *audience*, as the rest of a sentence with its remedy; None where one can."""
    if _CLIENT_ID.fullmatch(audience):
        return None
    if token_version(issuer) == "2.0":
        return (
            "while v2.0 tokens carry the application's client id; set it to the client id, or, where "
            "requestedAccessTokenVersion of the registration is null or 1, set SIGNALBOX_TOKEN_ISSUER to "
            "https://sts.windows.net/TENANT"
        )
    if not _RESOURCE.fullmatch(audience):
        return "which no token can be for; use the registration's Application ID URI (api://...) or its client id"
    return None
