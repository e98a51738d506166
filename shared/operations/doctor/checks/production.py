"""What a rollout rests on outside the app: figures that come, logs that are kept, rules that call, room for two fleets,
and whole entries of the versions that a rollback may want. Every stage with `rollout` is looked at.
"""

from collections.abc import Iterator

from shared.application.promotion.planning import place_shelves, read_bundle
from shared.application.rollout.known_good import uncleared_alerts
from shared.application.rollout.quota import fleet_quota
from shared.domain.azure import resources
from shared.domain.counts import counted
from shared.domain.failures import Refused, Transient
from shared.domain.promotion.ladder import Registry, Stage
from shared.domain.promotion.models import DIGEST, ModelVersion, exact_or_none
from shared.domain.rollout.known_good import KnownGoodRules, ended_well, served_long_enough, versions_served
from shared.domain.rollout.policy import CountSource, RolloutPolicy
from shared.operations.doctor.findings import Finding, Findings, Site, SubjectReport, check
from shared.ports import AlertRuleSeen, EndpointKind, LogSetting, ServedEndpoint
from shared.records.production.serving import served_intervals

_TRAFFIC_LOG, _ALL_LOGS = "AmlOnlineEndpointTrafficLog", "allLogs"
_HOUR = 60
_RESTORE = "restore it from a backup of the registry, or promote the version again"


@check
def production(site: Site) -> Findings:
    for stage in site.configuration.ladder.stages:
        if stage.rollout is None or stage.environment is None:
            continue
        served = ServedEndpoint(workspace=stage.environment, endpoint=stage.serving.online)
        if site.endpoints.find(stage.environment, EndpointKind.ONLINE, served.endpoint) is None:
            report = SubjectReport("production", f"endpoint {stage.environment.workspace}/{served.endpoint}")
            # No rule can watch an endpoint that is not there.
            yield report.ok("is not there yet: the first release makes it; figures and alert rules come after that")
        else:
            yield from _figures(site, stage.rollout, served)
            yield from _rules(site, stage.rollout, served)
        yield from _quota(site, stage)


def _figures(site: Site, policy: RolloutPolicy, served: ServedEndpoint) -> Iterator[Finding]:
    """Whether the source of counts answers, and whether the traffic log is written where it is the source."""
    source = policy.look.counts
    report = SubjectReport("production", f"{source.value} of {served.endpoint}")
    last = int(site.clock.now().timestamp() - policy.look.due_s) // 60 - 1
    try:
        minutes = list(site.traffic_figures(source).minutes(served, last - _HOUR, last))
    except Refused as refusal:
        fix = "see docs/roles.md for the role, and for the traffic log AZURE_LOG_ANALYTICS_WORKSPACES"
        yield report.broken(f"cannot be read, so no rollout goes on: {refusal}", fix)
    except Transient as fault:
        yield report.unknown(str(fault), "try again; if it stays so, look at Azure Monitor's status")
    else:
        requests = sum(minute.requests for minute in minutes)
        yield report.ok(f"answers: {counted(requests, 'request')} in the hour before")
    if source is CountSource.TRAFFIC_LOG:
        yield _traffic_log(site, served)


def _traffic_log(site: Site, served: ServedEndpoint) -> Finding:
    report = SubjectReport("production", f"diagnostic settings of {served.endpoint}")
    fix = f"send the category {_TRAFFIC_LOG} of the endpoint to the Log Analytics workspace of its environment"
    keeping = [setting.name for setting in site.monitoring_set_up.log_settings(served) if _keeps_traffic(setting)]
    if not keeping:
        return report.broken("send its traffic log to no Log Analytics workspace, so nothing is counted", fix)
    return report.ok(f"send its traffic log to Log Analytics ({', '.join(keeping)})")


def _keeps_traffic(setting: LogSetting) -> bool:
    names = {category.lower() for category in setting.categories}
    return bool(setting.workspace) and bool(names & {_TRAFFIC_LOG.lower(), _ALL_LOGS.lower()})


