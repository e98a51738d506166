"""Who else may write to the app's records, by roles given anywhere above their container, and by the account's keys.

Records are signed, so a writer cannot forge; it can still delete, cut off, and put in what then has to be refused.
"""

from shared.domain.azure import resources
from shared.domain.azure.inspection import Hidden, RoleGiven
from shared.operations.doctor.findings import Finding, Findings, Site, SubjectReport, check

_BLOBS = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs"
# What each right would let somebody do with the records; the actions are those of Azure's permissions reference.
_DATA = {
    f"{_BLOBS}/write": "overwrite records and put new ones in",
    f"{_BLOBS}/add/action": "put new records in",
    f"{_BLOBS}/move/action": "rename records",
    f"{_BLOBS}/delete": "delete records",
    f"{_BLOBS}/deleteBlobVersion/action": "delete the versions that records are restored from",
    f"{_BLOBS}/permanentDelete/action": "delete for good what was deleted softly",
}
_CONTAINER = "the container"
_ACCOUNTS = "Microsoft.Storage/storageAccounts"
_MANAGEMENT = {
    f"{_ACCOUNTS}/listKeys/action": "read the account's keys",
    f"{_ACCOUNTS}/listAccountSas/action": "sign access for anybody (an account SAS)",
    f"{_ACCOUNTS}/listServiceSas/action": "sign access to the container for anybody (a service SAS)",
    f"{_ACCOUNTS}/localUsers/write": "make users who write over SFTP",
    f"{_ACCOUNTS}/write": "change the account, its network and whether its keys open it",
    f"{_ACCOUNTS}/delete": "delete the account",
    f"{_ACCOUNTS}/managementPolicies/write": "have records deleted by their age",
    f"{_ACCOUNTS}/objectReplicationPolicies/write": "have blobs of another account copied in",
    f"{_ACCOUNTS}/restoreBlobRanges/action": "put the records of an earlier moment back",
    f"{_ACCOUNTS}/blobServices/write": "turn versioning and soft delete off",
    f"{_ACCOUNTS}/blobServices/containers/delete": "delete the container",
    f"{_ACCOUNTS}/blobServices/containers/immutabilityPolicies/delete": "remove a policy that is not locked",
    "Microsoft.Authorization/roleAssignments/write": "give anybody any of these rights",
}


@check
def writers(site: Site) -> Findings:
    configuration = site.configuration
    state, name = configuration.hub.state, resources.account_name(configuration, configuration.hub.state)
    report, container = SubjectReport("writers", f"{name}/{state}"), resources.container(configuration, state)
    if not container:
        section = "hub.state_account" if configuration.state_account else "hub"
        fix = f"add {section}.subscription and {section}.resource_group"
        yield report.unknown("cannot be looked at: the configuration does not say where its account is managed", fix)
        return
    findings = [*_account(site, name), *_roles(site, report, container)]
    if log := configuration.hub.audit:  # Roles from above are those of the state container, in the same account.
        of_log, log_report = resources.container(configuration, log), SubjectReport("writers", f"{name}/{log}")
        findings += _roles(site, log_report, of_log, only_there=True)
    place = (
        "its own account" if configuration.state_account else "the hub's account (hub.state_account gives it its own)"
    )
    yield from findings or [report.ok(f"is in {place}, and nobody but the app may write there")]


def _account(site: Site, name: str) -> Findings:
    report = SubjectReport("writers", f"account {name}")
    try:
        account = site.control.find(resources.state_account(site.configuration))
    except Hidden as refusal:
        yield report.unknown(str(refusal), "give the app's identity Reader on the account")
        return
    if account is not None and account.shared_key:
        fact = "is opened by its keys too: who has one may overwrite and delete every record, and no role says who has"
        yield report.warning(fact, "set allowSharedKeyAccess to false on the account")


def _roles(site: Site, report: SubjectReport, container: str, *, only_there: bool = False) -> Findings:
    """With *only_there*, roles that were given on a level above *container* are left out."""
    try:
        own, assignments = site.control.own_principal(), site.control.roles_given(container)
    except Hidden as refusal:
        yield report.unknown(str(refusal), "give the app's identity Reader on the account, so that it sees its roles")
        return
    for role in assignments:
        if role.principal != own and (not only_there or _scope(role.scope, container) == _CONTAINER):
            yield from _role(role, report, container)


def _role(role: RoleGiven, report: SubjectReport, container: str) -> Findings:
    rights = [right for action, right in _DATA.items() if role.allows(action, data=True)]
    rights += [right for action, right in _MANAGEMENT.items() if role.allows(action)]
    if rights:
        yield _finding(role, report, rights, container)


def _finding(role: RoleGiven, report: SubjectReport, rights: list[str], container: str) -> Finding:
    bearer = f"{role.kind or 'principal'} {role.principal}"
    place = _scope(role.scope, container)
    fact = f"may be written to by {bearer}, who has {role.role} on {place} and could {', '.join(rights)}"
    if place == _CONTAINER:
        return report.warning(fact, f"take the role away from {role.principal}: the app is the only writer")
    fix = (
        f"give {role.principal} {role.role} on what it works with, not on {place}; or let the records have an account "
        "of their own (hub.state_account) in a resource group and subscription of few people"
    )
    return report.warning(fact, fix)


def _scope(scope: str, container: str) -> str:
    """The level on which the role was given, with its name."""
    below = scope.rstrip("/").lower()
    if below == container.lower():
        return _CONTAINER
    name = scope.rstrip("/").rpartition("/")[2]
    if "/storageaccounts/" in below:
        return f"storage account {name}"
    if "/resourcegroups/" in below:
        return f"resource group {name}"
    if below.startswith("/subscriptions/"):
        return f"subscription {name}"
    return f"management group {name}" if name else "all subscriptions (the root)"
