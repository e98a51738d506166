"""The configuration and its data contracts as they lie on the disk now: a contract may have changed since the start."""

from shared.config import check as findings_of
from shared.operations.doctor.findings import Findings, Said, Site, check


@check
def configuration(site: Site) -> Findings:
    path = site.settings.config_path
    findings = findings_of(path)
    for finding in findings:
        report = Said("configuration", f"{finding.file or path.name}:{finding.line}: {finding.field}")
        grade = report.broken if finding.level == "error" else report.warning
        yield grade(finding.problem, finding.remedy)
    if not findings:
        yield Said("configuration", path.name).ok("and its data contracts are valid")
