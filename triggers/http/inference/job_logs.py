"""The log of the job of a run, or of a run of training, over HTTP: read with the app's own identity, bounded, and shown
without secrets."""

import asyncio

from shared import contracts as c
from shared.clients import Clients
from shared.codec import decode
from shared.domain import identity
from shared.domain.inference.job_logs import LogFile, printable_tail
from shared.domain.inference.routes import Workspace
from shared.records.retraining import find_claim
from triggers.http.inference.run_records import run_record
from triggers.http.problems import Problem
from triggers.http.requests import LogWanted
from triggers.http.responses import work as answers

_MOST_BYTES = 256 * 1024


async def show(clients: Clients, run: str, wanted: LogWanted) -> answers.JobLog:
    """Raises Problem where there is no such run, job or file."""
    return await asyncio.to_thread(_show, clients, run, wanted)


async def show_of_training(clients: Clients, run: str, wanted: LogWanted) -> answers.JobLog:
    """The log of the pipeline's run. Raises Problem where there is no such run of training, job or file."""
    return await asyncio.to_thread(_show_of_training, clients, run, wanted)


def _show(clients: Clients, run: str, wanted: LogWanted) -> answers.JobLog:
    inference = run_record(clients, run).inference
    submission = clients.ledger.find(identity.effect_key(run, "submitted"))
    if submission is None:
        raise _no_job(run)
    return job_log(clients, run, str(submission["job"]), inference.route.score.workspace, wanted)


def _show_of_training(clients: Clients, run: str, wanted: LogWanted) -> answers.JobLog:
    claim = find_claim(clients.store, run)
    if claim is None:
        message = f"no run of training is called {run!r}; `signalbox retraining MODEL` lists them"
        raise Problem(404, "no such run", message)
    submission = clients.ledger.find(identity.retraining_key(run, "submitted"))
    if submission is None:
        raise _no_job(run)
    workspace = claim.request.rules.pipeline.workspace
    return job_log(clients, run, decode(c.TrainingSubmitted, submission).id, workspace, wanted)


def _no_job(run: str) -> Problem:
    message = f"run {run} has submitted no job, so there is no log; `signalbox explain {run}` says what it waits for"
    return Problem(404, "no job", message)


def job_log(clients: Clients, run: str, job: str, workspace: Workspace, wanted: LogWanted) -> answers.JobLog:
    """The end of one file that *job* or one of its steps has logged."""
    files = clients.job_logs.files(workspace, job)
    file = _chosen(run, files, wanted.file)
    data = clients.job_logs.tail(workspace, file, _MOST_BYTES) if file else b""
    text = printable_tail(data, wanted.lines)
    return answers.JobLog(
        run=run,
        job=job,
        studio=clients.job_logs.studio(workspace, job),
        file=file.name if file else "",
        text=text,
        cut=file is not None and (file.size > len(data) or data.count(b"\n") > wanted.lines),
        files=tuple(answers.LogRow(name=each.name, size=each.size) for each in files),
    )


def _chosen(run: str, files: tuple[LogFile, ...], name: str) -> LogFile | None:
    """None where nothing is logged yet, and none is named."""
    if not name:
        return files[0] if files else None
    for file in files:
        if name in (file.name, file.path):
            return file
    known = ", ".join(file.path for file in files[:10]) or "none yet"
    raise Problem(404, "no such file", f"run {run} has no log called {name!r}; there are: {known}")
