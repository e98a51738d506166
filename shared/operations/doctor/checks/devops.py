"""Azure DevOps: each organisation lets the app in, the projects are there, and hooks come with their secret.

Also whether its drift pipeline runs at night.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from shared.domain.devops.seen import HookSeen
from shared.domain.failures import Refused, Transient
from shared.operations.doctor.findings import Finding, Findings, Site, SubjectReport, check
from shared.records.provisioning import PLATFORM_TEAM, TeamStanding, find_order, find_platform, standings
from shared.records.store import RecordStore

_LONGEST_WITHOUT_LOOK = timedelta(days=2)  # A night that an outage took is no finding.
_DOOR = "/api/v1/devops/hooks"
_DECIDED, _MERGED = "ms.vss-pipelinechecks-events.approval-completed", "git.pullrequest.merged"


@check
def devops(site: Site) -> Findings:
    rules = site.configuration.devops
    if rules.organisations:
        yield _key(site)
    visible = set[str]()
    for organisation in rules.organisations:
        report = SubjectReport("devops", f"organisation {organisation}")
        try:
            visible |= {name for name in rules.projects if site.devops_facts.project_id(organisation, name)}
        except (Refused, Transient) as error:
            fix = "add the app's identity to the organisation's users, and let the app reach AZURE_DEVOPS_URL"
            yield report.broken(f"cannot be looked into: {error}", fix)
            continue
        yield report.ok("answers the app")
        yield from _hooks(site, organisation)
    for name in sorted(set(rules.projects) - visible):
        fix = "correct devops.projects, or add the app's identity to the project's readers"
        yield SubjectReport("devops", f"project {name}").broken(
            "is in no configured organisation that the app may see", fix
        )


@check
def looks(site: Site) -> Findings:
    """Whether the nightly look for drift happens: one that does not would look like a night that finds nothing."""
    rules, store = site.configuration.provisioning, RecordStore(site.hub, site.configuration.hub.state)
    if rules is None:
        return
    moments = {f"{PLATFORM_TEAM}/{look.name}": _moment(find_platform(store, look.name)) for look in rules.platform}
    for standing in standings(store):
        if standing.ready and not standing.working:
            record = find_order(store, standing.ready)
            verified = record.transitions[-1].at if record and record.transitions else ""
            moments[f"{standing.team}/{standing.step}"] = _moment(standing) or verified
    for name, moment in moments.items():
        report = SubjectReport("looks", name)
        if not moment:
            yield report.unknown(
                "nobody has looked for drift yet", "wait for the night, or run `signalbox provision drift --look`"
            )
        elif site.clock.now() - datetime.fromisoformat(moment) > _LONGEST_WITHOUT_LOOK:
            fix = "look at the newest run of the drift pipeline; permit it to use the connection of its reader"
            yield report.broken(f"nobody has looked for drift since {moment}", fix)
        else:
            yield report.ok(f"is as was seen at {moment}")


def _moment(standing: TeamStanding | None) -> str:
    return standing.looked if standing else ""


def _key(site: Site) -> Finding:
    report = SubjectReport("devops", "SIGNALBOX_SECRETS_KEY")
    if site.settings.secrets_key:
        return report.ok("is set")
    return report.broken(
        "is not set, so no pipeline's task is taken", "set a Key Vault reference to 32 random characters"
    )


def _hooks(site: Site, organisation: str) -> Iterator[Finding]:
    report = SubjectReport("devops", f"hooks of {organisation}")
    try:
        own_hooks = [hook_ for hook_ in site.devops_facts.hooks(organisation) if _is_ours(site, hook_)]
    except (Refused, Transient) as error:
        fix = "let the app's identity view the subscriptions of service hooks"
        yield report.unknown(f"cannot be listed: {error}", fix)
        return
    for hook in own_hooks:
        yield from _faults(report, hook)
    if any(merge.organisation == organisation for merge in site.configuration.devops.merges):
        yield _merge_hooks(report, own_hooks)
    if any(approval.organisation == organisation for approval in site.configuration.devops.approvals):
        has_hints = _brings(own_hooks, _DECIDED)
        yield report.ok(
            "hint at decisions" if has_hints else "do not hint at decisions: the app looks for them by itself"
        )


def _is_ours(site: Site, hook: HookSeen) -> bool:
    """To this app's door; where the platform does not say what this app is called, to any door of its path."""
    address = urlsplit(hook.url)
    return address.path == _DOOR and (not site.settings.site_host or address.netloc == site.settings.site_host)


def _faults(report: SubjectReport, hook: HookSeen) -> Iterator[Finding]:
    if not hook.secret:
        fix = "set a machine's key as the password of the hook's basic authentication"
        yield report.broken(f"{hook.event} comes without a secret, so it is refused", fix)
    if not hook.enabled:
        yield report.broken(f"{hook.event} is disabled", "enable it; Azure DevOps disables what is refused too often")


def _merge_hooks(report: SubjectReport, hooks: Sequence[HookSeen]) -> Finding:
    if _brings(hooks, _MERGED):
        return report.ok("bring merged pull requests")
    fix = f"add a web hook for {_MERGED} to https://APP{_DOOR}"
    return report.broken("bring no merged pull requests, so devops.merges starts nothing", fix)


def _brings(hooks: Sequence[HookSeen], event: str) -> bool:
    return any(hook.event == event and hook.secret and hook.enabled for hook in hooks)
