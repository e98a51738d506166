"""What the records of a run say: its steps, the quarantine of its data, the end of its job, and repeated events."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from shared import contracts as c
from shared.clients import Clients
from shared.domain.access.permissions import Action
from shared.domain.inference.routes import Route, Workspace
from shared.domain.teams.ownership import Belonging
from shared.records import paths as records
from shared.records.inference import GivenOrder, ReportedCheck, RunRecord, find_run, store_of
from shared.records.line_logs import newest_lines
from shared.records.store import read_json
from triggers.http.exchange.problems import Problem

_MOST_SENTENCES, _MOST_DUPLICATES = 20, 500
_STEPS = (  # The effects of a run in the order in which they can happen.
    "gathered",
    "quarantined",
    "announced-quarantined",
    "submitted",
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
    """*count* values of *column*, or rows where it is empty, broke *rule* of the data contract."""

    rule: str
    column: str
    count: int


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

    Of a failed job *error* is the line of *log*, a file in the artifact store of the workspace, that says why.
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
    store = clients.store
    steps = [
        Step(
            step=blob.path.rpartition("/")[2].removesuffix(".json"),
            at=blob.modified.isoformat(),
            result=store.document(blob.path),
        )
        for blob in store.blobs(records.effects(run))
    ]
    return tuple(sorted(steps, key=lambda step: (_step_order(step.step), step.step)))


def duplicates_of(clients: Clients, run: str) -> tuple[dict[str, Any], ...]:
    """The newest repeated events. The list is bounded, since anybody who may deliver an event may repeat it."""
    state, path = clients.configuration.hub.state, records.duplicates(run)
    return tuple(read_json(line) for line in newest_lines(clients.hub, state, path, _MOST_DUPLICATES))


def quarantine_of(clients: Clients, inference: c.Inference, quarantine_step: Step, closed: bool) -> Quarantine:
    """Why the data of the run was set aside in *quarantine_step*, and who may let it through."""
    run, route = inference.run, inference.route
    store = store_of(clients.hub, inference)
    report = store.get(ReportedCheck, records.data_report(run))
    release = store.get(GivenOrder, records.order(run, "release"))
    until = datetime.fromisoformat(quarantine_step.at) + timedelta(seconds=route.release_within_s)
    return Quarantine(
        because=report.summary[:_MOST_SENTENCES] if report else (),
        rules=tuple(broken_rule(finding) for finding in report.findings) if report else (),
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


def held_output_of(clients: Clients, inference: c.Inference, hold_step: Step, closed: bool) -> HeldOutput:
    """Why the predictions of the run were held in *hold_step*, and who may have them published as they are."""
    run, route, store = inference.run, inference.route, store_of(clients.hub, inference)
    report = store.get(ReportedCheck, records.output_report(run))
    release = store.get(GivenOrder, records.order(run, "release-output"))
    until = datetime.fromisoformat(hold_step.at) + timedelta(seconds=route.release_within_s)
    return HeldOutput(
        because=report.summary[:_MOST_SENTENCES] if report else (),
        rules=tuple(broken_rule(finding) for finding in report.findings) if report else (),
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


def job_of(clients: Clients, record: RunRecord, workspace: Workspace, submission: Step) -> RunJob:
    """The job of the step *submission*, and, where it failed, what its log said then."""
    job = str(submission.result["job"])
    return RunJob(
        job=job,
        name=str(submission.result["friendly_name"]),
        studio=clients.job_logs.studio(workspace, job),
        error=record.job_error or "",
        log=record.job_log or "",
    )


def broken_rule(finding: Mapping[str, Any]) -> BrokenRule:
    """The rule that *finding* of a report is about."""
    return BrokenRule(
        rule=str(finding.get("rule", "")), column=str(finding.get("column") or ""), count=int(finding.get("count") or 0)
    )


def _step_order(step: str) -> int:
    """The place of *step* among a run's effects; what concludes the run (announced, closed) comes last."""
    return _STEPS.index(step) if step in _STEPS else len(_STEPS)
