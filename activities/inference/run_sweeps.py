"""Look after the runs that are open: start what nobody has opened, and end what lost its orchestration.

It was terminated or purged from outside, or failed beyond its own care. How such a run ends is read from what it has
done: what was published or announced stands. Where the store has lost that, the orchestration's own output stands: a
run that has finished is never closed as anything else.
"""

import asyncio
import logging
from dataclasses import replace

from activities.inference.sweeps import GRACE
from activities.sweep_parts import Parts
from shared import contracts as c
from shared.application.inference.result_requests import recorded_result
from shared.clients import Clients
from shared.codec import decode
from shared.domain import identity
from shared.domain.inference.runs import RunOutcome
from shared.durable.starting import COMPLETED, FAILED, Client, Instance, Start, find_instance, start_once
from shared.records import paths
from shared.records.inference import Manifest, OpenRun, find_run, store_of
from shared.records.lists.folding import fold_list
from shared.records.lists.rows import RUNS
from shared.records.operations import note_configuration
from shared.records.store import RecordStore

_log = logging.getLogger(__name__)

_LAST = (RunOutcome.COMPLETED, RunOutcome.PARTIAL, RunOutcome.FAILED, RunOutcome.CANCELLED, RunOutcome.SUPERSEDED)


async def sweep_runs(client: Client, clients: Clients, sweep: c.Sweep) -> c.Swept:
    del sweep  # Its key only makes the sweep an effect of its own.
    parts, starts, orphans = Parts("runs"), 0, 0
    for inference in await asyncio.to_thread(_open_runs, clients, parts):
        with parts.part(f"run {inference.run}"):
            is_started, is_concluded = await _look_after(client, clients, inference)
            starts, orphans = starts + is_started, orphans + is_concluded
    with parts.part("the index of runs"):
        await asyncio.to_thread(fold_list, clients.hub, clients.store.container, RUNS, clients.clock.now())
    with parts.part("the record of the configuration"):
        now = clients.clock.now().isoformat(timespec="seconds")
        await asyncio.to_thread(note_configuration, clients.store, clients.configuration, now)
    return await parts.conclude(clients, c.Swept(started=starts, adrift=orphans))


async def _look_after(client: Client, clients: Clients, inference: c.Inference) -> tuple[bool, bool]:
    """Whether the run was started, and whether its end was."""
    instance = await find_instance(client, inference.run)
    if instance is not None and instance.running:
        return False, False
    store = store_of(clients.hub, inference)
    is_opened = await asyncio.to_thread(store.exists, paths.run_record(inference.run))
    # A run without a record has done nothing yet, so it is started again. One with a record may have acted, so it is
    # concluded by what it recorded.
    if not is_opened and (instance is None or instance.status == FAILED):
        start = await start_once(client, c.RUN_INFERENCE, inference.run, inference, again=True)
        return start is Start.STARTED, False
    order = await asyncio.to_thread(_adrift, clients, inference, instance)
    name = identity.adrift_id(inference.run)
    return False, await start_once(client, c.CONCLUDE_ADRIFT, name, order, again=True) is Start.STARTED


def _open_runs(clients: Clients, parts: Parts) -> list[c.Inference]:
    """Those that were accepted a while ago."""
    open_runs = parts.records(
        clients.store, OpenRun, paths.OPEN_RUNS, lambda blob: blob.age(clients.clock.now()) >= GRACE
    )
    return [stored.record.inference for stored in open_runs]


def _as_recorded(clients: Clients, inference: c.Inference) -> c.Inference:
    """The run as its record has it: with what scores it, where its route follows an endpoint."""
    run_record = find_run(store_of(clients.hub, inference), inference.run)
    return inference if run_record is None else run_record.inference


def _adrift(clients: Clients, inference: c.Inference, instance: Instance | None) -> c.OrphanedRun:
    inference = _as_recorded(clients, inference)
    recorded_end = recorded_result(clients.hub, inference)
    if recorded_end is None and (last_result := _finished(clients, instance)) is not None:
        return c.OrphanedRun(inference=inference, result=last_result, told=True)
    recorded_end = recorded_end or _published(clients, inference)
    if recorded_end is not None:
        return c.OrphanedRun(inference=inference, result=recorded_end)
    has_failed = instance is not None and instance.status == FAILED
    because = "its orchestration failed" if has_failed else "its orchestration was ended from outside"
    # An outcome that was announced stands: consumers have acted on it, and a second one would contradict it.
    outcome = _announced(clients, inference) or (RunOutcome.FAILED if has_failed else RunOutcome.CANCELLED)
    result = c.InferenceResult(run=inference.run, outcome=outcome, because=because)
    submission = _done(clients, inference, "submitted") or {}
    return c.OrphanedRun(inference=inference, result=result, job=str(submission.get("job", "")))


def _finished(clients: Clients, instance: Instance | None) -> c.InferenceResult | None:
    """What a completed orchestration returned. It had closed the record before, so the store has lost that since."""
    if instance is None or instance.status != COMPLETED or not isinstance(instance.output, dict):
        return None
    result = decode(c.InferenceResult, instance.output)
    if result.outcome is RunOutcome.DUPLICATE:
        return None  # Another execution did the work.
    _log.warning("run %s had ended as %s and the store has lost its record", result.run, result.outcome.value)
    container, _, path = result.manifest.partition("/")
    if not path or clients.hub.find(container, path) is not None:
        return result
    because = f"{result.because}; the store has lost {result.manifest}: reprocess the run"
    return replace(result, because=because, manifest="")


def _published(clients: Clients, inference: c.Inference) -> c.InferenceResult | None:
    manifest = (_done(clients, inference, "published") or {}).get("manifest", "")
    container, _, path = manifest.partition("/")
    record = RecordStore(clients.hub, container).get(Manifest, path) if manifest else None
    return (
        None
        if record is None
        else c.InferenceResult(run=inference.run, outcome=record.outcome, because=record.because, manifest=manifest)
    )


def _announced(clients: Clients, inference: c.Inference) -> RunOutcome | None:
    return next((outcome for outcome in _LAST if _done(clients, inference, f"announced-{outcome.value}")), None)


def _done(clients: Clients, inference: c.Inference, step: str) -> dict[str, str] | None:
    return clients.ledger.find(identity.effect_key(inference.run, step))
