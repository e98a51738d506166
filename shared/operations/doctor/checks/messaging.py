"""Service Bus: each queue and the topic that the settings name are there and as the doors need them; dead letters are
kept where somebody looks, and nothing that the configuration says waits for a queue that is not there."""

from collections.abc import Iterator

from shared.domain.azure import resources
from shared.domain.azure.inspection import Hidden, QueueSeen
from shared.operations.doctor.findings import Finding, Findings, Said, Site, check
from shared.operations.roles.catalogue import missing, roles_for
from shared.operations.roles.needs import RECEIVE, Need, ResourceKind, needs_of

_MESSAGES, _RECORDS, _APPROVALS = (f"SIGNALBOX_{name}_QUEUE" for name in ("MESSAGES", "RECORDS", "APPROVALS"))
_ORDERED = (_MESSAGES, _RECORDS)  # Doors that take sessions.
_PATIENT, _DAY_S, _YEAR_S = 10, 86_400, 366 * 86_400


@check
def messaging(site: Site) -> Findings:
    seen = site.settings
    yield from _unserved(site)
    if not seen.bus_name or not (seen.queues or seen.results_topic):
        return
    namespace = resources.namespace(site.configuration, seen.bus_name)
    if not namespace:
        fix = "set service_bus.subscription and service_bus.resource_group (or those of hub) in signalbox.yaml"
        yield Said("messaging", f"namespace {seen.bus_name}").unknown("nothing says where it is managed", fix)
        return
    for setting, name in seen.queues:
        yield from _queue(site, namespace, setting, name)
    if seen.results_topic:
        yield from _topic(site, namespace, seen.results_topic)


def _unserved(site: Site) -> Iterator[Finding]:
    """Settings that lead nowhere, and streams that nothing brings records of."""
    seen, named = site.settings, dict(site.settings.queues)
    for setting in named if not seen.bus_name else ():
        fix = "set SERVICE_BUS__fullyQualifiedNamespace, or a connection string in SERVICE_BUS"
        yield Said("messaging", setting).broken("is set without a namespace, so nothing is received", fix)
    for stream in site.configuration.streams if _RECORDS not in named else ():
        fix = f"set {_RECORDS} to a queue that requires sessions, or remove the stream"
        yield Said("messaging", f"stream {stream.name}").broken("gets no records: no queue is set", fix)
    if _RECORDS in named and not site.configuration.streams:
        fix = f"add the stream under `streams`, or take {_RECORDS} away"
        yield Said("messaging", _RECORDS).warning("is set and no stream is configured: all of it is poison", fix)


def _queue(site: Site, namespace: str, setting: str, name: str) -> Iterator[Finding]:
    said, there = Said("messaging", f"queue {name}"), site.control.queue(namespace, name)
    if there is None:
        sessions = ", with sessions" if setting in _ORDERED else ""
        yield said.broken(f"is not there, and {setting} names it", f"create the queue{sessions}, or correct {setting}")
        return
    wrong = [*_door(said, setting, there), *_letters(said, setting, there)]
    if there.sends_on and not any(find(namespace, there.sends_on) for find in (site.control.queue, site.control.topic)):
        fix = "create that queue or topic, or let the queue keep its dead letters"
        wrong.append(said.broken(f"sends its dead letters on to {there.sends_on}, which is not there", fix))
    yield from wrong or [said.ok("is as its door needs it")]
    yield from _may(site, said, f"{namespace}/queues/{name}", RECEIVE)


def _door(said: Said, setting: str, there: QueueSeen) -> Iterator[Finding]:
    if not there.active:
        yield said.broken("is disabled", "set its status to Active")
    if there.sessions != (setting in _ORDERED):
        must = "must require" if setting in _ORDERED else "must not require"
        fix = "create it anew: whether a queue requires sessions cannot be changed"
        yield said.broken(f"{must} sessions, or its door cannot receive", fix)


def _letters(said: Said, setting: str, there: QueueSeen) -> Iterator[Finding]:
    """A token in a message should die soon, and anything else should not die unseen."""
    if setting in _ORDERED and there.deliveries > _PATIENT:
        found = f"delivers a message {there.deliveries} times, and poison holds its session as often"
        yield said.warning(found, "set a maximum delivery count of about 5")
    if setting == _APPROVALS and there.life_s > _DAY_S:
        yield said.warning("keeps decisions longer than a token lives", "set a default time to live of an hour")
    if setting != _APPROVALS and there.life_s < _YEAR_S and not there.keeps_expired:
        fix = "turn on dead-lettering on message expiration"
        yield said.warning(f"drops messages after {there.life_s:.0f} s without a trace", fix)
    if there.dead:
        fix = "`signalbox dlq list` shows each with its reason; mend that, then `signalbox dlq replay`"
        yield said.warning(f"has {there.dead} dead letters", fix)


def _topic(site: Site, namespace: str, name: str) -> Iterator[Finding]:
    said, there = Said("messaging", f"topic {name}"), site.control.topic(namespace, name)
    if there is None:
        fix = "create the topic with duplicate detection, or correct SIGNALBOX_RESULTS_TOPIC"
        yield said.broken("is not there, so no result is told", fix)
        return
    wrong = []
    if not there.active:
        wrong.append(said.broken("is disabled", "set its status to Active"))
    if not there.drops_repeats:
        fix = "create it anew with duplicate detection, which cannot be turned on later"
        wrong.append(said.warning("takes the same message twice: a lost answer tells a result again", fix))
    if not there.subscriptions:
        wrong.append(said.warning("has no subscription, so nobody hears results", "add one for each listener"))
    for each in there.subscriptions:
        if not each.active:
            wrong.append(said.warning(f"its subscription {each.name} is disabled", "set its status to Active"))
        if each.dead:
            fix = "look at the subscription's dead letters: its listener could not take them"
            wrong.append(said.warning(f"its subscription {each.name} has {each.dead} dead letters", fix))
    yield from wrong or [said.ok(f"is there, with {len(there.subscriptions)} subscriptions")]
    yield from _may(site, said, f"{namespace}/topics/{name}", needs_of(ResourceKind.BUS, "Messenger"))


def _may(site: Site, said: Said, resource: str, need: Need) -> Iterator[Finding]:
    """What the identity may do there; a key in the connection string opens everything, and is nobody's identity."""
    if site.settings.bus_by_key:
        return
    fix = f"give the app's identity {' and '.join(f'{each.name} ({each.id})' for each in roles_for(need))} on it"
    try:
        lacking = missing(need, site.control.grants(resource))
    except Hidden as hidden:
        yield said.unknown(str(hidden), "give the app's identity Reader there, so that it can be compared")
        return
    if lacking:
        yield said.broken(f"the app's identity lacks {', '.join(lacking)}", fix)
