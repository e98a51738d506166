"""Put a bundle's provenance beside it, and demand it before the bundle is deployed."""

from shared import contracts as c
from shared.application.promotion.planning import provenance_shelf
from shared.application.trust.provenance import (
    provenance_name,
    provenance_objection,
    sign_model,
    signed_provenance,
)
from shared.clients import Clients
from shared.domain.failures import Refused
from shared.domain.promotion.models import ModelVersion
from shared.ports import Place, Shelf


def attach_provenance(clients: Clients, order: c.MoveOrder, place: Place) -> Shelf:
    """Where the signed provenance of *order* lies in *place* from now on. Safe to repeat."""
    shelf = provenance_shelf(place, order.plan.model, order.plan.digest)
    content = signed_provenance(clients.statements, clients.ledger, order, clients.clock.now())
    sign_model(clients.statements, order, clients.clock.now())
    clients.bundles.write(shelf, provenance_name(order.promotion.id), content)
    return shelf


def detach_provenance(clients: Clients, order: c.MoveOrder, place: Place) -> None:
    """Take away what `attach_provenance` has put into *place*; the statement itself stays in the app's records."""
    shelf = provenance_shelf(place, order.plan.model, order.plan.digest)
    clients.bundles.delete(shelf, provenance_name(order.promotion.id))


def require_provenance(clients: Clients, order: c.MoveOrder, place: Place) -> None:
    """Refused unless what lies beside the bundle in *place* proves where it comes from."""
    shelf = provenance_shelf(place, order.plan.model, order.plan.digest)
    content = clients.bundles.read(shelf, provenance_name(order.promotion.id))
    if because := provenance_objection(clients.statements, content, order):
        where = f"{clients.bundles.address(shelf)}/{provenance_name(order.promotion.id)}"
        raise Refused(f"{order.plan.model} is not deployed in {place.name}: {because} ({where}); promote anew")


def missing_provenance(clients: Clients, order: c.MoveOrder, place: Place) -> str:
    """What is wrong with what lies beside the bundle in *place* now, in words; empty where it proves its source."""
    shelf = provenance_shelf(place, order.plan.model, order.plan.digest)
    because = provenance_objection(
        clients.statements, clients.bundles.read(shelf, provenance_name(order.promotion.id)), order
    )
    return f"{order.plan.model} in {place.name}: {because}" if because else ""


def copy_provenance(clients: Clients, model: ModelVersion, digest: str, source: Place, target: Place) -> None:
    """Every statement that lies beside the bundle in *source*; an entry of an earlier release has none."""
    shelves = provenance_shelf(source, model, digest), provenance_shelf(target, model, digest)
    for file in list(clients.bundles.files(shelves[0])):
        content = clients.bundles.read(shelves[0], file.path)
        if content is not None:
            clients.bundles.write(shelves[1], file.path, content)
