"""The central registry's entries: are they what was approved, and how they come back into an environment."""

from activities.effects import Alarm, once, raise_alarm
from activities.promotion.forgeries import tell_forgeries
from activities.promotion.movers.bundle import copy_files
from activities.promotion.movers.model import register_bundle
from activities.promotion.movers.provenance import copy_provenance
from shared import contracts as c
from shared.application.promotion.planning import (
    RELEASABLE,
    place_shelves,
    provenance_shelf,
    read_bundle,
    shelves_at,
)
from shared.application.trust.planted_records import planted_records, removed_receipts
from shared.clients import Clients
from shared.domain import identity
from shared.domain.failures import Refused
from shared.domain.inference.routes import Workspace
from shared.domain.promotion.bundles import Bundle
from shared.domain.promotion.ladder import Registry
from shared.domain.promotion.models import APPROVED_BY, BUNDLE, DIGEST, PROVENANCE, STATE, EntryState, ModelVersion
from shared.ports import RegisteredModel, Shelf
from shared.records.registry import bundle_on_the_move, entries_stated, entry_statement, history_of
from shared.records.statements import ForgedError

_RECOVERABLE = (*RELEASABLE, EntryState.RETIRED.value)
_FACTS = ("digest", "state", "approved by")
_ABSENT = ("", "", "")


def list_entries(clients: Clients, sweep: c.Sweep) -> c.RegistryEntries:
    """Every version of every promotable model in the registry, and every one that should be there."""
    del sweep
    entries = set(entries_stated(clients.statements))
    for registry in _registries(clients):
        for model in clients.configuration.ladder.models:
            entries |= {version.model for version in clients.models.versions(registry, model.name)}
    return c.RegistryEntries(entries=tuple(sorted(entries)))


def scrub_entry(clients: Clients, scrub: c.EntryScrub) -> c.EntryScrubbed:
    """Read every byte, and compare the entry with what the deciding key says of it, not with its tags.

    A difference is written to the audit log and announced, once for each finding.
    """
    forgeries: list[ForgedError] = []
    history = history_of(clients.audit, scrub.entry)
    statement = entry_statement(clients.statements, history, scrub.entry, forgeries)
    for promotion in {logged.facts["promotion"] for logged in history if logged.kind == c.Fate.PROMOTED.value}:
        forgeries += planted_records(clients.statements, promotion)
    forgeries += removed_receipts(clients.statements, history)
    tell_forgeries(clients, str(scrub.entry), forgeries)
    stated = (statement.bundle, statement.state, statement.approved_by) if statement and statement.state else _ABSENT
    present = _present(clients, scrub.entry)
    moving = bundle_on_the_move(history)
    # Between the effect of a move and its statement the entry may be absent, as it was stated, or new already. Any
    # other content is an alarm even then.
    if present == stated or (moving is not None and present[0] in ("", stated[0], moving)):
        return c.EntryScrubbed()
    differences = [
        (f"{name} {expected}", f"{name} {value}")
        for name, expected, value in zip(_FACTS, stated, present, strict=True)
        if expected != value
    ]
    approved, current = (", ".join(sides) for sides in zip(*differences, strict=True))
    return c.EntryScrubbed(wrong=_alarm(clients, scrub.entry, approved, current))


def _present(clients: Clients, entry: ModelVersion) -> tuple[str, str, str]:
    """The digest of the entry's bytes, its state and its approvers, in the registry now."""
    for registry in _registries(clients):
        registered_entry = clients.models.find(registry, entry)
        if registered_entry is not None:
            tags = registered_entry.tags
            digest = _read(clients, registry, entry, registered_entry).digest if DIGEST in tags else "unknown"
            if digest != tags.get(DIGEST):
                digest = f"{digest} (tagged {tags.get(DIGEST, 'with none')})"
            return digest, tags.get(STATE, ""), tags.get(APPROVED_BY, "")
    return _ABSENT


def recover_entry(clients: Clients, recovery: c.Recovery) -> c.Recovered:
    """Copy an entry back and register it; what comes back is proven to be what was approved."""
    return once(clients, recovery.key, c.Recovered, lambda: _recover(clients, recovery))


