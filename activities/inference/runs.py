"""A run's own record: opened once, closed once, and the orders that people gave in between."""

import asyncio
import logging
from dataclasses import replace

from activities.drift.windows import watch_run
from activities.effects import once, stamp
from shared import contracts as c
from shared.application.inference.open_runs import forget_open, start_inference
from shared.application.inference.scoring import current_scoring
from shared.application.rollout.batch_share import shared_arrival
from shared.application.teams.quotas import give_room_back, limited_team
from shared.clients import Clients
from shared.domain.failures import Refused, Transient
from shared.domain.inference.routes import Scoring
from shared.domain.inference.runs import RunOutcome
from shared.domain.teams.ownership import Belonging
from shared.durable.starting import Client
from shared.records import paths
from shared.records.inference import FileClaim, RunRecord, find_run, store_of
from shared.records.lists.rows import RUNS, keep_listed, listed_file
from shared.records.production.arrivals import ArrivalRecord, note_arrival
from shared.records.store import RecordStore

_log = logging.getLogger(__name__)


def open_run(clients: Clients, opening: c.RunOpening) -> c.RunOpened:
    """The run's record, created by the first execution; any other execution learns who was first.

    Where the route follows its endpoint, the record is also the one answer to what scores the run: a repeat of this
    step reads it, and asks nobody.
    """
    request, store = opening.inference, store_of(clients.hub, opening.inference)
    run_record = _new_record(clients, opening)
    row = _opened_row(store, run_record)
    if store.create(paths.run_record(request.run), run_record, row):
        keep_listed(clients.hub, store.container, RUNS, request.run, row)
        return _opened(clients, request, run_record)
    first = find_run(store, request.run)
    if first is None:
        raise Transient(f"the record of run {request.run} was removed while it was opened")
    if first.execution == opening.execution:
        if first.outcome is None:  # A repeat: the first may have ended between its two writes.
            keep_listed(clients.hub, store.container, RUNS, request.run, _opened_row(store, first))
        return _opened(clients, request, first)
    because = f"run {request.run} was opened at {first.opened}; to score again, reprocess it with a reason"
    return c.RunOpened(already=first.outcome or RunOutcome.DUPLICATE, because=because)


def _opened_row(store: RecordStore, run_record: RunRecord) -> dict[str, str]:
    """What the list of runs shows of a run that was opened; of a window's files the first."""
    inference = run_record.inference
    model, file = inference.route.score.scored_model, inference.trigger.location if inference.trigger else ""
    if not file and (claim := store.get(FileClaim, paths.claim(inference.run))) and claim.files:
        file = f"{claim.files[0].container}/{claim.files[0].path}"
    row = {"route": run_record.route, "opened": run_record.opened, "outcome": "", "model": model}
    return row | ({"file": listed_file(file)} if file else {})


def _new_record(clients: Clients, opening: c.RunOpening) -> RunRecord:
    """A record of the run that names what scores it now. Nobody is asked where the run has one already."""
    request, store = opening.inference, store_of(clients.hub, opening.inference)
    run_record = RunRecord(
        run=request.run,
        route=request.route.name,
        execution=opening.execution,
        opened=stamp(clients),
        inference=request,
    )
    if not request.route.score.is_open or opening.ended or store.exists(paths.run_record(request.run)):
        return run_record
    try:
        scoring = current_scoring(clients.endpoints, request.route.score)
    except Refused as refusal:
        return replace(run_record, unscored=str(refusal))
    return replace(run_record, inference=request.scored_by(_shared_scoring(clients, request, scoring)))


def _shared_scoring(clients: Clients, request: c.Inference, default: Scoring) -> Scoring:
    """*default*, or the version on its way where a rollout gives it this arrival; its looks find the run noted."""
    key = request.trigger.location if request.trigger else request.run
    shared = shared_arrival(clients.endpoints, clients.configuration.ladder, default, key)
    if shared is None:
        return default
    arrival = ArrivalRecord(run=request.run, champion=shared.champion)
    note_arrival(store_of(clients.hub, request), shared.canary.deployment, arrival)
    return shared.canary


def _opened(clients: Clients, request: c.Inference, run_record: RunRecord) -> c.RunOpened:
    """The answer to the orchestration: what scores the run, where its own input leaves that open, and its quotas."""
    scoring = run_record.inference.route.score
    limited = limited_team(clients.configuration, Belonging.ROUTE, request.route.name) is not None
    is_answer = request.route.score.is_open and not scoring.is_open
    return c.RunOpened(scoring=scoring if is_answer else None, unscored=run_record.unscored or "", limited=limited)


async def close_run(client: Client, clients: Clients, closing: c.RunClosing) -> c.Done:
    """Write the outcome on the run's record and have its drift checked. The run stays open until its result is sent."""
    done = await asyncio.to_thread(_close, clients, closing)
    if clients.configuration.teams:
        store, route = store_of(clients.hub, closing.inference), closing.inference.route.name
        await give_room_back(client, clients.configuration, store, route, closing.inference.run)
    await watch_run(client, clients, closing)
    return done


def _close(clients: Clients, closing: c.RunClosing) -> c.Done:

    def act() -> c.Done:
        at = stamp(clients)
        _write_outcome(clients, closing, at)
        return c.Done(at=at)

    done = once(clients, closing.key, c.Done, act)
    if closing.last or not closing.inference.hub.results:
        forget_open(clients.hub, closing.inference)  # At a repeat too: a late event may have put it on the list again.
    return done


def look_at_orders(clients: Clients, look: c.RunLook) -> c.RunOrders:
    store, run = store_of(clients.hub, look.inference), look.inference.run
    return c.RunOrders(
        cancelled=store.exists(paths.order(run, "cancel")),
        released=store.exists(paths.order(run, "release")),
        output_released=store.exists(paths.order(run, "release-output")),
    )


async def start_run(client: Client, clients: Clients, start: c.RunStart) -> c.Done:
    """Start the run as its own instance, so that the window can go on collecting."""
    outcome = await start_inference(client, clients.hub, start.inference)
    return c.Done(at=outcome.value)


def _write_outcome(clients: Clients, closing: c.RunClosing, at: str) -> None:
    result, store = closing.result, store_of(clients.hub, closing.inference)
    path = paths.run_record(result.run)
    stored_record = store.get_stored(RunRecord, path)
    if stored_record is None:
        _restore(store, closing, at)
        # Raised although it is mended: the repeat then writes the outcome by the usual way, on condition of the eTag
        # that the new record has.
        raise Transient(f"the record of run {result.run} was gone from {store.container}/{path}; it was made anew")
    record = replace(
        stored_record.record,
        closed=at,
        outcome=result.outcome,
        because=result.because,
        manifest=result.manifest,
        job_error=result.job_error,
        job_log=result.job_log,
    )
    row = {"outcome": result.outcome.value, "closed": at}
    store.update(stored_record, record, row)
    # The list of runs has rows of its own, so that a page of runs needs one listing and not a read for each run.
    keep_listed(clients.hub, store.container, RUNS, result.run, {**stored_record.blob.metadata, **row})


def _restore(store: RecordStore, closing: c.RunClosing, at: str) -> None:
    """Make the record anew, from what the orchestration knows: a store that forgets must not fail a run for it."""
    request = closing.inference
    _log.warning("the store has lost the record of run %s", request.run)
    run_record = RunRecord(
        run=request.run, route=request.route.name, execution="", opened=at, restored=at, inference=request
    )
    store.create(paths.run_record(request.run), run_record, _opened_row(store, run_record))
