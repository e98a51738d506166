"""Notices: what sends them is set up and answers, everybody who is to be told is told, and nothing lies unsent."""

from collections.abc import Iterator

from shared.domain.counts import counted
from shared.domain.failures import Refused, Transient
from shared.domain.notices.addresses import read_webhooks
from shared.domain.notices.recipients import EVERYTHING, ChannelKind, NoticeRules, Recipient
from shared.operations.doctor.findings import Finding, Findings, Site, SubjectReport, check
from shared.records.notices.letters import dead_notices
from shared.records.store import RecordStore


@check
def notices(site: Site) -> Findings:
    rules = site.configuration.notices
    if not rules.recipients:
        return
    if not site.settings.console_url:
        fix = "set SIGNALBOX_CONSOLE_URL to https://HOST/console"
        yield SubjectReport("notices", "links").warning("lead nowhere: the console's address is not known", fix)
    for kind, recipient in _places(rules).items():
        yield _channel(site, kind[0], recipient)
    yield from _unused_webhooks(site, rules)
    yield from _untold(site, rules)
    dead = sum(1 for _ in dead_notices(RecordStore(site.hub, site.configuration.hub.state)))
    if dead:
        fix = "`signalbox dlq list` shows each with its reason; mend that, then `signalbox dlq replay`"
        yield SubjectReport("notices", "dead letters").warning(f"{counted(dead, 'letter')} could not be sent", fix)


def _places(rules: NoticeRules) -> dict[tuple[ChannelKind, str], Recipient]:
    """One recipient for each place that must answer: mail is one place, and each webhook is one."""
    return {(rules.channel_of(recipient), recipient.teams): recipient for recipient in rules.recipients}


def _channel(site: Site, kind: ChannelKind, recipient: Recipient) -> Finding:
    subject = f"webhook {recipient.teams}" if kind is ChannelKind.TEAMS else f"mail by {kind.value}"
    report = SubjectReport("notices", subject)
    try:
        site.notice_channel(kind).reach(recipient.teams)
    except Refused as refusal:
        return report.broken(str(refusal), "mend the setting that the message names; see docs/notices.md")
    except Transient as fault:
        return report.unknown(str(fault), "look whether the network lets the app reach it, and try again")
    if kind is ChannelKind.TEAMS:
        return report.ok("its host answers; whether the webhook is right only a card would show")
    return report.ok("answers and lets the app in")


def _unused_webhooks(site: Site, rules: NoticeRules) -> Iterator[Finding]:
    used = {recipient.teams for recipient in rules.recipients}
    for name in sorted(set(read_webhooks(site.settings.teams_webhooks)) - used):
        fix = f"add a recipient with `teams: {name}`, or take the webhook away"
        yield SubjectReport("notices", f"webhook {name}").warning("is set, and no recipient names it", fix)


def _untold(site: Site, rules: NoticeRules) -> Iterator[Finding]:
    """Roles that must approve, and addresses that the configuration names elsewhere, of which no recipient hears."""
    tells_all = any(EVERYTHING in recipient.about for recipient in rules.recipients)
    roles = {role for recipient in rules.recipients for role in recipient.roles}
    mails = {recipient.mail.casefold() for recipient in rules.recipients}
    asked = {role.name: stage.name for stage in site.configuration.ladder.stages for role in stage.approvals.roles}
    for role, stage in sorted(asked.items()):
        if role not in roles and not tells_all:
            fix = f"add a recipient with `roles: [{role}]`"
            yield SubjectReport("notices", f"role {role}").warning(f"must approve {stage}, and nobody is told", fix)
    for address in sorted({mail for _, mail in _named(site) if mail.casefold() not in mails}):
        fix = f"add a recipient with `mail: {address}`, or correct the address"
        yield SubjectReport("notices", address).warning("is named as an owner, and no recipient has it", fix)


def _named(site: Site) -> Iterator[tuple[str, str]]:
    configuration = site.configuration
    yield from ((model, owner) for model, owner in configuration.notices.owners.items())
    yield from ((route.name, mail) for route in configuration.routes for mail in route.tell)
    for stage in configuration.ladder.stages:
        yield from ((stage.name, mail) for mail in stage.approvals.escalate_to)