def _recover(clients: Clients, recovery: c.Recovery) -> c.Recovered:
    model, place = recovery.model, clients.configuration.workspace(recovery.environment)
    registry, registered_entry, bundle = _approved(clients, model)
    digest = bundle.digest
    shelves = _standing(clients, place, model, digest)
    if shelves is None:
        shelves = place_shelves(place, model, digest)
        copy_files(clients, bundle.files, place_shelves(registry, model, digest), shelves)
        copied = read_bundle(clients.bundles, *shelves).digest
        if copied != digest:
            raise Refused(
                f"the copy of {model} in {place.name} has {copied}, approved was {digest}; look at its storage"
            )
        copy_provenance(clients, model, digest, registry, place)
        beside = clients.bundles.address(provenance_shelf(place, model, digest))
        tags = {DIGEST: digest} | ({PROVENANCE: beside} if PROVENANCE in registered_entry.tags else {})
        register_bundle(clients, place, shelves, bundle, registered_entry.kind, tags)
    facts = {"environment": place.name, "digest": digest, "reason": recovery.reason}
    clients.audit.append(recovery.key, "recovered", str(model), recovery.asked_by, facts)
    return c.Recovered(digest=digest, folder=clients.bundles.address(shelves[0]))


def _approved(clients: Clients, model: ModelVersion) -> tuple[Registry, RegisteredModel, Bundle]:
    """The entry, every byte of which was read again just now."""
    registry = next(iter(_registries(clients)), None)
    registered_entry = clients.models.find(registry, model) if registry else None
    if registry is None or registered_entry is None:
        raise Refused(f"{model} is not in the central registry: nothing can be brought back")
    bundle, digest = _read(clients, registry, model, registered_entry), registered_entry.tags.get(DIGEST, "")
    statement = entry_statement(clients.statements, history_of(clients.audit, model), model, [])
    if statement is None or statement.bundle != digest or statement.state not in _RECOVERABLE:
        state = f"{statement.state or 'no entry'} with {statement.bundle}" if statement else "nothing"
        raise Refused(f"{model} in {registry.name} has {digest}, signed is {state}: it is not brought back")
    if bundle.digest != digest:
        raise Refused(f"{model} in {registry.name} has {bundle.digest}, approved was {digest}: it is not brought back")
    return registry, registered_entry, bundle


def _standing(clients: Clients, place: Workspace, model: ModelVersion, digest: str) -> tuple[Shelf, Shelf] | None:
    """Where *place* has this very content; None where it lost it. Refused where the version has another content."""
    registered_model = clients.models.find(place, model)
    if registered_model is None:
        return None
    extras = registered_model.tags.get(BUNDLE, "")
    shelves = shelves_at(place, model, registered_model.folder, extras)
    content = read_bundle(clients.bundles, *shelves).digest if extras else "no bundle"
    if content == digest:
        return shelves
    ours = clients.bundles.address(place_shelves(place, model, digest)[0])
    if registered_model.tags.get(DIGEST) == digest and registered_model.folder.rstrip("/") == ours:
        return None  # Brought here before, and damaged since.
    raise Refused(
        f"{model} is already in {place.name} with {content}, not {digest}; it stays as it is: use a new version"
    )


def _read(clients: Clients, registry: Registry, model: ModelVersion, registered_entry: RegisteredModel) -> Bundle:
    return read_bundle(clients.bundles, *place_shelves(registry, model, registered_entry.tags.get(DIGEST, "")))


def _alarm(clients: Clients, entry: ModelVersion, expected: str, actual: str) -> str:
    message = f"{entry} in the central registry has {actual}, approved was {expected}"
    key = f"scrubs/{entry.name}/{entry.version}/{identity.digest(expected, actual)}"
    alarm = Alarm(
        key=key,
        kind="registry altered",
        subject=str(entry),
        event="Signalbox.Registry.Altered",
        about=f"models/{entry}",
        facts={"approved": expected, "found": actual},
    )
    raise_alarm(clients, alarm)
    return message


def _registries(clients: Clients) -> tuple[Registry, ...]:
    registries = (stage.registry for stage in clients.configuration.ladder.stages)
    return tuple(dict.fromkeys(registry for registry in registries if registry is not None))
