"""The caller that the claims of a verified token name. An ambiguous claim is refused.

Contract: https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference
"""

import base64
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from shared.codec import unique_fields
from shared.domain.access.callers import Caller, CallerKind
from shared.domain.failures import Refused
from shared.domain.promotion.people import mail_names


def tenant_of(issuer: str) -> str:
    """The tenant in `https://HOST/TENANT/v2.0`, in lower case; empty where there is none."""
    return urlsplit(issuer).path.strip("/").partition("/")[0].lower()


def refuse_duplicates(token: str) -> None:
    """Raises Refused where the header or the payload of *token* says a claim twice: readers differ on which counts."""
    for part in token.split(".")[:2]:
        try:
            json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)), object_pairs_hook=unique_fields)
        except (ValueError, RecursionError) as error:
            raise Refused(f"the token is not accepted: {error}; sign in again") from error


def caller_of(claims: Mapping[str, Any], tenant: str) -> Caller:
    """The caller whom *claims* name. Raises Refused for a token of another tenant than *tenant*, or of no application.

    Scopes are in tokens of people only, whatever optional claims were configured; and people sign in with an
    application, which `azp` (v2.0) or `appid` (v1.0) names.
    """
    issued_in = str(claims.get("tid") or tenant).lower()
    if issued_in != tenant:
        raise Refused(f"the token is of tenant {issued_in!r}; sign in to {tenant!r}")
    application = str(claims.get("azp") or claims.get("appid") or "")
    # `idtyp` is an optional claim that an app registration may leave out, so its absence proves no person.
    machine = "scp" not in claims or claims.get("idtyp") == "app"
    if not machine and not application:
        raise Refused("the token names no application (claim azp or appid), so it is no person's; sign in again")
    upn = str(claims.get("upn") or claims.get("preferred_username") or "")
    mails = mail_names(*(claims.get(name) for name in ("upn", "preferred_username", "unique_name", "email")))
    return Caller(
        oid=str(claims["oid"]),
        name=upn or str(claims["oid"]),
        roles=_texts(claims, "roles"),
        groups=_texts(claims, "groups"),
        tenant=issued_in,
        upn=upn if "@" in upn else "",
        mails=() if machine else mails,
        kind=CallerKind.MACHINE if machine else CallerKind.PERSON,
        app=application if machine else "",
        authenticated_at=authenticated_at(claims),
    )


def authenticated_at(claims: Mapping[str, Any]) -> datetime | None:
    """When the person of *claims* proved who they are; None where the token does not say.

    When it was issued says nothing of it: a directory gives tokens to who has signed in some days ago.
    """
    seconds = claims.get("auth_time")
    return datetime.fromtimestamp(seconds, UTC) if isinstance(seconds, int) else None


def _texts(claims: Mapping[str, Any], name: str) -> tuple[str, ...]:
    values = claims.get(name)
    return tuple(map(str, values)) if isinstance(values, list) else ()
