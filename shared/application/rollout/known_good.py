"""Which versions a stage can be brought back to: each that has served, with every condition and what was found."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from shared.application.promotion.planning import champion_at, golden_requests, place_shelves
from shared.domain import identity
from shared.domain.failures import Refused
from shared.domain.promotion.audit import Entry
from shared.domain.promotion.ladder import Ladder, Stage
from shared.domain.promotion.models import EntryState, ModelVersion, exact_or_none
from shared.domain.rollout.callers import CallerNames, caller_names, misfit
from shared.domain.rollout.known_good import (
    FiredAlert,
    GoodCandidate,
    GoodCondition,
    KnownGoodRules,
    alerts_on,
    ended_well,
    served_long_enough,
    versions_served,
)
from shared.domain.rollout.rehearsals import Rehearsal, newest_rehearsal
from shared.domain.rollout.serving import ServedInterval
from shared.ports import AuditLog, BundleStore, EndpointKind, Endpoints
from shared.records.predicates import EntryStatement
from shared.records.production.alerts import fired_alerts
from shared.records.production.rehearsals import rehearsals_of
from shared.records.production.serving import hold_of, released_at, served_intervals
from shared.records.registry import entry_statement, history_of
from shared.records.statements import Statements

READY = "Succeeded"  # The state of a deployment that answers.


@dataclass(frozen=True, slots=True)
class ServingRecords:
    """What known good is derived from: signed records, what is deployed now, and the golden requests of bundles.

    The log of a model is read once, however many versions are asked about: it grows with the years, and every entry of
    it is a request to the hub.
    """

    statements: Statements
    audit: AuditLog
    endpoints: Endpoints
    bundles: BundleStore
    logged: dict[str, tuple[Entry, ...]] = field(default_factory=dict)

    def entry(self, model: ModelVersion) -> EntryStatement | None:
        """What is signed of the version's entry in the central registry."""
        if model.name not in self.logged:
            self.logged[model.name] = tuple(self.audit.about(model.name))
        history = history_of(self.audit, model, self.logged[model.name])
        return entry_statement(self.statements, history, model, [])


def production_stage(ladder: Ladder, name: str) -> Stage:
    """The stage called *name*, or the only one that shifts traffic. Raises Refused naming those there are."""
    stages = [stage for stage in ladder.stages if stage.rollout is not None and stage.environment is not None]
    matching = [stage for stage in stages if name in ("", stage.name)]
    if not stages:
        raise Refused(
            "no stage of the ladder shifts traffic; add `rollout` to the one that serves: see docs/rollout.md"
        )
    if len(matching) != 1:
        names = ", ".join(stage.name for stage in stages)
        raise Refused(f"field 'stage' is {name!r}; name one stage that shifts traffic: {names}")
    return matching[0]


def candidates(records: ServingRecords, stage: Stage, model: str, now: datetime) -> tuple[GoodCandidate, ...]:
    """Every version of *model* that has served the stage, the one that did last first."""
    assert stage.environment is not None
    served = served_intervals(records.statements, stage.environment.name, stage.serving.online)
    serving = exact_or_none(champion_at(records.endpoints, stage).model.rpartition("/")[2])
    versions = (exact_or_none(version) for version in versions_served(served))
    return tuple(
        _candidate(records, stage, version, served, serving, now)
        for version in versions
        if version is not None and version.name == model
    )


def _candidate(
    records: ServingRecords,
    stage: Stage,
    model: ModelVersion,
    served: tuple[ServedInterval, ...],
    serving: ModelVersion | None,
    now: datetime,
) -> GoodCandidate:
    assert stage.rollout is not None
    rules = stage.rollout.known_good
    own = [interval for interval in served if interval.model == str(model)]
    last, last_until = max(interval.since for interval in own), max(interval.until or now for interval in own)
    entry = records.entry(model)
    deployment = identity.deployment_name(model.version, entry.bundle) if entry else ""
    warm, rehearsals = _is_warm(records, stage, deployment), _rehearsals(records, model)
    tried = newest_rehearsal(rehearsals)
    return GoodCandidate(
        model=str(model),
        deployment=deployment,
        last_served=last,
        conditions=(
            served_long_enough(served, str(model), rules, now, uncleared_alerts(records.statements, stage, model)),
            ended_well(served, str(model)),
            *_entry_conditions(records, model),
            _fits_callers(records, stage, model, serving),
            _startable(deployment, warm, max(last_until, tried.at) if tried else last_until, rules, now),
        ),
        warm=warm,
        rehearsed=newest_rehearsal(rehearsal for rehearsal in rehearsals if not rehearsal.is_cold),
        recovered=newest_rehearsal(rehearsal for rehearsal in rehearsals if rehearsal.is_cold),
    )


