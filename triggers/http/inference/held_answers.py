"""Parts of collected answers that are held, since their outputs break their contract: list them, and release one."""

import asyncio
from dataclasses import dataclass

from shared.domain.access.permissions import Action
from shared.domain.data.data_samples import plain_sentences
from shared.domain.teams.ownership import Belonging
from shared.records.production.answers import HELD_PARTS, HeldPart, held_path, release_path
from triggers.http.api_route import ApiRequest
from triggers.http.exchange.bodies import Order, Ordered, order_record
from triggers.http.exchange.problems import Problem
from triggers.http.inference.run_records import BrokenRule, broken_rule, sees_data


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldPartShown:
    """A part of *answers* that is not published: *because* in sentences, *rules* with their counts.

    It was judged *at*, by *contract*; its outputs lie in *outputs*. *may_release* names the roles; a *released* one
    waits for the next sweep.
    """

    part: str
    answers: str
    contract: str
    at: str
    rows: int
    outputs: str
    because: tuple[str, ...]
    rules: tuple[BrokenRule, ...]
    may_release: str
    released: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldParts:
    """Every part that is held now."""

    parts: tuple[HeldPartShown, ...]


async def list_held_answers(request: ApiRequest) -> HeldParts:
    """The parts of collected answers that are held, each with its reasons."""
    return HeldParts(parts=await asyncio.to_thread(_held_parts, request))


async def release_answers(request: ApiRequest, part: str, body: Order) -> Ordered:
    """Have a held part published as it is, at the next sweep; the order is recorded with who gave it and why."""
    store = request.clients.store
    if await asyncio.to_thread(store.get, HeldPart, held_path(part)) is None:
        raise Problem(
            404, "nothing is held", f"no part {part!r} is held; `signalbox answers held` lists those that are"
        )
    order = order_record(request, part, "release", body.reason)
    is_new = await asyncio.to_thread(store.create, release_path(part), order)
    return Ordered(run=part, order="release", recorded=is_new)


def _held_parts(request: ApiRequest) -> tuple[HeldPartShown, ...]:
    clients = request.clients
    holds = (clients.store.get(HeldPart, blob.path) for blob in clients.store.blobs(HELD_PARTS))
    return tuple(
        _shown(request, hold) for hold in holds if hold is not None and request.sees(Belonging.ANSWERS, hold.answers)
    )


def _shown(request: ApiRequest, hold: HeldPart) -> HeldPartShown:
    clients, permissions = request.clients, request.clients.configuration.permissions
    team = clients.configuration.team_of(Belonging.ANSWERS, hold.answers)
    samples = sees_data(request, hold.environment, team)
    return HeldPartShown(
        part=hold.part,
        answers=hold.answers,
        contract=hold.contract,
        at=hold.at,
        rows=hold.rows,
        outputs=hold.outputs,
        because=plain_sentences(hold.because, hold.findings)[: len(hold.because)],
        rules=tuple(broken_rule(finding, samples) for finding in hold.findings),
        may_release=permissions.who_may(Action.RELEASE, hold.environment, team),
        released=clients.store.exists(release_path(hold.part)),
    )
