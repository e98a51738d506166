"""Act on an alert about what serves production: a rollback, once, or a record that says why there is none.

Alerts are pushed, and found by a sweep: both come this way with the same alert, and mean the same.
"""

import asyncio
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from shared import contracts as c
from shared.application.promotion.flags import workspace_suffix
from shared.application.promotion.turns import holder_of
from shared.application.rollout.clients import ServingClients
from shared.application.rollout.orders import wake_watch
from shared.application.rollout.starts import begin_turn, caused_rollback, start_rollback
from shared.domain import identity
from shared.domain.alerts import AlertChanged, alert_name
from shared.domain.configuration import Configuration
from shared.domain.inference.routes import Workspace
from shared.domain.promotion.ladder import Ladder, Stage
from shared.domain.rollout.causes import RollbackCause
from shared.domain.rollout.serving import ServedInterval
from shared.domain.rollout.serving_alerts import ServingAlert, judge_alert
from shared.durable.starting import Client
from shared.ports import EndpointKind
from shared.records.production import paths
from shared.records.production.alerts import FIRED, RESOLVED, AlertRecord, keep_alert, keep_in_force
from shared.records.production.serving import served_intervals
from shared.records.promotion import find_promotion
from shared.records.store import RecordStore

SWEEP = "sweep"  # The source of an alert that nobody pushed.
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


class AlertClients(ServingClients, Protocol):
    """What serves, what is recorded of it, and which alerts mean what."""

    @property
    def configuration(self) -> Configuration: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchedEndpoint:
    """The endpoint of *stage* in *workspace*, whose alerts of the stage's rules bring the version before back."""

    stage: Stage
    workspace: Workspace

    @property
    def name(self) -> str:
        return self.stage.serving.online

    def has_rule(self, rule: str) -> bool:
        """Whether *rule* is configured."""
        return self.stage.rollout is not None and self.stage.rollout.alerts.has_rule(rule)


def watched_endpoints(ladder: Ladder) -> Iterator[WatchedEndpoint]:
    """Those of every stage that shifts traffic and has rules."""
    for stage in ladder.stages:
        if stage.rollout is not None and stage.rollout.alerts.rules and stage.environment is not None:
            yield WatchedEndpoint(stage=stage, workspace=stage.environment)


def watched_by(ladder: Ladder, event: AlertChanged) -> WatchedEndpoint | str:
    """The endpoint that *event* is about; else why a configured rule is about none, empty for another rule."""
    with_rule = [watched for watched in watched_endpoints(ladder) if watched.has_rule(event.rule)]
    target = event.target()
    for watched in with_rule:
        in_workspace = not target.workspace or target.workspace.endswith(workspace_suffix(watched.workspace))
        if target.endpoint == watched.name.lower() and in_workspace:
            return watched
    if not with_rule:
        return ""
    names = " or ".join(f"{watched.workspace.name}/{watched.name}" for watched in with_rule)
    return f"no rollback: alert {event.rule} is about endpoint {target.endpoint or '(none is named)'}, and not {names}"


def serving_alert(event: AlertChanged) -> ServingAlert:
    """What a judgement needs of *event*. An alert without a readable time counts as one of long ago."""
    try:
        fired_at = datetime.fromisoformat(event.fired_at)
    except ValueError:
        fired_at = _LONG_AGO
    return ServingAlert(
        id=alert_name(event.event_id),
        rule=event.rule,
        fired=event.fired,
        fired_at=fired_at if fired_at.tzinfo else fired_at.replace(tzinfo=UTC),
        deployment=event.target().deployment,
        window_start=event.window_start,
        description=event.description,
    )


async def act_on_alert(
    client: Client, clients: AlertClients, watched: WatchedEndpoint, alert: ServingAlert, source: str
) -> AlertRecord:
    """Start a rollback where *alert* asks for one; returns what was done and why, which is recorded too."""
    reaction = await asyncio.to_thread(_reaction, clients, watched, alert)
    if reaction.watched_by:
        await wake_watch(client, clients.store, reaction.watched_by)
    if reaction.rollback is not None:
        # At once: the sweep that comes next would retire what the rollback is about to need.
        await asyncio.to_thread(begin_turn, clients, watched.stage, reaction.rollback.id)
        await start_rollback(client, clients.store, reaction.rollback)
    record = AlertRecord(
        alert=alert.id,
        rule=alert.rule,
        environment=watched.workspace.name,
        endpoint=watched.name,
        deployment=alert.deployment,
        model=reaction.model,
        fired_at=alert.fired_at.isoformat(),
        condition=FIRED if alert.fired else RESOLVED,
        at=clients.clock.now().isoformat(timespec="milliseconds"),
        because=reaction.because,
        rollback=reaction.rollback.id if reaction.rollback else "",
        source=source,
    )
    await asyncio.to_thread(keep_alert, clients.statements, record)
    if source == SWEEP:  # It was listed as one that is in force.
        await asyncio.to_thread(keep_in_force, clients.statements, record)
    return record


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reaction:
    """*rollback* is what the alert starts, None for nothing; the rollout *watched_by* judges it itself."""

    because: str
    model: str = ""
    rollback: c.RollbackRequest | None = None
    watched_by: str = ""


def _reaction(clients: AlertClients, watched: WatchedEndpoint, alert: ServingAlert) -> _Reaction:
    assert watched.stage.rollout is not None
    place = watched.workspace.name
    served = served_intervals(clients.statements, place, watched.name)
    judgement = judge_alert(watched.stage.rollout.alerts, alert, served, clients.clock.now())
    if not judgement.rolls_back or judgement.switched is None:
        return _Reaction(because=judgement.because, model=judgement.model)
    if foreign := _foreign(clients, watched, served):
        return _Reaction(because=foreign, model=judgement.model)
    rollout = _rollout_of(clients.store, watched, judgement.model)
    if rollout:
        because = f"the rollout {rollout} is under way, and its next look judges the alert"
        return _Reaction(because=because, model=judgement.model, watched_by=rollout)
    request = caused_rollback(
        RollbackCause.ALERT,
        f"{place}/{watched.name}/{alert.id}",
        watched.stage.name,
        judgement.model,
        by=f"alert {alert.rule}",
        reason=alert.because,
        alert=alert.id,
    )
    # Several rules may fire on one version: the first alert brings it back, and the others find that it does.
    stint = identity.digest(judgement.model, judgement.switched.isoformat())
    claim = clients.ledger.record(paths.alert_rollback(place, watched.name, stint), {"rollback": request.id})
    if claim["rollback"] != request.id:
        because = f"rollback {claim['rollback']} was started for {judgement.model} by another alert"
        return _Reaction(because=because, model=judgement.model)
    return _Reaction(because=judgement.because, model=judgement.model, rollback=request)


def _foreign(clients: AlertClients, watched: WatchedEndpoint, served: Iterable[ServedInterval]) -> str:
    """Why it is not known what serves; empty where the traffic is what was recorded."""
    online = clients.endpoints.find(watched.workspace, EndpointKind.ONLINE, watched.name)
    shares = online.shares if online else {}
    recorded = {interval.deployment: interval.share for interval in served if interval.until is None}
    if shares == recorded:
        return ""
    return f"the traffic of {watched.name} is {shares}, and {recorded} was recorded: a person must decide"


def _rollout_of(store: RecordStore, watched: WatchedEndpoint, model: str) -> str:
    """The promotion of *model* that has the endpoint still, because it soaks; empty where there is none."""
    owner = holder_of(store, f"{watched.workspace.name}/{watched.name}")
    record = find_promotion(store, owner) if owner else None
    return owner if record is not None and str(record.promotion.model) == model else ""
