"""Copy the bundle's bytes to a stage, and prove that what arrived is what was planned."""

from collections.abc import Iterable, Mapping
from typing import Any

from shared import contracts as c
from shared.application.promotion.planning import read_bundle, source_shelves, stage_shelves
from shared.clients import Clients
from shared.domain import identity
from shared.domain.counts import counted
from shared.domain.failures import Refused
from shared.domain.promotion.bundles import MODEL, Bundle, BundleFile, difference
from shared.domain.promotion.plans import Plan
from shared.ports import EndpointKind, Shelf


class CopyBundle:
    """Implements `Mover`: only missing bytes move; undoing removes what was not there before."""

    def before(self, clients: Clients, order: c.MoveOrder) -> dict[str, Any]:
        return {"files": stored(clients, stage_shelves(order.plan, order.at.stage))}

    def advance(self, clients: Clients, order: c.MoveOrder) -> str:
        plan = order.plan
        copy_files(clients, plan.contents, source_shelves(plan), stage_shelves(plan, order.at.stage))
        return ""

    def undo(self, clients: Clients, order: c.MoveOrder, before: Mapping[str, Any]) -> str:
        if any(f"{file.part}/{file.path}" not in before["files"] for file in order.plan.contents):
            require_unserved(clients, order)
        remove_files(clients, order.plan, stage_shelves(order.plan, order.at.stage), before["files"])
        return ""

    def missing(self, clients: Clients, order: c.MoveOrder) -> str:
        there = set(stored(clients, stage_shelves(order.plan, order.at.stage)))
        lost = [f"{file.part}/{file.path}" for file in order.plan.contents]
        lost = [name for name in lost if name not in there]
        return f"{order.plan.model}: its folder lacks {counted(len(lost), 'file')}, such as {lost[0]}" if lost else ""


def copy_files(
    clients: Clients, files: Iterable[BundleFile], source: tuple[Shelf, Shelf], target: tuple[Shelf, Shelf]
) -> None:
    """Copy every one of *files* that *target* lacks; shelves are the model's and the extras'."""
    for file in files:
        clients.bundles.copy(_part(source, file), _part(target, file), file)


def remove_files(clients: Clients, plan: Plan, target: tuple[Shelf, Shelf], keep: list[str]) -> None:
    for file in plan.contents:
        if f"{file.part}/{file.path}" not in keep:
            clients.bundles.delete(_part(target, file), file.path)


def stored(clients: Clients, shelves: tuple[Shelf, Shelf]) -> list[str]:
    """`part/path` of every file that lies on *shelves*."""
    model, extras = shelves
    paths = [f"model/{file.path}" for file in clients.bundles.files(model)]
    return paths + [f"extras/{file.path}" for file in clients.bundles.files(extras)]


def require_unserved(clients: Clients, order: c.MoveOrder) -> None:
    """Raise Refused where the order's deployment still gets requests: a node that starts anew reads its model again."""
    stage = order.at.stage
    if stage.environment is None:
        return
    deployment = identity.deployment_name(order.plan.model.version, order.plan.digest)
    for kind, name in ((EndpointKind.ONLINE, stage.serving.online), (EndpointKind.BATCH, stage.serving.batch)):
        endpoint = clients.endpoints.find(stage.environment, kind, name) if name else None
        if endpoint is not None and (endpoint.traffic.get(deployment) or endpoint.default == deployment):
            raise Refused(f"{deployment} still gets requests of {name}: what it runs on stays")


def require_same(clients: Clients, plan: Plan, shelves: tuple[Shelf, Shelf]) -> None:
    """Read every byte again. Refused where anything is not what was planned."""
    copy = read_bundle(clients.bundles, *shelves)
    if copy.digest != plan.digest:
        differences = "; ".join(difference(Bundle(files=plan.contents), copy)[:5])
        raise Refused(f"the copy of {plan.model} has digest {copy.digest}, planned was {plan.digest}: {differences}")


def _part(shelves: tuple[Shelf, Shelf], file: BundleFile) -> Shelf:
    return shelves[0] if file.part == MODEL else shelves[1]
