"""Why a run is where it is: the quarantine of its data, the end of its job. From the run's own records."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from shared import contracts as c
from shared.clients import Clients
from shared.domain.access.permissions import Action
from shared.domain.inference.routes import Workspace
from shared.records import paths as records
from shared.records.inference import GivenOrder, ReportedCheck, RunRecord, store_of
from triggers.http.responses import work as answers

_SENTENCES = 20


def quarantine_of(
    clients: Clients, inference: c.Inference, set_aside: answers.Step, closed: bool
) -> answers.Quarantine:
    """Why the data of the run was *set_aside*, and who may let it through."""
    run, route = inference.run, inference.route
    store = store_of(clients.hub, inference)
    report = store.get(ReportedCheck, records.data_report(run))
    release = store.get(GivenOrder, records.order(run, "release"))
    until = datetime.fromisoformat(set_aside.at) + timedelta(seconds=route.release_within_s)
    return answers.Quarantine(
        because=report.summary[:_SENTENCES] if report else (),
        rules=tuple(_rule(finding) for finding in report.findings) if report else (),
        rows=report.rows if report else 0,
        report=f"{store.container}/{records.data_report(run)}",
        files=str(set_aside.result["path"]),
        waits=release is None and not closed,
        may_release=clients.configuration.permissions.who_may(Action.RELEASE, route.score.workspace.name),
        told=route.tell,
        until=until.isoformat(),
        released_by=release.by if release else "",
        reason=release.reason if release else "",
    )


def job_of(clients: Clients, record: RunRecord, workspace: Workspace, submitted: answers.Step) -> answers.RunJob:
    """The job that was *submitted*, and, where it failed, what its log said then."""
    job = str(submitted.result["job"])
    return answers.RunJob(
        job=job,
        name=str(submitted.result["friendly_name"]),
        studio=clients.job_logs.studio(workspace, job),
        error=record.job_error or "",
        log=record.job_log or "",
    )


def _rule(finding: Mapping[str, Any]) -> answers.BrokenRule:
    return answers.BrokenRule(
        rule=str(finding.get("rule", "")), column=str(finding.get("column") or ""), count=int(finding.get("count") or 0)
    )
