"""Batch jobs: submit once under a deterministic name, look, cancel; and count what came out."""

from collections.abc import Sequence
from dataclasses import replace

from activities.effects import once, stamp
from activities.inference.online_scoring import score_online
from shared import contracts as c
from shared.application.blob_digests import blob_digest
from shared.application.inference.scoring import refuse_revoked_scoring
from shared.clients import Clients
from shared.domain import identity
from shared.domain.failures import Refused, Transient
from shared.domain.inference.job_logs import kind_of_error, last_error, printable_tail, script_place
from shared.domain.inference.routes import Workspace
from shared.domain.inference.runs import JobState, RowCount, RowMatch, RunOutcome, job_state, judge_rows
from shared.ports import BatchJob, Blob, HubFile
from shared.records import paths
from shared.records.inference import store_of
from shared.records.lists.rows import RUNS, keep_listed
from shared.records.store import RecordStore

_LOG_TAIL, _LOG_LINES = 64 * 1024, 500


def submit_job(clients: Clients, submission: c.Submission) -> c.Submitted:
    """Found or created by name. Raises Refused where the version that would score was revoked."""
    request = submission.inference
    score = request.route.score
    job = BatchJob(
        name=identity.job_name(request.run),
        scoring=score,
        datastore=request.hub.datastore,
        input_path=submission.input_path,
        output_path=submission.output_path,
        overrides=request.route.overrides,
    )

    def act() -> c.Submitted:
        if clients.ledger.find(identity.effect_key(request.run, "quarantined")):  # It was released: it goes on.
            keep_listed(clients.hub, request.hub.state, RUNS, request.run, {"outcome": ""})
        refuse_revoked_scoring(clients.statements, score)
        if score.online:
            return score_online(clients, submission)
        created_job = clients.jobs.submit(job)
        return c.Submitted(job=created_job.id, friendly_name=created_job.name)

    return once(clients, submission.key, c.Submitted, act)


def look_at_job(clients: Clients, look: c.JobLook) -> c.JobSeen:
    """Where the job stands; of one that failed also why, by its log. Online there is no job to wait for."""
    if look.route.score.online:
        return c.JobSeen(state=JobState.COMPLETED, status="Completed")
    job, workspace = clients.jobs.look(look.route.score, look.job), look.route.score.workspace
    cancel_asked = RecordStore(clients.hub, look.hub.state).exists(paths.order(look.run, "cancel"))
    state = job_state(job.status)
    job_seen = c.JobSeen(state=state, status=job.status, cancel_asked=cancel_asked, created=job.created)
    return explained(clients, workspace, look.job, job_seen) if state is JobState.FAILED else job_seen


def explained(clients: Clients, workspace: Workspace, job: str, end: c.JobSeen, script: str = "") -> c.JobSeen:
    """*end* with the error that the log of the failed *job* names, and the line of the *script* where it arose.

    Everybody reads why a job failed, so the reason has the class of the error alone: its words are the script's, and
    may hold data. A log that cannot be read keeps nobody waiting.
    """
    try:
        files = [file for file in clients.job_logs.files(workspace, job) if file.size]
        if not files:
            return end
        text = printable_tail(clients.job_logs.tail(workspace, files[0], _LOG_TAIL), _LOG_LINES)
        place, error = script_place(text, script), last_error(text)
    # The log only explains a failure that is known already. A fault here must not hide it or make the run wait.
    except (Refused, Transient) as fault:
        return replace(end, error=f"its log could not be read: {str(fault)[:200]}")
    because = end.because or f"the job ended as {end.status}"
    reason = ": ".join(filter(None, (because, place, kind_of_error(error))))
    return replace(end, because=reason, error=": ".join(filter(None, (place, error))), log=files[0].name)


def cancel_job(clients: Clients, cancellation: c.Cancellation) -> c.Done:
    """Cancel by id, or, where the run ended before it knew the id, by the name we gave."""
    score = cancellation.route.score

    def act() -> c.Done:
        # The answer to a submission may have been lost. The name follows from the run, so the job is found without its
        # id.
        job = "" if score.online else cancellation.job or _find_job(clients, cancellation)
        if job:
            clients.jobs.cancel(score.workspace, job)
        return c.Done(at=stamp(clients))

    return once(clients, cancellation.key, c.Done, act)


def reconcile_rows(clients: Clients, reconciling: c.Reconciling) -> c.Reconciled:
    """Match the output with the rows that went in, hash it, and judge whether every row has its prediction."""
    request = reconciling.inference
    blobs = sorted(clients.hub.list(request.hub.staging, f"{reconciling.output_path}/"), key=lambda blob: blob.path)
    if not blobs:
        raise Refused(f"the job completed and wrote nothing to {request.hub.staging}/{reconciling.output_path}")
    match = _match(clients, request, blobs)
    files = tuple(_hashed(clients, blob, match.records[blob.path]) for blob in blobs)
    count = RowCount(rows_in=reconciling.rows_in, rows_out=match.rows_out)
    policy, threshold = request.route.on_missing_rows, request.route.overrides.error_threshold
    outcome, because = judge_rows(count, policy, threshold, match)
    if match.differs:  # Apart from the sentence, since keys are data.
        store_of(clients.hub, request).create(paths.unmatched_keys(request.run), match.examples)
    # A failed result names no file, so that nothing can be published from it by mistake.
    result_files = () if outcome is RunOutcome.FAILED else files
    by = match.by if match.rows == count.rows_in else ()
    return c.Reconciled(
        outcome=outcome,
        because=because,
        rows_in=count.rows_in,
        rows_out=count.rows_out,
        files=result_files,
        matched_by=by,
    )


def _match(clients: Clients, request: c.Inference, outputs: Sequence[Blob]) -> RowMatch:
    """Against the pinned files; where the route says `match: lines`, the output alone is looked at."""
    pinned_blobs = (
        clients.hub.list(request.hub.staging, f"{paths.pinned(request.run)}/") if request.route.match_keys else ()
    )
    inputs = [HubFile(name=blob.path, blob=blob) for blob in pinned_blobs]
    return clients.data_checks.match(request.route.contract, inputs, [HubFile(name=b.path, blob=b) for b in outputs])


def _find_job(clients: Clients, cancellation: c.Cancellation) -> str:
    job = clients.jobs.find(cancellation.route.score, identity.job_name(cancellation.run))
    return job.id if job else ""


def _hashed(clients: Clients, blob: Blob, rows: int) -> c.OutputFile:
    sha256 = blob_digest(clients.hub, blob)
    return c.OutputFile(path=blob.path, etag=blob.etag, size=blob.size, sha256=sha256, rows=rows)
