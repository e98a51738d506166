"""The caller over HTTP: who they are, what they may do where, for whom they may speak, and what waits for them."""

import asyncio
from dataclasses import dataclass

from shared.application.inbox import InboxItem, InboxRecords, inbox_of
from shared.application.lists import RowFilter, matching, rows_in_scope
from shared.clients import Clients
from shared.domain.access.callers import Caller
from shared.domain.access.permissions import Action
from shared.domain.teams.ownership import Belonging
from shared.records.lists.rows import PROMOTIONS, RUNS
from triggers.http.api_route import ApiRequest
from triggers.http.promotion.promotion_list import waits_of


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeakingRole:
    """A *role* that the policy of *stage* asks, and that the caller may decide as."""

    stage: str
    role: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Myself:
    """*personas* are the configured ones that the caller fills. *allows*: the places by action; `all` is everywhere,
    and `TEAM:PLACE` is for what the team owns alone.

    *speaks*: whether four eyes let the caller decide on a promotion depends on who asked for it.
    """

    name: str
    oid: str
    kind: str
    tenant: str
    personas: tuple[str, ...]
    roles: tuple[str, ...]
    allows: dict[str, tuple[str, ...]]
    speaks: tuple[SpeakingRole, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Inbox:
    """What expires first comes first."""

    items: tuple[InboxItem, ...]


def show_me(request: ApiRequest) -> Myself:
    """Who the caller is, and what they may do"""
    caller, permissions = request.caller, request.clients.configuration.permissions
    return Myself(
        name=caller.name,
        oid=caller.oid,
        kind=caller.kind.value,
        tenant=caller.tenant,
        personas=tuple(dict.fromkeys(persona.role.name for persona in permissions.of(caller))),
        roles=caller.roles,
        allows={
            action.value: places
            for action in Action
            if action is not Action.ANYONE and (places := permissions.places(caller, action))
        },
        speaks=tuple(_speaking(request.clients, caller)),
    )


async def show_inbox(request: ApiRequest) -> Inbox:
    """What waits for the caller now: decisions, releases, undecided rollouts, and what failed of theirs"""
    return await asyncio.to_thread(_inbox, request)


def _inbox(request: ApiRequest) -> Inbox:
    clients, configuration, scope = request.clients, request.clients.configuration, request.scope
    now, rows = clients.clock.now(), clients.lists.rows
    promotions = rows_in_scope(PROMOTIONS, rows(PROMOTIONS), configuration, scope)
    under_way = matching(PROMOTIONS, promotions, RowFilter(ended="fate", is_open=True))
    waits = waits_of(clients, [entry[-1] for entry in under_way], promotions)
    runs = rows_in_scope(RUNS, rows(RUNS), configuration, scope)
    records = InboxRecords(clients.store, configuration, scope, runs, promotions)
    return Inbox(items=tuple(inbox_of(records, request.caller, waits, now)))


def _speaking(clients: Clients, caller: Caller) -> list[SpeakingRole]:
    configuration = clients.configuration
    scope = configuration.permissions.scope(caller, Action.DECIDE)
    return [
        SpeakingRole(stage=stage.name, role=role.name)
        for stage in configuration.ladder.stages
        if scope.covers(configuration.team_of(Belonging.STAGE, stage.name))
        for role in stage.approvals.roles
        if any(caller.fills(speaker_role) for speaker_role in stage.approvals.speakers(role))
    ]
