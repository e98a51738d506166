"""Resource locks: a read-only one stops what must be written, and one against deletion stops an Azure ML workspace
from scaling its compute down and every undo from removing what it made."""

from collections.abc import Iterator

from shared.domain.azure import resources
from shared.domain.azure.inspection import Hidden, Lock, LockLevel
from shared.domain.configuration import Configuration
from shared.operations.doctor.findings import Finding, Findings, Said, Site, check


@check
def locks(site: Site) -> Findings:
    for group, held in _groups(site.configuration).items():
        said = Said("locks", group.rpartition("/")[2])
        try:
            found = (*site.control.locks(group), *site.control.locks(group.partition("/resourceGroups/")[0]))
        except Hidden as hidden:
            yield said.unknown(str(hidden), "give the app's identity Reader on the group and its subscription")
            continue
        wrong = list(_wrong(dict.fromkeys(found), held))
        yield from wrong or [said.ok("no lock stops what the app does")]


def _groups(configuration: Configuration) -> dict[str, list[str]]:
    """The resources that the app writes to, by their resource group."""
    account = resources.account(configuration)
    held = [account] if account else []
    held += [resources.workspace(each) for each in configuration.workspaces]
    held += [resources.registry(each) for each in resources.registries(configuration)]
    found = dict[str, list[str]]()
    for resource in held:
        found.setdefault(resource.partition("/providers/")[0], []).append(resource)
    return found


def _wrong(found: dict[Lock, None], held: list[str]) -> Iterator[Finding]:
    for lock in found:
        for resource in filter(lock.covers, held):
            said = Said("locks", resource.rpartition("/")[2])
            what = f"{lock.level.value} lock {lock.name!r} on {lock.scope}"
            if lock.level is LockLevel.READ_ONLY:
                yield said.broken(f"{what}: nothing can be written there", f"remove the lock {lock.name!r}")
            elif "/workspaces/" in resource:
                why = "compute cannot scale down, deployment histories fill up, and no promotion can be undone"
                yield said.broken(
                    f"{what}: {why}", "lock single resources (storage, Key Vault) instead of the workspace"
                )
