"""Workspaces and the registry can be reached, and the datastore of the staging container is the staging container."""

from shared.domain.azure import resources
from shared.domain.azure.inspection import Hidden
from shared.domain.inference.routes import Workspace
from shared.operations.doctor.findings import Finding, Findings, Said, Site, check


@check
def workspaces(site: Site) -> Findings:
    configuration = site.configuration
    for workspace in configuration.workspaces:
        yield _stands(
            site, f"workspace {workspace.workspace}", resources.workspace(workspace), f"environments.{workspace.name}"
        )
    for registry in resources.registries(configuration):
        yield _stands(site, f"registry {registry.name}", resources.registry(registry), "registry")
    for workspace in dict.fromkeys(route.score.workspace for route in configuration.routes):
        yield _datastore(site, workspace)


def _stands(site: Site, subject: str, resource: str, section: str) -> Finding:
    said = Said("workspaces", subject)
    try:
        there = site.control.find(resource)
    except Hidden as hidden:
        return said.unknown(str(hidden), "give the app's identity Reader on it (see docs/roles.md)")
    if there is None:
        return said.broken(f"is not there: {resource}", f"correct {section} in signalbox.yaml, or create it")
    if there.state not in ("", "Succeeded"):
        return said.broken(f"is {there.state}", "wait for its provisioning, or repair it in Azure")
    return said.ok("is there")


def _datastore(site: Site, workspace: Workspace) -> Finding:
    hub = site.configuration.hub
    said = Said("workspaces", f"datastore {hub.datastore} of {workspace.workspace}")
    there, wanted = site.control.datastore(workspace, hub.datastore), f"{hub.account}/{hub.staging}"
    fix = f"register a blob datastore {hub.datastore} for container {hub.staging} of {hub.account}, without credentials"
    if there is None:
        return said.broken("is not there, so jobs find no input", fix)
    if f"{there.account}/{there.container}" != wanted:
        return said.broken(f"is {there.account}/{there.container}, and jobs need {wanted}", fix)
    return said.ok(f"is {wanted}")
