"""Whoever signs tokens: its metadata can be read, it is who the setting says, and it publishes keys."""

from shared.domain.access.callers import audience_problem, token_version
from shared.domain.failures import Refused, Transient
from shared.operations.doctor.findings import Finding, Findings, Said, Site, check


@check
def issuer(site: Site) -> Findings:
    named, audience = site.settings.token_issuer, site.settings.token_audience
    said = Said("issuer", "SIGNALBOX_TOKEN_AUDIENCE")
    problem = audience_problem(named, audience)
    if problem is None:
        yield said.ok(f"is {audience}, and the issuer's tokens are v{token_version(named)}")
    else:
        found, _, fix = problem.partition("; ")
        yield said.broken(f"is {audience!r}, {found}", fix)
    if named:
        yield _metadata(site, named)


def _metadata(site: Site, named: str) -> Finding:
    said, fix = (
        Said("issuer", named),
        "set SIGNALBOX_TOKEN_ISSUER to the tenant's own issuer, and let the app reach it",
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
