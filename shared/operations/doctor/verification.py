"""The part of the doctor that proves an environment that was just made: it stands, the app may work in it, people may
do there what the matrix says and no more. It names what keeps the environment from being ready."""

from collections.abc import Mapping
from dataclasses import dataclass

from shared.operations.doctor.checks.permissions import check_assignment
from shared.operations.doctor.checks.workspaces import check_datastore, check_environment
from shared.operations.doctor.examine import run_checks
from shared.operations.doctor.findings import Check, Findings, Grade, Site, SubjectReport
from shared.operations.doctor.personas import check_personas
from shared.operations.roles.assignments import APP, assignments

_TARGETS = ("workspace", "store", "group")  # The scopes that the template of a team's environment gives roles on.


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvironmentProof:
    """*problems*: what is broken or cannot be seen, with its remedy. *proven*: what the personas may do."""

    problems: tuple[str, ...]
    proven: tuple[str, ...]


def verify(site: Site, environments: tuple[str, ...], groups: Mapping[str, str]) -> EnvironmentProof:
    """The look at *environments*; *groups* are the personas' object ids."""

    def workspaces(site: Site) -> Findings:
        for workspace in site.configuration.workspaces:
            if workspace.name in environments:
                yield check_environment(site, workspace)
                yield check_datastore(site, workspace)

    def permissions(site: Site) -> Findings:
        targets = {f"{kind}:{name}" for kind in _TARGETS for name in environments}
        for assignment in assignments(site.configuration):
            if assignment.identity == APP and assignment.resource and assignment.target in targets:
                yield check_assignment(site, assignment)

    def personas(site: Site) -> Findings:
        if not groups:
            report = SubjectReport("personas", "all of them")
            yield report.broken("cannot be proven: nothing says which groups they are", "set provisioning.groups")
        for workspace in site.configuration.workspaces:
            if workspace.name in environments:
                yield from check_personas(site, workspace, groups)

    checks: tuple[Check, ...] = (workspaces, permissions, personas)
    findings = run_checks(site, {check.__name__: check for check in checks})
    problems = tuple(
        f"{finding.check}: {finding.subject} {finding.found} ({finding.fix})"
        for finding in findings
        if finding.grade in (Grade.BROKEN, Grade.UNKNOWN)
    )
    proofs = [finding for finding in findings if (finding.check, finding.grade) == ("personas", Grade.OK)]
    return EnvironmentProof(problems=problems, proven=tuple(f"{proof.subject} {proof.found}" for proof in proofs))
