"""Retraining over HTTP: ask for it, show it, cancel a run. A request is weighed with all other causes."""

import asyncio
from dataclasses import dataclass, field, replace
from typing import Any

from shared import contracts as c
from shared.application.retraining.causes import raise_cause
from shared.clients import Clients
from shared.codec import decode
from shared.domain import identity
from shared.domain.access.callers import Caller, CallerKind
from shared.domain.failures import Refused
from shared.domain.promotion.people import PersonId
from shared.domain.retraining.causes import Cause, CauseKind
from shared.domain.retraining.costs import Cost
from shared.domain.retraining.rules import Budget, Retraining
from shared.durable.starting import Start, find_instance, wake
from shared.records import paths as records
from shared.records.retraining import RecordedVerdict, book_of, find_retraining, open_causes, read_causes
from shared.records.store import plain_record
from shared.validation.rules import Sentence
from triggers.http.api_route import ApiRequest, requester_name
from triggers.http.exchange.bodies import Order, Ordered, order_record
from triggers.http.exchange.idempotency import API, RepeatableAnswer, polling_headers
from triggers.http.exchange.problems import Problem
from triggers.http.named_resources import OptionalPlace

_NEWEST = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class RetrainingAsked:
    """*data* is a file (container/path), or a folder that ends with a slash, to be trained on as well."""

    reason: Sentence
    data: OptionalPlace = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Considered(RepeatableAnswer):
    """*cause* is the recorded wish; *considered*: `now`, or `with others` that are being weighed already."""

    model: str
    cause: str
    considered: str
    status_url: str
    resource: str

    @classmethod
    def of(cls, model: str, cause: str, consideration: str, instance: str) -> "Considered":
        status_url, resource = f"{API}/operations/{instance}", f"{API}/models/{model}/retraining"
        return cls(model=model, cause=cause, considered=consideration, status_url=status_url, resource=resource)

    @property
    def headers(self) -> dict[str, str]:
        return polling_headers(self.status_url)


@dataclass(frozen=True, slots=True, kw_only=True)
class CauseRow:
    """*who* is the person or the machine that asked for it, empty where nobody did."""

    id: str
    kind: str
    at: str
    because: str = ""
    who: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class VerdictRow:
    """*number* of causes were weighed together; *until* is when they are looked at again, empty where time decides
    nothing."""

    at: str
    move: str
    rule: str
    because: str
    until: str = ""
    number: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingRow:
    """*training* is the pipeline's run, *challenger* what it registered; *causes* it answered, *absorbed* ones came
    meanwhile."""

    run: str
    outcome: str = ""
    because: str = ""
    model: str = ""
    opened: str = ""
    closed: str = ""
    causes: int = 0
    absorbed: tuple[str, ...] = ()
    champion: str = ""
    challenger: str = ""
    promotion: str = ""
    fate: str | None = None
    training: str = ""
    cost: Cost | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RetrainingShown:
    """*running* is the run in flight and *doing* what it is at; *spent* is what the shown runs have cost."""

    model: str
    running: str
    causes: tuple[CauseRow, ...]
    verdicts: tuple[VerdictRow, ...]
    runs: tuple[TrainingRow, ...]
    spent: float
    budget: Budget
    doing: dict[str, Any] = field(default_factory=dict)


async def retrain_model(request: ApiRequest, model: str, body: RetrainingAsked) -> Considered:
    """Record a cause to retrain the model; `GET models/{model}/retraining` shows what becomes of it."""
    rules = _rules(request.clients, model)
    cause = await asyncio.to_thread(_cause, request, rules, body, await request.person())
    start = await raise_cause(request.client, request.clients.store, request.clients.configuration, cause)
    consideration = "now" if start is Start.STARTED else "with others"
    return Considered.of(model, cause.id, consideration, identity.considering_id(model))


async def show_retraining(request: ApiRequest, model: str) -> RetrainingShown:
    """Open causes, what was decided last, every run with its outcome and cost, and what the one in flight is doing."""
    _rules(request.clients, model)
    response = await asyncio.to_thread(_shown, request.clients, model)
    instance = await find_instance(request.client, response.running) if response.running else None
    return replace(response, doing=instance.custom_status if instance else {})


async def cancel_retraining(request: ApiRequest, run: str, body: Order) -> Ordered:
    """Cancel the pipeline's run, with the reason on it and on the record; what is registered already goes on."""
    is_new = await asyncio.to_thread(_order, request, run, body.reason)
    await wake(request.client, identity.wait_id(run), c.ORDER_GIVEN)
    return Ordered(run=run, order="cancel", recorded=is_new)


