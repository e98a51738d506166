"""The app itself: its settings and configuration, its clock, and what its sweeps left out.

Also its callers, and the issuer of their tokens: its metadata can be read, it has the name that the setting gives it,
and it publishes keys.
"""

from shared.config import check as findings_of
from shared.domain.access.callers import audience_problem, token_version
from shared.domain.counts import counted
from shared.domain.failures import Refused, Transient
from shared.domain.teams.quotas import RunUsage
from shared.domain.trust.keys import Purpose
from shared.operations.doctor.findings import Finding, Findings, Site, SubjectReport, check
from shared.operations.infrastructure.app_settings import asked_settings
from shared.records import paths
from shared.records.operations import FailedPart, log_findings
from shared.records.store import RecordStore
from shared.records.team_paths import team_runs
from shared.settings import SERVICE_NOW

_MOST = 20  # Findings of one kind.


@check
def settings(site: Site) -> Findings:
    settings, ladder = site.settings, site.configuration.ladder
    report = SubjectReport("settings", "SIGNALBOX_SIGNING_KEYS")
    missing = [purpose.value for purpose in Purpose if purpose not in dict(settings.signing_keys)]
    if ladder.stages and missing:
        yield report.broken(
            f"names no key for {', '.join(missing)}, so no promotion can move",
            "make keys in Key Vault as docs/signing-keys.md says",
        )
    else:
        yield report.ok("is not needed: no ladder is configured" if missing else "names a key for each purpose")
    yield _tree_heads(site)
    report = SubjectReport("settings", "SIGNALBOX_TOKEN_ISSUER")
    if not settings.token_issuer:
        yield report.broken("is not set, so nobody can sign in", "set https://login.microsoftonline.com/TENANT/v2.0")
    else:
        yield report.ok(f"is {settings.token_issuer}")
    if askers := asked_settings(site.configuration).get(SERVICE_NOW):
        report = SubjectReport("settings", SERVICE_NOW)
        if settings.service_now_client[0]:
            yield report.ok(f"is set, which {askers} asks for")
        else:
            fix = "set it, and the id and the secret of the client, as docs/provisioning.md says"
            yield report.broken(f"is not set, and {askers} asks for it: no change request can be opened", fix)


def _tree_heads(site: Site) -> Finding:
    """Whether heads of the audit log are published where its writers cannot rewrite them."""
    settings = site.settings
    report = SubjectReport("settings", "SIGNALBOX_TREE_HEADS")
    fix = (
        "name a container in another storage account, with a locked immutability policy, or a confidential ledger; "
        "see docs/audit-log.md"
    )
    if not settings.tree_heads:
        return report.warning("is empty: a cut of the audit log would not be noticed", fix)
    if settings.tree_heads.startswith(f"{settings.blob_service}/"):
        return report.warning("is in the hub's own account, whose writers can write there too", fix)
    return report.ok("names where heads of the audit log are published")


@check
def configuration(site: Site) -> Findings:
    path = site.settings.config_path
    findings = findings_of(path)
    for finding in findings:
        report = SubjectReport("configuration", f"{finding.file or path.name}:{finding.line}: {finding.field}")
        grade = report.broken if finding.level == "error" else report.warning
        yield grade(finding.problem, finding.remedy)
    if not findings:
        yield SubjectReport("configuration", path.name).ok("and its data contracts are valid")


@check
def callers(site: Site) -> Findings:
    keys = {name for name, _ in site.settings.caller_keys}
    machines = site.configuration.permissions.machines
    for machine in machines:
        report = SubjectReport("callers", f"machine {machine.name}")
        if machine.app or machine.oid:
            yield report.ok("is known by its token")
        elif machine.name in keys:
            yield report.ok("is known by a key")
        else:
            fix = f"add `app` or `oid` under machines.{machine.name}, or NAME=sha256:DIGEST to SIGNALBOX_CALLER_KEYS"
            yield report.broken("has neither a token nor a key, so it can never call", fix)
    for name in sorted(keys - {machine.name for machine in machines}):
        fix = "remove it from SIGNALBOX_CALLER_KEYS, or add the machine to `machines`"
        yield SubjectReport("callers", f"key {name}").warning("belongs to no configured machine", fix)


