"""Rollbacks over HTTP: order one, see which versions are known to be good, what served when, and release a hold.

Alerts about production come in by `events`; here is shown what each came to.
"""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import uuid4

from shared import contracts as c
from shared.application.rollout.known_good import ServingRecords, candidates, production_stage, standing_alerts
from shared.clients import Clients
from shared.domain import identity
from shared.domain.promotion.models import ModelVersion, exact_model
from shared.domain.rollout.known_good import GoodCondition
from shared.domain.rollout.serving import serving_at
from shared.records.production.alerts import AlertRecord, alerts_of
from shared.records.production.serving import VersionHold, hold_of, served_intervals, sign_hold
from shared.validation.rules import Name, OptionalName, Sentence
from triggers.http.api_route import ApiRequest, requester_name
from triggers.http.exchange.idempotency import RequestedStart
from triggers.http.exchange.problems import Problem
from triggers.http.operations.models import configured_model


@dataclass(frozen=True, slots=True, kw_only=True)
class ServingAlerts:
    """The one that was judged last comes first."""

    environment: str
    endpoint: str
    alerts: tuple[AlertRecord, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RollbackAsked:
    """*to*: a version of the model; empty for the newest that is known to be good. *override*: a person answers for the
    conditions of *to* that are not met. *leaving*: the version (`name:version`) that the caller has seen serving; where
    it has no traffic any more, nothing is brought back.
    """

    reason: Sentence
    stage: OptionalName = ""
    to: OptionalName = ""
    override: bool = False
    leaving: OptionalName = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseAsked:
    version: Name
    reason: Sentence


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownGoodFilters:
    stage: OptionalName = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServingFilters:
    """*at*: a moment (ISO 8601); empty for the whole history."""

    at: OptionalName = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConditionRow:
    condition: str
    met: bool
    because: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownGoodRow:
    """*estimate_s*: how long a rollback to it may take by its last rehearsal, null where nobody has tried."""

    model: str
    deployment: str
    last_served: str
    good: bool
    warm: bool
    rehearsed: str
    estimate_s: float | None
    conditions: tuple[ConditionRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownGoodShown:
    """The version that served last comes first."""

    stage: str
    versions: tuple[KnownGoodRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedRow:
    """*until* is empty while it serves; *began* and *ended* say what changed the traffic."""

    deployment: str
    model: str
    share: int
    since: str
    until: str
    began: str
    ended: str
    by: str
    because: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ServingShown:
    environment: str
    endpoint: str
    intervals: tuple[ServedRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldReleased:
    """*released* is false where nothing held the version back, and no alert stood against it."""

    model: str
    released: bool
    by: str
    reason: str


async def roll_back_model(request: ApiRequest, model: str, body: RollbackAsked) -> RequestedStart:
    """Bring production back to `to`, or to the newest version of *model* that is known to be good."""
    stage = production_stage(request.clients.configuration.ladder, body.stage).name
    person = await request.person()
    if body.override and person is None:
        raise Problem(403, "not allowed", "unmet conditions are overridden by a person: send the token of one")
    if body.to:
        exact_model(f"{model}:{body.to}")
    rollback = c.RollbackRequest(
        id=identity.rollback_id(model, stage, uuid4().hex),
        name=model,
        stage=stage,
        by=requester_name(request.caller, person),
        oid=person.oid if person else "",
        reason=body.reason,
        to=body.to,
        override=body.override,
        leaving=body.leaving,
    )
    return RequestedStart(orchestration=c.ROLL_BACK, instance=rollback.id, payload=rollback, unique=True)


def show_known_good(request: ApiRequest, model: str, query: KnownGoodFilters) -> KnownGoodShown:
    """Each version of *model* that has served, and every condition of being known to be good."""
    clients = request.clients
    production = production_stage(clients.configuration.ladder, query.stage)
    records = ServingRecords(clients.statements, clients.audit, clients.endpoints, clients.bundles)
    return KnownGoodShown(
        stage=production.name,
        versions=tuple(
            KnownGoodRow(
                model=candidate.model,
                deployment=candidate.deployment,
                last_served=candidate.last_served.isoformat(),
                good=candidate.is_good,
                warm=candidate.warm,
                rehearsed=candidate.tried.at.isoformat() if candidate.tried else "",
                estimate_s=candidate.estimate_s,
                conditions=condition_rows(candidate.conditions),
            )
            for candidate in candidates(records, production, model, clients.clock.now())
        ),
    )


def condition_rows(conditions: Iterable[GoodCondition]) -> tuple[ConditionRow, ...]:
    """Conditions of being known to be good, as the API shows them."""
    return tuple(
        ConditionRow(condition=condition.name, met=condition.met, because=condition.because) for condition in conditions
    )


def show_serving(request: ApiRequest, environment: str, endpoint: str, query: ServingFilters) -> ServingShown:
    """What served the endpoint, and when; with `at` only what did at that moment."""
    clients = request.clients
    name = clients.configuration.workspace(environment).name
    served = served_intervals(clients.statements, name, endpoint)
    if query.at:
        served = tuple(serving_at(served, _moment(query.at)))
    return ServingShown(
        environment=name,
        endpoint=endpoint,
        intervals=tuple(
            ServedRow(
                deployment=interval.deployment,
                model=interval.model,
                share=interval.share,
                since=interval.since.isoformat(),
                until=interval.until.isoformat() if interval.until else "",
                began=interval.began.value,
                ended=interval.ended.value if interval.ended else "",
                by=interval.by,
                because=interval.because,
            )
            for interval in served
        ),
    )


async def release_version(request: ApiRequest, model: str, body: ReleaseAsked) -> HoldReleased:
    """Let a version that a rollback has left be promoted again; the alerts that fired on it count no more."""
    configured_model(request.clients, model)
    person = await request.person()
    name = requester_name(request.caller, person)
    return await asyncio.to_thread(_release, request.clients, exact_model(f"{model}:{body.version}"), name, body.reason)


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise Problem(422, "bad query", f"field 'at' is {text!r}; write a time like 2026-11-29T12:00:00Z") from error
    if moment.tzinfo is None:
        raise Problem(422, "bad query", f"field 'at' is {text!r}, without a zone; add Z or +01:00")
    return moment


def _release(clients: Clients, model: ModelVersion, by: str, reason: str) -> HoldReleased:
    hold = hold_of(clients.statements, model)
    alerts = standing_alerts(clients.statements, clients.configuration.ladder, model)
    if hold is not None or alerts:
        # The hold may be of a host whose clock is ahead: the release counts all the same. An alert is no reason to date
        # it later: its time is Azure Monitor's, and a release of the far future would outlast every later hold.
        at = max(clients.clock.now(), hold.at) if hold else clients.clock.now()
        cause = hold.cause if hold else ""
        sign_hold(clients.statements, VersionHold(model=model, released=True, by=by, reason=reason, at=at, cause=cause))
        facts = {"reason": reason, "rollback": cause}
        if alerts:
            facts["alerts"] = ", ".join(sorted({alert.rule for alert in alerts}))
        clients.audit.append(f"holds/{model}/{at.isoformat()}", "hold released", str(model), by, facts)
    return HoldReleased(model=str(model), released=hold is not None or bool(alerts), by=by, reason=reason)


def show_serving_alerts(request: ApiRequest, environment: str, endpoint: str) -> ServingAlerts:
    """Every alert of the rules under `rollout.alerts` about the endpoint, and what it has started or why not."""
    clients = request.clients
    name = clients.configuration.workspace(environment).name
    records = sorted(alerts_of(clients.statements, name, endpoint), key=lambda record: record.at, reverse=True)
    return ServingAlerts(environment=name, endpoint=endpoint, alerts=tuple(records))
