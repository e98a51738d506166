"""Resource locks: a read-only one stops what must be written, and one against deletion stops an Azure ML workspace
from scaling its compute down and every undo from removing what it made."""

from collections.abc import Iterator

from shared.domain.azure import resources
from shared.domain.azure.inspection import Hidden, Lock, LockLevel
from shared.domain.configuration import Configuration
from shared.operations.doctor.findings import Finding, Findings, Site, SubjectReport, check


@check
def locks(site: Site) -> Findings:
    for group, resource_ids in _groups(site.configuration).items():
        report = SubjectReport("locks", group.rpartition("/")[2])
        try:
            group_locks = (*site.control.locks(group), *site.control.locks(group.partition("/resourceGroups/")[0]))
        except Hidden as refusal:
            yield report.unknown(str(refusal), "give the app's identity Reader on the group and its subscription")
            continue
        wrong = list(_wrong(dict.fromkeys(group_locks), resource_ids))
        yield from wrong or [report.ok("no lock stops what the app does")]


def _groups(configuration: Configuration) -> dict[str, list[str]]:
    """The resources that the app writes to, by their resource group."""
    account = resources.account(configuration)
    resource_ids = [account] if account else []
    resource_ids += [resources.hub_account(hub) for hub in configuration.hubs]
    resource_ids += [resources.workspace(workspace) for workspace in configuration.workspaces]
    resource_ids += [resources.registry(registry) for registry in resources.registries(configuration)]
    groups = dict[str, list[str]]()
    for resource in resource_ids:
        groups.setdefault(resource.partition("/providers/")[0], []).append(resource)
    return groups


def _wrong(group_locks: dict[Lock, None], resource_ids: list[str]) -> Iterator[Finding]:
    for lock in group_locks:
        for resource in filter(lock.covers, resource_ids):
            report = SubjectReport("locks", resource.rpartition("/")[2])
            lock_text = f"{lock.level.value} lock {lock.name!r} on {lock.scope}"
            if lock.level is LockLevel.READ_ONLY:
                yield report.broken(f"{lock_text}: nothing can be written there", f"remove the lock {lock.name!r}")
            elif "/workspaces/" in resource:
                consequence = "compute cannot scale down, deployment histories fill up, and no promotion can be undone"
                yield report.broken(
                    f"{lock_text}: {consequence}", "lock single resources (storage, Key Vault) instead of the workspace"
                )
