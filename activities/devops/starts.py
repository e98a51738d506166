"""Start what an order of a pipeline or of a merged pull request asks for, by the ids that any other door would use.

What is to be started is recorded before it is started, so that a second try starts the same thing.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from activities.effects import once
from shared import contracts as c
from shared.application.inference.open_runs import start_inference
from shared.application.inference.scoring import current_contract
from shared.application.progress import progress_of
from shared.application.promotion.standing import next_attempt
from shared.application.promotion.starts import start_promotion
from shared.application.retraining.causes import raise_cause
from shared.application.rollout.known_good import production_stage
from shared.application.rollout.starts import start_rollback
from shared.clients import Clients
from shared.domain import identity
from shared.domain.devops.orders import NEWEST_KNOWN_GOOD, OrderKind, TaskOrder
from shared.domain.events import BlobArrived
from shared.domain.failures import Refused
from shared.domain.promotion.approvals import Person
from shared.domain.promotion.ladder import Stage
from shared.domain.promotion.models import exact_model
from shared.domain.promotion.people import PersonId
from shared.domain.retraining.causes import Cause, CauseKind
from shared.domain.teams.ownership import Belonging
from shared.domain.teams.views import configuration_of_owner
from shared.durable.starting import Client
from shared.ports import Blob, HubFile
from shared.routing import StartRun, route

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """What an order has started, and the *id* of its record. *failed* says why it failed, *because* how it ended."""

    follows: c.Followed = c.Followed.NOTHING
    id: str = ""
    failed: str = ""
    because: str = ""


async def begin(client: Client, clients: Clients, key: str, order: TaskOrder, asker: Person) -> Begun:
    """Raises Refused for an order that cannot be followed: the reason names field, value and remedy."""
    match order.kind:
        case OrderKind.PROMOTION:
            return await _promote(client, clients, key, order, asker)
        case OrderKind.INFERENCE:
            return await _infer(client, clients, key, order)
        case OrderKind.RETRAINING:
            return await _retrain(client, clients, key, order, asker)
        case OrderKind.DATA_CHECK:
            return await asyncio.to_thread(_check_data, clients, order)
        case OrderKind.ROLLBACK:
            return await _roll_back(client, clients, key, order, asker)
        case OrderKind.PIPELINE:
            raise Refused("field 'start' is 'pipeline': a pipeline starts pipelines by itself")
        case OrderKind.FOLLOW:
            return await asyncio.to_thread(_follow, clients, order)


async def _promote(client: Client, clients: Clients, key: str, order: TaskOrder, asker: Person) -> Begun:
    def wanted() -> c.Promotion:
        model, source = exact_model(order.model), order.source or clients.configuration.ladder.lowest_source(order.to)
        _refuse_unknown(clients, asker, clients.configuration.ladder.way(source, order.to))
        number = next_attempt(clients.store, model, order.to)
        return c.Promotion(
            id=identity.promotion_id(model.name, model.version, order.to, number),
            model=model,
            source=source,
            target=order.to,
            requester=asker.oid,
            requested_by=asker.name,
            reason=order.reason or f"asked for by {asker.name}",
            asked_by=(PersonId.of(asker, asker.name),) if asker.oid else (),
        )

    request = await _intend(clients, key, c.Promotion, wanted)
    await start_promotion(client, clients, request)
    return Begun(follows=c.Followed.RECORD, id=request.id)


def _refuse_unknown(clients: Clients, asker: Person, way: Sequence[Stage]) -> None:
    """A promotion that people must approve needs a known requester: else nobody can tell that another one approves."""
    stages = [stage.name for stage in way if stage.approvals.roles]
    if stages and not asker.oid and not clients.configuration.devops.unknown_requesters:
        raise Refused(
            f"{asker.name}: the requester is unknown, and stage {stages[0]} needs an approval by somebody other than "
            "the requester; let a person of the directory run the pipeline, or set devops.unknown_requesters: true"
        )


async def _infer(client: Client, clients: Clients, key: str, order: TaskOrder) -> Begun:
    """Start the run that the file's own event starts. If the event was first, the task joins that run."""

    def wanted() -> c.Inference:
        blob = _file(clients, order.path)
        hub = clients.configuration.hub
        arrival = blob.arrival(clients.configuration.account_of(blob.container))
        # The decision is that of the file's event, so the run has the id that the event gives it, and both start it
        # once.
        decisions = route(BlobArrived(event_id=key, arrival=arrival), clients.configuration)
        starts = [decision for decision in decisions if isinstance(decision, StartRun)]
        if len(starts) != 1:
            count = f"{len(starts)} routes start a run" if starts else "no route starts a run"
            raise Refused(f"{count} for path {order.path!r}; name a file that one route takes")
        today = clients.clock.now().date().isoformat()
        return c.Inference.of(starts[0].route, hub, arrival, starts[0].captures, today)

    inference = await _intend(clients, key, c.Inference, wanted)
    await start_inference(client, clients.hub, inference)
    return Begun(follows=c.Followed.RECORD, id=inference.run)


