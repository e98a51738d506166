"""What came of a trial: whether each row came back, and whether the online deployment answers it alike."""

import io
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice

from activities.inference.jobs import explained
from activities.online_rows import predictions_of, rows_request
from activities.promotion.evidence import Online
from activities.promotion.trials.jobs import TrialRows, trial_job, trial_options, trial_rows
from shared import contracts as c
from shared.clients import Clients
from shared.domain.gates.evidence import BatchTrial
from shared.domain.inference.routes import OnMissingRows
from shared.domain.inference.runs import JobState, RowCount, RunOutcome, job_state, judge_rows
from shared.domain.promotion.batch_outputs import AskedRow, compare_outputs
from shared.domain.promotion.bundles import MLFLOW_MODEL
from shared.ports import BatchJob, Blob, HubFile


def batch_trial(clients: Clients, order: c.StageOrder) -> BatchTrial:
    """The evidence of the gate, once the job has ended; a job that is gone has answered nothing."""
    job, rows = trial_job(clients, order), trial_rows(clients, order)
    nothing = BatchTrial(rows=len(rows.cells), answered=0, finding="", failed=True)
    found = clients.jobs.find(job.scoring, job.name)
    if found is None:
        return replace(nothing, finding=f"the batch job {job.name} is not in {job.scoring.workspace.name} any more")
    seen = clients.jobs.look(job.scoring, found.id)
    if (state := job_state(seen.status)) is not JobState.COMPLETED:
        end = c.JobSeen(state=state, status=seen.status)
        script = "" if order.plan.kind == MLFLOW_MODEL else order.at.stage.serving.batch_script
        because = explained(clients, job.scoring.workspace, found.id, end, script).because
        return replace(nothing, finding=because or f"the job ended as {seen.status}")
    outputs = sorted(_files(clients, job.output_path), key=lambda blob: blob.path)
    if not outputs:
        return replace(nothing, finding="the job completed and wrote nothing")
    counted = _counted(clients, order, job, len(rows.cells), outputs)
    return counted if counted.failed else _compared(clients, order, rows, outputs, counted)


def _counted(clients: Clients, order: c.StageOrder, job: BatchJob, rows_in: int, outputs: Sequence[Blob]) -> BatchTrial:
    """By the contract's keys. The script that Azure ML generates for an MLflow model writes none of them."""
    by_lines = trial_options(order).match == "lines" or order.plan.kind == MLFLOW_MODEL
    inputs = [] if by_lines else [HubFile(name=blob.path, blob=blob) for blob in _files(clients, job.input_path)]
    output_files = [HubFile(name=blob.path, blob=blob) for blob in outputs]
    match = clients.data_checks.match(order.plan.promotable.contract, inputs, output_files)
    count = RowCount(rows_in=rows_in, rows_out=match.rows_out)
    outcome, because = judge_rows(count, OnMissingRows.FAIL, 0, match)
    return BatchTrial(
        rows=rows_in, answered=match.rows_out, finding=because, failed=outcome is not RunOutcome.COMPLETED
    )


def _compared(
    clients: Clients, order: c.StageOrder, rows: TrialRows, outputs: Sequence[Blob], counted: BatchTrial
) -> BatchTrial:
    """With the online deployment asked about the same rows. Probabilities of classes are no one field to compare."""
    options, holdout, stage = trial_options(order), order.plan.promotable.holdout, order.at.stage
    if not options.compare or not stage.serving.online or holdout.classes:
        return counted
    online = Online(clients, stage.workspace, stage.serving.online)
    deployment = trial_job(clients, order).scoring.deployment
    features = [name for name in rows.table.header if name not in (holdout.target, holdout.key)]
    columns = [rows.column(name) for name in features]
    cells = list(zip(*columns, strict=True))
    answers = list[object]()
    for start in range(0, len(cells), holdout.batch_rows):
        part = cells[start : start + holdout.batch_rows]
        answers += predictions_of(online.ask(deployment, rows_request(features, part)), len(part), deployment)
    asked = [AskedRow(key=key, answer=answer) for key, answer in zip(rows.column(holdout.key), answers, strict=True)]
    lines = islice(_lines(clients, outputs), len(asked))
    difference = compare_outputs(lines, asked, options.tolerance, options.field)
    return replace(
        counted,
        compared=difference.compared,
        deviating=difference.deviating,
        tolerance=options.tolerance,
        example=difference.example,
    )


def _files(clients: Clients, folder: str) -> Iterator[Blob]:
    return clients.hub.list(clients.configuration.hub.staging, f"{folder}/")


def _lines(clients: Clients, outputs: Sequence[Blob]) -> Iterator[str]:
    for blob in outputs:
        with clients.hub.open(blob) as stream, io.TextIOWrapper(stream, "utf-8", errors="replace", newline="") as text:
            yield from text
