"""Rehearse a rollback on demand: lock the endpoint, try the way back, sign what was found, and put everything back.

Here are the steps; what they decide by is in `shared/application/rollout/rehearsing.py`. Promotions rehearse by a
move of their own (`activities/promotion/movers/rehearsal.py`), and sign the same record.
"""

import asyncio
from datetime import datetime
from functools import partial
from typing import Any

from activities.effects import once
from activities.promotion.evidence import answer_problem
from activities.promotion.promotions import lock_endpoint, unlock_endpoint, wake_waiting
from activities.rollout.target_deployments import FAILED, READY, deploy_again
from activities.traffic_changes import sign_observed
from shared import contracts as c
from shared.application.rollout.known_good import ServingRecords
from shared.application.rollout.rehearsing import cold_course, rehearsal_stage, warm_course
from shared.clients import Clients
from shared.codec import decode
from shared.domain.failures import Refused, Transient
from shared.domain.promotion.ladder import Stage
from shared.domain.rollout.rehearsals import Rehearsal
from shared.domain.rollout.serving import ChangeKind
from shared.durable.starting import Client
from shared.ports import EndpointKind, EndpointSeen
from shared.records.production import paths
from shared.records.production.rehearsals import sign_rehearsal
from shared.records.production.serving import change_at


def open_rehearsal(clients: Clients, opening: c.RehearsalOpening) -> c.RehearsalCourse:
    """What is tried; decided once. From now on the endpoint is locked, so that no promotion changes it meanwhile."""
    request = opening.rehearsal
    # The mark comes first: a sweep gives back what a rehearsal holds that was ended from outside.
    clients.store.create(paths.open_rehearsal(request.id), request)
    course = once(clients, opening.key, c.RehearsalCourse, partial(_decide, clients, request))
    way = course.way
    facts: dict[str, Any] = {"rehearsal": request.id, "stage": request.stage, "reason": request.reason}
    facts |= {"because": way.because, "left": way.left, "to": str(way.target or ""), "cold": request.cold}
    clients.audit.append(opening.key, "rehearsal ordered", way.left or request.name, request.by, facts)
    return course


def _decide(clients: Clients, request: c.RehearsalRequest) -> c.RehearsalCourse:
    stage = _stage(clients, request)
    lock = _lock(clients, request)
    answer = lock_endpoint(clients, lock)
    if not answer.held:
        because = f"{answer.by or 'another promotion'} is at work on {lock.endpoint}; rehearse once it has ended"
        return c.RehearsalCourse(way=c.RollbackCourse(because=because))
    records = ServingRecords(clients.statements, clients.audit, clients.endpoints, clients.bundles)
    if request.cold:
        return cold_course(records, stage, request, clients.clock.now())
    return warm_course(records, clients.models, stage, request)


def switch_rehearsed(clients: Clients, step: c.RehearsalStep) -> c.Moved:
    """Give all traffic to the version before, as a rollback does, and record it once it was read back."""
    return c.Moved(waiting=_give(clients, step.rehearsal, step.course, step.key, _away(step.course)))


def deploy_rehearsed(clients: Clients, step: c.RehearsalStep) -> c.Moved:
    """Deploy the recovered version under a name of its own, without traffic."""
    way, stage = step.course.way, _stage(clients, step.rehearsal)
    environment = stage.workspace
    seen = clients.endpoints.deployment(environment, EndpointKind.ONLINE, way.endpoint, way.deployment)
    if seen is None:
        deploy_again(clients, environment, stage, way, EndpointKind.ONLINE)
        return c.Moved(waiting=f"deployment {way.deployment}")
    if seen.state in FAILED:
        raise Refused(f"deployment {seen.name} of {way.endpoint} ended as {seen.state}; see its log")
    return c.Moved(waiting="" if seen.state == READY else f"deployment {way.deployment}")


def try_rehearsed(clients: Clients, step: c.RehearsalStep) -> c.Rehearsed:
    """Ask the version its golden requests, and sign what was found and how long it took."""
    return once(clients, step.key, c.Rehearsed, partial(_try, clients, step))


def _try(clients: Clients, step: c.RehearsalStep) -> c.Rehearsed:
    request, way = step.rehearsal, step.course.way
    ordered, ready = _ordered_at(clients, step.rehearsal), clients.clock.now()
    environment = _stage(clients, request).workspace
    model = str(way.target or "")
    problem = answer_problem(clients, environment, way.endpoint, way.deployment, model) if model else ""
    now = clients.clock.now()
    outcome = c.Rehearsed(
        restored=not problem,
        because=problem or (f"{model} answered as before" if model else "nothing served before"),
        seconds=(now - (ready if request.cold else ordered)).total_seconds(),
        deployed_s=(ready - ordered).total_seconds() if request.cold else None,
    )
    rehearsal = Rehearsal(
        cause=request.id,
        environment=way.environment,
        endpoint=way.endpoint,
        left="" if request.cold else way.left,
        digest=way.digest if request.cold else step.course.left_digest,
        restored_to=model,
        restored=outcome.restored,
        because=outcome.because,
        seconds=outcome.seconds,
        at=now,
        deployed_s=outcome.deployed_s,
    )
    sign_rehearsal(clients.statements, rehearsal)
    return outcome