@check
def teams(site: Site) -> Findings:
    """What each team has, what it uses of its quotas, and whether anybody of it may see that."""
    for team in site.configuration.teams:
        report = SubjectReport("teams", f"team {team.name}")
        if not any(persona.team == team.name for persona in site.configuration.permissions.personas):
            fix = f"add `roles` and `permissions` to {team.file}"
            yield report.warning("has no member: only roles of the platform see what it owns", fix)
        try:
            usage = RecordStore(site.hub, site.configuration.hub.state).get(RunUsage, team_runs(team.name))
        except Refused as refusal:
            yield report.unknown(f"its usage cannot be read: {refusal}", "see what is found of the container")
            continue
        running, quota = len(usage.running) if usage else 0, team.quotas.runs_at_once
        if quota and running >= quota:
            fix = f"wait, or raise teams.{team.name}.quotas.runs_at_once"
            yield report.warning(
                f"has {counted(running, 'run')} being scored, all that its quota allows: others wait", fix
            )
        else:
            counts = ", ".join(f"{len(names)} of `{kind.value}`" for kind, names in team.names.items())
            yield report.ok(f"owns {counts or 'nothing'}")


_NOTICED_S, _FATAL_S = 30.0, 300.0


@check
def clock(site: Site) -> Findings:
    skew_s = site.control.clock().skew_s
    report, difference = SubjectReport("clock", "this host"), f"differs from Azure's by {skew_s:.0f} s"
    if skew_s >= _FATAL_S:
        yield report.broken(difference, "synchronise the host's clock (NTP): tokens are refused from five minutes on")
    elif skew_s >= _NOTICED_S:
        yield report.warning(difference, "synchronise the host's clock (NTP)")
    else:
        yield report.ok(difference)


@check
def audit_log(site: Site) -> Findings:
    """What the app's own verification of the audit log has found."""
    report = SubjectReport("audit log", "verification by the app")
    fix = "run `signalbox audit verify`, look who wrote to the account, and restore it: see docs/audit-log.md"
    try:
        known = log_findings(RecordStore(site.hub, site.configuration.hub.state)).findings
    except Refused as refusal:
        yield report.unknown(f"cannot be read: {refusal}", "see what is found of the container")
        return
    for problem, since in list(known.items())[:_MOST]:
        yield report.broken(f"has found, first at {since}: {problem}", fix)
    if not known:
        yield report.ok("has found nothing that does not hold")


_FIX = "mend that; the next sweep tries it again (SIGNALBOX_RECONCILE_SCHEDULE)"


@check
def sweeps(site: Site) -> Findings:
    store, failures = RecordStore(site.hub, site.configuration.hub.state), 0
    report = SubjectReport("sweeps", f"{store.container}/{paths.SWEEPS}")
    try:
        for entry in store.list(dict[str, FailedPart], paths.SWEEPS):
            name = entry.blob.path.removeprefix(paths.SWEEPS).removesuffix(".json")
            for part, failure in list(entry.record.items())[:_MOST]:
                failures += 1
                observation = f"is left out since {failure.since}: {failure.because}"
                yield SubjectReport("sweeps", f"{name}: {part}").broken(observation, _FIX)
    except Refused as refusal:
        yield report.unknown(f"cannot be read: {refusal}", "see what is found of the container")
    if not failures:
        yield report.ok("nothing was left out")


@check
def issuer(site: Site) -> Findings:
    token_issuer, audience = site.settings.token_issuer, site.settings.token_audience
    report = SubjectReport("issuer", "SIGNALBOX_TOKEN_AUDIENCE")
    problem = audience_problem(token_issuer, audience)
    if problem is None:
        yield report.ok(f"is {audience}, and the issuer's tokens are v{token_version(token_issuer)}")
    else:
        problem_text, _, fix = problem.partition("; ")
        yield report.broken(f"is {audience!r}, {problem_text}", fix)
    if token_issuer:
        yield _metadata(site, token_issuer)


def _metadata(site: Site, token_issuer: str) -> Finding:
    report, fix = (
        SubjectReport("issuer", token_issuer),
        "set SIGNALBOX_TOKEN_ISSUER to the tenant's own issuer, and let the app reach it",
    )
    try:
        metadata = site.control.issuer(token_issuer)
    except (Refused, Transient) as error:
        return report.broken(f"its metadata cannot be read: {error}", fix)
    if metadata.issuer.rstrip("/") != token_issuer.rstrip("/"):
        return report.broken(f"calls itself {metadata.issuer!r}", fix)
    if not metadata.keys:
        return report.broken("publishes no keys, so no signature can be checked", fix)
    return report.ok(f"publishes {counted(metadata.keys, 'key')}")
