"""Run every check, a few at a time, and give what they found, the worst first."""

import logging
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

from shared.domain.azure.inspection import Hidden
from shared.domain.failures import Refused, Transient
from shared.operations.doctor import checks
from shared.operations.doctor.findings import Check, Finding, Grade, Site, SubjectReport, check

_log = logging.getLogger(__name__)
_AT_ONCE = 6
_WORST_FIRST = (Grade.BROKEN, Grade.UNKNOWN, Grade.WARNING, Grade.OK)
assert checks  # Importing them registers them.


def examine(site: Site) -> tuple[Finding, ...]:
    """Every finding, the worst first."""
    return run_checks(site, check.checks)


def run_checks(site: Site, named: Mapping[str, Check]) -> tuple[Finding, ...]:
    """What the checks of *named* find, the worst first. A check that breaks is itself a finding."""
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        findings = [finding for run in pool.map(lambda item: _run(item, site), named.items()) for finding in run]
    return tuple(
        sorted(findings, key=lambda finding: (_WORST_FIRST.index(finding.grade), finding.check, finding.subject))
    )


def _run(item: tuple[str, Check], site: Site) -> list[Finding]:
    name, body = item
    findings: list[Finding] = []
    report = SubjectReport(name, "all of it")
    try:
        findings.extend(body(site))
    except Hidden as no_access:
        findings.append(report.unknown(str(no_access), "give the app's identity Reader there (see docs/roles.md)"))
    except Refused as refusal:
        findings.append(report.broken(str(refusal), "see the message; docs/doctor.md explains each check"))
    except Transient as fault:
        findings.append(
            report.unknown(str(fault), "try again; if it stays so, look at the network and at Azure's status")
        )
    except Exception as error:  # What breaks one check must not hide what the others found.
        _log.exception("check %s broke", name)
        findings.append(
            report.unknown(f"the check itself broke: {type(error).__name__}", "report it with the app's log")
        )
    return findings
