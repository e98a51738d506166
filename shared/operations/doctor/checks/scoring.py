"""What the routes name exists: the batch endpoint, its deployment and compute, and the exact model version."""

from shared.domain.azure import resources
from shared.domain.inference.routes import Scoring
from shared.domain.promotion.models import ModelVersion
from shared.operations.doctor.findings import Finding, Findings, Site, SubjectReport, check
from shared.ports import EndpointKind


@check
def scoring(site: Site) -> Findings:
    for score in dict.fromkeys(route.score for route in site.configuration.routes):
        yield _check_deployment(site, score)
        yield _check_registration(site, score)


def _check_deployment(site: Site, score: Scoring) -> Finding:
    address = f"{score.workspace.workspace}/{score.endpoint}/{score.deployment}"
    report, model = SubjectReport("scoring", f"deployment {address}"), f"{score.model}:{score.version}"
    deployment = site.endpoints.deployment(score.workspace, EndpointKind.BATCH, score.endpoint, score.deployment)
    if deployment is None:
        fix = f"deploy {model} there, or correct `score` of the route"
        return report.broken("is not there, so no job of the route can be made", fix)
    if deployment.state not in ("", "Succeeded"):
        return report.broken(f"is {deployment.state}", "deploy it again; Azure ML says why it failed")
    version = _version(deployment.model)
    if version and version != model:
        fix = f"deploy {model}, or write model: {version} in the route if that is what is meant"
        return report.broken(f"serves {version}, and the route says {model}", fix)
    return report.ok(f"serves {version or 'a model of its own naming'}")


def _check_registration(site: Site, score: Scoring) -> Finding:
    model = ModelVersion(name=score.model, version=score.version)
    report = SubjectReport("scoring", f"model {model} in {score.workspace.workspace}")
    if site.models.find(score.workspace, model) is None:
        return report.broken("is not registered", "register it, or correct `model` of the route")
    return report.ok("is registered")


def _version(model: str) -> str:
    """`name:version` of an ARM id or an azureml reference; empty for forms that do not name it."""
    parts = model.strip("/").split("/")
    if len(parts) >= 4 and parts[-4] == "models" and parts[-2] == "versions":
        return f"{parts[-3]}:{parts[-1]}"
    return parts[-1].removeprefix("azureml:") if ":" in parts[-1] else ""


@check
def compute(site: Site) -> Findings:
    compute_ids = set[str]()
    for score in dict.fromkeys(route.score for route in site.configuration.routes):
        deployment = site.endpoints.deployment(score.workspace, EndpointKind.BATCH, score.endpoint, score.deployment)
        compute_id = _compute_id(score, deployment.compute) if deployment else ""
        if compute_id and compute_id not in compute_ids:
            compute_ids.add(compute_id)
            yield _check_compute(site, compute_id)


def _check_compute(site: Site, resource: str) -> Finding:
    report = SubjectReport("compute", resource.rpartition("/")[2])
    cluster = site.control.find(resource)
    if cluster is None:
        return report.broken(f"is not there: {resource}", "create the compute cluster, or deploy with another")
    if cluster.state not in ("", "Succeeded"):
        return report.broken(f"is {cluster.state}", "repair or resize the compute cluster in Azure ML")
    return report.ok("is there")


def _compute_id(score: Scoring, compute_name: str) -> str:
    """The ARM id of a deployment's compute, which may be named `azureml:NAME`."""
    if compute_name.startswith("/"):
        return compute_name
    name = compute_name.removeprefix("azureml:")
    return f"{resources.workspace(score.workspace)}/computes/{name}" if name else ""