async def _retrain(client: Client, clients: Clients, key: str, order: TaskOrder, asker: Person) -> Begun:
    clients.configuration.retrained(order.model)
    cause = Cause(
        id=identity.cause_id(order.model, CauseKind.PIPELINE, key),
        model=order.model,
        kind=CauseKind.PIPELINE,
        at=clients.clock.now(),
        because=order.reason or f"asked for by {asker.name}",
        who=asker.name if asker.oid else "",
        person=PersonId.of(asker, asker.name) if asker.oid else None,
    )
    await raise_cause(client, clients.store, clients.configuration, cause)
    return Begun(follows=c.Followed.INSTANCE, id=identity.considering_id(order.model))


async def _roll_back(client: Client, clients: Clients, key: str, order: TaskOrder, asker: Person) -> Begun:
    """The rollback of this one order: a repeat joins it. A pipeline overrides no condition of a version."""
    version = "" if order.to == NEWEST_KNOWN_GOOD else order.to
    if version:
        exact_model(f"{order.model}:{version}")
    own = configuration_of_owner(clients.configuration, Belonging.MODEL, order.model)
    stage = production_stage(own.ladder, "").name
    rollback = c.RollbackRequest(
        id=identity.rollback_id(order.model, stage, key),
        name=order.model,
        stage=stage,
        by=asker.name,
        oid=asker.oid,
        reason=order.reason,
        to=version,
    )
    await start_rollback(client, clients.store, rollback)
    return Begun(follows=c.Followed.INSTANCE, id=rollback.id)


def _check_data(clients: Clients, order: TaskOrder) -> Begun:
    try:
        data_route = clients.configuration.route(order.route)
    except KeyError as error:
        raise Refused(str(error.args[0])) from error
    files = [HubFile(name=order.path, blob=_file(clients, order.path))]
    report = clients.data_checks.check(current_contract(clients.endpoints, data_route), files)
    summary = "; ".join(map(str, report.get("summary", ())))[:1000]
    has_passed = report.get("outcome") == "passed"
    because = f"data check {report.get('outcome')}: {summary or str(report.get('rows', 0)) + ' rows'}"
    return Begun(because=because) if has_passed else Begun(failed=because)


def _follow(clients: Clients, order: TaskOrder) -> Begun:
    if progress_of(clients.store, order.run) is None:
        raise Refused(f"field 'follow' is {order.run!r}, which is no run and no promotion here; start it first")
    return Begun(follows=c.Followed.RECORD, id=order.run)


def _file(clients: Clients, path: str) -> Blob:
    container, _, inner = path.partition("/")
    if container in clients.configuration.hub.reserved:
        raise Refused(f"field 'path' is {path!r}, in a container of Signalbox's own; name a file that has landed")
    blob = clients.hub.find(container, inner) if inner else None
    if blob is None:
        raise Refused(f"field 'path' is {path!r}, which is not in the hub; name it as container/path")
    return blob


async def _intend(clients: Clients, key: str, kind: type[T], decide: Callable[[], T]) -> T:
    """What is started under *key*. Decided once: a repeat reads it, even if the configuration changed."""
    # Attempts are numbered by what is on record. Without a recorded intention, a repeat after a crash would find its
    # own attempt there and start the next one.
    return await asyncio.to_thread(once, clients, f"{key}-intended", kind, decide)
