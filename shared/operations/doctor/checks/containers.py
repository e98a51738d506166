"""The hub's containers: they are there, and the identity may do in each what the role table says it does.

A write that can never happen (on an eTag that nothing has) shows whether it would be allowed, and leaves nothing.
"""

from shared.domain.azure import resources
from shared.domain.azure.inspection import Hidden
from shared.domain.configuration import TeamHub
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
    for team_hub in site.configuration.hubs:
        for name in team_hub.containers:
            yield from _taken_over(site, team_hub, name)
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


def _taken_over(site: Site, hub: TeamHub, name: str) -> Findings:
    """A finding where the Data Hub has the container *name* too: routes that took files there have lost them."""
    central = resources.account(site.configuration)
    resource = central and f"{central}/blobServices/default/containers/{name}"
    try:
        if not resource or site.control.find(resource) is None:
            return
    except Hidden:
        return  # That the account cannot be looked at is a finding of its own.
    report = SubjectReport("containers", f"{site.configuration.hub.account}/{name}")
    problem = f"is there too, and nothing is taken from it since hub {hub.name} has the name"
    yield report.warning(problem, "give the hub's container a name of its own, or empty and remove the other one")


def _log_place(site: Site) -> Finding:
    """Whether a locked immutability policy can lie on the audit log."""
    hub = site.configuration.hub
    report = SubjectReport("containers", f"audit log in {hub.audit or hub.state}")
    if hub.audit:
        return _policy(site, report, hub.audit)
    return report.ok("lies among records that change, where no policy can protect it; hub.audit gives it a container")


def _policy(site: Site, report: SubjectReport, container: str) -> Finding:
    """Whether the policy is there, and locked: an unlocked one can be taken away again by its maker."""
    own, fix = "has a container of its own", "lock a time-based retention policy on it: see docs/audit-log.md"
    resource = resources.container(site.configuration, container)
    if not resource:
        return report.ok(f"{own}; whether a policy lies on it cannot be asked without `hub.subscription`")
    try:
        policy_holder = site.control.find(resource)
    except Hidden as refusal:
        return report.unknown(f"{own}; its policy cannot be read: {refusal}", "give the app's identity Reader on it")
    if policy_holder is None:
        return report.unknown(f"{own}, which Azure Resource Manager does not show", f"create container {container}")
    if policy_holder.immutability == "Locked":
        return report.ok(f"{own}, under a locked immutability policy")
    if policy_holder.immutability:
        return report.warning(f"{own}, whose policy is not locked: it can be taken away again", fix)
    return report.warning(f"{own}, on which no immutability policy lies: entries can be edited and deleted", fix)


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
