"""Workspaces and the registry can be reached, and the datastore of the staging container is the staging container."""

from shared.domain.azure import resources
from shared.domain.azure.inspection import Hidden
from shared.domain.azure.resources import EXPERIMENT_TAG
from shared.domain.inference.routes import Workspace
from shared.operations.doctor.findings import Finding, Findings, Site, SubjectReport, check


@check
def workspaces(site: Site) -> Findings:
    configuration = site.configuration
    for workspace in configuration.workspaces:
        yield check_environment(site, workspace)
        if configuration.is_of_hubs(workspace):
            yield from _check_experiment(site, workspace)
    for registry in resources.registries(configuration):
        yield _stands(site, f"registry {registry.name}", resources.registry(registry), "registry")
    for workspace in dict.fromkeys(route.score.workspace for route in configuration.routes):
        yield check_datastore(site, workspace)


def _stands(site: Site, subject: str, resource: str, section: str) -> Finding:
    report = SubjectReport("workspaces", subject)
    try:
        arm_resource = site.control.find(resource)
    except Hidden as refusal:
        return report.unknown(str(refusal), "give the app's identity Reader on it (see docs/roles.md)")
    if arm_resource is None:
        return report.broken(f"is not there: {resource}", f"correct {section} in signalbox.yaml, or create it")
    if arm_resource.state not in ("", "Succeeded"):
        return report.broken(f"is {arm_resource.state}", "wait for its provisioning, or repair it in Azure")
    return report.ok("is there")


def check_environment(site: Site, workspace: Workspace) -> Finding:
    """Whether the workspace of an environment stands."""
    subject, section = f"workspace {workspace.workspace}", f"environments.{workspace.name}"
    return _stands(site, subject, resources.workspace(workspace), section)


def _check_experiment(site: Site, workspace: Workspace) -> Findings:
    """Whether the workspace itself says that it is an experiment. The configuration that says so could name any."""
    report = SubjectReport("workspaces", f"experiment {workspace.workspace}")
    try:
        arm_resource = site.control.find(resources.workspace(workspace))
    except Hidden:
        return  # `check_environment` has said so.
    tags = arm_resource.tags if arm_resource else {}
    if tags.get(EXPERIMENT_TAG) == "true":
        yield report.ok(f"is tagged {EXPERIMENT_TAG}")
        return
    problem = f"teams use hubs of their own there, and it has no tag {EXPERIMENT_TAG}: true"
    remedy = f"if it serves nobody, apply team:{workspace.name}, which tags it, or let its owner do so"
    yield report.broken(problem, f"{remedy}; otherwise take {workspace.name} out of hubs.NAME.environments")


def check_datastore(site: Site, workspace: Workspace) -> Finding:
    """Whether jobs of the workspace find the staging container."""
    hub = site.configuration.hub
    report = SubjectReport("workspaces", f"datastore {hub.datastore} of {workspace.workspace}")
    datastore, location = site.control.datastore(workspace, hub.datastore), f"{hub.account}/{hub.staging}"
    fix = f"register a blob datastore {hub.datastore} for container {hub.staging} of {hub.account}, without credentials"
    if datastore is None:
        return report.broken("is not there, so jobs find no input", fix)
    if f"{datastore.account}/{datastore.container}" != location:
        return report.broken(f"is {datastore.account}/{datastore.container}, and jobs need {location}", fix)
    return report.ok(f"is {location}")
