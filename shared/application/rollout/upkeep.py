"""What is due between rollouts: kept-warm deployments that have had their time, and traffic that nobody here has set.

All of it is derived from signed records and from what is there now; `activities.rollout.upkeep` acts on it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from shared.application.promotion.standing import has_receipt
from shared.application.promotion.turns import holder_of
from shared.application.rollout.known_good import ServingRecords, candidates
from shared.domain.inference.routes import Workspace
from shared.domain.promotion.ladder import Ladder, Stage
from shared.domain.promotion.models import EntryState, exact_model
from shared.domain.promotion.plans import Phase
from shared.domain.rollout.policy import RolloutPolicy
from shared.domain.rollout.retirement import KeptWarm, kept_warm
from shared.domain.rollout.serving import ServedInterval
from shared.ports import EndpointKind, EndpointSeen, Ledger
from shared.records.production.serving import served_intervals
from shared.records.production.upkeep import rollback_under_way
from shared.records.store import RecordStore


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductionEndpoint:
    """The online endpoint of a *stage* that shifts traffic by *policy* in *workspace*."""

    stage: Stage
    workspace: Workspace
    policy: RolloutPolicy

    @property
    def name(self) -> str:
        return self.stage.serving.online

    @property
    def place(self) -> str:
        """What its lock is called, and people call it."""
        return f"{self.workspace.name}/{self.name}"


def production_endpoints(ladder: Ladder) -> Iterator[ProductionEndpoint]:
    """Those of every stage that shifts traffic."""
    for stage in ladder.stages:
        if stage.rollout is not None and stage.environment is not None:
            yield ProductionEndpoint(stage=stage, workspace=stage.environment, policy=stage.rollout)


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointState:
    """What an endpoint serves by the signed records, and what it serves now; *online* is None where it is not there."""

    served: tuple[ServedInterval, ...]
    online: EndpointSeen | None


def endpoint_state(records: ServingRecords, endpoint: ProductionEndpoint) -> EndpointState:
    """The state of *endpoint*: reading it takes a request for each change of its traffic."""
    served = served_intervals(records.statements, endpoint.workspace.name, endpoint.name)
    online = records.endpoints.find(endpoint.workspace, EndpointKind.ONLINE, endpoint.name)
    return EndpointState(served=served, online=online)


def is_busy(store: RecordStore, endpoint: ProductionEndpoint) -> bool:
    """Whether a promotion or a rollback is at work on the endpoint: then its traffic and deployments are theirs."""
    return bool(holder_of(store, endpoint.place)) or bool(
        rollback_under_way(store, endpoint.workspace.name, endpoint.name)
    )


def is_shifting(records: ServingRecords, ledger: Ledger, store: RecordStore, endpoint: ProductionEndpoint) -> bool:
    """Whether the traffic of the endpoint is a rollback's or a promotion's now.

    A promotion has the endpoint for days while it waits for people: until its receipt for the exit is issued it
    changes no traffic, so a change meanwhile is somebody else's.
    """
    if rollback_under_way(store, endpoint.workspace.name, endpoint.name):
        return True
    owner = holder_of(store, endpoint.place)
    return bool(owner) and has_receipt(records.statements, ledger, owner, endpoint.stage.name, Phase.EXIT)


def recorded_traffic(served: Sequence[ServedInterval]) -> dict[str, int]:
    """The traffic now, by the records."""
    return {interval.deployment: interval.share for interval in served if interval.until is None}


def served_models(served: Sequence[ServedInterval]) -> frozenset[str]:
    """The models that have traffic now, by the records."""
    return frozenset(interval.model for interval in served if interval.until is None and interval.model)


def foreign_traffic(state: EndpointState) -> tuple[dict[str, int], dict[str, int]] | None:
    """The traffic as it was recorded and as it is, where they differ; None where they do not, or nothing is known."""
    served, online = state.served, state.online
    if not served or online is None or not online.settled:
        return None
    recorded = recorded_traffic(served)
    return None if online.shares == recorded else (recorded, online.shares)


def due_retirements(
    records: ServingRecords, endpoint: ProductionEndpoint, state: EndpointState, now: datetime
) -> tuple[KeptWarm, ...]:
    """The kept-warm deployments whose time is over and which nothing needs any more.

    None while something else than one version in production serves. Where that one is not known to be good itself,
    the version that a rollback would bring back stays.
    """
    served, online = state.served, state.online
    serving = next((interval for interval in served if interval.until is None and interval.share == 100), None)
    if serving is None or not serving.model or online is None or online.shares != {serving.deployment: 100}:
        return ()
    entry = records.entry(exact_model(serving.model))
    if entry is None or entry.state != EntryState.IN_PRODUCTION.value:
        return ()
    due = [warm for warm in kept_warm(served, entry.at, endpoint.policy.keep_warm_s) if warm.due <= now]
    if not due:
        return ()  # The way back takes a request for each statement about each version.
    needed = _way_back(records, endpoint, serving.model, now)
    return tuple(warm for warm in due if warm.deployment not in (needed, *online.shares))


def _way_back(records: ServingRecords, endpoint: ProductionEndpoint, serving: str, now: datetime) -> str:
    """The deployment that a rollback of *serving* would need; empty where *serving* is known to be good itself."""
    versions = candidates(records, endpoint.stage, exact_model(serving).name, now)
    good = [candidate for candidate in versions if candidate.is_good]
    if any(candidate.model == serving for candidate in good):
        return ""
    return good[0].deployment if good else ""