def _order(request: ApiRequest, run: str, reason: str) -> bool:
    """Record the order; False where there was one before."""
    clients, store = request.clients, request.clients.store
    record = find_retraining(store, run)
    if record is None:
        raise Problem(
            404, "no such run", f"no run of training is called {run!r}; `signalbox retraining MODEL` lists them"
        )
    if record.outcome is not None:
        raise Problem(409, "too late", f"run {run} ended as {record.outcome.value}")
    # A registered version has a promotion that people may have seen. Rejecting that is the way to stop it.
    if registration := clients.ledger.find(identity.retraining_key(run, "registered")):
        model = decode(c.ChallengerRegistered, registration).model
        raise Problem(409, "too late", f"run {run} has registered {model}; reject the promotion that follows")
    return store.create(records.cancelling(run), order_record(request, run, "cancel", reason))


def _cause(request: ApiRequest, rules: Retraining, body: RetrainingAsked, person: Caller | None) -> Cause:
    """The same request of the same caller is one cause, until another run has started."""
    clients, caller = request.clients, request.caller
    if body.data:
        _refuse_strange_data(clients, rules, body.data)
    last = [run.run for run in book_of(clients.store, rules.model).runs][-1:]
    kind = CauseKind.PERSON if caller.kind is CallerKind.PERSON else CauseKind.PIPELINE
    return Cause(
        id=identity.cause_id(rules.model, kind.value, _requester_id(caller, person), body.reason, body.data, *last),
        model=rules.model,
        kind=kind,
        at=clients.clock.now(),
        because=body.reason,
        who=requester_name(caller, person),
        facts={"data": body.data} if body.data else {},
        person=PersonId.of(person, person.name) if person else None,
    )


def _requester_id(caller: Caller, person: Caller | None) -> str:
    own = caller.oid or caller.app or caller.name
    return own if person in (caller, None) or person is None else f"{own} for {person.oid}"


def _refuse_strange_data(clients: Clients, rules: Retraining, data: str) -> None:
    container, _, path = data.partition("/")
    if not rules.data:
        detail = f"models.{rules.model}.retraining has no `data`; configure how it is read"
        raise Problem(409, "no training data", detail)
    if not path or container in clients.configuration.hub.reserved:
        raise Problem(422, "bad body", f"field 'data' is {data!r}; name container/path of the hub's own containers")
    if problem := clients.configuration.closed_training(rules, data):
        raise Problem(422, "bad body", f"field 'data': {problem}; name files of the Data Hub")
    if next(iter(clients.hub.list(container, path)), None) is None:
        raise Problem(404, "no such data", f"nothing lies at {data!r} in the hub; put it there, or end a folder with /")


def _shown(clients: Clients, model: str) -> RetrainingShown:
    book = book_of(clients.store, model)
    runs = [_run(clients, past.run) for past in book.runs[-_NEWEST:]]
    causes = [cause_row(cause) for cause in read_causes(clients.store, open_causes(clients.store, model)[:_NEWEST])]
    costs = [run.cost.actual for run in runs if run.cost and run.cost.actual is not None]
    return RetrainingShown(
        model=model,
        running=book.running,
        causes=tuple(causes),
        verdicts=tuple(_verdicts(clients, model)),
        runs=tuple(runs[::-1]),
        spent=round(sum(costs), 4),
        budget=clients.configuration.retrained(model).budget,
    )


def cause_row(cause: Cause) -> CauseRow:
    return CauseRow(id=cause.id, kind=cause.kind.value, at=cause.at.isoformat(), because=cause.because, who=cause.who)


def _run(clients: Clients, run: str) -> TrainingRow:
    record = find_retraining(clients.store, run)
    return decode(TrainingRow, (plain_record(record) if record else {}) | {"run": run})


def _verdicts(clients: Clients, model: str) -> list[VerdictRow]:
    """The newest first."""
    store = clients.store
    newest = sorted(store.blobs(records.verdicts(model)), key=lambda blob: blob.modified, reverse=True)[:_NEWEST]
    verdicts = [store.get(RecordedVerdict, blob.path) for blob in newest]
    return [decode(VerdictRow, plain_record(verdict)) for verdict in verdicts if verdict is not None]


def _rules(clients: Clients, model: str) -> Retraining:
    try:
        return clients.configuration.retrained(model)
    except Refused as refusal:
        raise Problem(404, "model is not retrained", str(refusal)) from refusal
