"""Service Bus: each queue and the topic that the settings name are there and as the doors need them; dead letters are
kept where somebody looks, and nothing that the configuration says waits for a queue that is not there."""

from collections.abc import Iterator

from shared.domain.azure import resources
from shared.domain.azure.inspection import Hidden, QueueSeen
from shared.operations.doctor.findings import Finding, Findings, Site, SubjectReport, check
from shared.operations.roles.catalogue import missing_actions, roles_for
from shared.operations.roles.needs import RECEIVE, Need, ResourceKind, needs_of

_MESSAGES, _RECORDS, _APPROVALS = (f"SIGNALBOX_{name}_QUEUE" for name in ("MESSAGES", "RECORDS", "APPROVALS"))
_ORDERED = (_MESSAGES, _RECORDS)  # Doors that take sessions.
_PATIENT, _DAY_S, _YEAR_S = 10, 86_400, 366 * 86_400


@check
def messaging(site: Site) -> Findings:
    settings = site.settings
    yield from _unused_settings(site)
    if not settings.bus_name or not (settings.queues or settings.results_topic):
        return
    namespace = resources.namespace(site.configuration, settings.bus_name)
    if not namespace:
        fix = "set service_bus.subscription and service_bus.resource_group (or those of hub) in signalbox.yaml"
        yield SubjectReport("messaging", f"namespace {settings.bus_name}").unknown(
            "nothing says where it is managed", fix
        )
        return
    for setting, name in settings.queues:
        yield from _queue(site, namespace, setting, name)
    if settings.results_topic:
        yield from _topic(site, namespace, settings.results_topic)


def _unused_settings(site: Site) -> Iterator[Finding]:
    """Findings on settings without effect, and on streams whose records no queue brings."""
    settings, queues = site.settings, dict(site.settings.queues)
    for setting in queues if not settings.bus_name else ():
        fix = "set SERVICE_BUS__fullyQualifiedNamespace, or a connection string in SERVICE_BUS"
        yield SubjectReport("messaging", setting).broken("is set without a namespace, so nothing is received", fix)
    for stream in site.configuration.streams if _RECORDS not in queues else ():
        fix = f"set {_RECORDS} to a queue that requires sessions, or remove the stream"
        yield SubjectReport("messaging", f"stream {stream.name}").broken("gets no records: no queue is set", fix)
    if _RECORDS in queues and not site.configuration.streams:
        fix = f"add the stream under `streams`, or take {_RECORDS} away"
        yield SubjectReport("messaging", _RECORDS).warning(
            "is set and no stream is configured: all of it is poison", fix
        )


def _queue(site: Site, namespace: str, setting: str, name: str) -> Iterator[Finding]:
    report, queue = SubjectReport("messaging", f"queue {name}"), site.control.queue(namespace, name)
    if queue is None:
        sessions = ", with sessions" if setting in _ORDERED else ""
        yield report.broken(
            f"is not there, and {setting} names it", f"create the queue{sessions}, or correct {setting}"
        )
        return
    wrong = [*_door(report, setting, queue), *_letters(report, setting, queue)]
    if queue.sends_on and not any(find(namespace, queue.sends_on) for find in (site.control.queue, site.control.topic)):
        fix = "create that queue or topic, or let the queue keep its dead letters"
        wrong.append(report.broken(f"sends its dead letters on to {queue.sends_on}, which is not there", fix))
    yield from wrong or [report.ok("is as its door needs it")]
    yield from _permissions(site, report, f"{namespace}/queues/{name}", RECEIVE)


def _door(report: SubjectReport, setting: str, queue: QueueSeen) -> Iterator[Finding]:
    if not queue.active:
        yield report.broken("is disabled", "set its status to Active")
    if queue.sessions != (setting in _ORDERED):
        must = "must require" if setting in _ORDERED else "must not require"
        fix = "create it anew: whether a queue requires sessions cannot be changed"
        yield report.broken(f"{must} sessions, or its door cannot receive", fix)


def _letters(report: SubjectReport, setting: str, queue: QueueSeen) -> Iterator[Finding]:
    """A message with a token should expire soon; any other should become a dead letter when it expires."""
    if setting in _ORDERED and queue.deliveries > _PATIENT:
        observation = f"delivers a message {queue.deliveries} times, and poison holds its session as often"
        yield report.warning(observation, "set a maximum delivery count of about 5")
    if setting == _APPROVALS and queue.life_s > _DAY_S:
        yield report.warning("keeps decisions longer than a token lives", "set a default time to live of an hour")
    if setting != _APPROVALS and queue.life_s < _YEAR_S and not queue.keeps_expired:
        fix = "turn on dead-lettering on message expiration"
        yield report.warning(f"drops messages after {queue.life_s:.0f} s without a trace", fix)
    if queue.dead:
        fix = "`signalbox dlq list` shows each with its reason; mend that, then `signalbox dlq replay`"
        yield report.warning(f"has {queue.dead} dead letters", fix)


def _topic(site: Site, namespace: str, name: str) -> Iterator[Finding]:
    report, topic = SubjectReport("messaging", f"topic {name}"), site.control.topic(namespace, name)
    if topic is None:
        fix = "create the topic with duplicate detection, or correct SIGNALBOX_RESULTS_TOPIC"
        yield report.broken("is not there, so no result is sent", fix)
        return
    wrong = []
    if not topic.active:
        wrong.append(report.broken("is disabled", "set its status to Active"))
    if not topic.drops_repeats:
        fix = "create it anew with duplicate detection, which cannot be turned on later"
        wrong.append(report.warning("takes the same message twice: a lost answer tells a result again", fix))
    if not topic.subscriptions:
        wrong.append(report.warning("has no subscription, so nobody hears results", "add one for each listener"))
    for subscription in topic.subscriptions:
        if not subscription.active:
            wrong.append(
                report.warning(f"its subscription {subscription.name} is disabled", "set its status to Active")
            )
        if subscription.dead:
            fix = "look at the subscription's dead letters: its listener could not take them"
            wrong.append(
                report.warning(f"its subscription {subscription.name} has {subscription.dead} dead letters", fix)
            )
    yield from wrong or [report.ok(f"is there, with {len(topic.subscriptions)} subscriptions")]
    yield from _permissions(site, report, f"{namespace}/topics/{name}", needs_of(ResourceKind.BUS, "Messenger"))


def _permissions(site: Site, report: SubjectReport, resource: str, need: Need) -> Iterator[Finding]:
    """What the identity may do there; a key in the connection string opens everything, and is nobody's identity."""
    if site.settings.bus_by_key:
        return
    fix = f"give the app's identity {' and '.join(f'{role.name} ({role.id})' for role in roles_for(need))} on it"
    try:
        lacking = missing_actions(need, site.control.grants(resource))
    except Hidden as refusal:
        yield report.unknown(str(refusal), "give the app's identity Reader there, so that it can be compared")
        return
    if lacking:
        yield report.broken(f"the app's identity lacks {', '.join(lacking)}", fix)
