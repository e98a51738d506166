"""The central registry's entry: written as a candidate, approved when its exit receipt says so."""

from collections.abc import Mapping
from typing import Any

from activities.promotion.movers.bundle import copy_files, require_same
from activities.promotion.movers.model import missing_model, refuse_conflict, tags_of
from activities.promotion.movers.provenance import attach_provenance, missing_provenance
from shared import contracts as c
from shared.application.promotion.planning import provenance_shelf, source_shelves, stage_shelves
from shared.clients import Clients
from shared.domain.failures import Refused
from shared.domain.promotion.ladder import Registry
from shared.domain.promotion.models import (
    APPROVED_BY,
    DIGEST,
    PROMOTION,
    PROVENANCE,
    SERVED,
    STATE,
    EntryState,
    ModelVersion,
)
from shared.ports import AssetKind, RegisteredModel
from shared.records.production.serving import serving_record


class PublishEntry:
    """Implements `activities.promotion.movers.Mover`: idempotent by digest, a hard conflict for another content."""

    def before(self, clients: Clients, order: c.MoveOrder) -> dict[str, Any]:
        registry = _registry(order)
        registered_entry = clients.models.find(registry, order.plan.model)
        refuse_conflict(registered_entry, order.plan.digest, registry.name)
        return {"there": registered_entry is not None}

    def advance(self, clients: Clients, order: c.MoveOrder) -> str:
        registry, plan = _registry(order), order.plan
        shelves = stage_shelves(plan, order.at.stage)
        if clients.models.find(registry, plan.model) is None:
            copy_files(clients, plan.contents, source_shelves(plan), shelves)
            require_same(clients, plan, shelves)
            provenance = attach_provenance(clients, order, registry)
            for shelf in (provenance, *reversed(shelves)):  # The model comes last: a reader who sees it sees all.
                address = clients.bundles.address(shelf)
                clients.models.register(
                    registry, _entry(order, shelf.asset, address, clients.bundles.address(provenance))
                )
        return ""

    def undo(self, clients: Clients, order: c.MoveOrder, before: Mapping[str, Any]) -> str:
        """The bytes of an entry are the registry's own: they go with it."""
        if not before["there"]:
            registry, plan = _registry(order), order.plan
            beside = provenance_shelf(registry, plan.model, plan.digest)
            for shelf in (*stage_shelves(plan, order.at.stage), beside):
                clients.models.remove(registry, AssetKind.MODEL, shelf.asset)
        return ""

    def missing(self, clients: Clients, order: c.MoveOrder) -> str:
        registry = _registry(order)
        entry = clients.models.find(registry, order.plan.model)
        reason = missing_model(entry, order, registry.name)
        # An entry that was there before has the provenance of the promotion that has written it.
        is_own = entry is not None and entry.tags.get(PROMOTION) == order.promotion.id
        return missing_provenance(clients, order, registry) if is_own and not reason else reason


class ApproveEntry:
    """Implements `activities.promotion.movers.Mover`: only this moves an entry from candidate to approved."""

    def before(self, clients: Clients, order: c.MoveOrder) -> dict[str, Any]:
        entry = clients.models.find(_registry(order), order.plan.model)
        if entry is None or entry.tags.get(DIGEST) != order.plan.digest:
            raise Refused(f"{order.plan.model} with {order.plan.digest} is not in the registry: nothing to approve")
        return {STATE: entry.tags.get(STATE, ""), APPROVED_BY: entry.tags.get(APPROVED_BY, "")}

    def advance(self, clients: Clients, order: c.MoveOrder) -> str:
        approved = {STATE: EntryState.APPROVED.value, APPROVED_BY: approvers(order)}
        clients.models.tag(_registry(order), order.plan.model, approved)
        return ""

    def undo(self, clients: Clients, order: c.MoveOrder, before: Mapping[str, Any]) -> str:
        clients.models.tag(_registry(order), order.plan.model, dict(before))
        return ""

    def missing(self, clients: Clients, order: c.MoveOrder) -> str:
        entry = clients.models.find(_registry(order), order.plan.model)
        state = entry.tags.get(STATE, "") if entry else "no entry"
        is_approved = state == EntryState.APPROVED.value
        return "" if is_approved else f"{order.plan.model} is {state or 'in no state'} in the registry"


