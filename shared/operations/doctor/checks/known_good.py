"""Whether the versions that a rollback may want are whole in the registry: the newest known good ones, `keep` of them.

Signalbox removes none of them. A person or a cleaning job of the workspace may have.
"""

from collections.abc import Iterator

from shared.application.promotion.planning import place_shelves, read_bundle
from shared.application.rollout.known_good import uncleared_alerts
from shared.domain.promotion.ladder import Registry, Stage
from shared.domain.promotion.models import DIGEST, ModelVersion, exact_or_none
from shared.domain.rollout.known_good import KnownGoodRules, ended_well, served_long_enough, versions_served
from shared.operations.doctor.findings import Finding, Findings, Site, SubjectReport, check
from shared.records.production.serving import served_intervals

_FIX = "restore it from a backup of the registry, or promote the version again"


@check
def known_good(site: Site) -> Findings:
    registry = next((stage.registry for stage in site.configuration.ladder.stages if stage.registry), None)
    for stage in site.configuration.ladder.stages:
        if registry is not None and stage.rollout is not None and stage.environment is not None:
            for model in _newest(site, stage, stage.rollout.known_good):
                yield _whole(site, registry, stage, model)


def _newest(site: Site, stage: Stage, rules: KnownGoodRules) -> Iterator[ModelVersion]:
    """The versions that served long enough and were not put back, the one that served last first."""
    served = served_intervals(site.statements, stage.workspace.name, stage.serving.online)
    now, kept = site.clock.now(), 0
    for name in versions_served(served):
        model = exact_or_none(name)
        if model is None or kept >= rules.keep:
            continue
        alerts = uncleared_alerts(site.statements, stage, model)
        if served_long_enough(served, name, rules, now, alerts).met and ended_well(served, name, rules).met:
            kept += 1
            yield model


def _whole(site: Site, registry: Registry, stage: Stage, model: ModelVersion) -> Finding:
    report = SubjectReport("production", f"{model}, known good at {stage.name}")
    entry = site.models.find(registry, model)
    if entry is None:
        return report.broken(f"is not in {registry.name} any more: once it is cold, nothing brings it back", _FIX)
    bundle = read_bundle(site.bundles, *place_shelves(registry, model, ""))
    if bundle.digest != entry.tags.get(DIGEST):
        return report.broken(f"has other bytes in {registry.name} than were approved: {bundle.digest}", _FIX)
    return report.ok(f"is whole in {registry.name}")
