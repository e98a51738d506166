"""The app's identity may do what the role table declares, and not everything: declared against actual."""

from shared.domain.azure.inspection import Grant, Hidden
from shared.operations.doctor.findings import Finding, Findings, Site, SubjectReport, check
from shared.operations.roles.assignments import APP, Assignment, assignments
from shared.operations.roles.catalogue import missing_actions


@check
def permissions(site: Site) -> Findings:
    own_assignments = [
        assignment
        for assignment in assignments(site.configuration)
        if assignment.identity == APP and assignment.resource
    ]
    for assignment in own_assignments:
        yield check_assignment(site, assignment)


def check_assignment(site: Site, assignment: Assignment) -> Finding:
    """What the app's identity may do on one scope, against what is declared for it."""
    report = SubjectReport("permissions", assignment.scope + (" (for this doctor)" if assignment.only_doctor else ""))
    roles = " and ".join(f"{role.name} ({role.id})" for role in assignment.roles)
    fix = f"give the app's identity {roles} on {assignment.scope}"
    try:
        grants = site.control.grants(assignment.resource)
    except Hidden as refusal:
        return report.unknown(str(refusal), "give the app's identity Reader there, so that it can be compared")
    lacking = missing_actions(assignment.need, grants)
    if lacking:
        summary = ", ".join(lacking[:4]) + (f" and {len(lacking) - 4} more" if len(lacking) > 4 else "")
        return (report.warning if assignment.only_doctor else report.broken)(f"lacks {summary}", fix)
    if any(_rules(grant) for grant in grants):
        return report.warning("may do everything there, grant roles included", f"take Owner or Contributor away; {fix}")
    return report.ok("may do what is declared")


def _rules(grant: Grant) -> bool:
    return "*" in grant.actions
