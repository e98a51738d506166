"""The hub's containers: they are there, and the identity may do in each what the role table says it does.

A write that can never happen (on an eTag that nothing has) shows whether it would be allowed, and leaves nothing.
"""

from shared.domain.azure import resources
from shared.domain.failures import Refused, Transient
from shared.operations.doctor.findings import Finding, Findings, Site, SubjectReport, check
from shared.operations.roles.assignments import consequence
from shared.operations.roles.assignments import containers as declared
from shared.operations.roles.catalogue import roles_for

_PROBE, _NO_ETAG = "signalbox-doctor/probe", "0x0"
_FULL = (
    "try again; storage that is read and not written may be full: see Azure's status and the account's limits, "
    "and on one machine the space of the disk"
)


@check
def containers(site: Site) -> Findings:
    for name, (need, _) in declared(site.configuration).items():
        writes = any(action.endswith("/write") for action in need.data_actions)
        roles = " and ".join(f"{role.name} ({role.id})" for role in roles_for(need))
        fix = f"create container {name}, and give the app's identity {roles} on it"
        yield _probe(site, name, writes, consequence(site.configuration, name), fix)
    yield _conditional(site, site.configuration.hub.state)
    yield _log_place(site)


def _probe(site: Site, name: str, writes: bool, meanwhile: str, fix: str) -> Finding:
    report = SubjectReport("containers", f"{resources.account_name(site.configuration, name)}/{name}")
    try:
        next(iter(site.hub.list(name, _PROBE)), None)
    except Refused as refusal:
        return report.broken(f"cannot be read: {refusal}; until then {meanwhile}", fix)
    if not writes:
        return report.ok("can be read")
    try:
        site.hub.replace(name, _PROBE, b"", _NO_ETAG)
    except Refused as refusal:
        return report.broken(f"cannot be written: {refusal}; until then {meanwhile}", fix)
    return report.ok("can be read and written")


def _log_place(site: Site) -> Finding:
    """Whether a locked immutability policy can lie on the audit log."""
    hub = site.configuration.hub
    report = SubjectReport("containers", f"audit log in {hub.audit or hub.state}")
    if hub.audit:
        return report.ok("has a container of its own: put a locked immutability policy on it")
    return report.ok("lies among records that change, where no policy can protect it; hub.audit gives it a container")


def _conditional(site: Site, state: str) -> Finding:
    """Whether the account honours a conditional create: each effect happens once only because it does."""
    report = SubjectReport("containers", f"conditional create in {state}")
    try:
        site.hub.create(state, _PROBE, b"{}")
        created_twice = site.hub.create(state, _PROBE, b"{}")
        site.hub.delete(state, _PROBE)
    except Refused as refusal:
        return report.broken(f"failed: {refusal}", "give the app's identity Storage Blob Data Contributor on it")
    except Transient as fault:
        return report.unknown(f"failed: {fault}", _FULL)
    if created_twice:
        return report.broken(
            "created what was there: effects would repeat", "use a storage account that keeps If-None-Match"
        )
    return report.ok("refuses what is there")
