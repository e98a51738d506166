"""Whoever signs tokens: its metadata can be read, it is who the setting says, and it publishes keys."""

import re

from shared.doctor.findings import Finding, Findings, Said, Site, check
from shared.domain.failures import Refused, Transient

_AUDIENCE = re.compile(r"api://\S+|[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|https://\S+")


@check
def issuer(site: Site) -> Findings:
    named, audience = site.settings.token_issuer, site.settings.token_audience
    said = Said("issuer", "SIGNALBOX_TOKEN_AUDIENCE")
    if _AUDIENCE.fullmatch(audience):
        yield said.ok(f"is {audience}")
    else:
        fix = "use the app registration's Application ID URI (api://...) or its client id"
        yield said.broken(f"is {audience!r}, which no token can be for", fix)
    if named:
        yield _metadata(site, named)


def _metadata(site: Site, named: str) -> Finding:
    said, fix = (
        Said("issuer", named),
        "set SIGNALBOX_TOKEN_ISSUER to the tenant's own v2.0 issuer, and let the app reach it",
    )
    try:
        seen = site.control.issuer(named)
    except (Refused, Transient) as error:
        return said.broken(f"its metadata cannot be read: {error}", fix)
    if seen.issuer.rstrip("/") != named.rstrip("/"):
        return said.broken(f"calls itself {seen.issuer!r}", fix)
    if not seen.keys:
        return said.broken("publishes no keys, so no signature can be checked", fix)
    return said.ok(f"publishes {seen.keys} keys")
