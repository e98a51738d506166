"""What the records of a run say: its steps, the quarantine of its data, the end of its job, and repeated events."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from shared import contracts as c
from shared.clients import Clients
from shared.domain.access.permissions import Action
from shared.domain.data.data_measures import Example
from shared.domain.data.data_samples import plain_sentences, samples_of
from shared.domain.inference.routes import Route, Workspace
from shared.domain.inference.runs import RunOutcome
from shared.domain.teams.ownership import Belonging
from shared.records import paths as records
from shared.records.inference import GivenOrder, ReportedCheck, RunRecord, find_run, store_of
from shared.records.line_logs import newest_lines
from shared.records.store import RecordStore, read_json
from triggers.http.api_route import ApiRequest
from triggers.http.exchange.problems import Problem

_MOST_SENTENCES, _SENTENCE, _MOST_DUPLICATES = 20, 300, 500
_OF_CHECKS = (RunOutcome.FAILED, RunOutcome.QUARANTINED, RunOutcome.HELD)
_STEPS = (  # The effects of a run in the order in which they can happen.
    "gathered",
    "quarantined",
    "announced-quarantined",
    "submitted",
    "registered",
    "cancelled",
    "cancelled-adrift",
    "held",
    "announced-held",
    "published",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    step: str
    at: str
    result: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokenRule:
    """*count* values of *column*, or rows where it is empty, broke *rule* of the data contract.

    *samples* are up to ten of them, for who may `see_data` there.
    """

    rule: str
    column: str
    count: int
    samples: tuple[Example, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Quarantine:
    """Why data was set aside: *because* in sentences, *rules* with their counts. *rows* were checked.

    *report* and *files* are container/path in the hub. *waits*: a release is still waited for, *until* then at the
    longest; *may_release* names the roles, *told* the addresses that the route tells.
    """

    because: tuple[str, ...]
    rules: tuple[BrokenRule, ...]
    rows: int
    report: str
    files: str
    waits: bool
    may_release: str
    told: tuple[str, ...]
    until: str
    released_by: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldOutput:
    """Why the predictions of a run are not published: *because* in sentences, *rules* with their counts.

    *files* is where they lie, and the other fields are as those of a quarantine.
    """

    because: tuple[str, ...]
    rules: tuple[BrokenRule, ...]
    rows: int
    report: str
    files: str
    waits: bool
    may_release: str
    until: str
    released_by: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunJob:
    """The batch job of a run: *job* is Azure ML's id, *name* ours, *studio* its page where the cloud has one.

    Of a failed job *error* is the line of *log*, a file in the artifact store of the workspace, that says why. It is
    there for who may read the log, and so needs `check_data`.
    """

    job: str
    name: str
    studio: str = ""
    error: str = ""
    log: str = ""


def known_run(run: str, record: RunRecord | None) -> RunRecord:
    """*record*; raises Problem (404) if it is None."""
    if record is None:
        raise Problem(404, "no such run", f"run {run!r} is not recorded; `signalbox status` lists those there are")
    return record


def run_record(clients: Clients, run: str) -> RunRecord:
    """Raises Problem where there is no such run."""
    return known_run(run, find_run(clients.store, run))


def steps_of(clients: Clients, run: str) -> tuple[Step, ...]:
    """What the run has done so far, in its order."""
    steps = recorded_steps(clients.store, records.effects(run))
    return tuple(sorted(steps, key=lambda step: (_step_order(step.step), step.step)))


def recorded_steps(store: RecordStore, folder: str) -> list[Step]:
    """The effects that the ledger has in *folder*, by name."""
    return [
        Step(
            step=blob.path.rpartition("/")[2].removesuffix(".json"),
            at=blob.modified.isoformat(),
            result=store.document(blob.path),
        )
        for blob in store.blobs(folder)
    ]


def duplicates_of(clients: Clients, run: str) -> tuple[dict[str, Any], ...]:
    """The newest repeated events. The list is bounded, since anybody who may deliver an event may repeat it."""
    state, path = clients.configuration.hub.state, records.duplicates(run)
    return tuple(read_json(line) for line in newest_lines(clients.hub, state, path, _MOST_DUPLICATES))


def sees_data(request: ApiRequest, place: str, team: str) -> bool:
    """Whether the caller may see values of the data that *team* scores in *place*."""
    return request.clients.configuration.permissions.allows(request.caller, Action.SEE_DATA, place, team)


def quarantine_of(
    clients: Clients, inference: c.Inference, quarantine_step: Step, closed: bool, samples: bool
) -> Quarantine:
    """Why the data of the run was set aside in *quarantine_step*, and who may let it through; with *samples* or not."""
    run, route = inference.run, inference.route
    store = store_of(clients.hub, inference)
    report = store.get(ReportedCheck, records.data_report(run))
    release = store.get(GivenOrder, records.order(run, "release"))
    until = datetime.fromisoformat(quarantine_step.at) + timedelta(seconds=route.release_within_s)
    return Quarantine(
        because=sentences_of(report) if report else (),
        rules=tuple(broken_rule(finding, samples) for finding in report.findings) if report else (),
        rows=report.rows if report else 0,
        report=f"{store.container}/{records.data_report(run)}",
        files=str(quarantine_step.result["path"]),
        waits=release is None and not closed,
        may_release=_releasers(clients, route),
        told=route.tell,
        until=until.isoformat(),
        released_by=release.by if release else "",
        reason=release.reason if release else "",
    )


def held_output_of(
    clients: Clients, inference: c.Inference, hold_step: Step, closed: bool, samples: bool
) -> HeldOutput:
    """Why the predictions of the run were held in *hold_step*, and who may have them published as they are."""
    run, route, store = inference.run, inference.route, store_of(clients.hub, inference)
    report = store.get(ReportedCheck, records.output_report(run))
    release = store.get(GivenOrder, records.order(run, "release-output"))
    until = datetime.fromisoformat(hold_step.at) + timedelta(seconds=route.release_within_s)
    return HeldOutput(
        because=sentences_of(report) if report else (),
        rules=tuple(broken_rule(finding, samples) for finding in report.findings) if report else (),
        rows=report.rows if report else 0,
        report=f"{store.container}/{records.output_report(run)}",
        files=f"{inference.hub.staging}/{records.output_folder(run)}",
        waits=release is None and not closed,
        may_release=_releasers(clients, route),
        until=until.isoformat(),
        released_by=release.by if release else "",
        reason=release.reason if release else "",
    )


def _releasers(clients: Clients, route: Route) -> str:
    """The roles that may release what is held of a run of *route*, in words."""
    configuration = clients.configuration
    team = configuration.team_of(Belonging.ROUTE, route.name)
    return configuration.permissions.who_may(Action.RELEASE, route.score.workspace.name, team)


def job_of(clients: Clients, record: RunRecord, workspace: Workspace, submission: Step, log: bool) -> RunJob:
    """The job of the step *submission*, and, where it failed and with *log*, what its log said then."""
    job = str(submission.result["job"])
    return RunJob(
        job=job,
        name=str(submission.result["friendly_name"]),
        studio=clients.job_logs.studio(workspace, job),
        error=(record.job_error or "") if log else "",
        log=record.job_log or "",
    )


def sentences_of(report: ReportedCheck) -> tuple[str, ...]:
    """Why the check failed, without a value of the data."""
    return plain_sentences(report.summary, report.findings)[:_MOST_SENTENCES]


def reason_of(store: RecordStore, record: RunRecord) -> str:
    """Why the run ended so. An earlier release wrote the values into it that broke a rule."""
    because = record.because or ""
    for path in (records.data_report, records.output_report) if record.outcome in _OF_CHECKS else ():
        report = store.get(ReportedCheck, path(record.run))
        for sentence, plain in zip(report.summary, sentences_of(report), strict=False) if report else ():
            because = because.replace(sentence[:_SENTENCE], plain[:_SENTENCE])
    return because


def unmatched_keys(store: RecordStore, run: str) -> dict[str, tuple[str, ...]]:
    """Some keys of rows that are `missing` from the predictions of *run*, `repeated` in them, or `unknown`."""
    return store.get(dict[str, tuple[str, ...]], records.unmatched_keys(run)) or {}


def broken_rule(finding: Mapping[str, Any], samples: bool) -> BrokenRule:
    """The rule that *finding* of a report is about; with *samples*, the values that broke it."""
    return BrokenRule(
        rule=str(finding.get("rule", "")),
        column=str(finding.get("column") or ""),
        count=int(finding.get("count") or 0),
        samples=samples_of(finding) if samples else (),
    )


def _step_order(step: str) -> int:
    """The place of *step* among a run's effects; what concludes the run (announced, closed) comes last."""
    return _STEPS.index(step) if step in _STEPS else len(_STEPS)