def uncleared_alerts(statements: Statements, stage: Stage, model: ModelVersion) -> tuple[FiredAlert, ...]:
    """The alerts on the stage's endpoint since an operator has last given a word for *model*."""
    if stage.rollout is None or stage.environment is None:
        return ()
    place, endpoint = stage.environment.name, stage.serving.online
    cleared_at = released_at(statements, model)
    return tuple(fired_alerts(statements, place, endpoint, stage.rollout.alerts, cleared_at))


def standing_alerts(statements: Statements, ladder: Ladder, model: ModelVersion) -> tuple[FiredAlert, ...]:
    """Those of them that fired on *model* while it served a stage."""
    stages = (stage for stage in ladder.stages if stage.rollout is not None and stage.environment is not None)
    return tuple(alert for stage in stages for alert in _alerts_at(statements, stage, model))


def _alerts_at(statements: Statements, stage: Stage, model: ModelVersion) -> tuple[FiredAlert, ...]:
    assert stage.environment is not None
    assert stage.rollout is not None
    served = served_intervals(statements, stage.environment.name, stage.serving.online)
    return alerts_on(served, str(model), stage.rollout.known_good, uncleared_alerts(statements, stage, model))


def _entry_conditions(records: ServingRecords, model: ModelVersion) -> Iterator[GoodCondition]:
    """What no override reaches: a revoked version, and one whose bytes nobody vouches for."""
    entry, hold = records.entry(model), hold_of(records.statements, model)
    revoked = entry is not None and entry.state == EntryState.REVOKED.value
    state = entry.state or "removed" if entry else "nothing is signed of it"
    yield GoodCondition(name="not revoked", met=not revoked, because=f"its entry is {state}", firm=True)
    yield GoodCondition(
        name="entry is signed",
        met=entry is not None and bool(entry.state),
        because=f"its entry is {state}",
        firm=True,
    )
    hold_reason = f"held back by {hold.by}: {hold.reason}" if hold else "nothing holds it back"
    yield GoodCondition(name="not held back", met=hold is None, because=hold_reason)


def _fits_callers(
    records: ServingRecords, stage: Stage, model: ModelVersion, serving: ModelVersion | None
) -> GoodCondition:
    """Whether *model* takes and answers what callers of *serving* send and read."""
    missing, because = _compared_callers(records, stage, model, serving)
    return GoodCondition(name="fits its callers", met=not missing, because=missing or because)


def _compared_callers(
    records: ServingRecords, stage: Stage, model: ModelVersion, serving: ModelVersion | None
) -> tuple[str, str]:
    """What callers of *serving* would miss, and else why they miss nothing."""
    if serving is None or serving == model:
        return "", "nothing else serves them" if serving else "nothing is known of what serves them"
    present, own = _caller_names(records, stage, serving), _caller_names(records, stage, model)
    # A bundle without golden requests says nothing of callers. It keeps nobody from going back.
    if present is None or own is None:
        return "", f"{model if present else serving} has no golden requests to compare by"
    return misfit(present, own), f"it takes and answers the names that callers of {serving} use"


def _caller_names(records: ServingRecords, stage: Stage, model: ModelVersion) -> CallerNames | None:
    entry = records.entry(model)
    if entry is None or not entry.bundle:
        return None
    _, extras = place_shelves(stage.workspace, model, entry.bundle)
    try:
        return caller_names(golden_requests(records.bundles, extras, model))
    except Refused:
        return None


def _is_warm(records: ServingRecords, stage: Stage, deployment: str) -> bool:
    if stage.environment is None or not deployment:
        return False
    current = records.endpoints.deployment(stage.environment, EndpointKind.ONLINE, stage.serving.online, deployment)
    return current is not None and current.state == READY


def _rehearsals(records: ServingRecords, model: ModelVersion) -> tuple[Rehearsal, ...]:
    """The successful ones in which *model* was deployed: as the version that was left, or as the one before it."""
    return tuple(
        rehearsal
        for rehearsal in rehearsals_of(records.statements, model.name)
        if rehearsal.restored and str(model) in (rehearsal.left, rehearsal.restored_to)
    )


def _startable(deployment: str, warm: bool, started: datetime, rules: KnownGoodRules, now: datetime) -> GoodCondition:
    """Warm, or known to have started not long ago: where it served, or where a rollback was rehearsed with it."""
    if warm:
        return GoodCondition(name="can be started", met=True, because=f"{deployment} is deployed: it is warm")
    limit = timedelta(seconds=rules.rehearsed_within_s)
    last = f"it is cold, and ran or was rehearsed until {started:%Y-%m-%d}"
    return GoodCondition(
        name="can be started", met=now - started <= limit, because=f"{last}; at most {limit.days} days ago is asked"
    )
