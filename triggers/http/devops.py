"""Azure DevOps over HTTP: accept a task that waits for us, take a hook, answer a gate that polls.

A task is answered within three seconds: nothing is asked of Azure DevOps here, and nothing but headers is trusted.
"""

import json
import re
from dataclasses import dataclass, replace
from typing import Any

from shared import contracts as c
from shared.application.devops.open_instances import start_kept
from shared.application.devops.tasks import accept_task
from shared.application.progress import progress_of
from shared.clients import Clients
from shared.codec import encode
from shared.domain import identity
from shared.domain.access.permissions import Action
from shared.domain.devops.orders import BODY_LIMIT, OrderKind, TaskOrder, read_order
from shared.domain.devops.tasks import TaskRef, read_task
from shared.domain.failures import Refused
from shared.durable.starting import Client
from shared.telemetry.spans import occurred_at
from shared.validation.rules import OptionalName, Sentence
from triggers.events.service_hooks import delivery_of, read_hint
from triggers.http import places
from triggers.http.api_route import ApiRequest
from triggers.http.exchange.idempotency import API, polling_headers
from triggers.http.exchange.problems import Problem

_TOKEN = re.compile(r"[\x21-\x7e]{1,16384}")
# What the caller must be allowed to do; nothing else is started here.
_NEEDS = {
    OrderKind.PROMOTION: Action.PROMOTE,
    OrderKind.INFERENCE: Action.START_INFERENCE,
    OrderKind.DATA_CHECK: Action.CHECK_DATA,
    OrderKind.RETRAINING: Action.RETRAIN,
    OrderKind.ROLLBACK: Action.ROLL_BACK,
    OrderKind.FOLLOW: Action.READ,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskAsked:
    """Either *start*, with what that kind of start needs, or *follow* with the id of a run or a promotion."""

    start: OrderKind | None = None
    follow: OptionalName = ""
    model: OptionalName = ""
    to: OptionalName = ""
    source: OptionalName = ""
    path: OptionalName = ""
    route: OptionalName = ""
    reason: Sentence = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskTaken:
    """*accepted* says whether it was started now; the same task taken again joins the first."""

    task: str
    accepted: str

    @property
    def headers(self) -> dict[str, str]:
        return polling_headers(f"{API}/operations/{self.task}")


@dataclass(frozen=True, slots=True, kw_only=True)
class HintTaken:
    """*because* says why it is not *heeded*; *hint* is the operation that looks."""

    heeded: bool
    because: str = ""
    hint: str = ""
    accepted: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class GateShown:
    """*status*: pending, succeeded or failed."""

    status: str
    because: str
    steps: tuple[str, ...]


async def take_task(request: ApiRequest, body: TaskAsked) -> TaskTaken:
    """Callback mode: accepted now, decided later by TaskCompleted. A repeated call joins the first.

    Another call for the same task, with another token or order, is an instance of its own: Azure DevOps must confirm
    it, and the first that it confirms has the task.
    """
    if len(request.http.get_body()) > BODY_LIMIT:
        raise Problem(413, "body too large", f"the body has more than {BODY_LIMIT} bytes; send references only")
    task, order, token = _task(request), _order(request, body), request.http.headers.get("AuthToken", "")
    if not _TOKEN.fullmatch(token):
        raise Problem(400, "bad header", "header AuthToken is no token; leave the task's default headers as they are")
    task = replace(task, call=identity.task_call(token, json.dumps(encode(order), sort_keys=True)))
    name = identity.task_id(task.plan, task.job, task.task, task.call)
    following, clients = c.TaskFollowing(task=task, order=order), request.clients
    start = await accept_task(request.client, clients.secrets, clients.clock, name, token, following)
    return TaskTaken(task=name, accepted=start.value)


async def take_hook(request: ApiRequest, body: Any) -> HintTaken:
    """Take a web hook as a hint: what it is about is read again later."""
    return await handle_hook(request.client, request.clients, body)


async def handle_hook(client: Client, clients: Clients, body: Any) -> HintTaken:
    """Start a look at what the hook is about; it is read again then, so that a forged hook can cause nothing more."""
    hint = read_hint(body)
    if isinstance(hint, str):
        return HintTaken(heeded=False, because=hint)
    delivery, happened_at = delivery_of(body)
    name = identity.hint_id(hint.kind.value, hint.id, delivery)
    with occurred_at(happened_at):
        hinting = c.Hinting(key=f"devops/hints/{name}", hint=hint)
        start = await start_kept(client, clients.store, clients.clock.now(), c.HEED, name, hinting)
    return HintTaken(heeded=True, hint=name, accepted=start.value)


def show_gate(request: ApiRequest, name: str) -> GateShown:
    """Response mode: a gate polls until `status` is `succeeded` or `failed`; success criteria read it."""
    progress = progress_of(request.clients.store, name)
    if progress is None:
        raise Problem(404, "no such run", f"{name!r} is no run and no promotion here; start it first")
    steps = tuple(line for _, line in progress.steps)[-20:]
    return GateShown(status=progress.state.value, because=progress.because, steps=steps)


def _task(request: ApiRequest) -> TaskRef:
    organisations = request.clients.configuration.devops.organisations
    try:
        return read_task(request.http.headers, organisations, request.clients.devops_url)
    except Refused as refusal:
        raise Problem(403, "pipeline not accepted", str(refusal)) from refusal


def _order(request: ApiRequest, body: TaskAsked) -> TaskOrder:
    """The order in *body*, which the caller may give. Raises Problem."""
    fields = ("follow", "model", "to", "source", "path", "route", "reason")
    raw = {name: getattr(body, name) for name in fields if getattr(body, name)}
    try:
        order = read_order(raw | ({"start": body.start.value} if body.start else {}))
    except Refused as refusal:
        raise Problem(422, "bad body", str(refusal)) from refusal
    if order.kind not in _NEEDS:
        raise Problem(422, "bad body", f"field 'start' is {order.kind.value!r}; a pipeline starts pipelines by itself")
    places.require(request.clients, request.caller, _NEEDS[order.kind], "task", {"body": body}, request.owner)
    return order
