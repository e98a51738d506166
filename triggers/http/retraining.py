"""The handlers of retraining's routes. A request is a cause like any other, and is weighed with the others."""

import asyncio
from dataclasses import replace

from shared import contracts as c
from shared.application.retraining.causes import record_cause
from shared.application.retraining.consideration import consider
from shared.clients import Clients
from shared.codec import decode
from shared.domain import identity
from shared.domain.access.callers import Caller, CallerKind
from shared.domain.failures import Refused
from shared.domain.promotion.people import PersonId
from shared.domain.retraining.causes import Cause, CauseKind
from shared.domain.retraining.rules import Retraining
from shared.durable.starting import Start, find_instance, wake
from shared.records import paths as records
from shared.records.inference import GivenOrder
from shared.records.retraining import RecordedVerdict, book_of, find_retraining, open_causes
from shared.records.store import plain_record
from triggers.http import requests as asked
from triggers.http.door import Call
from triggers.http.inference import job_logs
from triggers.http.problems import Problem
from triggers.http.requesters import named, person_behind
from triggers.http.responses import models as answers
from triggers.http.responses.work import JobLog, Ordered

_NEWEST = 50


async def retrain_model(call: Call, model: str, body: asked.RetrainingAsked) -> answers.Considered:
    """Record that somebody asks; what becomes of it is `GET models/{model}/retraining`'s to say."""
    rules = _rules(call.clients, model)
    person = await person_behind(call)
    cause = await asyncio.to_thread(_record, call, rules, body, person)
    how = await consider(call.client, call.clients.store, model)
    said = "now" if how is Start.STARTED else "with others"
    return answers.Considered.of(model, cause.id, said, identity.considering_id(model))


async def show_retraining(call: Call, model: str) -> answers.RetrainingShown:
    """Open causes, what was decided last, every run with its outcome and cost, and what the one in flight is doing."""
    _rules(call.clients, model)
    found = await asyncio.to_thread(_shown, call.clients, model)
    instance = await find_instance(call.client, found.running) if found.running else None
    return replace(found, doing=instance.custom_status if instance else {})


async def show_training_log(call: Call, run: str, query: asked.LogWanted) -> JobLog:
    """The end of what the pipeline's run has logged: the file that says most of an error, or the one that is named."""
    return await job_logs.show_of_training(call.clients, run, query)


async def cancel_retraining(call: Call, run: str, body: asked.Order) -> Ordered:
    """Cancel the pipeline's run, with the reason on it and on the record; what is registered already goes on."""
    first = await asyncio.to_thread(_order, call, run, body.reason)
    await wake(call.client, identity.wait_id(run), c.ORDER_GIVEN)
    return Ordered(run=run, order="cancel", recorded=first)


def _order(call: Call, run: str, reason: str) -> bool:
    """Record the order; False where there was one before."""
    clients, store = call.clients, call.clients.store
    record = find_retraining(store, run)
    if record is None:
        raise Problem(
            404, "no such run", f"no run of training is called {run!r}; `signalbox retraining MODEL` lists them"
        )
    if record.outcome is not None:
        raise Problem(409, "too late", f"run {run} ended as {record.outcome.value}")
    if registered := clients.ledger.find(identity.retraining_key(run, "registered")):
        model = decode(c.ChallengerRegistered, registered).model
        raise Problem(409, "too late", f"run {run} has registered {model}; reject the promotion that follows")
    caller, at = call.caller, clients.clock.now().isoformat()
    order = GivenOrder(run=run, order="cancel", at=at, reason=reason, by=caller.name, oid=caller.oid)
    return store.create(records.cancelling(run), order)


def _record(call: Call, rules: Retraining, body: asked.RetrainingAsked, person: Caller | None) -> Cause:
    """The same wish of the same caller is one cause, until another run has started."""
    clients, caller = call.clients, call.caller
    if body.data:
        _refuse_strange_data(clients, rules, body.data)
    last = [run.run for run in book_of(clients.store, rules.model).runs][-1:]
    kind = CauseKind.PERSON if caller.kind is CallerKind.PERSON else CauseKind.PIPELINE
    cause = Cause(
        id=identity.cause_id(rules.model, kind.value, _who(caller, person), body.reason, body.data, *last),
        model=rules.model,
        kind=kind,
        at=clients.clock.now(),
        because=body.reason,
        who=named(caller, person),
        facts={"data": body.data} if body.data else {},
        person=PersonId.of(person, person.name) if person else None,
    )
    record_cause(clients.store, cause)
    return cause


def _who(caller: Caller, person: Caller | None) -> str:
    own = caller.oid or caller.app or caller.name
    return own if person in (caller, None) or person is None else f"{own} for {person.oid}"


def _refuse_strange_data(clients: Clients, rules: Retraining, data: str) -> None:
    container, _, path = data.partition("/")
    if not rules.data:
        said = f"models.{rules.model}.retraining has no `data`; configure how it is read"
        raise Problem(409, "no training data", said)
    if not path or container in clients.configuration.hub.reserved:
        raise Problem(422, "bad body", f"field 'data' is {data!r}; name container/path of the hub's own containers")
    if next(iter(clients.hub.list(container, path)), None) is None:
        raise Problem(404, "no such data", f"nothing lies at {data!r} in the hub; put it there, or end a folder with /")


def _shown(clients: Clients, model: str) -> answers.RetrainingShown:
    book = book_of(clients.store, model)
    runs = [_run(clients, past.run) for past in book.runs[-_NEWEST:]]
    waiting = open_causes(clients.store, model)
    known = [run.cost.actual for run in runs if run.cost and run.cost.actual is not None]
    return answers.RetrainingShown(
        model=model,
        running=book.running,
        causes=tuple(answers.CauseRow(id=each.id, kind=each.kind.value, at=each.at.isoformat()) for each in waiting),
        verdicts=tuple(_verdicts(clients, model)),
        runs=tuple(runs[::-1]),
        spent=round(sum(known), 4),
        budget=clients.configuration.retrained(model).budget,
    )


def _run(clients: Clients, run: str) -> answers.TrainingRow:
    record = find_retraining(clients.store, run)
    return decode(answers.TrainingRow, (plain_record(record) if record else {}) | {"run": run})


def _verdicts(clients: Clients, model: str) -> list[answers.VerdictRow]:
    """The newest first."""
    store = clients.store
    newest = sorted(store.blobs(records.verdicts(model)), key=lambda blob: blob.modified, reverse=True)[:_NEWEST]
    verdicts = [store.get(RecordedVerdict, blob.path) for blob in newest]
    return [decode(answers.VerdictRow, plain_record(verdict)) for verdict in verdicts if verdict is not None]


def _rules(clients: Clients, model: str) -> Retraining:
    try:
        return clients.configuration.retrained(model)
    except Refused as refusal:
        raise Problem(404, "not retrained", str(refusal)) from refusal