class MarkInProduction:
    """Implements `activities.promotion.movers.Mover`: one entry serves, and the one that did before is retired.

    Both say since when, and until when.
    """

    def before(self, clients: Clients, order: c.MoveOrder) -> dict[str, Any]:
        entry = clients.models.find(_registry(order), order.plan.model)
        if entry is None or entry.tags.get(DIGEST) != order.plan.digest:
            raise Refused(f"{order.plan.model} with {order.plan.digest} is not in the registry: nothing to mark")
        replaced = replaced_entry(order)
        champion = clients.models.find(_registry(order), replaced) if replaced else None
        states = {name: entry.tags.get(name, "") for name in (STATE, APPROVED_BY, SERVED)}
        if champion is None:
            return states
        return states | {REPLACED: champion.tags.get(STATE, ""), _REPLACED_SERVED: champion.tags.get(SERVED, "")}

    def advance(self, clients: Clients, order: c.MoveOrder) -> str:
        registry, replaced, model = _registry(order), replaced_entry(order), order.plan.model
        # The new one first: a host that dies in between leaves two entries in production until the repeat. The other
        # order would leave none.
        in_production = {STATE: EntryState.IN_PRODUCTION.value, SERVED: _serving_record(clients, order, model)}
        clients.models.tag(registry, model, in_production)
        if replaced is not None and clients.models.find(registry, replaced) is not None:
            retired = {STATE: EntryState.RETIRED.value, SERVED: _serving_record(clients, order, replaced)}
            clients.models.tag(registry, replaced, retired)
        return ""

    def undo(self, clients: Clients, order: c.MoveOrder, before: Mapping[str, Any]) -> str:
        tags, replaced = dict(before), replaced_entry(order)
        champion_state, champion_served = tags.pop(REPLACED, None), tags.pop(_REPLACED_SERVED, "")
        if champion_state is not None and replaced is not None:
            clients.models.tag(_registry(order), replaced, {STATE: champion_state, SERVED: champion_served})
        clients.models.tag(_registry(order), order.plan.model, tags)
        return ""

    def missing(self, clients: Clients, order: c.MoveOrder) -> str:
        entry = clients.models.find(_registry(order), order.plan.model)
        state = entry.tags.get(STATE, "") if entry else "gone"
        return "" if state == EntryState.IN_PRODUCTION.value else f"the entry of {order.plan.model} is {state}"


# The state of the entry that served before and its serving record, in what is remembered of the move.
REPLACED, _REPLACED_SERVED = "replaced", "replaced_served"


def replaced_entry(order: c.MoveOrder) -> ModelVersion | None:
    """The version that the promotion replaces; None for a first version, and for one that no version names."""
    name, _, version = order.at.champion.model.rpartition("/")[2].partition(":")
    return ModelVersion(name=name, version=version) if version else None


def _serving_record(clients: Clients, order: c.MoveOrder, model: ModelVersion) -> str:
    stage = order.at.stage
    return serving_record(clients.statements, stage.workspace.name, stage.serving.online, model)


def approvers(order: c.MoveOrder) -> str:
    """Who approved what the order moves, as the registry's tag says it."""
    return ", ".join(order.receipt.approvals) if order.receipt else ""


def _registry(order: c.MoveOrder) -> Registry:
    registry = order.at.stage.registry or order.plan.registry
    if registry is None:
        raise Refused(f"stage {order.stage} neither is nor leads from the registry: {order.move.value} has no place")
    return registry


def _entry(order: c.MoveOrder, asset: ModelVersion, folder: str, provenance: str) -> RegisteredModel:
    kind = order.plan.kind if asset == order.plan.model else "custom_model"
    tags = tags_of(order) | {STATE: EntryState.CANDIDATE.value, PROVENANCE: provenance}
    return RegisteredModel(model=asset, folder=folder, kind=kind, tags=tags, properties={DIGEST: order.plan.digest})
