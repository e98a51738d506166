"""The compute behind the routes' deployments is there and has not failed."""

from shared.domain.azure import resources
from shared.domain.inference.routes import Scoring
from shared.operations.doctor.findings import Finding, Findings, Said, Site, check
from shared.ports import EndpointKind


@check
def compute(site: Site) -> Findings:
    seen = set[str]()
    for score in dict.fromkeys(route.score for route in site.configuration.routes):
        there = site.endpoints.deployment(score.workspace, EndpointKind.BATCH, score.endpoint, score.deployment)
        wanted = _resource(score, there.compute) if there else ""
        if wanted and wanted not in seen:
            seen.add(wanted)
            yield _stands(site, wanted)


def _stands(site: Site, resource: str) -> Finding:
    said = Said("compute", resource.rpartition("/")[2])
    there = site.control.find(resource)
    if there is None:
        return said.broken(f"is not there: {resource}", "create the compute cluster, or deploy with another")
    if there.state not in ("", "Succeeded"):
        return said.broken(f"is {there.state}", "repair or resize the compute cluster in Azure ML")
    return said.ok("is there")


def _resource(score: Scoring, named: str) -> str:
    """The ARM id of a deployment's compute, which may be named `azureml:NAME`."""
    if named.startswith("/"):
        return named
    name = named.removeprefix("azureml:")
    return f"{resources.workspace(score.workspace)}/computes/{name}" if name else ""
