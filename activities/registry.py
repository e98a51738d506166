"""The central registry's entries: are they what was approved, and how they come back into an environment."""

from activities.effects import once, stamp
from activities.movers.bundle import copy_files
from activities.movers.model import register_bundle
from shared import contracts as c
from shared.clients import Clients
from shared.domain.failures import Refused
from shared.domain.promotion.bundles import Bundle
from shared.domain.promotion.ladder import Registry
from shared.domain.promotion.models import DIGEST, ModelVersion
from shared.planning import place_shelves, read_bundle
from shared.ports import RegisteredModel


def list_entries(clients: Clients, sweep: c.Sweep) -> c.RegistryEntries:
    """Every version of every promotable model that the interlocking has written."""
    del sweep
    found = []
    for registry in _registries(clients):
        for model in clients.configuration.ladder.models:
            versions = clients.models.versions(registry, model.name)
            found += [version.model for version in versions if version.tags.get(DIGEST)]
    return c.RegistryEntries(entries=tuple(sorted(found)))


def scrub_entry(clients: Clients, scrub: c.EntryScrub) -> c.EntryScrubbed:
    """Read every byte; a difference is written to the audit log and announced, once for each content that is found."""
    for registry in _registries(clients):
        there = clients.models.find(registry, scrub.entry)
        if there is None:
            continue
        found = _read(clients, registry, scrub.entry, there)
        if found.digest != there.tags.get(DIGEST):
            return c.EntryScrubbed(wrong=_alarm(clients, scrub.entry, there.tags.get(DIGEST, ""), found.digest))
    return c.EntryScrubbed()


def recover_entry(clients: Clients, recovery: c.Recovery) -> c.Recovered:
    """Copy an entry back and register it; what comes back is proven to be what was approved."""
    return once(clients, recovery.key, c.Recovered, lambda: _recover(clients, recovery))


def _recover(clients: Clients, recovery: c.Recovery) -> c.Recovered:
    model, place = recovery.model, clients.configuration.workspace(recovery.environment)
    registry = next(iter(_registries(clients)), None)
    there = clients.models.find(registry, model) if registry else None
    if registry is None or there is None:
        raise Refused(f"{model} is not in the central registry: nothing can be brought back")
    bundle, digest = _read(clients, registry, model, there), there.tags.get(DIGEST, "")
    if bundle.digest != digest:
        raise Refused(f"{model} in {registry.name} has {bundle.digest}, approved was {digest}: it is not brought back")
    target = place_shelves(place, model, digest)
    copy_files(clients, bundle.files, place_shelves(registry, model, digest), target)
    if read_bundle(clients.bundles, *target).digest != digest:
        raise Refused(f"the copy of {model} in {place.name} is not what was approved; look at its storage")
    folder = clients.bundles.address(target[0])
    if clients.models.find(place, model) is None:
        register_bundle(clients, place, target, bundle, there.kind, {DIGEST: digest})
    facts = {"environment": place.name, "digest": digest, "reason": recovery.reason}
    clients.audit.append(recovery.key, "recovered", str(model), recovery.asked_by, facts)
    return c.Recovered(digest=digest, folder=folder)


def _read(clients: Clients, registry: Registry, model: ModelVersion, there: RegisteredModel) -> Bundle:
    return read_bundle(clients.bundles, *place_shelves(registry, model, there.tags.get(DIGEST, "")))


def _alarm(clients: Clients, entry: ModelVersion, approved: str, found: str) -> str:
    said = f"{entry} in the central registry has {found}, approved was {approved}"
    key = f"scrubs/{entry.name}/{entry.version}/{found.removeprefix('sha256:')[:16]}"
    facts = {"approved": approved, "found": found}

    def act() -> c.Done:
        clients.audit.append(key, "registry altered", str(entry), "signalbox", facts)
        data = {"model": str(entry), **facts}
        clients.announcer.announce(key, "Signalbox.Registry.Altered", f"models/{entry}", data)
        return c.Done(at=stamp(clients))

    once(clients, key, c.Done, act)
    return said


def _registries(clients: Clients) -> tuple[Registry, ...]:
    found = (stage.registry for stage in clients.configuration.ladder.stages)
    return tuple(dict.fromkeys(registry for registry in found if registry is not None))
