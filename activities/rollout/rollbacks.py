"""Go back to a version that is known to be good: decide once, deploy it where it is cold, try it, give it the traffic.

The running rollout of the same endpoint gives way: it is aborted, and what it still does to the traffic is not waited
for longer than a minute.
"""

import asyncio
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any

from activities.effects import once, stamp
from activities.golden_requests import api_test
from activities.promotion.evidence import Online
from activities.rollout.target_deployments import FAILED, READY, choose_back, deploy_again
from activities.traffic_changes import sign_observed
from shared import contracts as c
from shared.application.promotion.planning import champion_at, golden_requests, place_shelves
from shared.application.rollout.known_good import production_stage
from shared.application.rollout.orders import wake_watch
from shared.application.rollout.starts import GIVE_WAY, begin_turn
from shared.application.rollout.ways_back import way_back
from shared.clients import Clients
from shared.domain import identity
from shared.domain.failures import Refused, Transient
from shared.domain.promotion.ladder import Registry, Stage
from shared.domain.promotion.models import SERVED, STATE, EntryState, ModelVersion, exact_or_none
from shared.domain.rollout.orders import RolloutOrder, RolloutOrderKind
from shared.domain.rollout.serving import ChangeKind
from shared.durable.starting import Client
from shared.ports import EndpointKind
from shared.records.production import paths
from shared.records.production.rollouts import sign_order
from shared.records.production.serving import VersionHold, serving_record, sign_hold
from shared.records.production.upkeep import end_turn, is_retiring
from shared.records.promotion import find_promotion
from shared.records.registry import ENTRY_STATEMENT, entry_statement, history_of, is_revoked, sign_entry


async def open_rollback(client: Client, clients: Clients, opening: c.RollbackOpening) -> c.RollbackCourse:
    """What to go back to; decided once. The version that is left is held back from now on."""
    course = await asyncio.to_thread(_open, clients, opening)
    if course.giving_way:
        await wake_watch(client, clients.store, course.giving_way)
    return course


def _open(clients: Clients, opening: c.RollbackOpening) -> c.RollbackCourse:
    """Decide, and only then act: a second attempt would decide by what the first has changed."""
    request = opening.rollback
    stage = production_stage(clients.configuration.ladder, request.stage)
    course = once(clients, opening.key, c.RollbackCourse, partial(_decide, clients, request, stage))
    facts = {"rollback": request.id, "stage": stage.name, "left": course.left, "to": str(course.target or "")}
    facts |= {"reason": request.reason, "because": course.because, "alert": request.alert}
    facts |= {"cause": request.cause.value}
    clients.audit.append(opening.key, "rollback ordered", course.left or request.name, request.by, facts)
    if course.target is None:
        return course
    _hold(clients, request, course.left)
    if course.giving_way:
        order = RolloutOrder(
            kind=RolloutOrderKind.ABORT,
            step=0,
            oid=request.oid,
            name=request.by,
            reason=f"rollback: {request.reason}",
            at=clients.clock.now(),
        )
        sign_order(clients.statements, course.giving_way, stage.name, "abort", order)
    return course


def _decide(clients: Clients, request: c.RollbackRequest, stage: Stage) -> c.RollbackCourse:
    """What to go back to. It only takes the turn: no other rollback of the endpoint begins before this one ends.

    The turn comes before anything is looked at: what is kept warm is not removed from then on.
    """
    other = begin_turn(clients, stage, request.id)
    if other:
        return c.RollbackCourse(because=f"{other} brings {stage.serving.online} back already; wait for its end")
    return way_back(clients, request, stage)


def _hold(clients: Clients, request: c.RollbackRequest, left: str) -> None:
    model = exact_or_none(left)
    if model is None:  # What somebody deployed by hand is no version that could be promoted again.
        return
    hold = VersionHold(
        model=model,
        released=False,
        by=request.by,
        reason=request.reason,
        at=clients.clock.now(),
        cause=request.id,
    )
    sign_hold(clients.statements, hold)


def deploy_target(clients: Clients, step: c.RollbackStep) -> c.Moved:
    """Deploy the recovered version, without traffic, with as many instances as serve now."""
    course, stage = step.course, _stage(clients, step)
    environment, model = stage.workspace, _target(step)
    if is_retiring(clients.store, environment.name, course.endpoint, course.deployment):
        return c.Moved(waiting=f"the removal of the earlier deployment {course.deployment}")
    seen = clients.endpoints.deployment(environment, EndpointKind.ONLINE, course.endpoint, course.deployment)
    if seen is None:
        if is_revoked(clients.statements, clients.audit, model):
            raise Refused(f"{model} was revoked after it was chosen")
        champion = champion_at(clients.endpoints, stage)
        current = clients.endpoints.deployment(environment, EndpointKind.ONLINE, course.endpoint, champion.deployment)
        instances = current.instances if current else 0
        deploy_again(clients, environment, stage, course, EndpointKind.ONLINE, instances)
        return c.Moved(waiting=f"deployment {course.deployment}")
    if seen.state in FAILED:
        # It stands in the way of the next try, such as the one after a quota was raised.
        clients.endpoints.undeploy(environment, EndpointKind.ONLINE, course.endpoint, course.deployment)
        raise Refused(
            f"deployment {seen.name} of {course.endpoint} ended as {seen.state}, and was removed; see its log"
        )
    return c.Moved(waiting="" if seen.state == READY else f"deployment {course.deployment}")


