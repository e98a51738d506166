"""What models are measured by: the hold-outs of those that climb, the references of those that are watched."""

from collections.abc import Iterator

from shared.application.datasets.versions import hub_file
from shared.application.drift.bundled_references import bundled_reference
from shared.application.inference.scoring import current_scoring
from shared.domain.datasets.references import read_reference
from shared.domain.drift.reference import PLACE
from shared.domain.failures import Refused
from shared.domain.inference.routes import Route
from shared.domain.promotion.models import ModelVersion
from shared.operations.doctor.findings import Finding, Findings, Site, SubjectReport, check
from shared.records import paths
from shared.records.store import RecordStore


@check
def holdouts(site: Site) -> Findings:
    for model in site.configuration.ladder.models:
        for path in filter(None, (model.holdout.path, model.holdout.answers)):
            yield _holdout(site, model.name, path)


@check
def references(site: Site) -> Findings:
    for route in _watched_routes(site):
        yield _reference(site, route)


def _holdout(site: Site, model: str, path: str) -> Finding:
    report = SubjectReport("holdouts", f"{path} of {model}")
    layout, reference = site.configuration.hub, read_reference(path)
    container = layout.state if reference else path.partition("/")[0]
    try:
        blob = hub_file(RecordStore(site.hub, layout.state), path)
    except Refused as refusal:
        fix = f"give the app's identity read access to {container}, or correct models.{model}.promotion.holdout"
        return report.broken(f"cannot be read: {refusal}", fix)
    if blob is None:
        consequence = "is not in the hub, so no promotion and no retraining of the model can be judged"
        action = "publish it with `signalbox data publish`" if reference else "put the file there"
        return report.warning(consequence, f"{action}, or correct models.{model}.promotion.holdout")
    note = "" if reference else "; it can be replaced, unlike a published version (NAME@VERSION)"
    return report.ok(f"is there{note}")


def _watched_routes(site: Site) -> Iterator[Route]:
    """A route for each version that is watched and scored, as it is scored now."""
    references = set[tuple[str, str, str]]()
    for configured in site.configuration.routes:
        watch = site.configuration.watch(configured.score.model)
        if watch is None or (watch.routes and configured.name not in watch.routes):
            continue
        try:
            route = configured.scored_by(current_scoring(site.endpoints, configured.score))
        except Refused:
            continue  # The check of scoring reports it.
        score = (route.score.workspace.name, route.score.model, route.score.version)
        if score not in references:
            references.add(score)
            yield route


def _reference(site: Site, route: Route) -> Finding:
    """Where the watch of the route's version has its reference from, in the order in which it looks."""
    score = route.score
    model = ModelVersion(name=score.model, version=score.version)
    report = SubjectReport("references", f"{model} in {score.workspace.name}")
    store = RecordStore(site.hub, site.configuration.hub.state)
    if store.exists(paths.drift_reference(score.model, score.version)):
        return report.ok("is kept")
    fix = f"put {PLACE} in its bundle, or name a profile in {route.contract}: `signalbox profile` writes one"
    try:
        if bundled_reference(site.models, site.bundles, score.workspace, model):
            return report.ok("travels with it")
        if site.drift_files.own_reference(route.contract):
            return report.ok(f"is that of {route.contract}, inputs alone")
    except Refused as refusal:
        return report.broken(str(refusal), fix)
    return report.warning("is watched and has no reference, so its drift cannot be seen", fix)