def _rules(site: Site, policy: RolloutPolicy, served: ServedEndpoint) -> Iterator[Finding]:
    for name in policy.alerts.rules:
        report = SubjectReport("production", f"alert rule {name}")
        rule = site.monitoring_set_up.alert_rule(served.workspace, name)
        if rule is None:
            fix = f"create it on endpoint {served.endpoint}, or remove it from `rollout.alerts.rules`"
            yield report.broken(f"is not in resource group {served.workspace.resource_group}: it never fires", fix)
        else:
            yield _rule(site, report, rule, served)


def _rule(site: Site, report: SubjectReport, rule: AlertRuleSeen, served: ServedEndpoint) -> Finding:
    endpoint = f"{resources.workspace(served.workspace)}/onlineEndpoints/{served.endpoint}".lower()
    is_log_rule = any("/microsoft.operationalinsights/" in scope.lower() for scope in rule.scopes)
    is_about = is_log_rule or any(f"{scope.lower()}/".startswith(f"{endpoint}/") for scope in rule.scopes)
    if not rule.enabled:
        return report.broken("is disabled: it never fires", "enable it")
    if not is_about:
        return report.broken(f"watches {', '.join(rule.scopes) or 'nothing'}", f"let it watch {endpoint}")
    host = site.settings.site_host.lower()
    calls = [webhook for webhook in rule.webhooks if webhook.lower().startswith(host) and "/alerts" in webhook.lower()]
    fix = "add an action group with a webhook to POST /api/v1/alerts of this app, in the common alert schema"
    if not calls:
        return report.warning("does not call this app: its alerts wait for the sweep", fix)
    if not rule.common_schema:
        return report.warning("calls without the common alert schema, which the app cannot read", fix)
    return report.ok("watches the endpoint and calls this app")


def _quota(site: Site, stage: Stage) -> Iterator[Finding]:
    """Whether a second fleet fits; a cluster of Kubernetes has no quota of Azure ML."""
    if stage.serving.kubernetes:
        return
    report = SubjectReport("production", f"quota of {stage.serving.instance_type} for {stage.name}")
    quota = fleet_quota(site.endpoints, site.monitoring_set_up, stage)
    if quota is None:
        yield report.unknown("is not said by Azure", "look at the quotas of the subscription in Azure ML studio")
    elif quota.has_room:
        yield report.ok(str(quota))
    else:
        fix = "ask for more quota, or release into a smaller fleet: two stand during a release"
        yield report.broken(str(quota), fix)


@check
def known_good(site: Site) -> Findings:
    """Whether what a rollback may want is whole in the registry: the newest known good versions, `keep` of them.

    Signalbox removes none of them. A person or a cleaning job of the workspace may have.
    """
    registry = next((stage.registry for stage in site.configuration.ladder.stages if stage.registry), None)
    for stage in site.configuration.ladder.stages:
        if registry is not None and stage.rollout is not None and stage.environment is not None:
            for model in _newest_known_good(site, stage, stage.rollout.known_good):
                yield _whole(site, registry, stage, model)


def _newest_known_good(site: Site, stage: Stage, rules: KnownGoodRules) -> Iterator[ModelVersion]:
    """The versions that served long enough and were not put back, the one that served last first."""
    served = served_intervals(site.statements, stage.workspace.name, stage.serving.online)
    now, kept = site.clock.now(), 0
    for name in versions_served(served):
        model = exact_or_none(name)
        if model is None or kept >= rules.keep:
            continue
        alerts = uncleared_alerts(site.statements, stage, model)
        if served_long_enough(served, name, rules, now, alerts).met and ended_well(served, name).met:
            kept += 1
            yield model


def _whole(site: Site, registry: Registry, stage: Stage, model: ModelVersion) -> Finding:
    report = SubjectReport("production", f"{model}, known good at {stage.name}")
    entry = site.models.find(registry, model)
    if entry is None:
        return report.broken(f"is not in {registry.name} any more: once it is cold, nothing brings it back", _RESTORE)
    bundle = read_bundle(site.bundles, *place_shelves(registry, model, ""))
    if bundle.digest != entry.tags.get(DIGEST):
        return report.broken(f"has other bytes in {registry.name} than were approved: {bundle.digest}", _RESTORE)
    return report.ok(f"is whole in {registry.name}")