async def close_rehearsal(client: Client, clients: Clients, closing: c.RehearsalClosing) -> c.Moved:
    """Put everything back, say how it ended, and let those who wait for the endpoint go on."""
    waiting = await asyncio.to_thread(_put_back, clients, closing.rehearsal, closing.course)
    if waiting:
        return c.Moved(waiting=waiting)
    await asyncio.to_thread(_close, clients, closing)
    lock = _lock(clients, closing.rehearsal)
    await wake_waiting(client, clients, c.LocksFreed(key=f"{closing.key}/freed", locks=(lock.endpoint,)))
    return c.Moved()


async def end_rehearsal(client: Client, clients: Clients, request: c.RehearsalRequest) -> None:
    """Close what its orchestration cannot close any more. Safe to repeat."""
    nothing = c.RehearsalCourse(way=c.RollbackCourse(because="it was ended before anything was tried"))
    decided = await asyncio.to_thread(clients.ledger.find, f"rehearsals-asked/{request.id}/opened")
    closing = c.RehearsalClosing(
        key=f"rehearsals-asked/{request.id}/closed",
        rehearsal=request,
        course=decode(c.RehearsalCourse, decided) if decided else nothing,
        outcome=c.Rehearsed(restored=False, because="it was ended from outside; everything was put back"),
    )
    await close_rehearsal(client, clients, closing)


def _put_back(clients: Clients, request: c.RehearsalRequest, course: c.RehearsalCourse) -> str:
    """Remove the deployment, or give the traffic back where it is still the rehearsal's; what is waited for."""
    way = course.way
    if way.because:
        return ""
    environment = _stage(clients, request).workspace
    if not request.cold:
        online = _online(clients, request)
        if online.settled and online.shares != _away(course):
            return ""  # It is back, or somebody else has changed it: theirs stays.
        return _give(clients, request, course, f"rehearsals-asked/{request.id}/back", course.traffic)
    for_this = (environment, EndpointKind.ONLINE, way.endpoint, way.deployment)
    if clients.endpoints.deployment(*for_this) is None:
        return ""
    clients.endpoints.undeploy(*for_this)
    return f"deployment {way.deployment} to go" if clients.endpoints.deployment(*for_this) else ""


def _close(clients: Clients, closing: c.RehearsalClosing) -> None:
    request, way, outcome = closing.rehearsal, closing.course.way, closing.outcome
    subject = way.left or str(way.target or request.name)
    facts = {
        "rehearsal": request.id,
        "restored": outcome.restored,
        "because": outcome.because,
        "left": way.left,
        "to": str(way.target or ""),
        "cold": request.cold,
        "seconds": outcome.seconds,
        "deployed_s": outcome.deployed_s,
    }
    clients.audit.append(closing.key, "rollback rehearsed", subject, request.by, facts)
    about = {**facts, "model": request.name, "stage": request.stage}
    clients.announcer.announce(closing.key, "Signalbox.Rollback.Rehearsed", f"rehearsals/{request.id}", about)
    unlock_endpoint(clients, _lock(clients, request))
    # The mark goes last: until then a sweep would close the rehearsal again, and find everything put back.
    clients.store.delete(paths.open_rehearsal(request.id))


def _give(
    clients: Clients, request: c.RehearsalRequest, course: c.RehearsalCourse, key: str, target: dict[str, int]
) -> str:
    """Give the endpoint the traffic *target*, and record it under *key*; what is still waited for."""
    environment, online = _stage(clients, request).workspace, _online(clients, request)
    if change_at(clients.statements, environment.name, online.name, key) is not None:
        return ""
    if online.shares not in (_away(course), course.traffic):
        raise Refused(f"the traffic of {online.name} is {online.shares} in its rehearsal: somebody else changed it")
    in_force = online.settled and (online.shares == target or clients.endpoints.route(environment, online.name, target))
    if not in_force:
        return f"the traffic of {online.name} to be {target or 'none'}"
    sign_observed(
        clients,
        key,
        environment,
        online.name,
        ChangeKind.REHEARSAL,
        cause=request.id,
        by=request.by,
        because=request.reason,
    )
    return ""


def _away(course: c.RehearsalCourse) -> dict[str, int]:
    """The traffic of the rolled back endpoint: none where nothing served before."""
    return {course.way.deployment: 100} if course.way.deployment else {}


def _ordered_at(clients: Clients, request: c.RehearsalRequest) -> datetime:
    """By the audit log, which nobody can set back."""
    entry = clients.audit.find(f"rehearsals-asked/{request.id}/opened")
    if entry is None:
        raise Transient(f"the order of {request.id} is not in the audit log yet")
    return datetime.fromisoformat(entry.at)


def _online(clients: Clients, request: c.RehearsalRequest) -> EndpointSeen:
    stage = _stage(clients, request)
    online = clients.endpoints.find(stage.workspace, EndpointKind.ONLINE, stage.serving.online)
    if online is None:
        raise Refused(f"endpoint {stage.serving.online} is not in {stage.workspace.name}")
    return online


def _stage(clients: Clients, request: c.RehearsalRequest) -> Stage:
    return rehearsal_stage(clients.configuration.ladder, request.stage, request.cold)


def _lock(clients: Clients, request: c.RehearsalRequest) -> c.EndpointLock:
    stage = _stage(clients, request)
    name = f"{stage.workspace.name}/{stage.serving.online}"
    return c.EndpointLock(
        key=f"rehearsals-asked/{request.id}/lock", endpoint=name, owner=request.id, model=request.name
    )
