"""The log of the job of a run, or of a run of training, over HTTP: read with the app's own identity, bounded, and shown
without secrets."""

from dataclasses import dataclass
from typing import Annotated

from shared import contracts as c
from shared.clients import Clients
from shared.codec import decode
from shared.domain import identity
from shared.domain.inference.job_logs import LogFile, printable_tail
from shared.domain.inference.routes import Workspace
from shared.records.retraining import find_claim
from shared.validation.rules import Text, Whole
from triggers.http.api_route import ApiRequest
from triggers.http.exchange.problems import Problem
from triggers.http.inference.run_records import run_record

_MOST_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class LogWanted:
    """The last *lines* lines of *file*, by the name that the answer's list gives it; the most telling one without."""

    file: Annotated[str, Text(shortest=0, longest=1024)] = ""
    lines: Annotated[int, Whole(least=1, most=2000)] = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class LogRow:
    name: str
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class JobLog:
    """The end of *file*, one of *files* (bytes in each); *cut* says that more stands before *text*."""

    run: str
    job: str
    studio: str
    file: str
    text: str
    cut: bool
    files: tuple[LogRow, ...] = ()


def show_run_log(request: ApiRequest, run: str, query: LogWanted) -> JobLog:
    """The end of what the job of a run has logged: the file that says most of an error, or the one that is named."""
    clients = request.clients
    inference = run_record(clients, run).inference
    submission = clients.ledger.find(identity.effect_key(run, "submitted"))
    if submission is None or not submission["job"]:
        raise _no_job(run)
    return job_log(clients, run, str(submission["job"]), inference.route.score.workspace, query)


def show_training_log(request: ApiRequest, run: str, query: LogWanted) -> JobLog:
    """The end of what the pipeline's run has logged: the file that says most of an error, or the one that is named."""
    clients = request.clients
    claim = find_claim(clients.store, run)
    if claim is None:
        message = f"no run of training is called {run!r}; `signalbox retraining MODEL` lists them"
        raise Problem(404, "no such run", message)
    submission = clients.ledger.find(identity.retraining_key(run, "submitted"))
    if submission is None:
        raise _no_job(run)
    workspace = claim.request.rules.pipeline.workspace
    return job_log(clients, run, decode(c.TrainingSubmitted, submission).id, workspace, query)


def _no_job(run: str) -> Problem:
    message = f"run {run} has submitted no job, so there is no log; `signalbox explain {run}` says what it waits for"
    return Problem(404, "no job", message)


def job_log(clients: Clients, run: str, job: str, workspace: Workspace, query: LogWanted) -> JobLog:
    """The end of one file that *job* or one of its steps has logged."""
    files = clients.job_logs.files(workspace, job)
    file = _choose(run, files, query.file)
    data = clients.job_logs.tail(workspace, file, _MOST_BYTES) if file else b""
    text = printable_tail(data, query.lines)
    return JobLog(
        run=run,
        job=job,
        studio=clients.job_logs.studio(workspace, job),
        file=file.name if file else "",
        text=text,
        cut=file is not None and (file.size > len(data) or data.count(b"\n") > query.lines),
        files=tuple(LogRow(name=file.name, size=file.size) for file in files),
    )


def _choose(run: str, files: tuple[LogFile, ...], name: str) -> LogFile | None:
    """None where nothing is logged yet, and none is named."""
    if not name:
        return files[0] if files else None
    for file in files:
        if name in (file.name, file.path):
            return file
    paths = ", ".join(file.path for file in files[:10]) or "none yet"
    raise Problem(404, "no such file", f"run {run} has no log called {name!r}; there are: {paths}")
