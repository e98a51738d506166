"""The compute behind the routes' deployments is there and has not failed."""

from shared.domain.azure import resources
from shared.domain.inference.routes import Scoring
from shared.operations.doctor.findings import Finding, Findings, Site, SubjectReport, check
from shared.ports import EndpointKind


@check
def compute(site: Site) -> Findings:
    compute_ids = set[str]()
    for score in dict.fromkeys(route.score for route in site.configuration.routes):
        deployment = site.endpoints.deployment(score.workspace, EndpointKind.BATCH, score.endpoint, score.deployment)
        compute_id = _resource(score, deployment.compute) if deployment else ""
        if compute_id and compute_id not in compute_ids:
            compute_ids.add(compute_id)
            yield _stands(site, compute_id)


def _stands(site: Site, resource: str) -> Finding:
    report = SubjectReport("compute", resource.rpartition("/")[2])
    cluster = site.control.find(resource)
    if cluster is None:
        return report.broken(f"is not there: {resource}", "create the compute cluster, or deploy with another")
    if cluster.state not in ("", "Succeeded"):
        return report.broken(f"is {cluster.state}", "repair or resize the compute cluster in Azure ML")
    return report.ok("is there")


def _resource(score: Scoring, compute_name: str) -> str:
    """The ARM id of a deployment's compute, which may be named `azureml:NAME`."""
    if compute_name.startswith("/"):
        return compute_name
    name = compute_name.removeprefix("azureml:")
    return f"{resources.workspace(score.workspace)}/computes/{name}" if name else ""
