"""The app's identity may do what the role table declares, and not everything: declared against actual."""

from shared.domain.azure.inspection import Grant, Hidden
from shared.operations.doctor.findings import Finding, Findings, Said, Site, check
from shared.operations.roles.assignments import APP, Assignment, assignments
from shared.operations.roles.catalogue import missing


@check
def permissions(site: Site) -> Findings:
    known = [each for each in assignments(site.configuration) if each.identity == APP and each.resource]
    for wanted in known:
        yield _judged(site, wanted)


def _judged(site: Site, wanted: Assignment) -> Finding:
    said = Said("permissions", wanted.scope + (" (for this doctor)" if wanted.only_doctor else ""))
    fix = (
        f"give the app's identity {' and '.join(f'{each.name} ({each.id})' for each in wanted.roles)} on {wanted.scope}"
    )
    try:
        grants = site.control.grants(wanted.resource)
    except Hidden as hidden:
        return said.unknown(str(hidden), "give the app's identity Reader there, so that it can be compared")
    lacking = missing(wanted.need, grants)
    if lacking:
        shown = ", ".join(lacking[:4]) + (f" and {len(lacking) - 4} more" if len(lacking) > 4 else "")
        return (said.warning if wanted.only_doctor else said.broken)(f"lacks {shown}", fix)
    if any(_rules(grant) for grant in grants):
        return said.warning("may do everything there, grant roles included", f"take Owner or Contributor away; {fix}")
    return said.ok("may do what is declared")


def _rules(grant: Grant) -> bool:
    return "*" in grant.actions
