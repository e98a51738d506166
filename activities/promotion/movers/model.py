"""Register the copied bundle in a workspace: its environment, its code and the model version itself."""

from collections.abc import Mapping
from typing import Any

from activities.promotion.movers.bundle import require_same, require_unserved
from activities.promotion.movers.provenance import attach_provenance, detach_provenance, missing_provenance
from shared import contracts as c
from shared.application.promotion.planning import stage_shelves
from shared.clients import Clients
from shared.domain.failures import Refused
from shared.domain.inference.routes import Workspace
from shared.domain.promotion.bundles import CODE, ENVIRONMENT, EXTRAS, Bundle, companion
from shared.domain.promotion.models import BUNDLE, DIGEST, PROMOTION, PROVENANCE, ModelVersion
from shared.ports import AssetKind, RegisteredModel, Shelf


class RegisterModel:
    """Implements `activities.promotion.movers.Mover`."""

    def before(self, clients: Clients, order: c.MoveOrder) -> dict[str, Any]:
        place = workspace_of(order)
        refuse_conflict(clients.models.find(place, order.plan.model), order.plan.digest, place.name)
        return {kind.value: clients.models.has(place, kind, _asset(order, kind)) for kind in AssetKind}

    def advance(self, clients: Clients, order: c.MoveOrder) -> str:
        plan, shelves = order.plan, stage_shelves(order.plan, order.at.stage)
        require_same(clients, plan, shelves)
        provenance = attach_provenance(clients, order, workspace_of(order))
        tags = tags_of(order) | {PROVENANCE: clients.bundles.address(provenance)}
        register_bundle(clients, workspace_of(order), shelves, Bundle(files=plan.contents), plan.kind, tags)
        return ""

    def undo(self, clients: Clients, order: c.MoveOrder, before: Mapping[str, Any]) -> str:
        if not all(before[kind.value] for kind in AssetKind):
            require_unserved(clients, order)
        for kind in AssetKind:
            if not before[kind.value]:
                clients.models.remove(workspace_of(order), kind, _asset(order, kind))
        if not before[AssetKind.MODEL.value]:
            detach_provenance(clients, order, workspace_of(order))
        return ""

    def missing(self, clients: Clients, order: c.MoveOrder) -> str:
        place = workspace_of(order)
        reason = missing_model(clients.models.find(place, order.plan.model), order, place.name)
        return reason or missing_provenance(clients, order, place)


def missing_model(registered_model: RegisteredModel | None, order: c.MoveOrder, place: str) -> str:
    """What a registry shows in the place of the order's bundle; empty where it shows that."""
    if registered_model is None:
        return f"{order.plan.model} is not registered in {place}"
    content = registered_model.tags.get(DIGEST) or registered_model.properties.get(DIGEST) or "an unknown digest"
    return "" if content == order.plan.digest else f"{order.plan.model} in {place} has {content}"


def _asset(order: c.MoveOrder, kind: AssetKind) -> ModelVersion:
    """The model keeps its version; its code and environment are named by content, so that others' are never taken."""
    return order.plan.model if kind is AssetKind.MODEL else companion(order.plan.model, order.plan.digest)


def workspace_of(order: c.MoveOrder) -> Workspace:
    return order.at.stage.workspace


def refuse_conflict(registered_model: RegisteredModel | None, digest: str, place: str) -> None:
    """The same version with another content than *digest* is never overwritten."""
    if registered_model is None:
        return
    content = registered_model.tags.get(DIGEST) or registered_model.properties.get(DIGEST) or "an unknown digest"
    if content != digest:
        raise Refused(
            f"{registered_model.model} is already in {place} with {content}, not {digest}; register a new version"
        )


def tags_of(order: c.MoveOrder) -> dict[str, str]:
    """What a copied version says of itself, wherever it lies."""
    return {DIGEST: order.plan.digest, PROMOTION: order.promotion.id, **order.plan.lineage}


def register_bundle(
    clients: Clients,
    place: Workspace,
    shelves: tuple[Shelf, Shelf],
    bundle: Bundle,
    kind: str,
    tags: Mapping[str, str],
) -> str:
    """Register what lies on *shelves* (the model's, the extras'); returns the folder of the model. Safe to repeat."""
    model, extras = shelves
    beside = companion(model.asset, bundle.digest)
    conda = clients.bundles.read(extras, ENVIRONMENT)
    if conda is not None:
        clients.models.register_environment(place, beside, conda)
    if bundle.has(EXTRAS, CODE):
        clients.models.register_code(place, beside, f"{clients.bundles.address(extras)}/code")
    folder = clients.bundles.address(model)
    registered = RegisteredModel(
        model=model.asset,
        folder=folder,
        kind=kind,
        tags={**tags, BUNDLE: clients.bundles.address(extras)},
        properties={DIGEST: bundle.digest},
    )
    # The version comes last: a reader who sees it, by its event for instance, sees its environment and its code too.
    clients.models.register(place, registered)
    return folder
