"""Compare the arrivals that the new version has scored with the champion, which scores the same pinned files again.

The champion's job is found or created by its name, and waited for by the looks themselves. Its output stays in staging.
"""

import io
import logging
import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from activities.rollout.replays import Bad, counted_pairs
from activities.rollout.watched_steps import WatchedStep
from shared.clients import Clients
from shared.domain import identity
from shared.domain.failures import Refused
from shared.domain.inference.runs import JobState, RunOutcome, job_state
from shared.domain.rollout.arrivals import OutputSample, pairs_of, sample_outputs
from shared.domain.rollout.policy import ERRORS, BatchShare, ComparedOutputs
from shared.domain.statistics.sequential.rollout_evidence import RolloutEvidence
from shared.ports import BatchJob, OutputBins
from shared.records import paths
from shared.records.inference import RunRecord, find_run
from shared.records.production.arrivals import ArrivalRecord, arrivals_of
from shared.records.production.rollouts import ReplayedPairs

_MOST_AT_ONCE = 5  # Arrivals of one look: each may be a job of the champion.
_JUDGED = (RunOutcome.COMPLETED, RunOutcome.PARTIAL, RunOutcome.FAILED)
_Pairs = list[tuple[Bad, Bad]]
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedArrivals:
    """The pairs of rows of the *runs*, none of which is compared again."""

    pairs: tuple[ReplayedPairs, ...] = ()
    runs: tuple[str, ...] = ()


def compare_arrivals(
    clients: Clients, watched: WatchedStep, evidence: RolloutEvidence, now: datetime
) -> ComparedArrivals:
    """The arrivals that both versions have scored by now, and no earlier look has compared.

    Raises Transient while Azure ML or the hub does not answer.
    """
    batch = watched.policy.batch
    number = int(now.timestamp()) // watched.policy.look.block_s
    is_late = any(part.replay.through >= number for part in evidence.comparisons.values())
    if batch is None or not watched.is_compared or watched.soaks or is_late:
        return ComparedArrivals()
    pairs, runs = _Pairs(), list[str]()
    for arrival in islice(_open_arrivals(clients, watched), _MOST_AT_ONCE):
        rows = _compared(clients, watched, batch, arrival)
        if rows is not None:
            pairs, runs = pairs + rows, [*runs, arrival.run]
    comparisons = watched.policy.test.compared(soaks=False) if pairs else ()
    counts = tuple(counted_pairs(comparison.name, number, pairs) for comparison in comparisons)
    return ComparedArrivals(pairs=counts, runs=tuple(runs))


def _open_arrivals(clients: Clients, watched: WatchedStep) -> Iterator[ArrivalRecord]:
    """Those that no look of this rollout has compared."""
    statements, served = clients.statements, watched.served
    steps = [part for record in watched.steps_before(statements) for part in (record.counts, record.last)]
    looks = [look.counts for look in watched.looks_before(statements)]
    compared = {run for counts in (*steps, *looks) for run in counts.arrivals}
    endpoint = watched.at.stage.serving.batch
    arrivals = arrivals_of(clients.store, served.workspace.name, endpoint, watched.arms.canary)
    return (arrival for arrival in arrivals if arrival.run not in compared)


def _compared(clients: Clients, watched: WatchedStep, batch: BatchShare, arrival: ArrivalRecord) -> _Pairs | None:
    """The rows of one arrival, or the whole arrival where one of the two has failed; None while one is at work.

    Nothing where no version is to blame: the data was bad, somebody cancelled the run, or the champion is gone.
    """
    run = find_run(clients.store, arrival.run)
    if run is None or run.outcome is None:
        return None
    was_submitted = clients.ledger.find(identity.effect_key(arrival.run, "submitted")) is not None
    # A run that failed before its job was submitted failed by its data or its set-up, which no version is to blame for.
    if run.outcome not in _JUDGED or not was_submitted:
        return []
    try:
        state = _champion_state(clients, run, arrival)
    except Refused as refusal:
        _log.warning("run %s is not compared with the champion: %s", arrival.run, refusal)
        return []
    if state is JobState.ACTIVE:
        return None
    if run.outcome is RunOutcome.FAILED or state is not JobState.COMPLETED:
        return [({ERRORS: run.outcome is RunOutcome.FAILED}, {ERRORS: state is not JobState.COMPLETED})]
    canary, champion = (_sample(clients, run, batch, folder) for folder in ("output", "champion-output"))
    outputs = watched.policy.compare.outputs
    return [(_bad(outputs, own), _bad(outputs, theirs)) for own, theirs in pairs_of(canary, champion)]


def _champion_state(clients: Clients, run: RunRecord, arrival: ArrivalRecord) -> JobState:
    """Where the champion's job on the same files stands; it is created here. Raises Refused where it cannot be."""
    request = run.inference
    job = BatchJob(
        name=identity.job_name(f"{run.run}-champion"),
        scoring=arrival.champion,
        datastore=request.hub.datastore,
        input_path=paths.pinned(run.run),
        output_path=f"runs/{run.run}/champion-output",
        overrides=request.route.overrides,
    )
    submitted = clients.jobs.submit(job)
    return job_state(clients.jobs.look(arrival.champion, submitted.id).status)


def _sample(clients: Clients, run: RunRecord, batch: BatchShare, folder: str) -> OutputSample:
    lines = _lines(clients, run.inference.hub.staging, f"runs/{run.run}/{folder}/")
    return sample_outputs(lines, batch.rows, field=batch.field, delimiter=batch.delimiter)


def _lines(clients: Clients, container: str, folder: str) -> Iterator[str]:
    """The lines of all files in *folder*, one at a time."""
    for blob in sorted(clients.hub.list(container, folder), key=lambda blob: blob.path):
        with clients.hub.open(blob) as stream, io.TextIOWrapper(stream, "utf-8", errors="replace", newline="") as text:
            yield from text


def _bad(outputs: ComparedOutputs | None, output: str | None) -> Bad:
    """By comparison: a row that was left out is an error, and is in no bin."""
    bad = {ERRORS: output is None}
    if outputs is not None and output is not None:
        bins = OutputBins(edges=outputs.edges, classes=outputs.classes)
        place = bins.bin_of(output if outputs.classes else _number(output))
        bad |= {name: at == (bins.size if place is None else place) for at, name in enumerate(outputs.names)}
    return bad


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return None if math.isnan(number) else number