def try_target(clients: Clients, step: c.RollbackStep) -> c.Moved:
    """Ask the deployment its own golden requests by name. Refused where it does not answer as it did."""
    course, model = step.course, _target(step)
    registry = _registry(clients)
    _, extras = place_shelves(registry, model, course.digest)
    golden = list(golden_requests(clients.bundles, extras, model))
    online = Online(clients, _stage(clients, step).workspace, course.endpoint)
    test = api_test([answer for _, answer in golden], [online.ask(course.deployment, asked) for asked, _ in golden])
    if test.schema_problems or (test.golden and test.golden.deviating):
        deviating = test.golden.deviating if test.golden else 0
        counts = f"{deviating} of {len(golden)} golden requests deviate"
        problems = "; ".join([counts, *test.schema_problems[:2]])
        raise Refused(f"{course.deployment} does not answer as {model} did: {problems}")
    return c.Moved()


def shift_back(clients: Clients, step: c.RollbackStep) -> c.Moved:
    """Give the target all traffic, and read back that it has it; then the batch endpoint follows."""
    course, stage = step.course, _stage(clients, step)
    environment = stage.workspace
    waiting = _giving_way(clients, step, stage)
    online = clients.endpoints.find(environment, EndpointKind.ONLINE, course.endpoint)
    if online is None:
        raise Refused(f"endpoint {course.endpoint} is not in {environment.name}")
    target = {course.deployment: 100}
    if waiting:
        return c.Moved(waiting=waiting)
    if not online.settled:
        return c.Moved(waiting=f"the traffic of {course.endpoint}")
    if online.shares != target and not clients.endpoints.route(environment, course.endpoint, target):
        return c.Moved(waiting=f"the traffic of {course.endpoint} to be {target}")
    request = step.rollback
    sign_observed(
        clients,
        step.key,
        environment,
        course.endpoint,
        ChangeKind.ROLLBACK,
        cause=request.id,
        by=request.by,
        because=request.reason,
    )
    return c.Moved(waiting=choose_back(clients, course, stage))


def _giving_way(clients: Clients, step: c.RollbackStep, stage: Stage) -> str:
    """What the rollout under way still has to put back; empty once it has, or has had a minute for it."""
    promotion = step.course.giving_way
    if not promotion:
        return ""
    record = find_promotion(clients.store, promotion)
    undone = identity.promotion_key(promotion, f"{stage.name}/shift_traffic.undone")
    has_ended = record is None or record.fate is not None or clients.ledger.find(undone) is not None
    # The ledger keeps the time of the first look. A minute that began anew at each look would never be over.
    asked = datetime.fromisoformat(clients.ledger.record(f"{step.key}.asked", {"at": stamp(clients)})["at"])
    if has_ended or clients.clock.now() - asked >= GIVE_WAY:
        return ""
    return f"the rollout {promotion} to give way"


def close_rollback(clients: Clients, closing: c.RollbackClosing) -> c.Done:
    """Write how it ended on the registry, the audit log and the record, and tell the world."""

    def act() -> c.Done:
        request, course = closing.rollback, closing.course
        if closing.done:
            _mark(clients, request, course)
        facts: dict[str, Any] = {
            "rollback": request.id,
            "done": closing.done,
            "left": course.left,
            "to": str(course.target or ""),
            "because": closing.because,
            "alert": request.alert,
        }
        kind = "rolled back" if closing.done else "rollback failed"
        clients.audit.append(closing.key, kind, course.left or request.name, request.by, facts)
        data = facts | {"model": request.name, "by": request.by, "reason": request.reason}
        event = "Signalbox.Rollback.Done" if closing.done else "Signalbox.Rollback.Failed"
        clients.announcer.announce(closing.key, event, f"rollbacks/{request.id}", data)
        clients.store.create(paths.rollback(request.id), closing)
        stage = production_stage(clients.configuration.ladder, request.stage)
        end_turn(clients.store, stage.workspace.name, stage.serving.online, request.id)
        return c.Done(at=stamp(clients))

    return once(clients, closing.key, c.Done, act)


def _mark(clients: Clients, request: c.RollbackRequest, course: c.RollbackCourse) -> None:
    """The registry's entries say which version serves, and that the one that was left does not."""
    assert course.target is not None
    # The one that is left stays approved: what keeps it back is the hold, which a person can release.
    states = {course.target: EntryState.IN_PRODUCTION}
    left = exact_or_none(course.left)
    if left is not None:
        states[left] = EntryState.APPROVED
    registry = _registry(clients)
    logged = tuple(clients.audit.about(request.name))
    for model, state in states.items():
        entry = entry_statement(clients.statements, history_of(clients.audit, model, logged), model, [])
        if entry is None or entry.state in ("", EntryState.REVOKED.value):
            continue
        served = serving_record(clients.statements, course.environment, course.endpoint, model)
        clients.models.tag(registry, model, {STATE: state.value, SERVED: served})
        statement = replace(
            entry, registry=registry.name, state=state.value, promotion=request.id, at=clients.clock.now()
        )
        path = sign_entry(clients.statements, f"{request.id}-{state.value.replace(' ', '-')}", statement)
        facts = {"rollback": request.id, ENTRY_STATEMENT: path}
        clients.audit.append(f"{path}/stated", "entry restated", str(model), "signalbox", facts)


def _stage(clients: Clients, step: c.RollbackStep) -> Stage:
    return production_stage(clients.configuration.ladder, step.rollback.stage)


def _target(step: c.RollbackStep) -> ModelVersion:
    if step.course.target is None:
        raise Transient("a rollback without a target has no steps")
    return step.course.target


def _registry(clients: Clients) -> Registry:
    registries = (stage.registry for stage in clients.configuration.ladder.stages)
    registry = next(filter(None, registries), None)
    if registry is None:
        raise Refused("no central registry is configured: nothing can be brought back")
    return registry
