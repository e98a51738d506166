"""The handlers of Azure DevOps' routes: take a task that waits for us, answer a gate that polls.

A task is answered within three seconds: nothing is asked of Azure DevOps here, and nothing but headers is trusted.
"""

import asyncio
import json
import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

from shared import contracts as c
from shared.application.devops.open_instances import start_kept
from shared.application.progress import progress_of
from shared.clients import Clients
from shared.codec import encode
from shared.domain import identity
from shared.domain.access.permissions import Action
from shared.domain.devops.hooks import read_hint
from shared.domain.devops.orders import BODY_LIMIT, OrderKind, TaskOrder, read_order
from shared.domain.devops.tasks import TOKEN_LIFE_S, TaskRef, read_task
from shared.domain.failures import Refused
from shared.durable.starting import Client, Start, start_once
from shared.telemetry.spans import occurred_at
from triggers.events.fields import moment_of
from triggers.http import places as environments
from triggers.http.devops.requests import TaskAsked
from triggers.http.door import Call
from triggers.http.problems import Problem
from triggers.http.responses import other as answers

_TOKEN = re.compile(r"[\x21-\x7e]{1,16384}")
# What the caller must be allowed to do; nothing else is started here.
_NEEDS = {
    OrderKind.PROMOTION: Action.PROMOTE,
    OrderKind.INFERENCE: Action.START_INFERENCE,
    OrderKind.DATA_CHECK: Action.CHECK_DATA,
    OrderKind.RETRAINING: Action.RETRAIN,
    OrderKind.FOLLOW: Action.READ,
}


async def take_task(call: Call, body: TaskAsked) -> answers.TaskTaken:
    """Callback mode: accepted now, decided later by TaskCompleted. A repeated call joins the first.

    Another call for the same task, with another token or order, is an instance of its own: Azure DevOps must confirm
    it, and the first that it confirms has the task.
    """
    if len(call.req.get_body()) > BODY_LIMIT:
        raise Problem(413, "body too large", f"the body has more than {BODY_LIMIT} bytes; send references only")
    task, order, token = _task(call), _order(call, body), call.req.headers.get("AuthToken", "")
    if not _TOKEN.fullmatch(token):
        raise Problem(400, "bad header", "header AuthToken is no token; leave the task's default headers as they are")
    task = replace(task, call=identity.task_call(token, json.dumps(encode(order), sort_keys=True)))
    name = identity.task_id(task.plan, task.job, task.task, task.call)
    until = call.clients.clock.now() + timedelta(seconds=TOKEN_LIFE_S)
    await asyncio.to_thread(call.clients.secrets.keep, name, token, until)
    how = await start_once(call.client, c.FOLLOW_TASK, name, c.TaskFollowing(task=task, order=order))
    if how is Start.FINISHED:  # A replay, whose token nothing will use.
        await asyncio.to_thread(call.clients.secrets.drop, name)
    return answers.TaskTaken(task=name, accepted=how.value)


async def take_hook(call: Call, body: Any) -> answers.HintTaken:
    """A hint, from web hooks."""
    return await heed_hook(call.client, call.clients, body)


async def heed_hook(client: Client, clients: Clients, body: Any) -> answers.HintTaken:
    """What a hint is about is read again later, so that a forged one can cause a look and nothing more."""
    hint = read_hint(body)
    if isinstance(hint, str):
        return answers.HintTaken(heeded=False, because=hint)
    delivery = f"{body.get('subscriptionId', '')}/{body.get('notificationId', '')}/{body.get('id', '')}"
    name = identity.hint_id(hint.kind.value, hint.id, delivery)
    with occurred_at(moment_of(body.get("createdDate"))):
        hinting = c.Hinting(key=f"devops/hints/{name}", hint=hint)
        how = await start_kept(client, clients.store, clients.clock.now(), c.HEED, name, hinting)
    return answers.HintTaken(heeded=True, hint=name, accepted=how.value)


async def show_gate(call: Call, name: str) -> answers.GateShown:
    """Response mode: a gate polls until `status` is `succeeded` or `failed`; success criteria read it."""
    seen = await asyncio.to_thread(progress_of, call.clients.store, name)
    if seen is None:
        raise Problem(404, "no such run", f"{name!r} is no run and no promotion here; start it first")
    steps = tuple(line for _, line in seen.steps)[-20:]
    return answers.GateShown(status=seen.state.value, because=seen.because, steps=steps)


def _task(call: Call) -> TaskRef:
    known = call.clients.configuration.devops
    try:
        return read_task(call.req.headers, known.organisations, call.clients.devops_url)
    except Refused as refusal:
        raise Problem(403, "not our pipeline", str(refusal)) from refusal


def _order(call: Call, body: TaskAsked) -> TaskOrder:
    """What the caller asks for, and may ask for."""
    fields = ("follow", "model", "to", "source", "path", "route", "reason")
    raw = {name: getattr(body, name) for name in fields if getattr(body, name)}
    try:
        order = read_order(raw | ({"start": body.start.value} if body.start else {}))
    except Refused as refusal:
        raise Problem(422, "bad body", str(refusal)) from refusal
    if order.kind not in _NEEDS:
        raise Problem(422, "bad body", f"field 'start' is {order.kind.value!r}; a pipeline starts pipelines by itself")
    environments.require(call.clients, call.caller, _NEEDS[order.kind], "task", {"body": body})
    return order
