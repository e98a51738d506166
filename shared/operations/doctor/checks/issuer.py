"""The token issuer: its metadata can be read, it has the name that the setting gives it, and it publishes keys."""

from shared.domain.access.callers import audience_problem, token_version
from shared.domain.failures import Refused, Transient
from shared.operations.doctor.findings import Finding, Findings, Site, SubjectReport, check


@check
def issuer(site: Site) -> Findings:
    token_issuer, audience = site.settings.token_issuer, site.settings.token_audience
    report = SubjectReport("issuer", "SIGNALBOX_TOKEN_AUDIENCE")
    problem = audience_problem(token_issuer, audience)
    if problem is None:
        yield report.ok(f"is {audience}, and the issuer's tokens are v{token_version(token_issuer)}")
    else:
        problem_text, _, fix = problem.partition("; ")
        yield report.broken(f"is {audience!r}, {problem_text}", fix)
    if token_issuer:
        yield _metadata(site, token_issuer)


def _metadata(site: Site, token_issuer: str) -> Finding:
    report, fix = (
        SubjectReport("issuer", token_issuer),
        "set SIGNALBOX_TOKEN_ISSUER to the tenant's own issuer, and let the app reach it",
    )
    try:
        metadata = site.control.issuer(token_issuer)
    except (Refused, Transient) as error:
        return report.broken(f"its metadata cannot be read: {error}", fix)
    if metadata.issuer.rstrip("/") != token_issuer.rstrip("/"):
        return report.broken(f"calls itself {metadata.issuer!r}", fix)
    if not metadata.keys:
        return report.broken("publishes no keys, so no signature can be checked", fix)
    return report.ok(f"publishes {metadata.keys} keys")
