"""What serves now, and what a rollback, a revocation and a release would do, over HTTP: before anybody orders one.

It writes nothing. The orders are in `rollbacks` and `revocations`.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from shared import contracts as c
from shared.application.rollout.known_good import candidates, production_stage, standing_alerts
from shared.application.rollout.ways_back import serving_records, way_back
from shared.application.trust.served_entries import defaults_served_by, stages_served_by, uncovered
from shared.clients import Clients
from shared.domain.promotion.ladder import Stage
from shared.domain.promotion.models import ModelVersion, exact_model
from shared.domain.rollout.serving import serving_at
from shared.domain.teams.ownership import Belonging
from shared.records.production.serving import hold_of, served_intervals
from shared.records.production.upkeep import rollback_under_way
from shared.records.registry import entry_statement, history_of
from shared.validation.rules import Name, OptionalName
from triggers.http.api_route import ApiRequest
from triggers.http.operations.models import configured_model
from triggers.http.promotion.rollbacks import ConditionRow, condition_rows


@dataclass(frozen=True, slots=True, kw_only=True)
class ServesNow:
    """*model* has *share* percent of an endpoint's traffic *since* then, by the signed changes of its traffic."""

    stage: str
    environment: str
    endpoint: str
    model: str
    deployment: str
    share: int
    since: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ServingNow:
    serving: tuple[ServesNow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WayBackChoice:
    """*to*: a version of the model; empty for the newest that is known to be good."""

    stage: OptionalName = ""
    to: OptionalName = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RollbackPlanned:
    """From the version *leaving* to *target*, which is empty where there is no way; *because* says why.

    *warm*: its deployment is there; *estimate_s* is by its last rehearsal, null where nobody has tried. *unmet* are the
    conditions for which a person must answer, with `override`. The rollout *giving_way* would be aborted. A rollback
    that is *under_way* goes first.
    """

    stage: str
    environment: str
    endpoint: str
    batch: str
    leaving: str
    target: str
    deployment: str
    warm: bool
    estimate_s: float | None
    because: str
    unmet: tuple[ConditionRow, ...]
    giving_way: str
    under_way: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RevocationChoice:
    version: Name


@dataclass(frozen=True, slots=True, kw_only=True)
class RevocationPlanned:
    """*state* is that of the entry, empty without a signed one: then nothing can be revoked.

    *rollbacks* are due where the version serves; *because* says where none is possible, and why.
    """

    model: str
    state: str
    bundle: str
    rollbacks: tuple[RollbackPlanned, ...]
    because: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClearedAlert:
    """An alert of *rule* that stands against the version since *fired*."""

    rule: str
    fired: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleasePlanned:
    """*held*: something holds the version back, *by* whom and *because* of what, since *at*; *cause* is the rollback.

    *alerts* would count no more. Where nothing holds it and no alert stands, a release changes nothing. *state* is that
    of its entry in the registry.
    """

    model: str
    held: bool
    by: str
    because: str
    at: str
    cause: str
    alerts: tuple[ClearedAlert, ...]
    state: str


def show_what_serves(request: ApiRequest) -> ServingNow:
    """Which version has which share of every endpoint that promotions have shifted traffic of."""
    return ServingNow(serving=tuple(_serving(request)))


def plan_rollback(request: ApiRequest, model: str, query: WayBackChoice) -> RollbackPlanned:
    """What a rollback of *model* would do now. The order looks again, and may name the version that it leaves."""
    configured_model(request.clients, model)
    stage = production_stage(request.clients.configuration.ladder, query.stage)
    if query.to:
        exact_model(f"{model}:{query.to}")
    return _planned(request.clients, stage, model, query.to)


def plan_revocation(request: ApiRequest, model: str, query: RevocationChoice) -> RevocationPlanned:
    """What revoking `version` of *model* would do now: its entry, and what is brought back where it serves."""
    clients, version = request.clients, exact_model(f"{model}:{query.version}")
    configured_model(clients, model)
    entry = entry_statement(clients.statements, history_of(clients.audit, version), version, [])
    ladder = clients.configuration.ladder
    serving = stages_served_by(clients.endpoints, ladder, version)
    because = tuple(uncovered(serving, version))
    due = tuple(_planned(clients, stage, model, "", version) for stage in serving if stage.rollout is not None)
    following = {planned.stage for planned in due if planned.target}
    because += tuple(
        default.because
        for default in defaults_served_by(clients.endpoints, ladder, version)
        if default.stage not in following
    )
    return RevocationPlanned(
        model=str(version),
        state=entry.state if entry else "",
        bundle=entry.bundle if entry else "",
        rollbacks=due,
        because=because,
    )


def plan_release(request: ApiRequest, model: str, query: RevocationChoice) -> ReleasePlanned:
    """What holds `version` of *model* back from promotions, and what releasing it would clear."""
    clients, version = request.clients, exact_model(f"{model}:{query.version}")
    configured_model(clients, model)
    hold = hold_of(clients.statements, version)
    entry = entry_statement(clients.statements, history_of(clients.audit, version), version, [])
    alerts = standing_alerts(clients.statements, clients.configuration.ladder, version)
    return ReleasePlanned(
        model=str(version),
        held=hold is not None,
        by=hold.by if hold else "",
        because=hold.reason if hold else "",
        at=hold.at.isoformat() if hold else "",
        cause=hold.cause if hold else "",
        alerts=tuple(ClearedAlert(rule=alert.rule, fired=alert.fired_at.isoformat()) for alert in alerts),
        state=entry.state if entry else "",
    )


def _serving(request: ApiRequest) -> Iterator[ServesNow]:
    clients, now = request.clients, request.clients.clock.now()
    for stage in clients.configuration.ladder.stages:
        if stage.environment is None or not stage.serving.online:
            continue
        place, endpoint = stage.environment.name, stage.serving.online
        for interval in serving_at(served_intervals(clients.statements, place, endpoint), now):
            if not request.sees(Belonging.MODEL, interval.model.partition(":")[0]):
                continue
            yield ServesNow(
                stage=stage.name,
                environment=place,
                endpoint=endpoint,
                model=interval.model,
                deployment=interval.deployment,
                share=interval.share,
                since=interval.since.isoformat(),
            )


def _planned(
    clients: Clients, stage: Stage, name: str, to: str, leaving: ModelVersion | None = None
) -> RollbackPlanned:
    wanted = c.RollbackRequest(id="", name=name, stage=stage.name, by="", reason="", to=to, leaving=str(leaving or ""))
    course = way_back(clients, wanted, stage)
    unmet: tuple[ConditionRow, ...] = ()
    known = {
        candidate.model: candidate
        for candidate in candidates(serving_records(clients), stage, name, clients.clock.now())
    }
    if course.target is None and to:
        overridden = way_back(clients, replace(wanted, override=True), stage)
        if overridden.target is not None:
            course, conditions = overridden, known[str(overridden.target)].unmet()
            unmet = condition_rows(conditions)
    target = str(course.target or "")
    return RollbackPlanned(
        stage=stage.name,
        environment=stage.workspace.name,
        endpoint=stage.serving.online,
        batch=stage.serving.batch,
        leaving=course.left,
        target=target,
        deployment=course.deployment,
        warm=course.warm,
        estimate_s=known[target].estimate_s if target else None,
        because=course.because,
        unmet=unmet,
        giving_way=course.giving_way,
        under_way=rollback_under_way(clients.store, stage.workspace.name, stage.serving.online),
    )
