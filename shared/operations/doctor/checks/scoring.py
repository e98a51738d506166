"""What scores exists: the endpoint, its deployment and compute, and the exact model version, still in use.

Of a route that follows its endpoint it is the default deployment at the time of the check.
"""

from collections.abc import Iterator

from shared.application.inference.scoring import current_scoring, kind_of, withdrawn_state
from shared.domain.azure import resources
from shared.domain.failures import Refused
from shared.domain.inference.routes import Scoring
from shared.domain.promotion.models import ModelVersion
from shared.operations.doctor.findings import Finding, Findings, Site, SubjectReport, check


@check
def scoring(site: Site) -> Findings:
    for configured in dict.fromkeys(route.score for route in site.configuration.routes):
        try:
            score = current_scoring(site.endpoints, configured)
        except Refused as refusal:
            report = SubjectReport("scoring", f"endpoint {configured.workspace.workspace}/{configured.endpoint}")
            fix = f"promote {configured.model} to {configured.workspace.name}, or pin a deployment in the route"
            yield report.broken(f"scores nothing for the route: {refusal}", fix)
            continue
        yield _check_deployment(site, score)
        yield _check_registration(site, score)
        yield from _check_withdrawal(site, score)


def _check_withdrawal(site: Site, score: Scoring) -> Iterator[Finding]:
    """Nothing is said of a version that was never withdrawn: most are in no registry."""
    state = withdrawn_state(site.statements, score)
    if state is not None:
        report = SubjectReport("scoring", f"model {score.scored_model} in {score.workspace.workspace}")
        manner = "is the endpoint's default" if score.follows else "is pinned by a route"
        fix = "promote another version" if score.follows else "leave deployment and version out of `score`"
        yield report.broken(f"{manner}, and was {state.value}", f"{fix}, so that what was promoted scores")


def _check_deployment(site: Site, score: Scoring) -> Finding:
    address = f"{score.workspace.workspace}/{score.endpoint}/{score.deployment}"
    report, model = SubjectReport("scoring", f"deployment {address}"), score.scored_model
    deployment = site.endpoints.deployment(score.workspace, kind_of(score), score.endpoint, score.deployment)
    if deployment is None:
        fix = f"deploy {model} there, or correct `score` of the route"
        return report.broken("is not there, so no job of the route can be made", fix)
    if deployment.state not in ("", "Succeeded"):
        return report.broken(f"is {deployment.state}", "deploy it again; Azure ML says why it failed")
    version = ModelVersion.of_asset(deployment.model)
    if version is not None and str(version) != model:
        fix = f"deploy {model}, or write model: {version} in the route if that is what is meant"
        return report.broken(f"serves {version}, and the route says {model}", fix)
    return report.ok(f"serves {version or 'a model of its own naming'}")


def _check_registration(site: Site, score: Scoring) -> Finding:
    model = ModelVersion(name=score.model, version=score.version)
    report = SubjectReport("scoring", f"model {model} in {score.workspace.workspace}")
    if site.models.find(score.workspace, model) is None:
        return report.broken("is not registered", "register it, or correct `model` of the route")
    return report.ok("is registered")


@check
def compute(site: Site) -> Findings:
    compute_ids = {
        _compute_id(route.score, name)
        for route in site.configuration.routes
        for name in (route.overrides.compute, *route.limits.computes)
        if name
    }
    for compute_id in sorted(compute_ids):
        yield _check_compute(site, compute_id)
    for score in _scorings(site):
        deployment = site.endpoints.deployment(score.workspace, kind_of(score), score.endpoint, score.deployment)
        compute_id = _compute_id(score, deployment.compute) if deployment else ""
        if compute_id and compute_id not in compute_ids:
            compute_ids.add(compute_id)
            yield _check_compute(site, compute_id)


def _scorings(site: Site) -> Iterator[Scoring]:
    """What scores now, each once; the check of scoring reports an endpoint that has nothing."""
    for configured in dict.fromkeys(route.score for route in site.configuration.routes):
        try:
            yield current_scoring(site.endpoints, configured)
        except Refused:
            continue


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
